"""The demo drives its rover for as long as it was told, on a terminal and in a pipe."""

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from pi_drivers.cli import demo
from pi_drivers.cli.checks import judge
from pi_drivers.cli.demo_view import Snapshot, Wheel, view
from pi_drivers.cli.reading import read_machine

SNAPSHOT = Snapshot(1.5, "a rest", [Wheel("left", -0.5, 1.25, 500)], {"temperature_c": 21.5})


def test_the_rover_turns_its_wheels_counts_ticks_and_reads_the_air(capfd, run):
    with view() as show:
        run(demo.run_demo(5, show))

    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["0.2 s", "1.0 s", "2.0 s", "3.0 s", "4.0 s", "5.0 s"]
    assert "straight on: left +80%" in lines[1]
    assert "temperature_c" in lines[1]
    assert ticks_of(lines[5]) > ticks_of(lines[2]) > ticks_of(lines[1]) > 0


def ticks_of(line: str) -> int:
    return int(line.partition(" ticks")[0].rpartition(" ")[2])


def test_on_a_terminal_a_table_changes_in_place():
    screen = io.StringIO()
    with view(Console(file=screen, force_terminal=True, width=100)) as show:
        show(SNAPSHOT)

    assert "left wheel" in screen.getvalue()
    assert "-50%" in screen.getvalue()
    assert "air: temperature_c 21.50" in screen.getvalue()


def test_in_a_pipe_a_line_comes_at_most_once_a_second():
    pipe = io.StringIO()
    with view(Console(file=pipe)) as show:
        for time_s in (1.0, 1.5, 2.1):
            show(SNAPSHOT._replace(time_s=time_s, air="no answer"))

    assert pipe.getvalue().splitlines() == [
        "1.0 s, a rest: left -50% 1.25 turns 500 ticks; air: no answer",
        "2.1 s, a rest: left -50% 1.25 turns 500 ticks; air: no answer",
    ]


def test_the_examples_have_no_problems():
    examples = sorted(demo.ROVER.parent.glob("*.json"))

    assert demo.ROVER in examples
    for example in examples:
        assert judge(read_machine(example)).problems == [], example.name


def test_a_reader_who_leaves_early_is_no_error():
    command = f"'{sys.executable}' -m pi_drivers demo --duration 1.5 | head -n 1; echo"
    # Development mode would also tell how long the loop took to start.
    calm = {**os.environ, "PYTHONDEVMODE": "", "PYTHONUNBUFFERED": ""}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, env=calm)

    assert "straight on" in done.stdout
    assert done.stderr == ""


def test_an_output_that_takes_nothing_ends_it_without_a_traceback():
    calm = {**os.environ, "PYTHONDEVMODE": "", "PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-m", "pi_drivers", "demo", "--duration", "15"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, env=calm, timeout=10)

    assert (done.returncode, done.stderr) == (0, b"")
