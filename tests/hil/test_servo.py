"""The servo model on a real pin: its pulses as they are on the wire outside."""

import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from viam.components.servo.client import ServoClient

from tests.contract.grounds import GpioGround
from tests.hil.machine import configured, pin
from tests.hil.watching import Watch, seen
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERIODS_S = 0.4
CHANGED_S = 0.06
"""A new width has come through after so long: the period that runs, and the start of a sending thread."""
OFF_US = 300
"""By how much a width may be off where every edge may come late, and is seen a little later still."""


@asynccontextmanager
async def servo(server: FakeViamServer, ground: GpioGround, **attributes: Any) -> AsyncIterator[ServoClient]:
    """A servo as viam-server gives it to its users."""
    wired = component("servo", "servo", "arm", {"pin": pin(ground.a), **attributes})
    async with configured(server, wired):
        yield server.client(ServoClient, "arm")


async def test_an_angle_is_a_pulse_width_fifty_times_a_second(server: FakeViamServer, ground: GpioGround):
    async with servo(server, ground) as arm:
        for angle, pulse_us in ((0, 500), (90, 1500), (180, 2500)):
            await arm.move(angle)
            wanted = pytest.approx((50, pulse_us), abs=OFF_US)
            assert await seen(lambda: pulses(ground), wanted) == wanted
            assert await arm.get_position() == angle


async def test_a_servo_that_is_not_held_gets_no_more_pulses_and_neither_does_a_removed_one(
    server: FakeViamServer, ground: GpioGround
):
    async with servo(server, ground, hold_position=False) as arm:
        await arm.move(120)
        await silent(ground)
    async with servo(server, ground) as arm:
        await arm.move(60)
    await silent(ground)


async def test_a_rebuild_goes_on_with_the_pulse_there_was(server: FakeViamServer, ground: GpioGround):
    async with servo(server, ground) as arm:
        await arm.move(90)
    async with servo(server, ground, starting_position_deg=0) as arm:
        wanted = pytest.approx((50, 1500), abs=OFF_US)
        assert await seen(lambda: pulses(ground), wanted) == wanted
        assert await arm.get_position() == 90


async def pulses(ground: GpioGround) -> tuple[float, float]:
    """The frequency in Hz and the usual width in µs of what is on the first wire, once a change has come through."""
    await asyncio.sleep(CHANGED_S)
    with Watch(ground, ground.a) as watch:
        await asyncio.sleep(PERIODS_S)
    highs = watch.wave(ground.a).highs
    return watch.frequency_hz(ground.a), statistics.median(highs) / 1000 if highs else 0.0


async def silent(ground: GpioGround) -> None:
    """Nothing but low is on the first wire."""
    await asyncio.sleep(CHANGED_S)
    with Watch(ground, ground.a) as watch:
        await asyncio.sleep(PERIODS_S / 2)
    assert watch.combinations == [(False,)]
