"""The doctor on a kernel with real buses: it lists what is there, and a bus that hangs hides none of the others.

The chips on the bus outside are played, and hang when they are told to.
"""

import json
import subprocess
from pathlib import Path

import pytest

from pi_drivers.cli.checks import judge
from pi_drivers.cli.reading import machine_from_text
from tests.hil.environment import make_environment
from tests.hil.outside_chips import OutsideChips
from tests.module.child import REPOSITORY

PATIENCE_S = 90.0

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What run.sh starts in."""
    return make_environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture
def chips(player: OutsideChips) -> OutsideChips:
    """The bus outside with two sensors on it."""
    player.tell("clear")
    player.tell("plug sht31@0x44")
    player.tell("plug bme280@0x77")
    return player


def run_sh(environment: Path, *arguments: str) -> Done:
    """A command, as a user gives it."""
    command = [str(REPOSITORY / "run.sh"), *arguments]
    done = subprocess.run(
        command, env={"PI_DRIVERS_VENV": str(environment), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    return done


def places(report: str) -> list[str]:
    """Where something is connected, as the report has it."""
    lines = report.partition("\nConnected\n")[2].partition("\n\n")[0].splitlines()
    return [line.strip().partition(": ")[0] for line in lines if line.startswith("  ") and line[2] != " "]


def test_chips_and_chip_selects_are_listed_with_a_machine_config_that_has_no_problems(
    environment: Path, chips: OutsideChips
):
    done = run_sh(environment, "doctor", "--json")
    listed = places(done.stderr)

    assert done.returncode == 0
    assert {f"i2c-{chips.bus} 0x44", f"i2c-{chips.bus} 0x77", "spi-0 0"} <= set(listed)
    machine = json.loads(done.stdout)
    sensors = {one["model"].rpartition(":")[2]: one["attributes"] for one in machine["components"]}
    assert sensors["sht31"] == {"i2c_bus": chips.bus, "i2c_addr": "0x44"}
    assert sensors["bme280"] == {"i2c_bus": chips.bus, "i2c_addr": "0x77"}

    assert judge(machine_from_text(done.stdout, "what the doctor wrote")).problems == []


def test_without_a_scan_nobody_on_the_bus_hears_of_it(environment: Path, chips: OutsideChips):
    chips.seen()
    done = run_sh(environment, "doctor", "--no-scan")

    assert "no Raspberry Pi" in done.stdout
    assert "Connected" not in done.stdout
    assert chips.seen() == []


def test_a_bus_that_hangs_is_told_and_the_others_are_listed(environment: Path, chips: OutsideChips):
    chips.tell("hang 0x44 1000")
    done = run_sh(environment, "doctor")

    assert any(place.startswith("i2c-") for place in places(done.stdout))
    assert f"i2c-{chips.bus}" in done.stdout.partition("Not looked at")[2]
