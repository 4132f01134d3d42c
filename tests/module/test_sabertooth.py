"""Motors on a Sabertooth and a real serial port: whatever ends the process, its motors stop."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from grpclib import GRPCError
from viam.components.motor.client import MotorClient

from tests.module.fake_viam_server import FakeViamServer, component
from tests.module.outside_sabertooth import OutsideSabertooth
from tests.module.test_keeper import keepers_of

STOPPED_S = 0.1
"""How soon after a kill the driver must have heard it; on an idle machine it takes about 10 ms."""
DRIVER_STOPS_S = 0.5


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[OutsideSabertooth]:
    made = OutsideSabertooth(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def server(machine, outside: OutsideSabertooth) -> FakeViamServer:
    """A machine with two motors on one driver, the left one at half its power."""
    made: FakeViamServer = await machine()
    for channel, name in enumerate(("left", "right"), start=1):
        attributes = {"serial_path": outside.path, "channel": channel, "max_rpm": 60}
        await made.configure(component("motor", "sabertooth", name, attributes))
    await made.client(MotorClient, "left").set_power(0.5)
    await until(lambda: outside.powers == (64, 0), 1)
    await until(lambda: keepers_of(made) != [], 2)
    return made


async def until(condition: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {within_s} s"
        await asyncio.sleep(0.002)


async def test_commands_arrive_as_packets_and_are_repeated(server: FakeViamServer, outside: OutsideSabertooth):
    await server.client(MotorClient, "right").set_power(-1.0)
    await until(lambda: outside.powers == (64, -127), 1)
    await asyncio.sleep(3 * DRIVER_STOPS_S)
    assert outside.powers == (64, -127)
    await server.client(MotorClient, "left").go_for(60, 0.1)
    await until(lambda: outside.powers == (0, -127), 1)
    assert (outside.timeouts, outside.broken) == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_module_that_is_killed_leaves_its_motors_stopped(
    server: FakeViamServer, outside: OutsideSabertooth, number
):
    await server.client(MotorClient, "right").set_power(-1.0)
    await until(lambda: outside.powers == (64, -127), 1)
    server.child.signal(number)
    await until(lambda: outside.powers == (0, 0), STOPPED_S)
    assert outside.timeouts == 0
    await server.child.ended(3)
    assert f"to {outside.path}" in server.child.output


async def test_a_module_that_stands_still_has_its_motor_stopped_and_does_not_start_it_again(
    server: FakeViamServer, outside: OutsideSabertooth
):
    server.child.signal(signal.SIGSTOP)
    try:
        await until(lambda: outside.powers == (0, 0), DRIVER_STOPS_S + 0.2)
        assert outside.timeouts == 1
        await asyncio.sleep(0.3)
    finally:
        server.child.signal(signal.SIGCONT)
    motor = server.client(MotorClient, "left")
    await asyncio.sleep(1)
    assert outside.powers == (0, 0)
    assert not (await motor.is_powered())[0]
    await motor.set_power(0.25)
    await until(lambda: outside.powers == (32, 0), 1)


async def test_a_module_that_is_told_to_end_stops_its_motors_itself(server: FakeViamServer, outside: OutsideSabertooth):
    status, _ = await server.child.terminate(within_s=3)
    assert (status, outside.powers, outside.timeouts) == (0, (0, 0), 0)
    assert "were made safe" not in server.child.output


async def test_a_cable_that_is_pulled_and_put_back(server: FakeViamServer, outside: OutsideSabertooth):
    motor = server.client(MotorClient, "left")
    moving = asyncio.create_task(motor.go_for(30, 1000))
    await until(lambda: outside.powers == (64, 0), 1)
    outside.unplug()
    with pytest.raises(GRPCError, match="unplugged"):
        await asyncio.wait_for(moving, 1)
    await until(lambda: outside.powers == (0, 0), 1)
    outside.replug()
    await until(lambda: any('"left" can be reached again' in log.message for log in server.robot.logs), 5)
    assert not (await motor.is_powered())[0]
    await motor.set_power(0.25)
    await until(lambda: outside.powers == (32, 0), 1)
