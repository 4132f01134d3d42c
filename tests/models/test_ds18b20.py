"""The DS18B20 and its relatives, against the numbers their datasheets print and their twin on the simulated line."""

import asyncio
import contextlib

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import (
    BusError,
    ClaimedError,
    ConfigError,
    CorruptDataError,
    NoAnswerError,
    StaleReadingError,
    WrongChipError,
)
from pi_drivers.models.sensor.ds18b20 import EXAMPLE_ID, Ds18b20Twin, decode
from pi_drivers.world.onewire import Thermometer
from tests.models.conftest import Bench

ONE = "28-000005e2fdc3"
OTHER = "28-0316a279d8ff"
SWITCH = "29-000000154a2b"
CRC = "00"
"""`decode` is given what the bus has checked already."""


def scratchpad(text: str) -> bytes:
    return bytes.fromhex(f"{text} {CRC}")


@pytest.mark.parametrize(
    ("register", "temperature_c"),
    [
        # DS18B20 datasheet 19-7487, table 1: temperature/data relationship at 12 bits.
        ("d0 07", 125), ("91 01", 25.0625), ("a2 00", 10.125), ("08 00", 0.5), ("00 00", 0),
        ("f8 ff", -0.5), ("5e ff", -10.125), ("6f fe", -25.0625), ("90 fc", -55),
    ],
)  # fmt: skip
@pytest.mark.parametrize("family", ["28", "22", "3b", "42"])
def test_the_temperatures_that_the_datasheet_prints(register, temperature_c, family):
    measured = decode(f"{family}-000005e2fdc3", scratchpad(f"{register} 4b 46 7f ff 0c 10"))
    assert (measured.temperature_c, measured.resolution_bits) == (temperature_c, 12)


def test_85_degrees_that_a_sensor_woke_up_with_are_none_and_those_it_measured_are():
    # Datasheet, figure 9: byte 6 is 0x0C after power-on. After a conversion it is 0x10 less the lowest four bits.
    with pytest.raises(BusError, match=f"^1-Wire {ONE}: the sensor has not measured: .* 85 °C"):
        decode(ONE, scratchpad("50 05 4b 46 7f ff 0c 10"))
    assert decode(ONE, scratchpad("50 05 4b 46 7f ff 10 10")).temperature_c == 85


@pytest.mark.parametrize("raw", ["4f 05 4b 46 7f ff 0c 10", "51 05 4b 46 7f ff 0c 10"])
def test_only_85_degrees_exactly_are_in_doubt(raw):
    assert decode(ONE, scratchpad(raw)).temperature_c == pytest.approx(85, abs=0.07)


@pytest.mark.parametrize(
    ("configuration", "bits", "temperature_c"),
    # Table 2 and page 6: the last bits are undefined below 12 bits. 0x0197 is 25.4375 °C with all of them.
    [("7f", 12, 25.4375), ("5f", 11, 25.375), ("3f", 10, 25.25), ("1f", 9, 25.0)],
)
def test_bits_that_are_undefined_at_a_low_resolution_are_left_out(configuration, bits, temperature_c):
    measured = decode(ONE, scratchpad(f"97 01 4b 46 {configuration} ff 09 10"))
    assert (measured.temperature_c, measured.resolution_bits) == (temperature_c, bits)


def test_undefined_bits_are_left_out_of_negative_temperatures_as_well():
    # -10.125 °C is 0xFF5E; with the two bits that are undefined at 10 bits set it is 0xFF5F.
    assert decode(ONE, scratchpad("5f ff 4b 46 3f ff 02 10")).temperature_c == -10.25


@pytest.mark.parametrize(
    ("raw", "temperature_c"),
    [
        # DS18S20 datasheet 19-5474, table 1, with the formula of page 6 by hand:
        # whole degrees - 0.25 + (16 - COUNT_REMAIN) / 16.
        ("32 00 4b 46 ff ff 0c 10", 25.0),
        ("33 00 4b 46 ff ff 04 10", 25.5),
        ("32 00 4b 46 ff ff 0b 10", 25.0625),
        ("ff ff 4b 46 ff ff 04 10", -0.5),
        ("ce ff 4b 46 ff ff 0c 10", -25.0),
        ("92 ff 4b 46 ff ff 0c 10", -55.0),
    ],
)
def test_a_ds18s20_has_half_degrees_and_a_counter(raw, temperature_c):
    assert decode("10-000802b4b9c1", scratchpad(raw)).temperature_c == temperature_c


def test_a_ds18s20_that_woke_up_has_not_measured():
    with pytest.raises(BusError, match="has not measured"):
        decode("10-000802b4b9c1", scratchpad("aa 00 4b 46 ff ff 0c 10"))


@pytest.mark.parametrize("raw", ["32 00 4b 46 ff ff 0c 00", "32 00 4b 46 ff ff 20 10"])
def test_a_counter_that_no_ds18s20_has_is_not_reckoned_with(raw):
    with pytest.raises(CorruptDataError, match="no DS18S20 answers"):
        decode("10-000802b4b9c1", scratchpad(raw))


@pytest.mark.parametrize("register", ["e0 07", "80 fc", "ff 7f"])
def test_what_no_sensor_can_measure_is_no_reading(register):
    with pytest.raises(CorruptDataError, match="outside of what the sensor can measure"):
        decode(ONE, scratchpad(f"{register} 4b 46 7f ff 0c 10"))


def test_a_thermocouple_converter_of_the_ds1825_s_family_is_named():
    with pytest.raises(WrongChipError, match="this is a MAX31850 thermocouple converter"):
        decode("3b-0000001921e8", scratchpad("90 01 00 18 f0 ff ff ff"))


async def test_readings_follow_the_air_and_come_without_waiting(bench: Bench):
    bench.world.air.temperature_c = 31.5
    client = await bench.client(await bench.make("ds18b20", "tank", sensor_id=ONE))
    assert await client.get_readings() == {"temperature_c": 31.5}
    bench.world.air.temperature_c = -10.125
    await bench.wait(3)
    before_ns = bench.host.now_ns()
    assert await client.get_readings() == {"temperature_c": -10.125}
    assert bench.host.now_ns() == before_ns


@pytest.mark.parametrize("temperature_c", [-55.0, -0.0625, 0.0, 85.0, 84.9375, 125.0])
async def test_the_whole_range_is_read_85_degrees_among_them(bench: Bench, temperature_c):
    bench.world.air.temperature_c = temperature_c
    client = await bench.client(await bench.make("ds18b20", "tank"))
    assert await client.get_readings() == {"temperature_c": temperature_c}


@pytest.mark.parametrize("family", ["10", "22", "28", "3b", "42"])
async def test_each_kind_of_sensor_is_read_and_named(bench: Bench, family):
    bench.world.air.temperature_c = 36.625
    sensor = await bench.make("ds18b20", "tank", sensor_id=f"{family}-000005e2fdc3")
    client = await bench.client(sensor)
    assert await client.get_readings() == {"temperature_c": 36.625}
    names = {"10": "DS18S20", "22": "DS1822", "28": "DS18B20", "3b": "DS1825", "42": "DS28EA00"}
    assert (await client.get_status())["chip"] == names[family]


async def test_a_sensor_at_nine_bits_reads_half_degrees(bench: Bench):
    bench.world.air.temperature_c = 21.9
    bench.world.onewire.plug_in(ONE, Ds18b20Twin(bench.world, ONE, resolution_bits=9))
    client = await bench.client(await bench.make("ds18b20", "tank"))
    assert await client.get_readings() == {"temperature_c": 21.5}


async def test_power_lost_while_it_converts_is_told_and_never_85_degrees(bench: Bench):
    client = await bench.client(await bench.make("ds18b20", "tank", max_age_ms=3500))
    bench.world.onewire.faults(EXAMPLE_ID).resets = 4
    seen = set()
    for _ in range(60):
        await bench.wait(0.25)
        try:
            seen.add((await client.get_readings())["temperature_c"])
        except GRPCError as error:
            seen.add((error.message or "").partition("s old: ")[2])
    assert {value for value in seen if isinstance(value, float)} == {21.0}
    assert any("the sensor has not measured" in value for value in seen if isinstance(value, str))
    assert await client.get_readings() == {"temperature_c": 21.0}


async def test_a_wrong_checksum_is_never_a_reading(bench: Bench):
    sensor = await bench.make("ds18b20", "tank", max_age_ms=2800)
    bench.world.onewire.faults(EXAMPLE_ID).corrupt_reads = 1_000_000
    await bench.wait(8)
    with pytest.raises(StaleReadingError, match=f"1-Wire {EXAMPLE_ID}: the checksum is wrong"):
        await sensor.get_readings()
    bench.world.onewire.faults(EXAMPLE_ID).corrupt_reads = 0
    await bench.wait(8)
    assert await sensor.get_readings() == {"temperature_c": 21.0}


@pytest.mark.parametrize("fault", ["corrupt_reads", "resets"])
@pytest.mark.parametrize("skip", range(4))
async def test_a_fault_at_any_transaction_is_survived(bench: Bench, fault, skip):
    sensor = await bench.make("ds18b20", "tank")
    faults = bench.world.onewire.faults(EXAMPLE_ID)
    faults.skip = skip
    setattr(faults, fault, 1)
    for _ in range(40):
        await bench.wait(0.25)
        assert await sensor.get_readings() == {"temperature_c": 21.0}
    assert (await sensor.get_status())["failures"] == 1


async def test_a_sensor_pulled_out_tells_age_and_cause_and_recovers(bench: Bench):
    client = await bench.client(await bench.make("ds18b20", "tank", sensor_id=ONE, max_age_ms=3000))
    bench.world.onewire.unplug(ONE)
    await bench.wait(8)
    with pytest.raises(GRPCError, match=rf"the last good reading is \d\.\d s old: 1-Wire {ONE}: no answer") as caught:
        await client.get_readings()
    assert caught.value.status is Status.UNAVAILABLE
    await bench.wait(120)
    with pytest.raises(GRPCError, match=f"1-Wire {ONE}: no such sensor on the bus"):
        await client.get_readings()
    bench.world.air.temperature_c = 4.0
    bench.world.onewire.replug(ONE)
    await bench.wait(8)
    assert await client.get_readings() == {"temperature_c": 4.0}


async def test_the_board_on_the_mock_can_break_it(bench: Bench):
    board = await bench.client(await bench.make("board", "pi"))
    sensor = await bench.make("ds18b20", "tank", sensor_id=ONE, max_age_ms=3500)
    fault = {"command": "fault", "target": f"1-wire {ONE}"}
    for kind, cause in (("unplug", "no answer"), ("corrupt", "checksum is wrong"), ("brown-out", "has not measured")):
        await board.do_command({**fault, "kind": kind, "count": 1000})
        await bench.wait(8)
        with pytest.raises(StaleReadingError, match=cause):
            await sensor.get_readings()
        await board.do_command({**fault, "kind": "replug"})
        await board.do_command({**fault, "kind": "corrupt", "count": 1})
        await board.do_command({**fault, "kind": "brown-out", "count": 1})
        await bench.wait(20)
        assert await sensor.get_readings() == {"temperature_c": 21.0}
    with pytest.raises(GRPCError, match=f"is not there .*; there is: 1-wire {ONE}"):
        await board.do_command({**fault, "target": "1-wire 28-0", "kind": "unplug"})


async def test_a_line_held_low_is_an_error_though_its_zeros_have_a_right_checksum(bench: Bench):
    sensor = await bench.make("ds18b20", "tank", max_age_ms=2800)
    bench.world.onewire.held_low = True
    await bench.wait(8)
    with pytest.raises(StaleReadingError, match="the data line is held low"):
        await sensor.get_readings()


@pytest.mark.parametrize("held_s", [2.6 + 0.4 * step for step in range(10)])
async def test_a_short_that_ends_while_a_sensor_should_convert_brings_no_old_value(bench: Bench, held_s):
    sensor = await bench.make("ds18b20", "tank", poll_interval_ms=1000, max_age_ms=2500)
    await bench.wait(1.1)
    bench.world.air.temperature_c = 40.0
    bench.world.onewire.held_low = True
    await bench.wait(held_s)
    bench.world.onewire.held_low = False
    for _ in range(60):
        await bench.wait(0.1)
        with contextlib.suppress(StaleReadingError):
            assert await sensor.get_readings() == {"temperature_c": 40.0}
    assert await sensor.get_readings() == {"temperature_c": 40.0}


async def test_the_only_thermometer_is_found_among_other_things(bench: Bench):
    bench.world.onewire.plug_in(SWITCH, Thermometer(bench.world.clock))
    bench.world.onewire.plug_in(OTHER, Ds18b20Twin(bench.world, OTHER))
    sensor = await bench.make("ds18b20", "tank")
    assert (await sensor.get_status())["sensor_id"] == OTHER
    assert list(bench.host.claims.listing()) == [f"1-wire {OTHER}"]


async def test_of_several_one_must_be_named_and_the_error_lists_them(bench: Bench):
    for sensor_id in (ONE, OTHER):
        bench.world.onewire.plug_in(sensor_id, Ds18b20Twin(bench.world, sensor_id))
    with pytest.raises(ConfigError, match=f"several thermometers; set sensor_id to one of {ONE}, {OTHER}"):
        await bench.make("ds18b20", "tank")


async def test_without_a_thermometer_it_is_told_what_to_check(bench: Bench):
    bench.world.onewire.plug_in(SWITCH, Thermometer(bench.world.clock))
    with pytest.raises(NoAnswerError, match="there is no thermometer on the bus"):
        await bench.make("ds18b20", "tank")


async def test_a_sensor_put_in_the_place_of_the_only_one_is_taken_when_the_old_one_is_forgotten(bench: Bench):
    sensor = await bench.make("ds18b20", "tank")
    bench.world.onewire.unplug(EXAMPLE_ID)
    bench.world.onewire.plug_in(OTHER, Ds18b20Twin(bench.world, OTHER))
    await bench.wait(20)
    with pytest.raises(StaleReadingError, match="there are several thermometers"):
        await sensor.get_readings()
    await bench.wait(100)
    assert await sensor.get_readings() == {"temperature_c": 21.0}
    assert list(bench.host.claims.listing()) == [f"1-wire {OTHER}"]


async def test_a_sensor_belongs_to_one_resource(bench: Bench):
    first = await bench.make("ds18b20", "a", sensor_id=ONE)
    with pytest.raises(ClaimedError, match=f'1-wire {ONE} is held by sensor "a"'):
        await bench.make("ds18b20", "b", sensor_id=ONE)
    await first.close()
    await bench.make("ds18b20", "c", sensor_id=ONE)


async def test_four_on_one_bus_take_turns_and_nobody_waits_for_them(bench: Bench):
    ids = [f"28-00000000000{digit}" for digit in range(4)]
    sensors = [await bench.make("ds18b20", sensor_id, sensor_id=sensor_id) for sensor_id in ids]
    clients = [await bench.client(sensor) for sensor in sensors]
    bench.world.air.temperature_c = 30.0
    for _ in range(100):
        await bench.wait(0.2)
        before_ns = bench.host.now_ns()
        for client in clients:
            assert (await client.get_readings())["temperature_c"] in (21.0, 30.0)
        assert bench.host.now_ns() == before_ns
    for client in clients:
        status = await client.get_status()
        # Four conversions take three seconds, and each sensor wants to be read every two.
        assert (status["failures"], await client.get_readings()) == (0, {"temperature_c": 30.0})
        assert status["overruns"] > 0
        assert status["sample_age_ms"] <= 2 * 4 * 750


async def test_four_that_are_asked_as_often_as_they_can_answer_never_overrun(bench: Bench):
    sensors = [
        await bench.make("ds18b20", f"t{digit}", sensor_id=f"28-00000000000{digit}", poll_interval_ms=4000)
        for digit in range(4)
    ]
    await bench.wait(60)
    assert [(await sensor.get_status())["overruns"] for sensor in sensors] == [0, 0, 0, 0]


@pytest.mark.parametrize("number", [4, 10])
async def test_so_many_with_the_defaults_are_never_too_old(bench: Bench, number):
    ids = [f"28-00000000000{digit}" for digit in range(number)]
    sensors = await asyncio.gather(*(bench.make("ds18b20", sensor_id, sensor_id=sensor_id) for sensor_id in ids))
    for _ in range(300):
        await bench.wait(0.25)
        for sensor in sensors:
            assert await sensor.get_readings() == {"temperature_c": 21.0}


async def test_twenty_that_are_polled_in_turns_are_never_too_old_and_never_overrun(bench: Bench):
    ids = [f"28-0000000000{number:02}" for number in range(20)]
    sensors = await asyncio.gather(
        *(bench.make("ds18b20", sensor_id, sensor_id=sensor_id, poll_interval_ms=20 * 800) for sensor_id in ids)
    )
    for _ in range(200):
        await bench.wait(0.5)
        for sensor in sensors:
            assert await sensor.get_readings() == {"temperature_c": 21.0}
    assert {(await sensor.get_status())["overruns"] for sensor in sensors} == {0}


async def test_closing_does_not_wait_for_a_conversion_and_the_next_one_reads_at_once(bench: Bench):
    sensor = await bench.make("ds18b20", "tank", poll_interval_ms=800)
    await bench.wait(0.3)
    before_ns = bench.host.now_ns()
    await sensor.close()
    assert bench.host.now_ns() - before_ns < 100_000_000
    again = await bench.make("ds18b20", "tank")
    assert await again.get_readings() == {"temperature_c": 21.0}


@pytest.mark.parametrize(
    ("attributes", "sensor_id"),
    [
        ({"sensor_id": " 28-000005E2FDC3 "}, ONE),
        ({"sensor_id": "000005e2fdc3"}, ONE),
        ({"unique_id": "000005E2FDC3"}, ONE),
    ],
)
async def test_numbers_are_taken_as_people_and_other_drivers_write_them(bench: Bench, attributes, sensor_id):
    sensor = await bench.make("ds18b20", "tank", **attributes)
    assert (await sensor.get_status())["sensor_id"] == sensor_id


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"sensor_id": "28-0005"}, f"must be written as {ONE}"),
        ({"sensor_id": "../../etc/passwd"}, "must be written as"),
        ({"sensor_id": SWITCH}, "this is no thermometer; their numbers begin with 10 DS18S20, 22 DS1822, 28 DS18B20"),
        ({"sensor_id": 28}, "sensor_id"),
        ({"sensor": ONE}, 'did you mean "sensor_id"'),
        ({"poll_interval_ms": 700}, "poll_interval_ms: must not be below 800, the time of one sample at 12 bits"),
        ({"max_age_ms": 2500}, "max_age_ms: must not be below 2800"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await bench.make("ds18b20", "tank", **attributes)


async def test_status_has_the_place_and_what_it_waits_for(bench: Bench):
    sensor = await bench.make("ds18b20", "tank", sensor_id=ONE)
    bench.world.onewire.unplug(ONE)
    await bench.wait(3)
    status = await (await bench.client(sensor)).get_status()
    assert (status["bus"], status["sensor_id"], status["backend"]) == ("1-wire", ONE, "mock")
    assert status["waits_for"] == "its sensor to answer"
