"""These tests need real devices, or the kernel's simulated ones: on the mock there is nothing to collect here.

Those of a file that run the module share one process of it, which takes seconds to start in the simulated kernel: each
test adds the components it needs and removes them, as a machine does whose config is changed again and again. Files do
not share it: while the loop of its viam-server stands still it would take that for dead, and go.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.contract.conftest import chosen_ground
from tests.contract.grounds import Facility, GpioGround
from tests.hil.environment import make_environment
from tests.hil.machine import by_run_sh, running
from tests.hil.turning import compiled
from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer

if TYPE_CHECKING:
    from tests.hil.outside_chips import OutsideChips, Player
    from tests.hil.played_camera import PlayedCamera


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests out on the mock; None lets pytest decide."""
    return True if collection_path.suffix == ".py" and config.getoption("--ground") == "mock" else None


@pytest.fixture(scope="module")
def pins(pytestconfig: pytest.Config) -> Iterator[GpioGround]:
    """The wires outside of the header."""
    with chosen_ground(pytestconfig).gpio_ground() as ground:
        for line in ground.lines:
            ground.level(line)  # what it opens for that stays open, and is no leak of a test
        yield ground


@pytest.fixture
def ground(pins: GpioGround) -> GpioGround:
    """The wires outside of the header, each pulled low, or left alone where the outside would not give way."""
    for line in pins.lines:
        if Facility.DRIVING_FILES in pins.lacks:
            pins.release(line)
        else:
            pins.drive(line, False)
    return pins


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """How viam-server starts the module on a Pi."""
    return by_run_sh(make_environment(tmp_path_factory.mktemp("environment")))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(start: Start) -> AsyncIterator[FakeViamServer]:
    """A machine that runs, for all tests of a file."""
    async with running(start) as made:
        yield made
        status, _ = await made.child.terminate(within_s=3.3)
        assert status == 0
        assert "Traceback" not in made.child.output


@pytest.fixture(scope="module")
def player(pytestconfig: pytest.Config) -> "Iterator[OutsideChips]":
    """The program that plays the chips of an I2C bus, for all tests of a file."""
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("nobody plays chips on a real bus")
    # On the mock there is no such bus, and nothing to play on it.
    from tests.hil.outside_chips import outside_chips

    with outside_chips() as playing:
        yield playing


@pytest.fixture(scope="module")
def spi_player(pytestconfig: pytest.Config) -> "Iterator[Player]":
    """The program that plays the chips of the SPI bus, for all tests of a file."""
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("nobody plays chips on a real bus")
    from tests.hil.outside_spi import outside_spi

    with outside_spi() as playing:
        yield playing


@pytest.fixture(scope="module")
def usb_camera(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[PlayedCamera]":
    """A USB camera that a program plays, for all tests of a file."""
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("nobody plays a camera on a real bus")
    from tests.hil.played_camera import played_camera

    with played_camera(tmp_path_factory.mktemp("pictures")) as player:
        yield player


@pytest.fixture(scope="session")
def edge_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that turns an encoder."""
    return compiled(tmp_path_factory.mktemp("edges"))
