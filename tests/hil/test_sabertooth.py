"""Motors on a Sabertooth, as a Pi runs them: run.sh, the real serial port, and a driver that obeys real packets.

On a wired Pi, too, the port is a pseudo terminal: no driver is needed for these.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from grpclib import GRPCError
from viam.components.motor.client import MotorClient

from tests.hil.machine import running, until
from tests.hil.test_killed import BACK_S, ENDED_S, SAFE_S, keepers_of
from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer, component
from tests.module.outside_sabertooth import OutsideSabertooth

HEARD_S = 1.0


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[OutsideSabertooth]:
    made = OutsideSabertooth(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def server(start: Start, outside: OutsideSabertooth) -> AsyncIterator[FakeViamServer]:
    """A machine of each test's own, to be killed, with both motors turning."""
    async with running(start) as made:
        for channel, name in enumerate(("left", "right"), start=1):
            attributes = {"serial_path": outside.path, "channel": channel, "max_rpm": 60}
            await made.configure(component("motor", "sabertooth", name, attributes))
        await made.client(MotorClient, "left").set_power(0.5)
        await made.client(MotorClient, "right").set_power(-1.0)
        await until(lambda: outside.powers == (64, -127), HEARD_S)
        await until(lambda: keepers_of(made) != [], BACK_S)
        yield made


async def test_its_motors_turn_go_on_and_are_stopped_one_by_one(server: FakeViamServer, outside: OutsideSabertooth):
    left, right = server.client(MotorClient, "left"), server.client(MotorClient, "right")
    await left.stop()
    await until(lambda: outside.powers == (0, -127), HEARD_S)
    await left.go_for(60, 0.1)
    with pytest.raises(GRPCError, match="Position Unimplemented"):
        await left.get_position()
    assert outside.powers == (0, -127)
    await right.stop()
    await until(lambda: outside.powers == (0, 0), HEARD_S)
    assert outside.broken == 0


async def test_a_module_that_is_killed_leaves_its_motors_stopped(server: FakeViamServer, outside: OutsideSabertooth):
    server.child.signal(signal.SIGKILL)
    await until(lambda: outside.powers == (0, 0), SAFE_S)
    await server.child.ended(ENDED_S)
    assert f"to {outside.path}" in server.child.output


async def test_a_module_that_is_told_to_end_stops_its_motors_itself(server: FakeViamServer, outside: OutsideSabertooth):
    status, _ = await server.child.terminate(ENDED_S)
    await until(lambda: outside.powers == (0, 0), HEARD_S)
    assert (status, outside.timeouts) == (0, 0)
    assert "were made safe" not in server.child.output


async def test_a_cable_that_is_pulled_ends_a_move_and_is_found_again(
    server: FakeViamServer, outside: OutsideSabertooth
):
    motor = server.client(MotorClient, "left")
    moving = asyncio.create_task(motor.go_for(30, 1000))
    await asyncio.sleep(0.2)
    outside.unplug()
    with pytest.raises(GRPCError, match="unplugged"):
        await asyncio.wait_for(moving, HEARD_S)
    await until(lambda: outside.powers == (0, 0), HEARD_S)
    outside.replug()
    await until(lambda: any('"left" can be reached again' in log.message for log in server.robot.logs), BACK_S)
    await motor.set_power(0.25)
    await until(lambda: outside.powers[0] == 32, HEARD_S)
