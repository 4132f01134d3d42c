"""The SHT31 model on a real I2C bus, whose sensor a program outside plays: it decides the air, and pulls the plug.

The machine here is one on which lgpio is not installed, because a sensor on a bus has no need of it. What has is told
so, and nothing ever falls back to the mock.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from grpclib import GRPCError, Status
from viam.components.sensor.client import SensorClient
from viam.proto.app.robot import ComponentConfig

from tests.hil.environment import make_environment
from tests.hil.machine import by_run_sh, configured, running
from tests.hil.outside_chips import OutsideChips
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "0x44"
POLL_MS = 50
MAX_AGE_MS = 400
PATIENCE_S = 10.0

PINS = {"a": "11", "b": "13"}
ON_PINS = (
    component("board", "board", "pi"),
    component("motor", "dc-motor", "left", {"pins": PINS, "max_rpm": 60}),
    component("encoder", "incremental-encoder", "e1", {"pins": PINS}),
)
"""Components that cannot do without a header."""

RESOLUTION_C = 0.01
"""A step of the sensor's 16 bits is 0.003 degrees."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeViamServer]:
    """A machine without lgpio."""
    environment = make_environment(tmp_path_factory.mktemp("environment"), without=("lgpio", "_lgpio"))
    async with running(by_run_sh(environment)) as made:
        yield made


@pytest.fixture
def chips(player: OutsideChips) -> OutsideChips:
    """The bus with one new sensor on it, and air of 21.5 degrees."""
    player.tell("clear")
    player.tell(f"plug sht31@{ADDRESS}")
    player.tell("temperature 21.5")
    return player


@pytest.fixture
def no_header(pytestconfig: pytest.Config) -> Iterator[None]:
    """The GPIO chips are gone meanwhile."""
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("the chips of a Pi stay where they are")
    with ExitStack() as restoring:
        for chip in Path("/dev").glob("gpiochip*"):
            hidden = chip.rename(chip.with_name(f"hidden-{chip.name}"))
            restoring.callback(hidden.rename, chip)
        yield


@asynccontextmanager
async def sensor(server: FakeViamServer, chips: OutsideChips) -> AsyncIterator[SensorClient]:
    """The sensor as viam-server gives it to its users."""
    async with configured(server, config(chips)):
        yield server.client(SensorClient, "air")


def config(chips: OutsideChips) -> Any:
    attributes = {
        "i2c_bus": chips.bus, "i2c_addr": ADDRESS, "poll_interval_ms": POLL_MS, "max_age_ms": MAX_AGE_MS,
    }  # fmt: skip
    return component("sensor", "sht31", "air", attributes)


async def test_readings_are_the_air_and_follow_it(server: FakeViamServer, chips: OutsideChips):
    async with sensor(server, chips) as air:
        readings = await air.get_readings()
        assert readings["temperature_c"] == pytest.approx(21.5, abs=RESOLUTION_C)
        assert readings.keys() == {"temperature_c", "relative_humidity_pct"}

        chips.tell("temperature -12.25")
        await asyncio.sleep(MAX_AGE_MS / 1000)
        assert (await air.get_readings())["temperature_c"] == pytest.approx(-12.25, abs=RESOLUTION_C)


async def test_a_sensor_that_is_unplugged_is_an_error_with_age_and_cause_and_back_when_it_is_plugged_in(
    server: FakeViamServer, chips: OutsideChips
):
    async with sensor(server, chips) as air:
        chips.tell(f"unplug {ADDRESS}")
        age_s, cause = await failing(air)
        assert MAX_AGE_MS / 1000 <= age_s < PATIENCE_S
        assert cause.startswith(f"i2c-{chips.bus} {ADDRESS}: no answer (NACK). Is the chip wired and powered")

        chips.tell("temperature 30")
        chips.tell(f"replug {ADDRESS}")
        assert (await recovered(air))["temperature_c"] == pytest.approx(30, abs=RESOLUTION_C)


async def test_a_bus_that_hangs_is_an_error_that_says_so_and_passes(server: FakeViamServer, chips: OutsideChips):
    async with sensor(server, chips) as air:
        chips.tell(f"hang {ADDRESS} 2")
        _, cause = await failing(air, "hangs")
        assert cause.startswith(f"i2c-{chips.bus} {ADDRESS}: the bus hangs: a line is held low")
        await recovered(air)


async def test_a_sensor_that_is_not_there_is_an_error_when_it_is_added(server: FakeViamServer, chips: OutsideChips):
    chips.tell(f"unplug {ADDRESS}")
    with pytest.raises(GRPCError, match="no answer") as error:
        await server.configure(config(chips))
    assert error.value.status is Status.UNAVAILABLE

    chips.tell(f"replug {ADDRESS}")
    async with sensor(server, chips) as air:
        await air.get_readings()


async def test_without_lgpio_every_component_on_pins_says_how_to_get_it(server: FakeViamServer):
    for status, text in await refusals(server, ON_PINS):
        assert status is Status.FAILED_PRECONDITION
        assert text.startswith("real pins need the library lgpio: sudo apt install python3-lgpio")


@pytest.mark.usefixtures("no_header")
async def test_without_a_header_every_component_on_pins_says_so_and_what_to_do_for_a_simulated_one(
    server: FakeViamServer,
):
    for status, text in await refusals(server, ON_PINS):
        assert status is Status.FAILED_PRECONDITION
        assert text.startswith("this machine has no Raspberry Pi header: no GPIO chip is called pinctrl-rp1 or ")
        assert text.endswith('For a simulated Pi, set "backend": "mock" or PI_DRIVERS_BACKEND=mock.')


async def test_a_bus_that_does_not_exist_says_how_to_switch_it_on(server: FakeViamServer):
    config = component("sensor", "sht31", "air", {"i2c_bus": 99})
    ((status, text),) = await refusals(server, [config])

    assert status is Status.FAILED_PRECONDITION
    assert text.startswith("i2c-99: /dev/i2c-99 does not exist. Switch the bus on")


async def refusals(server: FakeViamServer, configs: Sequence[ComponentConfig]) -> list[tuple[Any, str]]:
    """The status and the text with which each of these is refused."""
    answers = []
    for config in configs:
        with pytest.raises(GRPCError) as error:
            await server.configure(config)
        answers.append((error.value.status, error.value.message or ""))
    return answers


async def failing(air: SensorClient, cause: str = "") -> tuple[float, str]:
    """Wait until readings fail, for this cause; gives the age of the last good one in seconds, and the cause."""
    async with asyncio.timeout(PATIENCE_S):
        while (refusal := await refusal_of(air)) is None or cause not in (refusal.message or ""):  # noqa: ASYNC110
            await asyncio.sleep(POLL_MS / 1000)
    assert refusal.status is Status.UNAVAILABLE
    told = re.fullmatch(r'sensor "air": the last good reading is ([\d.]+) s old: (.*)', refusal.message or "")
    assert told, refusal.message
    return float(told[1]), told[2]


async def refusal_of(air: SensorClient) -> GRPCError | None:
    """The error that readings come with, if they do."""
    try:
        await air.get_readings()
    except GRPCError as error:
        return error
    return None


async def recovered(air: SensorClient) -> Any:
    """Wait until there are readings again; gives them."""
    async with asyncio.timeout(PATIENCE_S):
        while await refusal_of(air) is not None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_MS / 1000)
    return await air.get_readings()
