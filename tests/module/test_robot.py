"""The real models in a real module process: a small robot on the mock world, seen from outside."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest
from viam.components.board.client import BoardClient
from viam.components.encoder.client import EncoderClient
from viam.components.motor.client import MotorClient
from viam.components.sensor.client import SensorClient

from tests.module.desk_board import desk_board
from tests.module.fake_viam_server import FakeViamServer, component, full_name
from tests.module.unruly import probe

MOCK = {"backend": "mock"}
MOTOR_WIRES = ["GPIO17", "GPIO27", "GPIO22"]

BOARD = component("board", "board", "pi", MOCK)
ENCODER = component("encoder", "incremental-encoder", "e1", {**MOCK, "board": "pi", "pins": {"a": "29", "b": "31"}})
MOTOR = component("motor", "dc-motor", "left", {
    **MOCK, "board": "pi", "pins": {"a": "11", "b": "13", "pwm": "15"}, "encoder": "e1", "max_rpm": 100,
    "ticks_per_rotation": 200,
})  # fmt: skip
SENSOR = component("sensor", "sht31", "air", {**MOCK, "poll_interval_ms": 100})
ROBOT = (BOARD, ENCODER, MOTOR, SENSOR)

REBUILDS = 200


@pytest.fixture
async def robot(machine):
    """Builds the robot in a running machine."""

    async def build(**how):
        server = await machine(**how)
        for config in ROBOT:
            await server.configure(config)
        return server

    return build


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_the_robot_is_built_used_and_taken_apart(robot, trace, tcp):
    server = await robot(tcp=tcp, env={"PYTHONDEVMODE": "1"})
    motor = server.client(MotorClient, "left")
    await motor.set_power(0.5)
    assert await motor.is_powered() == (True, 0.5)
    assert not trace.is_low(*MOTOR_WIRES)
    await asyncio.sleep(0.3)
    assert (await server.client(EncoderClient, "e1").get_position())[0] > 0
    assert (await server.client(SensorClient, "air").get_readings()).keys() == {
        "temperature_c",
        "relative_humidity_pct",
    }
    pin = await server.client(BoardClient, "pi").gpio_pin_by_name("37")
    await pin.set(True)
    assert await pin.get() is True
    status, _ = await server.stop()
    assert status == 0
    assert trace.is_low(*MOTOR_WIRES, "GPIO26")
    assert "Warning" not in server.child.output
    assert "Traceback" not in server.child.output


async def test_a_motor_on_a_board_that_lives_in_the_parent(machine):
    desk = desk_board("desk")
    server = await machine(resources=[desk], entry=("-m", "pi_drivers"))
    pins = {"a": "A", "b": "B", "pwm": "P"}
    config = component("motor", "dc-motor", "left", {"board": "desk", "pins": pins, "max_rpm": 60})
    await server.configure(config)
    motor = server.client(MotorClient, "left")
    await motor.set_power(-0.25)
    assert {name: pin.duty for name, pin in desk.pins.items()} == {"A": 0.0, "B": 1.0, "P": 0.25}
    move = asyncio.create_task(motor.go_for(60, 100))
    await _until(lambda: desk.pins["A"].duty == desk.pins["P"].duty == 1.0)
    move.cancel()
    await _until(lambda: all(pin.duty == 0.0 for pin in desk.pins.values()))
    await motor.set_power(1.0)
    await server.remove(full_name(config))
    assert {pin.duty for pin in desk.pins.values()} == {0.0}


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - the pins are in this process, the motor in another
            await asyncio.sleep(0.005)


async def test_two_hundred_rebuilds_leave_nothing_behind(machine):
    server = await machine()
    needs = {config.name: await server.configure(config) for config in ROBOT}
    await server.add(probe())
    inside = server.client(SensorClient, "probe")
    await _rebuild(server, needs, 10)
    before = await inside.get_readings()
    await _rebuild(server, needs, REBUILDS)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):  # a log line may be on its way, which is a task
            while await inside.get_readings() != before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert await inside.get_readings() == before


async def _rebuild(server: FakeViamServer, needs: dict[str, list[str]], times: int) -> None:
    """What a change of the config does to each of the robot's components, dependents first."""
    for _ in range(times):
        for config in reversed(ROBOT):
            await server.remove(full_name(config))
        for config in ROBOT:
            await server.add(config, *needs[config.name])


async def test_sigterm_takes_the_power_off_the_pins(robot, trace):
    server = await robot()
    await server.client(MotorClient, "left").set_power(1.0)
    begin = time.monotonic_ns()
    status, seconds = await server.child.terminate(within_s=3)
    assert status == 0
    assert seconds < 1.0
    assert await trace.low_since(MOTOR_WIRES, begin, 0.5) < 0.3


async def test_the_power_goes_off_in_the_middle_of_a_move(robot, trace):
    server = await robot()
    moving = asyncio.create_task(server.client(MotorClient, "left").go_for(60, 1000))
    await asyncio.sleep(0.5)
    assert not trace.is_low(*MOTOR_WIRES)
    status, _ = await server.child.terminate(within_s=3)
    await asyncio.gather(moving, return_exceptions=True)
    assert (status, trace.is_low(*MOTOR_WIRES)) == (0, True)


async def test_the_power_goes_off_when_the_parent_is_killed(robot, trace):
    server = await robot(by_launcher=True)
    await server.client(MotorClient, "left").set_power(1.0)
    begin = time.monotonic_ns()
    server.child.kill_parent()
    assert await trace.low_since(MOTOR_WIRES, begin, 1.0) < 0.3


async def test_the_power_goes_off_when_the_loop_is_blocked(robot, trace):
    server = await robot()
    await server.add(probe())
    await server.client(MotorClient, "left").set_power(1.0)
    block = {"command": "block", "seconds": 60.0}
    blocking = asyncio.create_task(server.direct(SensorClient, "probe").do_command(block))
    await asyncio.sleep(0.2)
    begin = time.monotonic_ns()
    server.child.signal(15)
    assert await trace.low_since(MOTOR_WIRES, begin, 1.0) < 0.3
    assert await server.child.ended(3.2) == 1
    await asyncio.gather(blocking, return_exceptions=True)
