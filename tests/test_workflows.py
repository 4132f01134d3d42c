"""The workflows on GitHub: what they use is pinned, what they run is there, and they get no more than they need."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+)*")
PUBLISH = (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")


def texts(pattern: str, workflow: Path) -> list[str]:
    return re.findall(pattern, workflow.read_text(encoding="utf-8"), re.MULTILINE)


def command_named(name: str) -> str:
    """The one-line command of a step of the publishing workflow."""
    found = re.search(rf"- name: {re.escape(name)}\n +run: (.*)$", PUBLISH, re.MULTILINE)
    assert found is not None
    return found[1]


def test_there_is_one_for_tests_and_one_for_the_registry():
    assert [workflow.name for workflow in WORKFLOWS] == ["publish.yml", "tests.yml"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside(workflow):
    used = texts(r"uses: .*$", workflow)

    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_it_may_only_read_has_an_end_and_keeps_no_credentials(workflow):
    assert texts(r"^permissions:\n((?:  .*\n)+)", workflow) == ["  contents: read\n"]
    jobs = texts(r"^  [\w-]+:\n    runs-on:", workflow)
    assert len(texts(r"^    timeout-minutes: \d+$", workflow)) == len(jobs) > 0
    assert len(texts(r"uses: actions/checkout@", workflow)) == len(texts(r"persist-credentials: false", workflow))
    assert texts(r"^concurrency:$", workflow)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_of_a_secret_or_of_the_event_stands_within_a_command(workflow):
    text = workflow.read_text(encoding="utf-8")
    commands = re.findall(r"run: (?:\|\n((?: {10,}.*\n)+)|(.*))", text)

    assert commands
    assert [command for command in commands if "${{" in "".join(command)] == []
    assert set(re.findall(r"\$\{\{ (.*?) \}\}", text)) <= {
        "matrix.python", "github.ref", "secrets.VIAM_KEY_ID", "secrets.VIAM_KEY_VALUE",
    }  # fmt: skip


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_the_scripts_and_tests_it_runs_are_there(workflow):
    named = set(texts(r"(?<![\w/])(?:\./[\w./-]+\.sh|tests/[\w/]+(?:\.py|\b))", workflow))

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_the_archive_s_start_on_an_empty_machine_is_tested_and_not_left_out(workflow):
    before, allowed, after = workflow.read_text(encoding="utf-8").partition("apparmor_restrict_unprivileged_userns=0\n")

    assert allowed
    assert "./tests/run.sh" in after
    assert "./tests/run.sh" not in before


def test_each_python_that_the_package_takes_is_tested():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert 'requires-python = ">=3.11,<3.14"' in project
    assert 'python: ["3.11", "3.12", "3.13"]' in (ROOT / ".github" / "workflows" / "tests.yml").read_text()


@pytest.mark.parametrize(("tag", "status"), [("v{}", 0), ("v{}.1", 1), ("{}", 1), ("v9.9.9", 1)])
def test_only_the_tag_of_the_version_is_published(tag, status):
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    command = command_named("The tag is the version in pyproject.toml")

    done = subprocess.run(["sh", "-c", command], cwd=ROOT, env={"GITHUB_REF_NAME": tag.format(version[1]),
                          "PATH": "/usr/bin:/bin"}, check=False)  # fmt: skip

    assert done.returncode == status
