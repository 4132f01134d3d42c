"""From what is plugged into the simulated Pi to a machine that runs: what a newcomer does in the first ten minutes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_drivers import host as hosts
from pi_drivers.cli.commands import main
from pi_drivers.host.mock import MockHost
from pi_drivers.models.sensor.bh1750 import Bh1750Twin
from pi_drivers.models.sensor.sht31 import Sht31Twin
from pi_drivers.world.world import World

RunUp = Callable[..., int]


@pytest.fixture
def world(run_up: RunUp) -> World:
    """The world of a simulated Pi with two sensors. Its time is the robot's."""
    host = hosts.get("mock")
    assert isinstance(host, MockHost)
    host.world.i2c(1).plug_in(0x44, Sht31Twin(host.world))
    host.world.i2c(1).plug_in(0x23, Bh1750Twin(host.world))
    return host.world


def machine(directory: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """What `doctor --json` writes."""
    assert main(["doctor", "--backend", "mock", "--json"]) == 0
    path = directory / "machine.json"
    path.write_text(capfd.readouterr().out)
    return path


def test_two_sensors_become_a_machine_that_has_no_problems_and_runs(tmp_path, capfd, world: World, run_up: RunUp):
    path = machine(tmp_path, capfd)
    models = [one["model"].rpartition(":")[2] for one in json.loads(path.read_text())["components"]]

    assert {"sht31", "bh1750", "board", "pi-health"} <= set(models)
    assert main(["check", str(path)]) == 0
    assert capfd.readouterr().out == "no problems\n"
    assert run_up(path, "--listen", "127.0.0.1:0", "--duration", "2") == 0
    assert "error" not in "".join(capfd.readouterr())


def test_a_bus_that_hangs_is_told_and_hides_none_of_the_others(capfd, world: World):
    world.i2c(1).faults(0x23).hangs = 1000
    world.i2c(3).plug_in(0x44, Sht31Twin(world))
    assert main(["doctor", "--backend", "mock"]) == 0
    told = capfd.readouterr().out

    assert "  i2c-3 0x44: probably an SHT31\n" in told
    assert "i2c-1" in told.partition("Not looked at")[2]
