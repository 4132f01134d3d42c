"""The first argument decides: an address starts the module, everything else is the command line."""

import subprocess
import sys

import pytest

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
    assert done.stderr == ""


def test_an_unknown_command_is_refused_with_status_two():
    done = subprocess.run([sys.executable, "-m", "pi_drivers", "dmeo"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "No such command 'dmeo'" in done.stderr
