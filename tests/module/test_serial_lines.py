"""Devices that print, on a real serial port: a GPS receiver and a microcontroller, with their cables pulled."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from grpclib import GRPCError
from viam.components.movement_sensor.client import MovementSensorClient
from viam.components.sensor.client import SensorClient

from pi_drivers.models.movement_sensor.nmea_twin import sentence
from tests.module.fake_viam_server import FakeViamServer, component
from tests.module.outside_talker import OutsideTalker


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[OutsideTalker]:
    made = OutsideTalker(tmp_path)
    yield made
    made.close()


def epoch(second: int, place: str = "4717.11399,N,00833.91590,E") -> bytes:
    """As a u-blox receiver has it."""
    time_of_day = f"0927{second:02d}.00"
    return sentence(f"GNRMC,{time_of_day},A,{place},3.888,77.52,091202,,,A") + sentence(
        f"GNGGA,{time_of_day},{place},1,08,1.01,499.6,M,48.0,M,,"
    )


async def soon(call: Callable[[], Awaitable[Any]], say: Callable[[], None], within_s: float = 8) -> Any:
    """What a call returns once it does, while the device speaks."""
    deadline = time.monotonic() + within_s
    while True:
        say()
        try:
            return await call()
        except GRPCError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_receiver_whose_cable_is_pulled_and_put_back(machine, outside: OutsideTalker):
    server: FakeViamServer = await machine()
    attributes = {"serial_path": outside.path, "max_age_ms": 1000}
    await server.configure(component("movement_sensor", "nmea-gps", "gps", attributes))
    gps = server.client(MovementSensorClient, "gps")
    seconds = iter(range(60))

    point, altitude = await soon(gps.get_position, lambda: outside.say(epoch(next(seconds))))
    assert (point.latitude, point.longitude) == (pytest.approx(47.2852332), pytest.approx(8.565265))
    assert altitude == pytest.approx(499.6)
    assert (await gps.get_linear_velocity()).x == pytest.approx(2.0 * 0.9763, abs=0.01)

    outside.unplug()
    await asyncio.sleep(1.3)
    with pytest.raises(GRPCError, match="the serial port was unplugged"):
        await gps.get_position()
    outside.replug()
    point, _ = await soon(gps.get_position, lambda: outside.say(epoch(next(seconds), "3356.0,S,15112.0,E")))
    assert point.latitude == pytest.approx(-33.93333, abs=1e-4)


async def test_a_microcontroller_is_read_and_told_something(machine, outside: OutsideTalker):
    server: FakeViamServer = await machine()
    await server.configure(component("sensor", "serial-sensor", "weather", {"serial_path": outside.path}))
    weather = server.client(SensorClient, "weather")
    readings = await soon(weather.get_readings, lambda: outside.say(b'{"temperature_c": 21.5}\r\n'))
    assert readings == {"temperature_c": 21.5}
    await weather.do_command({"command": "send", "line": "led on"})
    assert await asyncio.to_thread(outside.heard) == b"led on\n"


async def stopped(pid: int) -> None:
    """Wait until a process stands still."""
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)


async def test_a_module_that_stood_still_does_not_take_old_lines_for_new_ones(machine, outside: OutsideTalker):
    server: FakeViamServer = await machine()
    await server.configure(component("sensor", "serial-sensor", "n", {"serial_path": outside.path}))
    sensor = server.client(SensorClient, "n")
    await soon(sensor.get_readings, lambda: outside.say(b'{"n": 1}\n'))
    server.child.signal(signal.SIGSTOP)
    try:
        await stopped(server.child.pid)
        outside.say(b'{"n": 2}\n' * 3)
        await asyncio.sleep(2.0)
    finally:
        server.child.signal(signal.SIGCONT)
    await asyncio.sleep(0.3)
    assert await sensor.get_readings() == {"n": 1}
