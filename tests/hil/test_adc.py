"""Converters on real buses, whose chips programs outside play: an MCP3008 on spidev, an ADS1115 on i2c-dev.

The kernel has a driver of its own for the ADS1115: what it makes of our twin is an independent check of it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.board.client import BoardClient
from viam.components.sensor.client import SensorClient

from tests.hil.kernel_drivers import kernel_driver, number
from tests.hil.machine import configured
from tests.hil.outside_chips import OutsideChips, Player
from tests.hil.outside_spi import outside_spi
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "0x48"
POLL_MS = 50
MAX_AGE_MS = 400
PATIENCE_S = 10.0
POT = {"channels": {"pot": {"channel": 1}}, "poll_interval_ms": POLL_MS, "max_age_ms": MAX_AGE_MS}


@pytest.fixture(scope="module")
def spi(pytestconfig: pytest.Config) -> Iterator[Player]:
    """The program that plays the chips of the SPI bus."""
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("nobody plays chips on a real bus")
    with outside_spi() as playing:
        yield playing


@pytest.fixture
def mcp3008(spi: Player) -> Player:
    """One on chip select 0, with 1.65 V on channel 1."""
    for command in ("clear", "plug mcp3008@0", "volts 0 1 1.65"):
        spi.tell(command)
    return spi


@pytest.fixture
def ads1115(player: OutsideChips) -> OutsideChips:
    """One at its usual address, with 1.65 V on channel 1."""
    for command in ("clear", f"plug ads1115@{ADDRESS}", "volts 1 1.65"):
        player.tell(command)
    return player


@asynccontextmanager
async def sensor(server: FakeViamServer, **attributes: Any) -> AsyncIterator[SensorClient]:
    async with configured(server, component("sensor", "adc", "adc", POT | attributes)):
        yield server.client(SensorClient, "adc")


async def test_an_mcp3008_is_asked_as_its_datasheet_says_and_read_rightly(server: FakeViamServer, mcp3008: Player):
    async with sensor(server) as adc:
        assert (await adc.get_readings())["pot"] == pytest.approx(1.65, abs=0.004)
        # Figure 6-1, with two more bytes that have the result once more.
        assert set(mcp3008.seen()) == {"0 at 1350000 Hz in mode 0: 0190000000"}
        mcp3008.tell("volts 0 1 3.0")
        await asyncio.sleep(MAX_AGE_MS / 1000)
        assert (await adc.get_readings())["pot"] == pytest.approx(3.0, abs=0.004)


@pytest.mark.parametrize(("rest", "cause"), [("low", "every channel reads 0"), ("high", "MISO stays high")])
async def test_an_mcp3008_that_is_unplugged_is_an_error_and_back_when_it_is_plugged_in(
    server: FakeViamServer, mcp3008: Player, rest: str, cause: str
):
    mcp3008.tell(f"rest {rest}")
    async with sensor(server) as adc:
        mcp3008.tell("unplug 0")
        assert cause in (await failing(adc))
        mcp3008.tell("replug 0")
        assert (await recovered(adc))["pot"] == pytest.approx(1.65, abs=0.004)


async def test_wrong_bits_from_an_mcp3008_are_never_a_reading(server: FakeViamServer, mcp3008: Player):
    async with sensor(server) as adc:
        for _ in range(20):
            mcp3008.tell("corrupt 0 1")
            await asyncio.sleep(3 * POLL_MS / 1000)
            assert (await adc.get_readings())["pot"] == pytest.approx(1.65, abs=0.004)


async def test_an_ads1115_is_read_rightly_below_ground_too(server: FakeViamServer, ads1115: OutsideChips):
    async with sensor(server, chip="ads1115", i2c_bus=ads1115.bus) as adc:
        assert (await adc.get_readings())["pot"] == pytest.approx(1.65, abs=0.0002)
        ads1115.tell("volts 1 -0.01")
        await asyncio.sleep(MAX_AGE_MS / 1000)
        assert (await adc.get_readings())["pot"] == pytest.approx(-0.01, abs=0.0002)


async def test_an_ads1115_that_lost_its_power_gives_no_value_of_it(server: FakeViamServer, ads1115: OutsideChips):
    async with sensor(server, chip="ads1115", i2c_bus=ads1115.bus) as adc:
        for _ in range(20):
            ads1115.tell(f"brown-out {ADDRESS}")
            await asyncio.sleep(0.027)
            assert (await adc.get_readings())["pot"] == pytest.approx(1.65, abs=0.0002)


async def test_an_ads1115_that_is_unplugged_is_an_error_and_back_when_it_is_plugged_in(
    server: FakeViamServer, ads1115: OutsideChips
):
    async with sensor(server, chip="ads1115", i2c_bus=ads1115.bus) as adc:
        ads1115.tell(f"unplug {ADDRESS}")
        assert f"i2c-{ads1115.bus} {ADDRESS}: no answer (NACK)" in (await failing(adc))
        ads1115.tell(f"replug {ADDRESS}")
        assert (await recovered(adc))["pot"] == pytest.approx(1.65, abs=0.0002)


async def test_analogs_of_a_board_share_both_chips_with_sensors(
    server: FakeViamServer, mcp3008: Player, ads1115: OutsideChips
):
    wiring = {"chip": "ads1115", "i2c_bus": ads1115.bus}
    analogs = [
        {"name": "raw", "pin": "1"},
        {"name": "average", "pin": "1", "average_over_ms": 200, "samples_per_sec": 200},
        {"name": "fine", "channel": 1} | wiring,
        {"name": "other", "channel": 3} | wiring,
    ]
    ads1115.tell("volts 3 0.5")
    configs = [
        component("board", "board", "pi", {"analogs": analogs}),
        component("sensor", "adc", "coarse", POT),
        component("sensor", "adc", "fine", POT | wiring),
    ]
    async with configured(server, *configs):
        board = server.client(BoardClient, "pi")
        for _ in range(10):
            volts = {name: await volts_of(board, name) for name in ("raw", "average", "fine", "other")}
            assert volts == {
                "raw": pytest.approx(1.65, abs=0.004),
                "average": pytest.approx(1.65, abs=0.004),
                "fine": pytest.approx(1.65, abs=0.0002),
                "other": pytest.approx(0.5, abs=0.0002),
            }
        for name in ("coarse", "fine"):
            reading = await server.client(SensorClient, name).get_readings()
            assert reading["pot"] == pytest.approx(1.65, abs=0.004)


@pytest.mark.parametrize("volts", [-0.1, 0.0, 0.75, 2.0])
@pytest.mark.parametrize("channel", [0, 3])
async def test_the_kernels_own_driver_reads_the_same_from_our_ads1115(
    ads1115: OutsideChips, channel: int, volts: float
):
    ads1115.tell(f"volts {channel} {volts}")
    with kernel_driver(ads1115.bus, "ads1115", int(ADDRESS, 0)) as files:
        raw, millivolts = number(files / f"in_voltage{channel}_raw"), number(files / f"in_voltage{channel}_scale")
    assert raw * millivolts / 1000 == pytest.approx(volts, abs=0.0002)


async def volts_of(board: BoardClient, name: str) -> float:
    value = await (await board.analog_by_name(name)).read()
    return value.value * value.step_size


async def failing(adc: SensorClient) -> str:
    """Wait until readings fail; gives the message."""
    async with asyncio.timeout(PATIENCE_S):
        while (refusal := await refusal_of(adc)) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_MS / 1000)
    assert refusal.status is Status.UNAVAILABLE
    return refusal.message or ""


async def refusal_of(adc: SensorClient) -> GRPCError | None:
    """The error that readings come with, if they do."""
    try:
        await adc.get_readings()
    except GRPCError as error:
        return error
    return None


async def recovered(adc: SensorClient) -> Any:
    """Wait until there are readings again; gives them."""
    async with asyncio.timeout(PATIENCE_S):
        while await refusal_of(adc) is not None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_MS / 1000)
    return await adc.get_readings()
