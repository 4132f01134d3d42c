"""The SHT31, against the numbers its datasheet prints and the twin on the simulated bus."""

import asyncio
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import (
    ClaimedError,
    ConfigError,
    CorruptDataError,
    NoAnswerError,
    OutOfRangeError,
    StaleReadingError,
    WrongChipError,
)
from pi_drivers.models.sensor.sht31 import MEASURE_HIGH_REPEATABILITY, Sht31, Sht31Twin, crc8
from pi_drivers.world.devices import I2cDevice, RegisterFile
from tests.models.conftest import Bench

ADDRESS = 0x44


def test_the_checksum_the_datasheet_prints():
    # Datasheet SHT3x-DIS, table 20: CRC(0xBEEF) = 0x92.
    assert crc8(b"\xbe\xef") == 0x92


class Recorded(I2cDevice):
    """A chip that answers with bytes written by hand."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def read(self, count: int) -> bytes:
        return self.answer[:count]


def word(value: int) -> bytes:
    data = value.to_bytes(2, "big")
    return data + bytes([crc8(data)])


@pytest.mark.parametrize(
    ("raw_temperature", "raw_humidity", "temperature_c", "humidity_pct"),
    [
        # By the formulas of section 4.13, reckoned by hand: next to the ends of the ranges, and 25 °C, 50 %.
        (0x0001, 0x0000, -44.99733, 0.0),
        (0xFFFE, 0xFFFF, 129.99733, 100.0),
        (0x6666, 0x8000, 25.0, 50.00076),
    ],
)
async def test_conversion_is_the_datasheet_s(bench: Bench, raw_temperature, raw_humidity, temperature_c, humidity_pct):
    device = Recorded(word(raw_temperature) + word(raw_humidity))
    bench.world.i2c(1).plug_in(ADDRESS, device)
    bus = bench.host.open_i2c(1)
    chip = Sht31(bench.host, bus, ADDRESS)
    chip.begin()
    sample = chip.finish()
    assert sample.temperature_c == pytest.approx(temperature_c, abs=1e-4)
    assert sample.relative_humidity_pct == pytest.approx(humidity_pct, abs=1e-4)
    assert device.written == [MEASURE_HIGH_REPEATABILITY.to_bytes(2, "big")]


@pytest.mark.parametrize("raw", [0x0000, 0xFFFF])
async def test_the_ends_of_the_temperature_s_scale_are_no_reading(bench: Bench, raw):
    bench.world.i2c(1).plug_in(ADDRESS, Recorded(word(raw) + word(0x8000)))
    with pytest.raises(OutOfRangeError, match=r"i2c-1 0x44: the temperature is at the end of the scale, -45 or 130 °C"):
        Sht31(bench.host, bench.host.open_i2c(1), ADDRESS).finish()


async def test_a_sensor_in_an_oven_is_out_of_range_from_the_next_reading_on(bench: Bench):
    client = await bench.client(await bench.make("sht31", "air", poll_interval_ms=100))
    bench.world.air.temperature_c = 140.0
    await bench.wait(0.15)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert caught.value.status is Status.OUT_OF_RANGE
    bench.world.air.temperature_c = 30.0
    await bench.wait(0.15)
    assert (await client.get_readings())["temperature_c"] == pytest.approx(30, abs=0.01)


async def test_a_wrong_checksum_is_never_a_reading(bench: Bench):
    spoiled = bytearray(word(0x6666) + word(0x8000))
    spoiled[4] ^= 1
    bench.world.i2c(1).plug_in(ADDRESS, Recorded(bytes(spoiled)))
    with pytest.raises(CorruptDataError, match=r"i2c-1 0x44: a checksum is wrong"):
        Sht31(bench.host, bench.host.open_i2c(1), ADDRESS).finish()


async def test_the_twin_does_not_answer_before_it_is_ready(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, Sht31Twin(bench.world))
    bus = bench.host.open_i2c(1)
    bus.write(ADDRESS, MEASURE_HIGH_REPEATABILITY.to_bytes(2, "big"))
    bench.host.sleep(12_000_000)
    with pytest.raises(NoAnswerError):
        bus.read(ADDRESS, 6)


async def test_readings_follow_the_air_and_come_without_waiting(bench: Bench):
    bench.world.air.temperature_c = 31.5
    bench.world.air.relative_humidity_pct = 62.0
    client = await bench.client(await bench.make("sht31", "air", poll_interval_ms=100))
    readings = await client.get_readings()
    assert readings == {
        "temperature_c": pytest.approx(31.5, abs=0.01),
        "relative_humidity_pct": pytest.approx(62, abs=0.01),
    }
    bench.world.air.temperature_c = -10.0
    await bench.wait(0.2)
    before_ns = bench.host.now_ns()
    assert (await client.get_readings())["temperature_c"] == pytest.approx(-10, abs=0.01)
    assert bench.host.now_ns() == before_ns


async def test_a_chip_that_is_missing_fails_at_once_and_works_once_it_is_there(bench: Bench):
    bench.world.i2c(1).faults(ADDRESS).unplugged = True
    with pytest.raises(NoAnswerError, match=r"i2c-1 0x44: no answer \(NACK\). Is the chip wired"):
        await bench.make("sht31", "air")
    await bench._built.pop().close()
    assert bench.host.claims.listing() == {}
    bench.world.i2c(1).faults(ADDRESS).unplugged = False
    await bench.make("sht31", "air")


async def test_another_chip_at_the_address_is_named_as_such(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, RegisterFile({0: 0x58}))
    with pytest.raises(WrongChipError, match="the chip there is no SHT3x"):
        await bench.make("sht31", "air")


async def test_a_chip_pulled_out_tells_age_and_cause_and_recovers(bench: Bench):
    sensor = await bench.make("sht31", "air", poll_interval_ms=500, max_age_ms=2000)
    client = await bench.client(sensor)
    faults = bench.world.i2c(1).faults(ADDRESS)
    faults.unplugged = True
    await bench.wait(1.5)
    assert "temperature_c" in await client.get_readings()
    await bench.wait(4)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert caught.value.status is Status.UNAVAILABLE
    assert "the last good reading is 5." in (caught.value.message or "")
    assert "i2c-1 0x44: no answer" in (caught.value.message or "")
    assert (await client.get_status())["failures"] >= 2
    faults.unplugged = False
    await bench.wait(6)
    assert "temperature_c" in await client.get_readings()


@pytest.mark.parametrize("fault", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("when_s", [0.0, 0.0005, 0.003, 0.02])
async def test_every_kind_of_bus_fault_is_survived(bench: Bench, fault, when_s):
    sensor = await bench.make("sht31", "air", poll_interval_ms=200, max_age_ms=400)
    await bench.wait(0.2 + when_s)
    setattr(bench.world.i2c(1).faults(ADDRESS), fault, 3)
    await bench.wait(20)
    assert (await sensor.get_readings())["temperature_c"] == pytest.approx(21, abs=0.01)
    assert (await sensor.get_status())["failures"] >= 1


async def test_noise_on_a_chip_that_was_known_is_not_called_another_chip(bench: Bench):
    sensor = await bench.make("sht31", "air", poll_interval_ms=200, max_age_ms=400)
    bench.world.i2c(1).faults(ADDRESS).corrupt_reads = 1_000_000
    await bench.wait(3)
    with pytest.raises(StaleReadingError, match="a checksum is wrong"):
        await sensor.get_readings()


async def test_a_hiccup_of_three_tries_is_over_before_the_reading_is_too_old(bench: Bench):
    sensor = await bench.make("sht31", "air", poll_interval_ms=500)
    bench.world.i2c(1).faults(ADDRESS).nacks = 3
    for _ in range(40):
        await bench.wait(0.1)
        await sensor.get_readings()
    assert (await sensor.get_status())["failures"] == 3


async def test_one_line_tells_of_the_failure_and_one_of_the_recovery(bench: Bench, caplog):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    sensor.logger.propagate = True
    bench.world.i2c(1).faults(ADDRESS).nacks = 4
    caplog.set_level("INFO")
    await bench.wait(10)
    assert [record.getMessage() for record in caplog.records if "reading failed" in record.message] != []
    assert len([record for record in caplog.records if "reading failed" in record.message]) == 1
    assert len([record for record in caplog.records if "back after 4 failed tries" in record.message]) == 1


async def test_two_on_one_bus_share_it_and_the_same_address_twice_is_refused(bench: Bench):
    first = await bench.make("sht31", "a")
    second = await bench.make("sht31", "b", i2c_addr="0x45")
    with pytest.raises(ClaimedError, match='i2c-1 0x44 is held by sensor "a"'):
        await bench.make("sht31", "c")
    await first.close()
    assert "temperature_c" in await second.get_readings()


async def test_the_heater_shows_in_readings_and_in_the_status(bench: Bench):
    client = await bench.client(await bench.make("sht31", "air", poll_interval_ms=100))
    assert await client.do_command({"command": "heater", "on": True}) == {"heater": True}
    await bench.wait(0.3)
    assert (await client.get_readings())["temperature_c"] == pytest.approx(24, abs=0.01)
    assert (await client.get_status())["heater"] is True
    bench.world.i2c(1).faults(ADDRESS).nacks = 1
    await bench.wait(0.3)  # the chip is set up anew, and cools down
    assert (await client.get_status())["heater"] is False
    assert (await client.get_readings())["temperature_c"] == pytest.approx(21, abs=0.01)
    assert await client.do_command({"command": "heater", "on": False}) == {"heater": False}


def heats(bench: Bench) -> bool:
    chip: Any = bench.world.i2c(1).device(ADDRESS)
    return bool(chip._heater)


@pytest.mark.parametrize("when_s", [0.075 + 0.004 * step for step in range(10)])
async def test_the_heater_does_not_outlive_the_sensor(bench: Bench, when_s):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    await sensor.do_command({"command": "heater", "on": True})
    await bench.wait(when_s)
    assert heats(bench)
    before_ns = bench.host.now_ns()
    await sensor.close()
    assert bench.host.now_ns() - before_ns < 50_000_000
    await bench.wait(0.1)
    assert not heats(bench)


@pytest.mark.parametrize("when_s", [0.0, 0.0001, 0.0003, 0.0006, 0.001])
async def test_a_heater_that_is_being_switched_on_does_not_outlive_the_sensor(bench: Bench, when_s):
    sensor = await bench.make("sht31", "air")
    await bench.wait(0.5)
    heating = asyncio.ensure_future(sensor.do_command({"command": "heater", "on": True}))
    await bench.wait(when_s)
    await sensor.close()
    await asyncio.wait({heating})
    await bench.wait(0.1)
    assert not heats(bench)


async def test_a_heater_on_a_bus_that_hangs_does_not_hold_up_the_close(bench: Bench, caplog):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    other = await bench.make("sht31", "other", i2c_addr="0x45")
    await sensor.do_command({"command": "heater", "on": True})
    bench.world.i2c(1).faults(ADDRESS).hangs = 1
    await bench.wait(0.1)
    before_ns = bench.host.now_ns()
    await sensor.close()
    assert bench.host.now_ns() - before_ns < 600_000_000
    await bench.wait(2)
    assert not heats(bench)
    assert "temperature_c" in await other.get_readings()


async def test_a_sensor_that_does_not_heat_is_left_in_peace_when_it_is_closed(bench: Bench):
    sensor = await bench.make("sht31", "air")
    await sensor.do_command({"command": "heater", "on": True})
    await sensor.do_command({"command": "heater", "on": False})
    await bench.wait(0.3)
    chip: Any = bench.world.i2c(1).device(ADDRESS)
    await sensor.close()
    chip._heater = True  # by somebody else
    await bench.wait(0.1)
    assert heats(bench)


@pytest.mark.parametrize("when_s", [0.0, 0.0005, 0.008, 0.016, 0.05])
async def test_power_lost_for_a_moment_is_never_a_wrong_value_and_ends_the_heating(bench: Bench, when_s):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    await sensor.do_command({"command": "heater", "on": True})
    chip: Any = bench.world.i2c(1).device(0x44)
    await bench.wait(0.2 + when_s)
    with bench.world.held():
        chip.lose_power()
    for _ in range(60):
        assert (await sensor.get_readings())["relative_humidity_pct"] == pytest.approx(45, abs=0.01)
        await bench.wait(0.05)
    assert (await sensor.get_readings())["temperature_c"] == pytest.approx(21, abs=0.01)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({"command": "heatr", "on": True}, 'did you mean "heater"'),
        ({"command": "heater"}, "'on' is missing"),
        ({"command": "heater", "on": True, "off": 1}, "unknown 'off'"),
        ({"command": "help", "on": True}, "command 'help': unknown 'on'"),
        ({"command": "heater", "on": "yes"}, "\"on\" must be true or false, got 'yes'"),
        ({}, 'write {"command": "help"}'),
    ],
)
async def test_commands_that_are_none_say_what_there_is(bench: Bench, command, message):
    client = await bench.client(await bench.make("sht31", "air"))
    with pytest.raises(GRPCError) as caught:
        await client.do_command(command)
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert message in (caught.value.message or "")


async def test_help_lists_the_commands_with_an_example(bench: Bench):
    client = await bench.client(await bench.make("sht31", "air"))
    assert (await client.do_command({"command": "help"}))["heater"]["example"] == {"command": "heater", "on": True}


async def test_status_works_while_the_chip_does_not(bench: Bench):
    sensor = await bench.make("sht31", "air", poll_interval_ms=100)
    bench.world.i2c(1).faults(ADDRESS).unplugged = True
    await bench.wait(1)
    status = await (await bench.client(sensor)).get_status()
    assert (status["i2c_bus"], status["i2c_addr"], status["backend"]) == (1, "0x44", "mock")
    assert "no answer" in status["error"]
    assert status["sample_age_ms"] > 800


async def test_readings_end_with_the_sensor(bench: Bench):
    sensor = await bench.make("sht31", "air")
    await sensor.close()
    with pytest.raises(Exception, match="was closed"):
        await sensor.get_readings()


async def test_no_reading_is_told_as_none_at_all(bench: Bench):
    sensor = await bench.make("sht31", "air")
    sensor._poller._newest = None
    with pytest.raises(StaleReadingError, match="no reading yet"):
        await sensor.get_readings()


async def test_data_capture_skips_what_it_has_where_the_config_says_so(bench: Bench):
    client = await bench.client(await bench.make("sht31", "air", poll_interval_ms=100, skip_unchanged=True))
    capture = {"fromDataManagement": True}
    assert "temperature_c" in await client.get_readings(extra=capture)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings(extra=capture)
    # viam-server knows by this status and this text that there is nothing to store.
    assert (caught.value.status, caught.value.message) == (
        Status.FAILED_PRECONDITION,
        "no capture from filter module",
    )
    assert "temperature_c" in await client.get_readings()
    await bench.wait(0.15)
    assert "temperature_c" in await client.get_readings(extra=capture)


async def test_a_bus_is_free_for_others_while_a_chip_measures(bench: Bench):
    await bench.make("sht31", "air", poll_interval_ms=25, max_age_ms=500)
    bus = bench.host.i2c(1)
    waits = []
    for _ in range(20):
        began_ns = bench.host.now_ns()
        await bus.worker.run(lambda: None)
        waits.append(bench.host.now_ns() - began_ns)
        await bench.wait(0.0037)
    bus.leave()
    assert max(waits) < 3_000_000


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"i2c_addr": 0x88}, r"i2c_addr: the chip has the address 0x44 \(68\) or 0x45 \(69\), not 0x88"),
        ({"i2c_addr": "44h"}, "i2c_addr"),
        ({"i2c_bus": "one"}, "i2c_bus"),
        ({"i2c_adr": 1}, 'did you mean "i2c_addr"'),
        ({"poll_interval_ms": 17}, "poll_interval_ms: must not be below 18, the time of one sample at high repeatab"),
        ({"max_age_ms": 18_000_001}, "max_age_ms: must be between 10 and 18000000, got 18000001"),
        ({"poll_interval_ms": 30, "max_age_ms": 47}, "max_age_ms: must not be below 48, got 47"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await bench.make("sht31", "air", **attributes)


async def test_a_zero_from_a_program_in_go_is_no_address(bench: Bench):
    sensor = await bench.make("sht31", "air", i2c_addr=0)
    assert (await sensor.get_status())["i2c_addr"] == "0x44"
