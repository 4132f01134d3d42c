"""The Pi as a sensor of itself, on the simulated one."""

import math
from dataclasses import replace

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import BusAbsentError, ConfigError
from pi_drivers.host.vitals import Vitals
from tests.models.conftest import Bench


async def test_a_pi_at_ease_tells_everything_that_is_known_of_it(bench: Bench):
    sensor = await bench.make("pi-health", "self", poll_interval_ms=1000)
    await bench.wait(2)
    assert await (await bench.client(sensor)).get_readings() == {
        "temperature_c": pytest.approx(48.2),
        **{
            f"{trouble}_{when}": False
            for trouble in ("under_voltage", "frequency_capped", "throttled", "soft_temperature_limit")
            for when in ("now", "since_boot")
        },
        "load_1min": 0.21,
        "load_5min": 0.18,
        "load_15min": 0.12,
        "cpu_use_pct": pytest.approx(6),
        "cpu_frequency_mhz": 1500,
        "memory_total_mib": 8052,
        "memory_free_mib": 6900,
        "memory_used_mib": 1152,
        "memory_used_pct": pytest.approx(14.307, abs=0.001),
        "disk_total_gib": pytest.approx(58.2),
        "disk_free_gib": 44,
        "disk_used_gib": 11,
        "disk_used_pct": pytest.approx(20),
        "uptime_s": pytest.approx(bench.host.now_ns() / 1e9, abs=1.1),
        "wifi_signal_dbm": -54,
        "fan_rpm": 2900,
    }


async def test_booleans_are_booleans_on_the_wire(bench: Bench):
    client = await bench.client(await bench.make("pi-health", "self"))
    assert (await client.get_readings())["throttled_now"] is False


@pytest.mark.parametrize(
    ("bits", "now", "since_boot"),
    [
        # raspberrypi.com, vcgencmd get_throttled: bits 0 to 3 are now, 16 to 19 since the start.
        (0x1, {"under_voltage"}, {"under_voltage"}),
        (0x20000, set(), {"frequency_capped"}),
        (0x50005, {"under_voltage", "throttled"}, {"under_voltage", "throttled"}),
        (0x80008, {"soft_temperature_limit"}, {"soft_temperature_limit"}),
        (0xE0000, set(), {"frequency_capped", "throttled", "soft_temperature_limit"}),
    ],
)
async def test_each_bit_of_the_firmware_is_a_key(bench: Bench, bits, now, since_boot):
    bench.world.vitals.steady = replace(bench.world.vitals.steady, throttled=bits)
    readings = await (await bench.make("pi-health", "self")).get_readings()
    assert {key.removesuffix("_now") for key in readings if key.endswith("_now") and readings[key]} == now
    assert {
        key.removesuffix("_since_boot") for key in readings if key.endswith("_boot") and readings[key]
    } == since_boot


async def test_trouble_that_was_seen_stays_seen_when_the_firmware_forgets_it(bench: Bench):
    sensor = await bench.make("pi-health", "self", poll_interval_ms=1000)
    for bits in (0x1, 0x0):
        bench.world.vitals.steady = replace(bench.world.vitals.steady, throttled=bits)
        await bench.wait(1.5)
    readings = await sensor.get_readings()
    assert (readings["under_voltage_now"], readings["under_voltage_since_boot"]) == (False, True)


async def test_a_kernel_that_tells_under_voltage_only_is_not_made_to_say_more(bench: Bench):
    steady = bench.world.vitals.steady
    bench.world.vitals.steady = replace(steady, throttled=None, under_voltage=True)
    readings = await (await bench.make("pi-health", "self")).get_readings()
    assert [key for key in readings if key.endswith(("_now", "_boot"))] == ["under_voltage_now"]
    assert readings["under_voltage_now"] is True


async def test_what_a_machine_does_not_have_is_left_out(bench: Bench):
    bench.world.vitals.steady = Vitals(load=(0.5, 0.4, 0.3))
    client = await bench.client(await bench.make("pi-health", "self"))
    readings = await client.get_readings()
    assert set(readings) == {"temperature_c", "load_1min", "load_5min", "load_15min", "uptime_s"}
    assert all(math.isfinite(value) for value in readings.values())


async def test_the_use_of_the_processor_is_that_between_two_looks(bench: Bench):
    sensor = await bench.make("pi-health", "self", poll_interval_ms=1000)
    assert "cpu_use_pct" not in await sensor.get_readings()
    await bench.wait(1)
    bench.world.vitals.cpu_use = 0.75
    await bench.wait(1.5)
    bench.world.vitals.cpu_use = 0.0
    await bench.wait(0.4)
    assert (await sensor.get_readings())["cpu_use_pct"] == pytest.approx(75, abs=0.5)
    await bench.wait(2)
    assert (await sensor.get_readings())["cpu_use_pct"] == 0


async def test_a_machine_that_tells_nothing_is_an_error_and_not_an_empty_reading(bench: Bench):
    bench.world.vitals.faults.silent = 1
    with pytest.raises(BusAbsentError, match="none of the kernel's files"):
        await bench.make("pi-health", "self")


async def test_looks_that_fail_tell_age_and_cause_and_end(bench: Bench):
    client = await bench.client(await bench.make("pi-health", "self", poll_interval_ms=200, max_age_ms=1000))
    bench.world.vitals.faults.silent = 1_000_000
    await bench.wait(4)
    with pytest.raises(GRPCError, match=r"the last good reading is \d\.\d s old: .*tell of its health") as caught:
        await client.get_readings()
    assert caught.value.status is Status.UNAVAILABLE
    assert (await client.get_status())["waits_for"] == "the kernel's files"
    bench.world.vitals.faults.silent = 0
    await bench.wait(6)
    assert (await client.get_readings())["temperature_c"] == pytest.approx(48.2)


async def test_status_names_the_machine(bench: Bench):
    client = await bench.client(await bench.make("pi-health", "self", disk_path="/home"))
    status = await client.get_status()
    assert status["machine"].startswith("Raspberry Pi 5")
    assert (status["disk_path"], status["failures"]) == ("/home", 0)


async def test_two_may_look_at_one_machine_and_nothing_of_them_is_left(bench: Bench):
    first, second = await bench.make("pi-health", "a"), await bench.make("pi-health", "b")
    await first.close()
    assert "load_1min" in await second.get_readings()
    assert bench.host.claims.listing() == {}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"disk_path": "home"}, 'disk_path: must be a whole path, which begins with /, got "home"'),
        ({"disk_path": "/a\0b"}, r'disk_path: must be a whole path, which begins with /, got "/a\\u0000b"'),
        ({"disk_path": 1}, "disk_path: expected a string"),
        ({"disk": "/"}, "disk: unknown key"),
        ({"poll_interval_ms": 1}, "poll_interval_ms: must be"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await bench.make("pi-health", "self", **attributes)
