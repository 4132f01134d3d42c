"""A motor whose caller has gone: cancelled, out of time, or cut off. Its pins must be at 0, every time.

The calls go through gRPC, as they do under viam-server, and end at moments spread over the whole motion.
"""

import asyncio
import random

import pytest
from grpclib import GRPCError, Status

from tests.models.conftest import Bench

OFF = (0.0, 0.0, 0.0)
TRIES = 500


async def test_a_cancelled_go_for_leaves_the_pins_at_0_every_time(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    client = await bench.client(motor)
    moments = random.Random(1)
    for _ in range(TRIES):
        move = asyncio.create_task(client.go_for(120, 50))
        await bench.wait(moments.uniform(0.001, 0.4))
        move.cancel()
        with pytest.raises(asyncio.CancelledError):
            await move
        await bench.wait(0.001)
        assert bench.duties(5, 6, 12) == OFF


async def test_a_deadline_in_go_for_leaves_the_pins_at_0_every_time(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    client = await bench.client(motor)
    moments = random.Random(2)
    for _ in range(TRIES):
        with pytest.raises((GRPCError, asyncio.TimeoutError)) as caught:
            await client.go_for(120, 50, timeout=moments.uniform(0.001, 0.4))
        if isinstance(caught.value, GRPCError):
            assert caught.value.status is Status.DEADLINE_EXCEEDED
        await bench.wait(0.001)
        assert bench.duties(5, 6, 12) == OFF


async def test_a_handler_cancelled_twice_leaves_the_pins_at_0_every_time(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    moments = random.Random(4)
    for _ in range(TRIES):
        # A deadline cancels the handler, and the client's reset of the stream cancels it again a moment later.
        handler = asyncio.create_task(motor.go_for(120, 50))
        await bench.wait(moments.uniform(0.0, 0.4))
        handler.cancel()
        await asyncio.sleep(moments.choice([0, 0.001]))
        handler.cancel()
        await asyncio.wait({handler})
        assert handler.cancelled()
        assert bench.duties(5, 6, 12) == OFF


async def test_two_commands_at_once_leave_one_in_charge(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    moments = random.Random(3)
    for _ in range(100):
        commands = [
            asyncio.create_task(command)
            for command in (motor.go_for(100, 20), motor.go_to(100, -3), motor.set_rpm(30), motor.set_power(0.3))
        ]
        moments.shuffle(commands)
        await bench.wait(moments.uniform(0.0, 0.05))
        commands[0].cancel()
        commands[1].cancel()
        await motor.stop()
        await asyncio.wait(commands)
        assert bench.duties(5, 6, 12) == OFF
        await bench.wait(0.05)
        assert bench.duties(5, 6, 12) == OFF
