"""Every kind of actuator in a real module process, moving while its world ends: what its wires do then."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from viam.components.motor.client import MotorClient
from viam.components.sensor.client import SensorClient
from viam.components.servo.client import ServoClient

from tests.module.fake_viam_server import FakeViamServer, component
from tests.module.unruly import probe

MOCK = {"backend": "mock"}
HAT = component("board", "pca9685", "hat", {**MOCK, "frequency_hz": 1000})

SAFE_S = 0.3


def channel(number: int) -> str:
    """A channel's wire."""
    return f"i2c-1 0x40 channel {number}"


def turn(server: FakeViamServer) -> Any:
    """A motor that turns until somebody stops it."""
    return server.client(MotorClient, "it").set_power(0.5)


def point(server: FakeViamServer) -> Any:
    """A servo that is held at an angle."""
    return server.client(ServoClient, "it").move(120)


STEPPER = {**MOCK, "ticks_per_rotation": 200, "max_rpm": 60, "hold_torque": True}
Case = tuple[list[Any], Callable[[FakeViamServer], Any], list[str]]
KINDS: dict[str, Case] = {
    "motor on a hat": (
        [HAT, component("motor", "dc-motor", "it", {"board": "hat", "pins": {"a": "8", "b": "9", "pwm": "10"},
                                                    "max_rpm": 60})],
        turn, [channel(8), channel(10)],
    ),
    "servo": ([component("servo", "servo", "it", {**MOCK, "pin": "11"})], point, ["GPIO17"]),
    "servo on a hat": (
        [component("board", "pca9685", "hat", MOCK), component("servo", "servo", "it", {"board": "hat", "pin": "3"})],
        point, [channel(3)],
    ),
    "stepper": (
        [component("motor", "stepper", "it", {**STEPPER, "pins": {"step": "16", "dir": "18", "en_high": "22"}})],
        turn, ["GPIO23", "GPIO25"],
    ),
    "stepper of four coils": (
        [component("motor", "stepper", "it", {**STEPPER, "pins": {"a": "29", "b": "31", "c": "33", "d": "35"}})],
        turn, ["GPIO5", "GPIO6", "GPIO13", "GPIO19"],
    ),
}  # fmt: skip


@pytest.fixture(params=list(KINDS))
async def moving(request, machine, trace):
    """Starts a machine with one actuator and lets it move; gives the machine and the wires that drive it."""
    components, move, wires = KINDS[request.param]

    async def start(**how: Any) -> tuple[FakeViamServer, list[str]]:
        server = await machine(**how)
        for config in components:
            await server.configure(config)
        await move(server)
        await asyncio.sleep(0.2)
        assert not trace.is_low(*wires)
        return server, wires

    return start


async def test_the_death_of_the_parent_makes_it_safe(moving, trace):
    server, wires = await moving(by_launcher=True)
    begin = time.monotonic_ns()
    server.child.kill_parent()
    assert await trace.low_since(wires, begin, 1.0) < SAFE_S


async def test_sigterm_makes_it_safe_and_ends_in_good_order(moving, trace):
    server, wires = await moving()
    begin = time.monotonic_ns()
    status, seconds = await server.child.terminate(within_s=3)
    assert status == 0
    assert seconds < 1.5
    assert await trace.low_since(wires, begin, 0.1) < SAFE_S
    assert "Traceback" not in server.child.output


async def test_a_blocked_loop_does_not_keep_it_moving(moving, trace):
    server, wires = await moving()
    await server.add(probe())
    block = {"command": "block", "seconds": 60.0}
    blocking = asyncio.create_task(server.direct(SensorClient, "probe").do_command(block))
    await asyncio.sleep(0.2)
    begin = time.monotonic_ns()
    server.child.signal(signal.SIGTERM)
    assert await trace.low_since(wires, begin, 1.0) < SAFE_S
    assert await server.child.ended(3.2) == 1
    with contextlib.suppress(Exception):
        await blocking
