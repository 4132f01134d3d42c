"""The page on containers, as far as it can be told without Docker: what it copies is there, what it runs exists."""

import os
import re
import shlex

import click
import pytest

from pi_drivers.cli.commands import cli
from tests.docs.pages import ROOT, blocks, only_block

PAGE = "docs/containers.md"
DOCKERFILE = only_block(PAGE, "dockerfile")
LINES = [line for block in blocks(PAGE, "sh") for line in block.text.replace("\\\n", " ").splitlines()]
RUNS = [line for line in LINES if line.startswith("docker run")]
IMAGE = "pi-drivers"


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def test_what_is_added_is_what_the_build_writes_into_the_folder_that_docker_is_given():
    (source, target) = instructions("ADD")[0].split()
    build = next(line for line in LINES if line.startswith("docker build"))
    assert (ROOT / "build.sh").read_text(encoding="utf-8").count(f"{build.split()[-1]}/{source}")
    assert target == "/opt/pi-drivers/"


def test_what_the_image_runs_is_in_the_archive_and_can_be_run():
    (contents,) = re.findall(r'^contents="(.*)"$', (ROOT / "build.sh").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"/opt/pi-drivers/(\w+\.sh)", DOCKERFILE)
    assert set(named) == {"setup.sh", "run.sh"}
    for script in named:
        assert script in contents.split()
        assert os.access(ROOT / script, os.X_OK)


def test_the_last_word_on_who_runs_it_is_a_user_without_rights():
    (user,) = instructions("USER")
    assert user != "root"
    assert f"useradd --create-home {user}" in DOCKERFILE
    assert DOCKERFILE.rindex("FROM ") < DOCKERFILE.index("USER ")


def test_there_are_runs_to_look_at():
    assert len(RUNS) >= 5


@pytest.mark.parametrize("line", RUNS)
def test_every_command_after_the_image_is_one_of_this_module_with_options_it_has(line):
    words = shlex.split(line)
    name, *arguments = words[words.index(IMAGE) + 1 :]
    command = cli.commands[name]
    command.make_parser(click.Context(command)).parse_args(arguments)


@pytest.mark.parametrize("line", RUNS)
def test_every_run_sees_the_machine_that_it_names_and_cannot_write_to_it(line):
    for machine in re.findall(r" (/machines/\w+\.json)", line):
        (mount,) = re.findall(r"-v \"\$PWD/(\w+):/machines:ro\"", line)
        assert mount == "machines" or (ROOT / mount / machine.rpartition("/")[2]).exists()


@pytest.mark.parametrize("line", [line for line in RUNS if "--device" in line])
def test_real_motors_are_given_the_host_s_processes_and_each_device_its_group(line):
    assert "--pid host" in line
    for device in re.findall(r"--device (\S+)", line):
        assert f'--group-add "$(stat -c %g {device})"' in line


def test_the_service_runs_what_the_page_runs():
    (compose,) = blocks(PAGE, "yaml")
    command = re.search(r"command: (.*)", compose.text)
    assert command
    assert RUNS[-1].endswith(f"{IMAGE} {command[1]}")
