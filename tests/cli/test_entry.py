"""The first argument decides: an address starts the module, everything else is the command line."""

import functools
import os
import subprocess
import sys

import pytest

import pi_drivers.__main__ as entry
import pi_drivers.cli.commands
import pi_drivers.module
from pi_drivers.__main__ import is_module_start


@pytest.mark.parametrize(
    "first",
    [
        "/tmp/viam-module-x/m.sock",
        "m.sock",
        "./m.sock",
        "/run/anything",
        "127.0.0.1:8080",
        "localhost:0",
        "[::1]:99",
    ],
)
def test_an_address_starts_the_module(first):
    assert is_module_start([first, "--log-level=debug"])


@pytest.mark.parametrize("argv", [[], ["demo"], ["check", "/a/b.json"], ["--help"], ["/a/b.json"], ["up"], ["a:b"]])
def test_anything_else_is_the_command_line(argv):
    assert not is_module_start(argv)


def test_the_package_can_be_started_and_lists_its_commands():
    done = subprocess.run([sys.executable, "-m", "pi_drivers", "--help"], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in ("check", "demo", "up"))
    assert "..." not in done.stdout.partition("Commands:")[2], "the line of a command is cut short"
    assert done.stderr == ""


def test_an_unknown_command_is_refused_with_status_two():
    done = subprocess.run([sys.executable, "-m", "pi_drivers", "dmeo"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "No such command 'dmeo'" in done.stderr


@pytest.mark.parametrize(("first", "started"), [("/tmp/m.sock", "module"), ("demo", "command line")])
def test_what_the_arguments_ask_for_is_started_and_its_status_handed_back(first, started, monkeypatch):
    seen: list[tuple[str, list[str]]] = []

    def note(who: str, argv: list[str]) -> int:
        seen.append((who, argv))
        return 7

    monkeypatch.setattr(pi_drivers.module, "main", functools.partial(note, "module"))
    monkeypatch.setattr(pi_drivers.cli.commands, "main", functools.partial(note, "command line"))
    monkeypatch.setattr(sys, "argv", ["pi_drivers", first, "--log-level=info"])

    assert entry.main() == 7
    assert seen == [(started, [first, "--log-level=info"])]


def test_a_library_that_is_damaged_is_told_with_the_way_to_start_anew(tmp_path):
    (tmp_path / "click.py").write_text("import a_part_that_is_missing")

    done = subprocess.run(
        [sys.executable, "-m", "pi_drivers", "--help"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "No module named 'a_part_that_is_missing'" in done.stderr
    assert f"If a library is damaged, remove {sys.prefix}: the next start of run.sh makes it anew." in done.stderr
