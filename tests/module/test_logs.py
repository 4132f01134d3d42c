"""Log lines as viam-server gets them."""

import asyncio

from viam.components.sensor.client import SensorClient

from tests.module.desk_board import desk_board
from tests.module.fake_viam_server import FakeViamServer, component
from tests.module.unruly import probe, text_of

ERROR, INFO, DEBUG = 40, 20, 10


async def say(server: FakeViamServer, text: str, level: int = INFO, name: str = "probe") -> None:
    await server.client(SensorClient, name).do_command({"command": "say", "text": text, "level": level})


async def test_lines_arrive_with_their_logger_level_and_place(machine):
    server = await machine()
    await server.add(probe())
    await say(server, "hello", ERROR)
    entry = await server.logged("hello")
    assert (entry.logger_name, entry.level) == ("rdk:component:sensor/probe", "ERROR")
    assert entry.message.startswith("unruly_models.py:")
    assert (await server.logged("own logger: hello")).logger_name == "pi_drivers/tests"


async def test_a_traceback_is_kept_and_shown(machine):
    server = await machine()
    await server.add(probe())
    await server.client(SensorClient, "probe").do_command({"command": "traceback"})
    entry = await server.logged("something failed")
    assert "ValueError: invalid literal" in entry.stack
    assert "ValueError: invalid literal" in entry.message


async def test_a_malformed_log_call_does_not_fail_the_driver(machine):
    server = await machine()
    await server.add(probe())
    await server.client(SensorClient, "probe").do_command({"command": "say badly"})
    assert "no number" in (await server.logged("apples")).message


async def test_the_level_of_one_resource_does_not_touch_another(machine):
    server = await machine()
    await server.add(component("sensor", "test:unruly:probe", "loud", level="debug"))
    await server.add(component("sensor", "test:unruly:probe", "quiet", level="error"))
    for name in ("loud", "quiet"):
        await say(server, f"from {name}", DEBUG, name)
        await say(server, f"info from {name}", INFO, name)
    await server.logged("own logger: info from quiet")
    text = "\n".join(e.message for e in server.robot.logs if e.logger_name.startswith("rdk"))
    assert ("from loud" in text, "from quiet" in text) == (True, False)


async def test_a_storm_of_lines_beside_dependency_traffic_breaks_no_call(machine):
    server = await machine(resources=[desk_board("desk")], takes_log_batches=True)
    await server.configure(probe(needs=["desk"]))
    storm = {"command": "storm", "lines": 800, "calls": 600}
    answer = await server.client(SensorClient, "probe").do_command(storm)
    assert answer == {"failures": 0}
    await asyncio.wait_for(_all_said(server, 1600), 5)
    assert server.robot.requests.count("Log") < 400


async def test_a_server_that_takes_single_lines_only_gets_them_all_in_order(machine):
    server = await machine(resources=[desk_board("desk")])
    await server.configure(probe(needs=["desk"]))
    await server.client(SensorClient, "probe").do_command({"command": "storm", "lines": 100, "calls": 50})
    await asyncio.wait_for(_all_said(server, 200), 5)
    said = [entry.message.partition("\t")[2] for entry in server.robot.logs]
    assert [line for line in said if line.startswith("voice 1")] == [f"voice 1 {n}" for n in range(100)]


async def test_the_last_lines_before_the_end_still_arrive(machine):
    server = await machine()
    await server.child.terminate(within_s=3)
    assert "0 resources were closed" in text_of(server.robot.logs)


async def _all_said(server: FakeViamServer, count: int) -> None:
    while sum("voice" in entry.message for entry in server.robot.logs) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
