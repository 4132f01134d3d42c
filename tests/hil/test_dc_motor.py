"""The motor model on real pins: what its driver board would get to see, in each of the three wirings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from grpclib import GRPCError, Status
from grpclib.client import Channel
from grpclib.exceptions import StreamTerminatedError
from viam.components.motor.client import MotorClient

from tests.contract.grounds import Facility, GpioGround
from tests.hil.machine import SAFE_S, configured, pin, until
from tests.hil.watching import Watch, seen
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

PWM_HZ = 25
SEVERAL_PERIODS_S = 0.25
DUTY_OFF = 0.05
"""How far a duty may be off where every edge may come a millisecond late."""
MAX_RPM = 120.0
LATE_NS = 150_000_000
"""By how much a motion that is ended by time may take longer on a slow machine."""
REVERSALS = 150
"""Many, for both sides would be high for some microseconds only, and must be looked at just then."""

Wiring = tuple[str, ...]
TWO_INPUTS: Wiring = ("a", "b")
WITH_PWM: Wiring = ("a", "b", "pwm")
WITH_DIRECTION: Wiring = ("pwm", "dir", "en_low")
"""Whose third line is an enable input that is active low: high is safe."""


@asynccontextmanager
async def motor(server: FakeViamServer, ground: GpioGround, wiring: Wiring, **more: Any) -> AsyncIterator[MotorClient]:
    """A motor on the first lines of the ground, in the order of the wiring, as viam-server gives it to its users."""
    pins = {name: pin(line) for name, line in zip(wiring, ground.lines, strict=False)}
    attributes = {"pins": pins, "pwm_freq": PWM_HZ, "max_rpm": MAX_RPM, **more}
    async with configured(server, component("motor", "dc-motor", "left", attributes)):
        yield server.client(MotorClient, "left")


def off(wiring: Wiring) -> tuple[float, ...]:
    """The levels of the lines while there is no power."""
    return tuple(float(name == "en_low") for name in wiring)


def is_off(ground: GpioGround, wiring: Wiring) -> bool:
    return tuple(map(ground.level, ground.lines[: len(wiring)])) == off(wiring)


async def duties(ground: GpioGround, wiring: Wiring) -> tuple[float, ...]:
    """The duty of each line of a motor, once a change has come through."""
    lines = ground.lines[: len(wiring)]
    await asyncio.sleep(2 / PWM_HZ)
    with Watch(ground, *lines) as watch:
        await asyncio.sleep(SEVERAL_PERIODS_S)
    return tuple(watch.duty(line) for line in lines)


@pytest.mark.parametrize(
    ("wiring", "expected"),
    [
        (TWO_INPUTS, {1.0: (1, 0), 0.5: (1, 0.5), -0.25: (0.75, 1), -1.0: (0, 1)}),
        (WITH_PWM, {1.0: (1, 0, 1), 0.5: (1, 0, 0.5), -0.25: (0, 1, 0.25), -1.0: (0, 1, 1)}),
        (WITH_DIRECTION, {1.0: (1, 1, 0), 0.5: (0.5, 1, 0), -0.25: (0.25, 0, 0), -1.0: (1, 0, 0)}),
    ],
    ids=["a b", "a b pwm", "pwm dir"],
)
async def test_every_power_is_on_the_pins_as_its_wiring_has_it(
    server: FakeViamServer, ground: GpioGround, wiring, expected
):
    async with motor(server, ground, wiring) as left:
        assert is_off(ground, wiring)
        for power, shares in expected.items():
            await left.set_power(power)
            wanted = pytest.approx(shares, abs=DUTY_OFF)
            assert await seen(lambda: duties(ground, wiring), wanted) == wanted
        await left.stop()
        assert is_off(ground, wiring)
        assert await duties(ground, wiring) == off(wiring)


async def test_while_it_changes_direction_never_both_sides_of_the_bridge_are_high(
    server: FakeViamServer, ground: GpioGround
):
    async with motor(server, ground, WITH_PWM):
        left = server.direct(MotorClient, "left")
        with Watch(ground, ground.a, ground.b) as watch:
            for _ in range(REVERSALS):
                await left.set_power(1.0)
                await left.set_power(-1.0)

    forward, backward = (True, False), (False, True)
    assert watch.combinations.count(forward) > REVERSALS / 5
    assert watch.combinations.count(backward) > REVERSALS / 5
    assert (True, True) not in watch.combinations


@pytest.mark.parametrize("rpm", [MAX_RPM, -MAX_RPM])
async def test_go_for_without_encoder_runs_for_its_time_and_ends_low(server: FakeViamServer, ground: GpioGround, rpm):
    async with motor(server, ground, WITH_DIRECTION) as left:
        with Watch(ground, ground.a, ground.b) as watch:
            await left.go_for(rpm, 0.6)
            assert is_off(ground, WITH_DIRECTION)
            assert await left.is_powered() == (False, 0.0)

    (power_ns,) = watch.wave(ground.a).highs
    assert 0 <= power_ns - 300_000_000 < LATE_NS
    assert len(watch.wave(ground.b).rises) == (rpm > 0)


async def test_half_the_speed_is_half_the_power(server: FakeViamServer, ground: GpioGround):
    async with motor(server, ground, WITH_DIRECTION) as left:
        await left.set_rpm(-MAX_RPM / 2)
        wanted = pytest.approx((0.5, 0, 0), abs=DUTY_OFF)
        assert await seen(lambda: duties(ground, WITH_DIRECTION), wanted) == wanted


async def test_a_caller_who_cancels_stops_the_motor(server: FakeViamServer, ground: GpioGround):
    async with motor(server, ground, WITH_PWM) as left:
        moving = asyncio.create_task(left.go_for(MAX_RPM, 1000))
        await until(lambda: ground.level(ground.c))
        moving.cancel()
        await until(lambda: is_off(ground, WITH_PWM), SAFE_S)
        await asyncio.gather(moving, return_exceptions=True)


async def test_a_deadline_that_passes_stops_the_motor(server: FakeViamServer, ground: GpioGround):
    async with motor(server, ground, WITH_PWM) as left:
        with Watch(ground, ground.c) as watch:
            with pytest.raises(TimeoutError):
                await left.go_for(MAX_RPM, 1000, timeout=0.4)
            await until(lambda: is_off(ground, WITH_PWM), SAFE_S)
    (power_ns,) = watch.wave(ground.c).highs
    assert power_ns > 200_000_000


async def test_a_caller_whose_connection_breaks_stops_the_motor(server: FakeViamServer, ground: GpioGround):
    async with motor(server, ground, WITH_PWM):
        connection = Channel(path=server.child.address)
        moving = asyncio.create_task(MotorClient("left", connection).go_for(MAX_RPM, 1000))
        await until(lambda: ground.level(ground.c))
        connection.close()
        await until(lambda: is_off(ground, WITH_PWM), SAFE_S)
        with pytest.raises(StreamTerminatedError):
            await moving


async def test_a_second_command_takes_over_and_the_first_caller_is_told(server: FakeViamServer, ground: GpioGround):
    async with motor(server, ground, WITH_PWM) as left:
        first = asyncio.create_task(left.go_for(MAX_RPM, 1000))
        await until(lambda: ground.level(ground.c))
        await left.set_power(-1.0)
        with pytest.raises(GRPCError) as told:
            await first
        assert told.value.status is Status.ABORTED
        assert "go_for was superseded by set_power" in (told.value.message or "")
        assert await duties(ground, WITH_PWM) == (0, 1, 1)


async def test_stop_ends_a_motion_and_its_caller_is_told(server: FakeViamServer, ground: GpioGround):
    async with motor(server, ground, WITH_PWM) as left:
        first = asyncio.create_task(left.go_for(MAX_RPM, 1000))
        await until(lambda: ground.level(ground.c))
        await left.stop()
        assert is_off(ground, WITH_PWM)
        with pytest.raises(GRPCError, match="superseded by stop"):
            await first
        assert await duties(ground, WITH_PWM) == off(WITH_PWM)


async def test_a_motor_that_is_removed_leaves_its_pins_off_and_free(server: FakeViamServer, ground: GpioGround):
    ground.need(Facility.KEPT_LEVELS)
    async with motor(server, ground, WITH_DIRECTION) as left:
        await left.set_power(0.5)
    assert await duties(ground, WITH_DIRECTION) == off(WITH_DIRECTION)
    for line in ground.lines:
        ground.gpio.output(line).close()  # this process is another one


async def test_a_motor_that_is_built_takes_away_the_power_that_a_killed_module_has_left_on(
    server: FakeViamServer, ground: GpioGround
):
    ground.need(Facility.KEPT_LEVELS)
    for line in ground.lines:
        ground.gpio.output(line, initial=True).close()
        assert ground.level(line)
    async with motor(server, ground, WITH_PWM):
        assert is_off(ground, WITH_PWM)
        assert ground.level(ground.d), "nobody asked for this one"
