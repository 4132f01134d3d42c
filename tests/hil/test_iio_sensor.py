"""Sensors that the kernel itself has drivers for, and the machine as a sensor of itself, by run.sh under a viam-server.

The drivers are the kernel's own: of a BME280 and of an INA219, which a program outside plays, and of a dummy that the
kernel has for trying out its sensor interface.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.sensor.client import SensorClient

from tests.hil.kernel_drivers import kernel_driver
from tests.hil.machine import configured
from tests.hil.outside_chips import OutsideChips
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLL_MS = 100
MAX_AGE_MS = 2000
PATIENCE_S = 15.0
POWER = {
    "voltage0_v": pytest.approx(0.008, abs=0.001),
    "voltage1_v": pytest.approx(12, abs=0.01),
    "current_a": pytest.approx(0.8, abs=0.01),
    "power_w": pytest.approx(9.6, abs=0.1),
}
DUMMIES = Path("/sys/kernel/config/iio/devices/dummy")


@pytest.fixture
def chips(player: OutsideChips) -> OutsideChips:
    """The bus with a BME280 and an INA219 on it, air of 21.5 degrees, and 0.8 A at 12 V."""
    player.tell("clear")
    player.tell("plug bme280@0x76")
    player.tell("plug ina219@0x40")
    player.tell("temperature 21.5")
    return player


@pytest.fixture
def dummy() -> Iterator[str]:
    """A device of the kernel's own dummy driver; its name."""
    if not DUMMIES.is_dir():
        pytest.skip("this kernel has no dummy of a sensor")
    folder = DUMMIES / "tryout"
    folder.mkdir()
    try:
        yield folder.name
    finally:
        folder.rmdir()


@asynccontextmanager
async def sensor(server: FakeViamServer, model: str = "iio-sensor", **attributes: Any) -> AsyncIterator[SensorClient]:
    """The sensor as viam-server gives it to its users."""
    config = component("sensor", model, "s", {"poll_interval_ms": POLL_MS, "max_age_ms": MAX_AGE_MS, **attributes})
    async with configured(server, config):
        yield server.client(SensorClient, "s")


async def until(client: SensorClient, wanted: str) -> dict[str, Any]:
    """Wait for readings, or for an error with these words; gives the readings."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                readings = dict(await client.get_readings())
            except GRPCError as error:
                if wanted and error.status is Status.UNAVAILABLE and wanted in (error.message or ""):
                    return {}
            else:
                if not wanted:
                    return readings
            await asyncio.sleep(POLL_MS / 1000)


async def test_a_bme280_with_its_own_driver_is_read_in_the_units_of_readings(
    server: FakeViamServer, chips: OutsideChips
):
    with kernel_driver(chips.bus, "bme280", 0x76):
        async with sensor(server, device="bme280") as client:
            assert await client.get_readings() == {
                "temperature_c": pytest.approx(21.5, abs=0.02),
                "relative_humidity_pct": pytest.approx(45, abs=0.1),
                "pressure_hpa": pytest.approx(1013.25, abs=0.5),
            }
            status = await client.get_status()
            assert (status["device"], status["place"]) == ("bme280", f"{chips.bus}-0076")
            chips.tell("temperature -12.25")
            await asyncio.sleep(3 * POLL_MS / 1000)
            assert (await client.get_readings())["temperature_c"] == pytest.approx(-12.25, abs=0.02)


async def test_an_ina219_watched_over_by_hwmon_is_read_as_well(server: FakeViamServer, chips: OutsideChips):
    with kernel_driver(chips.bus, "ina219", 0x40):
        async with sensor(server, device="ina219", place=f"{chips.bus}-0040") as client:
            assert await until(client, "") == POWER


async def test_a_chip_that_is_pulled_out_is_told_by_its_driver_and_recovers(
    server: FakeViamServer, chips: OutsideChips
):
    with kernel_driver(chips.bus, "ina219", 0x40):
        async with sensor(server, device="ina219") as client:
            chips.tell("unplug 0x40")
            await until(client, "the last good reading is")
            assert "kernel sensor ina219" in str((await client.get_status())["error"])
            chips.tell("replug 0x40")
            assert await until(client, "") == POWER


async def test_a_driver_that_lets_go_and_comes_back_is_found_again(server: FakeViamServer, chips: OutsideChips):
    with kernel_driver(chips.bus, "bme280", 0x76):
        client_of_it = sensor(server, device="bme280")
        client = await client_of_it.__aenter__()
    try:
        await until(client, 'the kernel has no sensor "bme280". There are: ')
        # Something else takes its number first.
        with kernel_driver(chips.bus, "ina219", 0x40), kernel_driver(chips.bus, "bme280", 0x76):
            chips.tell("temperature 4")
            assert (await until(client, ""))["temperature_c"] == pytest.approx(4, abs=0.02)
    finally:
        await client_of_it.__aexit__(None, None, None)


async def test_the_kernel_s_dummy_has_offsets_scales_and_differences(server: FakeViamServer, dummy: str):
    async with sensor(server, device=dummy) as client:
        readings = await client.get_readings()
        # drivers/iio/dummy/iio_simple_dummy.c: (73 + 7) * 0.001333 mV; 33 and -34 counts of 0.000001344 mV.
        assert readings["voltage0_v"] == pytest.approx(80 * 0.001333e-3)
        assert readings["voltage1_minus_2_v"] == pytest.approx(33 * 1.344e-9)
        assert readings["voltage3_minus_4_v"] == pytest.approx(-34 * 1.344e-9)


async def test_a_device_that_is_not_there_is_refused_with_what_to_do(server: FakeViamServer):
    config = component("sensor", "iio-sensor", "s", {"device": "dht22"})
    with pytest.raises(GRPCError, match="dtoverlay=dht11,gpiopin=4") as error:
        await server.configure(config)
    assert error.value.status is Status.FAILED_PRECONDITION


async def test_any_machine_tells_of_its_health(server: FakeViamServer):
    async with sensor(server, model="pi-health") as client:
        await asyncio.sleep(3 * POLL_MS / 1000)
        readings: Any = await client.get_readings()
        assert 0 < readings["memory_free_mib"] <= readings["memory_total_mib"]
        assert 0 <= readings["cpu_use_pct"] <= 100
        assert readings["uptime_s"] > 0
        assert readings["disk_total_gib"] > 0


async def test_without_a_bus_a_thermometer_is_refused_with_the_line_that_switches_it_on(server: FakeViamServer):
    config = component("sensor", "ds18b20", "s", {"sensor_id": "28-000005e2fdc3"})
    with pytest.raises(GRPCError, match="dtoverlay=w1-gpio") as error:
        await server.configure(config)
    assert error.value.status is Status.FAILED_PRECONDITION
