"""`doctor` as a user has it: on a terminal, in a pipe, and with readers that leave."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

DOCTOR = [sys.executable, "-m", "pi_drivers", "doctor", "--backend", "mock"]
CALM = {**os.environ, "PYTHONDEVMODE": "", "PYTHONUNBUFFERED": "", "TERM": "xterm-256color", "COLUMNS": "40"}
PATIENCE_S = 30


def on_a_terminal(**env: str) -> str:
    """What the doctor shows on a terminal that is 40 columns wide."""
    screen, line = pty.openpty()
    with subprocess.Popen(DOCTOR, stdout=line, stderr=line, stdin=line, env={**CALM, **env}) as process:
        os.close(line)
        shown = b""
        while chunk := _read(screen):
            shown += chunk
        process.wait(PATIENCE_S)
    os.close(screen)
    return shown.decode().replace("\r\n", "\n")


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 4096)
    except OSError:  # the other end is closed
        return b""


def in_a_pipe(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The doctor with its output in pipes."""
    return subprocess.run(
        [*DOCTOR, *arguments], capture_output=True, text=True, check=False, env=CALM, timeout=PATIENCE_S
    )


def test_a_terminal_gets_colours_and_no_line_is_broken_however_narrow_it_is():
    shown = on_a_terminal(NO_COLOR="")

    assert "\x1b[" in shown
    assert "the simulated Pi, which has every bus and lacks nothing\n" in shown


def test_who_wants_no_colours_gets_none():
    assert "\x1b[3" not in on_a_terminal(NO_COLOR="1")


def test_a_pipe_gets_plain_text():
    done = in_a_pipe()

    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "ok      machine: the simulated Pi, which has every bus and lacks nothing\n" in done.stdout


def test_with_json_stdout_has_that_alone():
    done = in_a_pipe("--json")

    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout)["components"], list)
    assert "machine: the simulated Pi" in done.stderr


def test_a_reader_who_leaves_early_is_no_error():
    command = f"'{sys.executable}' -m pi_drivers doctor --backend mock | head -n 1; echo"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=True, env=CALM, timeout=PATIENCE_S
    )

    assert done.stdout.startswith("Machine")
    assert done.stderr == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--no-scan"], 0), (["--json"], 1)])
def test_an_output_that_takes_nothing_leaves_no_traceback_and_a_lost_machine_config_is_told(
    arguments, status, unbuffered
):
    env = {**CALM, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*DOCTOR, *arguments], stdout=full, stderr=subprocess.PIPE, check=False, env=env, timeout=PATIENCE_S
        )

    assert b"Traceback" not in done.stderr
    assert (b"could not be written: No space left" in done.stderr) == bool(status)
    assert done.returncode == status


def test_this_very_machine_is_looked_at_without_a_traceback():
    command = [sys.executable, "-m", "pi_drivers", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=CALM, timeout=PATIENCE_S)

    assert done.returncode in {0, 1}
    assert done.stdout.startswith("Machine\n")
    assert done.stderr == ""
