"""Every way in which the module ends by itself, and what becomes of the pins it drove: seen from outside.

Each test has a module of its own to end. A motor runs on the first three lines, and the board holds the fourth high.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from grpclib import GRPCError
from grpclib.exceptions import StreamTerminatedError
from viam.components.board.client import BoardClient
from viam.components.motor.client import MotorClient
from viam.components.sensor.client import SensorClient

from tests.contract.grounds import GpioGround
from tests.hil.machine import SAFE_S, pin, running, until
from tests.hil.watching import Watch
from tests.module.child import Start
from tests.module.conftest import UNRULY
from tests.module.fake_viam_server import FakeViamServer, component
from tests.module.unruly import probe

ENDED_S = 3.3
"""After which viam-server loses patience."""

FORWARD = (True, False, True, True)
ALL_LOW = (False, False, False, False)


def levels(ground: GpioGround) -> tuple[bool, ...]:
    return tuple(map(ground.level, ground.lines))


def motor(ground: GpioGround):
    pins = {name: pin(line) for name, line in zip(("a", "b", "pwm"), ground.lines, strict=False)}
    return component("motor", "dc-motor", "left", {"board": "pi", "pins": pins, "max_rpm": 60})


@asynccontextmanager
async def robot(start: Start, ground: GpioGround) -> AsyncIterator[FakeViamServer]:
    """A running module whose motor turns forward at full power, and whose board holds a line high."""
    async with running(start) as server:
        await server.configure(component("board", "board", "pi", {}))
        await server.configure(motor(ground))
        await server.client(MotorClient, "left").set_power(1.0)
        await (await server.client(BoardClient, "pi").gpio_pin_by_name(pin(ground.d))).set(True)
        assert levels(ground) == FORWARD
        yield server


async def test_sigterm_in_the_middle_of_a_move_makes_every_pin_low_at_once_and_a_second_one_changes_nothing_of_that(
    start: Start, ground: GpioGround
):
    async with robot(start, ground) as server:
        moving = asyncio.create_task(server.client(MotorClient, "left").go_for(-30, 1000))
        await until(lambda: ground.level(ground.b))
        with Watch(ground, *ground.lines) as watch:
            began_ns = time.monotonic_ns()
            server.child.signal(signal.SIGTERM)
            await until(lambda: levels(ground) == ALL_LOW, SAFE_S)
            status, seconds = await server.child.terminate(ENDED_S)
        with pytest.raises((GRPCError, StreamTerminatedError)):
            await moving

    last_change_ns, last_levels = watch.changes[-1]
    assert last_levels == levels(ground) == ALL_LOW
    assert last_change_ns - began_ns < SAFE_S * 1e9
    assert status == 0
    assert seconds < ENDED_S


async def test_the_pins_go_low_when_the_loop_is_blocked(start: Start, ground: GpioGround):
    unruly = replace(start, python=Start().python, entry=UNRULY)
    async with robot(unruly, ground) as server:
        await server.add(probe())
        sensor = server.direct(SensorClient, "probe")
        blocking = asyncio.create_task(sensor.do_command({"command": "block", "seconds": 60.0}))
        await asyncio.sleep(0.2)
        server.child.signal(signal.SIGTERM)
        await until(lambda: levels(ground) == ALL_LOW, SAFE_S)
        assert await server.child.ended(ENDED_S) == 1
        await asyncio.gather(blocking, return_exceptions=True)

    assert levels(ground) == ALL_LOW


async def test_the_pins_go_low_when_the_parent_is_killed(start: Start, ground: GpioGround):
    async with robot(replace(start, by_launcher=True), ground) as server:
        server.child.kill_parent()
        await until(lambda: levels(ground) == ALL_LOW, SAFE_S)
        await until(lambda: not server.child.is_running, ENDED_S)

    assert levels(ground) == ALL_LOW
