"""The BME280 and BMP280, against the numbers their datasheets print and the twin on the simulated bus."""

import asyncio
from typing import Any

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
from pi_drivers.models.sensor.bme280 import altitude_m, dew_point_c
from pi_drivers.models.sensor.bme280_chip import CONFIG, CTRL_HUM, CTRL_MEAS, DATA, ID, RESET, STATUS, Bme280, Settings
from pi_drivers.models.sensor.bme280_compensation import Calibration, celsius, fine_temperature, hectopascals, percent
from pi_drivers.models.sensor.bme280_twin import Bme280Twin
from pi_drivers.world.devices import RegisterFile
from tests.models.conftest import I2C_1_PINS, Bench

ADDRESS = 0x77
MS = 1_000_000
ALL_KEYS = {"temperature_c", "relative_humidity_pct", "pressure_hpa", "dew_point_c", "altitude_m"}


async def make(bench: Bench, name: str = "air", **attributes: Any) -> Any:
    return await bench.make("bme280", name, **{"poll_interval_ms": 100, **attributes})


def faults(bench: Bench, address: int = ADDRESS) -> Any:
    return bench.world.i2c(1).faults(address)


def plug(bench: Bench, address: int = ADDRESS, chip_id: int = 0x60) -> Bme280Twin:
    chip = Bme280Twin(bench.world, chip_id)
    bench.world.i2c(1).plug_in(address, chip)
    return chip


# What the numbers mean.

EXAMPLE = bytes.fromhex("706b 4367 18fc 7d8e 43d6 d00b 270b 8c00 f9ff 8c3c f8c6 7017 00 4b")
"""0x88 to 0xA1: the constants of the BMP280's datasheet, section 3.12 (page 23), and 75 as H1."""


def test_the_example_that_the_datasheet_prints():
    calibration = Calibration.parse(EXAMPLE, None)
    fine = fine_temperature(519888, calibration)
    assert celsius(fine) == pytest.approx(25.08, abs=0.005)
    # 100653.27 Pa; and a reading in hPa is a hundredth of that.
    assert hectopascals(415148, fine, calibration) == pytest.approx(1006.5327, abs=0.00005)


def test_signs_and_halves_of_the_constants():
    # Put together by hand from table 16: H2 -2, H3 255, H4 -1 (0xFFF), H5 -2048 (0x800), H6 -128.
    calibration = Calibration.parse(EXAMPLE, bytes.fromhex("feff ff ff 0f 80 80"))
    assert calibration.temperature == (27504, 26435, -1000)
    assert calibration.pressure == (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
    assert calibration.humidity == (75, -2, 255, -1, -2048, -128)


@pytest.mark.parametrize(
    ("fine", "raw", "constants", "humidity_pct"),
    [
        # Reckoned by hand from the formula of section 8.1: no datasheet prints an example for the humidity.
        # 60 * (1 - 75 * 60 / 2^19), where nothing depends on the temperature.
        (76800, 30720, (75, 384, 0, 320, 0, 0), 59.48502),
        # (30464 - (20480 - 256)) * 384 / 65536 * (1 - 65/2048) = 58.09570, times (1 - 75 * 58.09570 / 2^19).
        (76800 + 65536, 30464, (75, 384, 16, 320, -64, -32), 57.61289),
        (76800, 0, (75, 384, 0, 320, 0, 0), 0.0),
        (76800, 65000, (75, 384, 0, 320, 0, 0), 100.0),
    ],
)
def test_humidity_by_the_formula(fine, raw, constants, humidity_pct):
    assert percent(raw, fine, constants) == pytest.approx(humidity_pct, abs=1e-4)


def test_the_time_of_a_measurement_is_the_longest_the_datasheet_has():
    # Section 9.1, page 51, for its own example: 1.25 + 2.3 * 1 + (2.3 * 4 + 0.575) ms.
    assert Settings(temperature=1, pressure=4, humidity=0).measurement_ns == 13_325_000
    assert Settings(temperature=16, pressure=16, humidity=16).measurement_ns == 112_800_000


def test_altitude_and_dew_point():
    # ISO 2533 has 898.746 hPa at 1000 m; tables of the dew point have 9.3 for 20 degrees and 50 percent.
    assert altitude_m(898.746, 1013.25) == pytest.approx(1000, abs=1)
    assert altitude_m(1013.25, 1013.25) == 0
    assert dew_point_c(20, 50) == pytest.approx(9.27, abs=0.02)
    assert dew_point_c(-10, 100) == pytest.approx(-10)


# What it is told, byte by byte.


class Recorded(RegisterFile):
    """A chip that keeps what was written to it."""

    def __init__(self, registers: dict[int, int]) -> None:
        super().__init__(registers)
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if len(data) == 1:
            super().write(data)
            return
        self.written.append(data)
        for register, value in zip(data[::2], data[1::2], strict=True):
            self.registers[register] = value


def recorded() -> Recorded:
    low = {0x88 + i: byte for i, byte in enumerate(EXAMPLE)}
    high = {0xE1 + i: byte for i, byte in enumerate(bytes.fromhex("7201 00 13 29 03 1e"))}
    chip = Recorded({ID: 0x60, **low, **high})
    data = (415148 << 4).to_bytes(3, "big") + (519888 << 4).to_bytes(3, "big") + (30000).to_bytes(2, "big")
    chip.registers[DATA : DATA + 8] = data
    return chip


async def test_the_humidity_s_setting_is_written_before_the_one_that_brings_it_into_effect(bench: Bench):
    settings = Settings(temperature=2, pressure=16, humidity=4, filter=8)
    bench.world.i2c(1).plug_in(ADDRESS, device := recorded())
    chip = Bme280(bench.host, bench.host.open_i2c(1), ADDRESS, settings)
    chip.set_up()
    chip.begin()
    assert device.written == [
        bytes((RESET, 0xB6)),
        bytes((CONFIG, 0b001_011_00)),
        bytes((CTRL_HUM, 0b011, CTRL_MEAS, 0b010_101_01)),
    ]
    device.registers[CTRL_MEAS] &= ~0b11  # it has measured, and sleeps
    climate = chip.finish()
    assert climate.temperature_c == pytest.approx(25.0825, abs=1e-4)
    assert climate.pressure_hpa == pytest.approx(1006.5327, abs=1e-4)


@pytest.mark.parametrize(
    ("register", "value", "message"),
    [
        (STATUS, 0x08, "has not finished measuring"),
        (STATUS, 0x01, "has not finished measuring"),
        (CTRL_MEAS, 0b001_001_01, "has forgotten its settings"),
        (CTRL_MEAS, 0, "has forgotten its settings"),
        (CTRL_HUM, 0, "has forgotten its settings"),
        (CONFIG, 0x04, "has forgotten its settings"),
        (CONFIG, 0x00, "has forgotten its settings"),
    ],
)
async def test_what_was_not_measured_as_it_was_told_is_never_a_reading(bench: Bench, register, value, message):
    settings = Settings(temperature=1, pressure=1, humidity=1)
    bench.world.i2c(1).plug_in(ADDRESS, device := recorded())
    chip = Bme280(bench.host, bench.host.open_i2c(1), ADDRESS, settings)
    chip.set_up()
    chip.begin()
    device.registers[CTRL_MEAS] &= ~0b11
    chip.finish()
    device.registers[register] = value
    with pytest.raises(BusError, match=f"i2c-1 0x77: the chip {message}"):
        chip.finish()


@pytest.mark.parametrize(
    ("data", "message"),
    [("800000 800000 7530", "has not measured since its reset"), ("655ac0 7eed00 8000", "has not measured the humid")],
)
async def test_the_value_of_a_skipped_measurement_is_never_a_reading(bench: Bench, data, message):
    settings = Settings(temperature=1, pressure=1, humidity=1)
    bench.world.i2c(1).plug_in(ADDRESS, device := recorded())
    chip = Bme280(bench.host, bench.host.open_i2c(1), ADDRESS, settings)
    chip.set_up()
    chip.begin()
    device.registers[CTRL_MEAS] &= ~0b11
    device.registers[DATA : DATA + 8] = bytes.fromhex(data)
    with pytest.raises(BusError, match=message):
        chip.finish()


async def test_constants_that_are_not_there_yet_are_not_used(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, RegisterFile({ID: 0x60}))
    with pytest.raises(CorruptDataError, match="the constants of the chip cannot be"):
        await make(bench)


# The sensor.


async def test_readings_follow_the_air_and_come_without_waiting(bench: Bench):
    client = await bench.client(await make(bench))
    readings = await client.get_readings()
    assert readings.keys() == ALL_KEYS
    assert readings["temperature_c"] == pytest.approx(21, abs=0.01)
    assert readings["relative_humidity_pct"] == pytest.approx(45, abs=0.05)
    assert readings["pressure_hpa"] == pytest.approx(1013.25, abs=0.02)
    assert readings["dew_point_c"] == pytest.approx(8.6, abs=0.1)
    assert readings["altitude_m"] == pytest.approx(0, abs=0.2)
    air = bench.world.air
    air.temperature_c, air.relative_humidity_pct, air.pressure_hpa = -12.5, 80.0, 899.0
    await bench.wait(0.2)
    before_ns = bench.host.now_ns()
    readings = await client.get_readings()
    assert readings["temperature_c"] == pytest.approx(-12.5, abs=0.01)
    assert readings["relative_humidity_pct"] == pytest.approx(80, abs=0.05)
    assert readings["pressure_hpa"] == pytest.approx(899, abs=0.02)
    assert readings["altitude_m"] == pytest.approx(998, abs=1)
    assert bench.host.now_ns() == before_ns


@pytest.mark.parametrize("mode", ["forced", "normal"])
@pytest.mark.parametrize("chip_id", [0x60, 0x58])
async def test_a_reading_is_of_the_air_now_and_never_of_the_measurement_before(bench: Bench, mode, chip_id):
    plug(bench, chip_id=chip_id)
    sensor = await make(bench, mode=mode)
    for degrees in (30.0, -20.0, 55.0, 10.0):
        await bench.wait(0.1)
        bench.world.air.temperature_c = degrees
        # One that was under way, and the one after it.
        await bench.wait(0.2)
        assert (await sensor.get_readings())["temperature_c"] == pytest.approx(degrees, abs=0.01)
    assert (await sensor.get_status())["failures"] == 0


@pytest.mark.parametrize(
    ("celsius", "hpa", "message"),
    [
        (-50.0, 1013.25, "the temperature is beyond -45 to 90 °C"),
        (95.0, 1013.25, "the temperature is beyond -45 to 90 °C"),
        (21.0, 200.0, "the pressure is beyond 250 to 1150 hPa"),
        (21.0, 1200.0, "the pressure is beyond 250 to 1150 hPa"),
    ],
)
@pytest.mark.parametrize("mode", ["forced", "normal"])
async def test_what_the_chip_is_not_made_to_measure_is_no_reading_from_the_next_one_on(
    bench: Bench, mode, celsius, hpa, message
):
    client = await bench.client(await make(bench, mode=mode))
    bench.world.air.temperature_c, bench.world.air.pressure_hpa = celsius, hpa
    await bench.wait(0.2)
    with pytest.raises(GRPCError, match=f"i2c-1 0x77: {message}") as caught:
        await client.get_readings()
    assert caught.value.status is Status.OUT_OF_RANGE
    assert (await client.get_status())["failures"] == 0
    bench.world.air.temperature_c, bench.world.air.pressure_hpa = 84.0, 305.0
    await bench.wait(0.2)
    readings = await client.get_readings()
    assert (readings["temperature_c"], readings["pressure_hpa"]) == pytest.approx((84, 305), abs=0.1)


async def test_a_pressure_that_is_not_measured_is_beyond_nothing(bench: Bench):
    bench.world.air.pressure_hpa = 200.0
    assert "temperature_c" in await (await make(bench, oversampling_pressure=0)).get_readings()


@pytest.mark.parametrize("humidity_pct", [0.0, 100.0])
async def test_humidity_ends_at_0_and_100(bench: Bench, humidity_pct):
    bench.world.air.relative_humidity_pct = humidity_pct
    readings = await (await make(bench)).get_readings()
    assert readings["relative_humidity_pct"] == pytest.approx(humidity_pct, abs=0.05)
    assert 0 <= readings["relative_humidity_pct"] <= 100


async def test_dry_air_has_no_dew_point(bench: Bench):
    bench.world.air.relative_humidity_pct = 0
    readings = await (await make(bench)).get_readings()
    assert readings.keys() == ALL_KEYS - {"dew_point_c"}
    assert readings["relative_humidity_pct"] == 0


async def test_the_altitude_goes_by_the_pressure_at_sea_level(bench: Bench):
    sensor = await make(bench, sea_level_hpa=1030.0)
    assert (await sensor.get_readings())["altitude_m"] == pytest.approx(138, abs=1)


@pytest.mark.parametrize("chip_id", [0x58, 0x57, 0x56])
async def test_a_bmp280_works_without_humidity(bench: Bench, chip_id):
    plug(bench, chip_id=chip_id)
    client = await bench.client(await make(bench))
    readings = await client.get_readings()
    assert readings.keys() == {"temperature_c", "pressure_hpa", "altitude_m"}
    assert readings["pressure_hpa"] == pytest.approx(1013.25, abs=0.02)
    assert (await client.get_status())["chip"] == "BMP280"


@pytest.mark.parametrize(
    ("attributes", "missing"),
    [
        ({"oversampling_humidity": 0}, {"relative_humidity_pct", "dew_point_c"}),
        ({"oversampling_pressure": 0}, {"pressure_hpa", "altitude_m"}),
        ({"oversampling_pressure": 0, "oversampling_humidity": 0},
         {"pressure_hpa", "altitude_m", "relative_humidity_pct", "dew_point_c"}),
    ],
)  # fmt: skip
async def test_what_is_not_measured_is_left_out(bench: Bench, attributes, missing):
    assert (await (await make(bench, **attributes)).get_readings()).keys() == ALL_KEYS - missing


@pytest.mark.parametrize("times", [1, 2, 4, 8, 16])
async def test_every_oversampling_measures_in_its_own_time(bench: Bench, times):
    attributes = {f"oversampling_{what}": times for what in ("temperature", "pressure", "humidity")}
    sensor = await make(bench, poll_interval_ms=200, **attributes)
    await bench.wait(2)
    assert (await sensor.get_readings())["pressure_hpa"] == pytest.approx(1013.25, abs=0.03)
    status = await sensor.get_status()
    assert (status["failures"], status["overruns"]) == (0, 0)


@pytest.mark.parametrize("mode", ["forced", "normal"])
async def test_the_filter_smooths_and_is_not_started_anew_with_each_sample(bench: Bench, mode):
    sensor = await make(bench, mode=mode, filter=16, poll_interval_ms=100)
    await bench.wait(1)
    bench.world.air.pressure_hpa = 1003.25
    await bench.wait(0.25)
    early = (await sensor.get_readings())["pressure_hpa"]
    assert 1005 < early < 1013
    await bench.wait(20)
    assert (await sensor.get_readings())["pressure_hpa"] == pytest.approx(1003.25, abs=0.03)


@pytest.mark.parametrize(("poll_interval_ms", "standby"), [(50, 0b000), (125, 0b001), (1000, 0b100), (60_000, 0b101)])
async def test_in_normal_mode_the_chip_rests_for_half_an_interval_at_most(bench: Bench, poll_interval_ms, standby):
    sensor = await make(bench, mode="normal", poll_interval_ms=poll_interval_ms)
    await bench.wait(10)
    # Table 27: 0.5, 62.5, 500 and 1000 ms.
    assert bench.host.open_i2c(1).read_register(ADDRESS, CONFIG, 1)[0] >> 5 == standby
    assert (await sensor.get_status())["failures"] == 0


# Where it is.


async def test_without_an_address_both_are_tried_and_status_tells_which_it_is(bench: Bench):
    plug(bench, 0x76)
    client = await bench.client(await make(bench))
    assert (await client.get_readings()).keys() == ALL_KEYS
    status = await client.get_status()
    assert (status["i2c_bus"], status["i2c_addr"], status["chip"]) == (1, "0x76", "BME280")
    assert list(bench.host.claims.listing()) == [*I2C_1_PINS, "i2c-1 0x76"]


async def test_with_an_address_only_that_one_is_tried(bench: Bench):
    plug(bench, 0x76)
    faults(bench).unplugged = True
    with pytest.raises(NoAnswerError, match=r"^i2c-1 0x77: no answer \(NACK\)"):
        await make(bench, i2c_addr="0x77")


async def test_two_without_an_address_find_one_each_and_a_third_is_told_who_has_them(bench: Bench):
    one, two = await make(bench, "a"), await make(bench, "b")
    assert [(await sensor.get_status())["i2c_addr"] for sensor in (one, two)] == ["0x77", "0x76"]
    with pytest.raises(ClaimedError, match=r'0x77 is held by sensor "a".*0x76 is held by sensor "b"'):
        await make(bench, "c")


async def test_two_that_look_at_once_for_two_chips_find_one_each(bench: Bench):
    plug(bench, 0x76)
    plug(bench, 0x77)
    both = await asyncio.gather(make(bench, "a"), make(bench, "b"))
    assert {(await sensor.get_status())["i2c_addr"] for sensor in both} == {"0x76", "0x77"}


async def test_a_second_without_a_chip_of_its_own_is_told_who_has_the_only_one(bench: Bench):
    plug(bench, 0x76)
    faults(bench, 0x77).unplugged = True
    await make(bench, "a")
    with pytest.raises(NoAnswerError, match=r'0x77: no answer .*i2c-1 0x76 is held by sensor "a"'):
        await make(bench, "b")


async def test_where_it_was_found_it_stays(bench: Bench):
    plug(bench, 0x76)
    sensor = await make(bench)
    faults(bench, 0x76).unplugged = True
    plug(bench, 0x77)
    await bench.wait(5)
    with pytest.raises(StaleReadingError, match="i2c-1 0x76: no answer"):
        await sensor.get_readings()
    assert list(bench.host.claims.listing()) == [*I2C_1_PINS, "i2c-1 0x76"]


async def test_another_sensor_at_the_first_address_does_not_keep_it_from_the_second(bench: Bench):
    bench.world.i2c(1).plug_in(0x77, RegisterFile({ID: 0x55}))
    plug(bench, 0x76)
    assert (await (await make(bench)).get_status())["i2c_addr"] == "0x76"


async def test_closing_while_it_looks_gives_both_claims_back(bench: Bench):
    plug(bench, 0x76)
    building = asyncio.ensure_future(make(bench))
    for _ in range(40):
        if len(bench.host.claims) == len(I2C_1_PINS) + 2:
            break
        await bench.wait(0.0001)
    assert list(bench.host.claims.listing()) == [*I2C_1_PINS, "i2c-1 0x76", "i2c-1 0x77"]
    await bench._built[0].close()
    assert bench.host.claims.listing() == {}
    building.cancel()


# Faults.


@pytest.mark.parametrize(
    ("chip_id", "which"), [(0x61, "a BME680 or BME688"), (0x55, "a BMP180 or BMP085"), (0xEA, "another chip")]
)
async def test_another_chip_at_the_address_is_named_as_such_and_left_alone(bench: Bench, chip_id, which):
    bench.world.i2c(1).plug_in(ADDRESS, other := RegisterFile({ID: chip_id}))
    before = bytes(other.registers)
    with pytest.raises(WrongChipError, match=f"no BME280 or BMP280 but {which}: its id is 0x{chip_id:02x}"):
        await make(bench, i2c_addr=ADDRESS)
    assert bytes(other.registers) == before


async def test_a_chip_that_is_missing_fails_at_once_and_works_once_it_is_there(bench: Bench):
    faults(bench).unplugged = True
    with pytest.raises(NoAnswerError, match=r"i2c-1 0x77: no answer \(NACK\)\. .*i2c-1 0x76: no answer"):
        await make(bench)
    await bench._built.pop().close()
    assert bench.host.claims.listing() == {}
    faults(bench).unplugged = False
    await make(bench)


async def test_a_chip_pulled_out_tells_age_and_cause_and_recovers(bench: Bench):
    sensor = await make(bench, max_age_ms=1000)
    client = await bench.client(sensor)
    faults(bench).unplugged = True
    await bench.wait(0.9)
    assert "temperature_c" in await client.get_readings()
    await bench.wait(1)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert caught.value.status is Status.UNAVAILABLE
    assert 'sensor "air": the last good reading is 1.' in (caught.value.message or "")
    assert "i2c-1 0x77: no answer" in (caught.value.message or "")
    assert (await client.get_status())["waits_for"] == "its chip to answer"
    faults(bench).unplugged = False
    bench.world.air.temperature_c = 5.0
    await bench.wait(6)
    assert (await client.get_readings())["temperature_c"] == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize("mode", ["forced", "normal"])
@pytest.mark.parametrize("when_s", [0.0, 0.0005, 0.003, 0.012, 0.02])
async def test_power_lost_for_a_moment_is_never_a_wrong_value(bench: Bench, mode, when_s):
    sensor = await make(bench, mode=mode, filter=2)
    chip: Any = bench.world.i2c(1).device(ADDRESS)
    await bench.wait(0.2 + when_s)
    with bench.world.held():
        chip.lose_power()
    for _ in range(20):
        assert (await sensor.get_readings())["temperature_c"] == pytest.approx(21, abs=0.01)
        assert (await sensor.get_readings())["pressure_hpa"] == pytest.approx(1013.25, abs=0.02)
        assert (await sensor.get_readings())["relative_humidity_pct"] == pytest.approx(45, abs=0.05)
        await bench.wait(0.05)
    assert (await sensor.get_status())["failures"] >= 1


@pytest.mark.parametrize("fault", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("skip", range(0, 12, 2))
async def test_every_kind_of_bus_fault_is_survived(bench: Bench, fault, skip):
    sensor = await make(bench, max_age_ms=400)
    faults(bench).skip = skip
    setattr(faults(bench), fault, 3)
    for _ in range(100):
        await bench.wait(0.1)
        try:
            readings = await sensor.get_readings()
        except StaleReadingError:
            continue
        assert readings["temperature_c"] == pytest.approx(21, abs=0.01)
        assert readings["relative_humidity_pct"] == pytest.approx(45, abs=0.05)
        assert readings["pressure_hpa"] == pytest.approx(1013.25, abs=0.02)
    await sensor.get_readings()


async def test_noise_on_a_chip_that_was_known_is_not_called_another_chip(bench: Bench):
    sensor = await make(bench, max_age_ms=200)
    bench.world.i2c(1).plug_in(ADDRESS, RegisterFile({ID: 0x70}))
    await bench.wait(3)
    with pytest.raises(StaleReadingError, match="the BME280 there now says that its id is 0x70"):
        await sensor.get_readings()


# The twin.


async def test_the_twin_has_the_old_data_before_it_is_ready_and_wants_each_byte_s_register(bench: Bench):
    chip = plug(bench)
    bus = bench.host.open_i2c(1)
    bus.write(ADDRESS, bytes((CTRL_HUM, 1, CTRL_MEAS, 0b001_001_01)))
    bench.host.sleep(8 * MS)
    status, meas = bus.read_register(ADDRESS, STATUS, 2)
    assert (status, meas) == (0x08, 0b001_001_01)
    assert bus.read_register(ADDRESS, DATA, 3) == b"\x80\0\0"
    bench.host.sleep(2 * MS)
    assert bus.read_register(ADDRESS, STATUS, 2) == bytes((0, 0b001_001_00))
    assert bus.read_register(ADDRESS, DATA, 3) != b"\x80\0\0"
    with bench.world.held():
        chip.lose_power()
    with pytest.raises(NoAnswerError):
        bus.read_register(ADDRESS, ID, 1)


async def test_the_twin_measures_no_humidity_when_it_is_asked_in_the_wrong_order(bench: Bench):
    plug(bench)
    bus = bench.host.open_i2c(1)
    bus.write(ADDRESS, bytes((CTRL_MEAS, 0b001_001_01, CTRL_HUM, 1)))
    bench.host.sleep(20 * MS)
    assert bus.read_register(ADDRESS, DATA + 6, 2) == b"\x80\0"


@pytest.mark.parametrize("attributes", [{}, {"filter": 4}, {"mode": "normal"}])
async def test_another_chip_in_its_place_is_not_read_with_the_old_one_s_constants(bench: Bench, attributes):
    sensor = await make(bench, poll_interval_ms=1000, **attributes)
    await bench.wait(1.5)
    other = Bme280Twin(bench.world)
    # The first constant of the temperature: with the old one's it would be degrees off.
    other._constants[0x88] ^= 0xFF
    with bench.world.held():
        bench.world.i2c(1).plug_in(ADDRESS, other)
    await bench.wait(1)
    assert (await sensor.get_status())["failures"] == 1
    await bench.wait(3)
    calibration_read = (await sensor.get_readings())["temperature_c"]
    fresh = await remade(bench, sensor)
    assert calibration_read == pytest.approx(fresh, abs=0.01)


async def remade(bench: Bench, sensor: Any) -> float:
    """What a sensor says that has met the chip for the first time."""
    await sensor.close()
    again = await make(bench)
    temperature: float = (await again.get_readings())["temperature_c"]
    return temperature


# Its config.


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"i2c_addr": 0x88}, "i2c_addr"),
        ({"mode": "forcd"}, "mode"),
        ({"oversampling_temperature": 0}, "oversampling_temperature"),
        ({"oversampling_pressure": 3}, "oversampling_pressure"),
        ({"filter": 32}, "filter"),
        ({"sea_level_hpa": 101325}, "sea_level_hpa"),
        ({"oversampling": 4}, "unknown"),
        ({"poll_interval_ms": 20}, "poll_interval_ms: must not be below 22, the time of one sample with this overs"),
        ({"poll_interval_ms": 100, "oversampling_temperature": 16, "oversampling_pressure": 16,
          "oversampling_humidity": 16}, "must not be below 118"),
        ({"max_age_ms": 121}, "max_age_ms: must not be below 122, got 121"),
    ],
)  # fmt: skip
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await make(bench, **attributes)


async def test_a_zero_from_a_program_in_go_is_no_address(bench: Bench):
    plug(bench, 0x76)
    sensor = await make(bench, i2c_addr=0, sea_level_hpa=0)
    assert (await sensor.get_status())["i2c_addr"] == "0x76"


async def test_it_has_no_commands_of_its_own(bench: Bench):
    client = await bench.client(await make(bench))
    assert await client.do_command({"command": "help"}) == {}
