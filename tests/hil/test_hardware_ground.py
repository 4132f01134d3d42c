"""The suite for a wired Pi, tried on simulated jumpers: what is to find faults on a Pi must not be at fault itself.

The jumpers of the simulated kernel carry a level some milliseconds late, so only those tests are run that allow it.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pi_drivers.buses.gpio.real_chip import find_chip
from tests.contract.jumpers import JUMPERS

PATIENT = (
    "test_an_input_reads_what_is_on_the_wire",
    "test_what_drives_the_wire_is_stronger_than_the_pull",
    "test_a_servo_goes_limp_with_pulse_0",
)


@pytest.fixture(autouse=True)
def simulated_only(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("real jumpers need no play")


@contextmanager
def jumpers(*pairs: tuple[int, int]) -> Iterator[None]:
    """Join lines of the simulated header."""
    lines = next(Path("/sys/devices/platform").glob(f"gpio-sim.*/{find_chip().name}"))
    command = [sys.executable, "-m", "tests.hil.jumpers", str(lines), *(f"{a}:{b}" for a, b in pairs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as player:
        assert player.stdout is not None
        assert player.stdout.readline() == b"ok\n"
        yield
        assert player.stdin is not None
        player.stdin.close()


def run_suite(*names: str) -> str:
    """What pytest says of the contract suites on the ground for a wired Pi."""
    command = [sys.executable, "-m", "pytest", "tests/contract", "--ground=hardware", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [*command, "-k", " or ".join(names)], stdout=subprocess.PIPE, text=True, check=False, timeout=60
    )
    return done.stdout


def test_the_suite_for_a_wired_pi_passes_on_its_jumpers():
    with jumpers(*JUMPERS.items()):
        said = run_suite(*PATIENT)

    assert f"{len(PATIENT)} passed" in said, said


def test_a_jumper_that_is_missing_is_named_and_its_tests_are_skipped():
    with jumpers((17, 18), (6, 12)):
        said = run_suite(PATIENT[0])

    assert "1 skipped" in said
    assert "no jumper from GPIO22 (pin 15) to GPIO23 (pin 16)" in said
