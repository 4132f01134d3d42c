"""What all polled models share: one user of the chip at a time, and no lock that outlives its user."""

import asyncio

import pytest

from pi_drivers.errors import NoAnswerError
from tests.models.conftest import Bench

ADDRESS = 0x44


async def test_a_command_that_fails_leaves_no_lock_behind(bench: Bench):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    await bench.wait(0.05)
    bench.world.i2c(1).faults(ADDRESS).nacks = 1
    with pytest.raises(NoAnswerError):
        await sensor.do_command({"command": "heater", "on": True})
    assert await sensor.do_command({"command": "heater", "on": True}) == {"heater": True}
    await bench.wait(0.3)
    assert (await sensor.get_status())["failures"] == 0


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.004, 0.09, 0.101])
async def test_a_command_whose_caller_leaves_holds_nobody_up(bench: Bench, after_s):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    command = asyncio.ensure_future(sensor.do_command({"command": "heater", "on": True}))
    await bench.wait(after_s)
    command.cancel()
    await asyncio.wait({command})
    assert await asyncio.wait_for(sensor.do_command({"command": "heater", "on": False}), 1) == {"heater": False}
    await bench.wait(0.3)
    assert (await sensor.get_status())["failures"] == 0
    assert (await sensor.get_readings())["temperature_c"] == pytest.approx(21, abs=0.01)


async def test_a_command_and_a_measurement_do_not_meet_in_the_chip(bench: Bench):
    # While it measures the chip acknowledges nothing: a command then would fail, or lose the measurement.
    sensor = await bench.make("sht31", "air", poll_interval_ms=30, max_age_ms=100)
    for number in range(40):
        await bench.wait(0.0037)
        await sensor.do_command({"command": "heater", "on": bool(number % 2)})
    assert (await sensor.get_status())["failures"] == 0


async def test_a_bus_that_hung_serves_everybody_afterwards(bench: Bench):
    first = await bench.make("sht31", "a", poll_interval_ms=100, max_age_ms=300)
    second = await bench.make("sht31", "b", i2c_addr="0x45", poll_interval_ms=100, max_age_ms=300)
    bench.world.i2c(1).faults(ADDRESS).hangs = 2
    await bench.wait(6)
    for sensor in (first, second):
        assert (await sensor.get_readings())["temperature_c"] == pytest.approx(21, abs=0.01)


async def test_status_says_what_a_failing_sensor_waits_for(bench: Bench):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    assert "waits_for" not in await sensor.get_status()
    bench.world.i2c(1).faults(ADDRESS).unplugged = True
    await bench.wait(0.5)
    assert (await sensor.get_status())["waits_for"] == "its chip to answer"
