"""The life of resources: what viam-server is told, and that nothing constructed is ever lost."""

import asyncio
from collections.abc import Awaitable

import pytest
from grpclib import GRPCError, Status
from viam.components.motor.client import MotorClient
from viam.components.sensor.client import SensorClient

from tests.module.desk_board import desk_board
from tests.module.fake_viam_server import component
from tests.module.unruly import LEFT, motor, probe, text_of

DESK = "rdk:component:board/desk"


async def refused(call: Awaitable[object]) -> tuple[Status, str]:
    """The status and text of a call that must fail."""
    with pytest.raises(GRPCError) as error:
        await call
    return error.value.status, error.value.message or ""


async def test_a_driver_error_arrives_as_it_is_and_without_a_traceback(machine):
    server = await machine()
    answer = await refused(server.add(motor(new="error")))
    assert answer == (Status.UNAVAILABLE, "i2c-1 0x44: no answer. Is the sensor wired?")
    assert "Traceback" not in (await server.logged("could not be created")).message


async def test_a_bug_in_one_driver_leaves_the_others_alone(machine):
    server = await machine()
    answer = await refused(server.add(motor(new="bug")))
    assert answer == (Status.INTERNAL, "ZeroDivisionError: a mistake in the driver")
    assert "Traceback" in (await server.logged("ZeroDivisionError")).message
    await server.add(probe())
    answer = await refused(server.direct(SensorClient, "probe").do_command({"command": "bug"}))
    assert answer == (Status.INTERNAL, "KeyError: 'missing'")
    assert "tasks" in await server.client(SensorClient, "probe").get_readings()
    await server.add(motor())
    await server.client(MotorClient, "left").set_power(1.0)


async def test_a_name_that_is_taken_is_refused_and_its_owner_untouched(machine, trace):
    server = await machine()
    await server.add(motor())
    await server.client(MotorClient, "left").set_power(1.0)
    status, _ = await refused(server.add(motor()))
    assert status is Status.ALREADY_EXISTS
    assert trace.last("left")["level"] == 1


async def test_a_resource_made_after_the_deadline_is_closed_and_can_be_added_again(machine):
    server = await machine()
    with pytest.raises(TimeoutError):
        await server.add(motor(new="slow"), timeout=0.2)
    await server.logged("left: close no. 1")
    await server.add(motor())


async def test_an_unknown_log_level_of_a_resource_is_a_warning(machine):
    server = await machine()
    await server.add(component("motor", "test:unruly:motor", "left", level="loud"))
    assert (await server.logged("log level 'loud' is not known")).level == "WARNING"
    await server.client(MotorClient, "left").set_power(1.0)


MISBEHAVIOURS = ({"stop": "raise"}, {"stop": "hang"}, {"close": "raise"}, {"close": "hang"}, {"close": "never"})


async def test_removing_gets_rid_of_a_resource_whatever_it_does(machine):
    server = await machine()

    async def remove(name: str, **misbehaviour: str) -> None:
        await server.add(motor(name, **misbehaviour))
        await server.remove(f"rdk:component:motor/{name}")
        await server.logged(f"{name}: close no. 1")
        assert (await refused(server.remove(f"rdk:component:motor/{name}")))[0] is Status.NOT_FOUND
        await server.add(motor(name))

    await asyncio.gather(*(remove(f"m{n}", **how) for n, how in enumerate(MISBEHAVIOURS)))


async def test_a_rebuild_whose_creation_fails_leaves_a_name_that_can_be_added_again(machine):
    server = await machine()
    await server.add(motor(stop="raise"))
    assert (await refused(server.reconfigure(motor(new="error"))))[0] is Status.UNAVAILABLE
    await server.logged("left: close no. 1")
    await server.add(motor())
    await server.reconfigure(motor())
    await server.client(MotorClient, "left").set_power(1.0)


async def test_lifecycle_calls_of_one_resource_run_one_after_the_other(machine):
    server = await machine()
    await server.add(motor(close="hang"))
    await asyncio.gather(*(server.reconfigure(motor(close="hang")) for _ in range(2)))
    await server.remove(LEFT)
    steps = [line for line in text_of(server.robot.logs).splitlines() if "left: close no." in line]
    assert [step.partition("\t")[2] for step in steps] == ["left: close no. 1"] * 3


async def test_a_slow_resource_does_not_hold_up_the_others(machine):
    server = await machine()
    await server.add(motor(close="hang"))
    removing = asyncio.create_task(server.remove(LEFT))
    await server.logged("left: close no. 1")
    await server.add(motor("right"))
    assert not removing.done()
    await removing


async def test_a_dependency_of_another_module_is_a_client_of_viam_server(machine):
    board = desk_board("desk")
    server = await machine(resources=[board])
    await server.configure(probe(needs=["desk"]))
    answer = await server.client(SensorClient, "probe").do_command({"command": "storm", "lines": 0, "calls": 3})
    assert (answer, board.pins["1"].reads) == ({"failures": 0}, 3)


async def test_a_missing_dependency_is_named(machine):
    server = await machine()
    status, text = await refused(server.add(motor(), DESK))
    assert (status, DESK in text) == (Status.NOT_FOUND, True)


async def test_dependents_close_before_dependencies_and_actuators_first(machine):
    server = await machine()
    await server.add(motor("base"))
    await server.add(motor("wheel"), "rdk:component:motor/base")
    await server.add(motor("free"))
    await server.child.terminate(within_s=3)
    text = text_of(server.robot.logs)
    assert text.index("wheel: close no. 1") < text.index("base: close no. 1")
    assert text.count("close no. 1") == 3


async def test_requests_during_the_closing_are_refused(machine):
    server = await machine()
    await server.add(motor(close="hang"))
    server.child.signal(15)
    await server.logged("left: close no. 1")
    stopping = (Status.UNAVAILABLE, "the module is stopping")
    assert await refused(server.add(motor("right"))) == stopping
    assert await refused(server.direct(MotorClient, "left").set_power(1.0)) == stopping
    assert await server.child.ended(3) == 0
