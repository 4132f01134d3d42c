"""A pin as a sensor, with the kernel's own edges: levels, counts, rates and widths of what a program outside sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from viam.components.sensor.client import SensorClient

from tests.contract.grounds import Facility, GpioGround
from tests.hil.machine import configured, pin
from tests.hil.turning import Turner, interrupts
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def turner(ground: GpioGround, edge_program: Path) -> Turner:
    """Sends edges on two wires, of which the sensor knows the first: half of them are its own."""
    ground.need(Facility.DRIVING_FILES)
    return Turner(edge_program, ground, ground.a, ground.b)


@asynccontextmanager
async def sensor(server: FakeViamServer, ground: GpioGround, **more: Any) -> AsyncIterator[SensorClient]:
    async with configured(server, component("sensor", "gpio-input", "in", {"pin": pin(ground.a), **more})):
        yield server.client(SensorClient, "in")


@pytest.mark.parametrize("active_low", [False, True])
async def test_the_level_is_that_of_now(server: FakeViamServer, ground: GpioGround, active_low):
    async with sensor(server, ground, active_low=active_low) as made:
        for level in (True, False, True):
            ground.drive(ground.a, level)
            ground.settle()
            assert await made.get_readings() == {"level": level is not active_low}


async def test_every_pulse_is_counted_and_counting_goes_on_over_a_rebuild(
    server: FakeViamServer, ground: GpioGround, turner: Turner
):
    async with sensor(server, ground, measure="count") as made:
        await made.do_command({"command": "reset"})
        before = interrupts(ground.a)
        await turner.turn(600, per_second=1000)
        assert interrupts(ground.a) - before == 300
        assert await made.get_readings() == {"count": 150}
        assert (await made.get_status())["lost_edges"] == 0
    async with sensor(server, ground, measure="count") as made:
        await turner.turn(40, per_second=1000)
        assert await made.get_readings() == {"count": 160}


async def test_a_rate_is_there_while_pulses_come_and_falls_when_they_stay_away(
    server: FakeViamServer, ground: GpioGround, turner: Turner
):
    async with sensor(server, ground, measure="rate", silence_ms=1500) as made:
        assert await made.get_readings() == {"rate_hz": 0}
        turning = asyncio.create_task(turner.turn(800, per_second=400))
        await asyncio.sleep(1.5)
        assert (await made.get_readings())["rate_hz"] == pytest.approx(100, rel=0.1)
        await turning
        await asyncio.sleep(0.5)
        assert cast("float", (await made.get_readings())["rate_hz"]) <= 2.1
        await asyncio.sleep(1.5)
        assert await made.get_readings() == {"rate_hz": 0}


async def test_the_width_of_a_pulse_is_that_on_the_wire(server: FakeViamServer, ground: GpioGround):
    async with sensor(server, ground, measure="pulse_width") as made:
        ground.drive(ground.a, True)
        await asyncio.sleep(0.1)
        ground.drive(ground.a, False)
        ground.settle()
        assert (await made.get_readings())["pulse_width_us"] == pytest.approx(100_000, abs=30_000)
