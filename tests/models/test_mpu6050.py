"""The MPU-6050, against its register map, its twin on the simulated bus, and a robot that lies and turns as told."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.movement_sensor import MovementSensor, Vector3

from pi_drivers.errors import (
    BusError,
    ClaimedError,
    ClosedError,
    ConfigError,
    CorruptDataError,
    NoAnswerError,
    StaleReadingError,
    UnsteadyError,
    WrongChipError,
)
from pi_drivers.models.movement_sensor.mpu6050_chip import Mpu6050, Ranges
from pi_drivers.models.movement_sensor.mpu6050_twin import Mpu6050Twin
from pi_drivers.runtime import kept_state
from pi_drivers.world.devices import RegisterFile
from pi_drivers.world.pose import GRAVITY
from tests.models.conftest import Bench

ADDRESS = 0x68
RANGES = Ranges(gyro_deg_s=250, accel_g=2, sample_hz=100, read_hz=50)
MEASURED = 0x3B


async def make(bench: Bench, **attributes):
    return await bench.make("mpu6050", "imu", **attributes)


def twin(bench: Bench, address: int = ADDRESS) -> Mpu6050Twin:
    chip = bench.world.i2c(1).device(address)
    assert isinstance(chip, Mpu6050Twin)
    return chip


def faults(bench: Bench) -> Any:
    return bench.world.i2c(1).faults(ADDRESS)


def xyz(vector: Vector3) -> tuple[float, float, float]:
    return vector.x, vector.y, vector.z


def near(*values: float, within: float = 0.02) -> Any:
    return pytest.approx(values, abs=within)


# The chip.


class Recorded(RegisterFile):
    """A chip whose registers stand still; it always says that it has a new sample."""

    def __init__(self, who_am_i: int = 0x68) -> None:
        super().__init__({0x75: who_am_i})
        self.written: list[str] = []

    def write(self, data: bytes) -> None:
        if len(data) > 1:
            self.written.append(data.hex(" "))
        super().write(data)

    def read(self, count: int) -> bytes:
        self.registers[0x3A] = 0x01
        return super().read(count)


def set_up(bench: Bench, device: RegisterFile, ranges: Ranges = RANGES) -> Mpu6050:
    bench.world.i2c(1).plug_in(ADDRESS, device)
    chip = Mpu6050(bench.host, bench.host.open_i2c(1), ADDRESS, ranges)
    assert not chip.is_set_up()
    chip.reset()
    chip.configure()
    chip.begin()
    return chip


@pytest.mark.parametrize(
    ("ranges", "data", "acceleration", "rates"),
    [
        # By the sensitivities of RM-MPU-6000A sections 4.17 and 4.19, reckoned by hand.
        ((250, 2), "4000 0000 c000 0000 0083 ff7d 0000", (GRAVITY, 0, -GRAVITY), (1, -1, 0)),
        ((500, 4), "2000 0001 ffff 0000 0083 0000 8001", (GRAVITY, 0.0011971, -0.0011971), (2, 0, -500.2595)),
        ((1000, 8), "1000 7ffe 0000 0000 0148 0000 0000", (GRAVITY, 78.4484, 0), (10, 0, 0)),
        ((2000, 16), "0800 f800 8001 0000 00a4 7ffe ff5c", (GRAVITY, -GRAVITY, -156.9016), (10, 1997.9268, -10)),
    ],
)
async def test_words_are_signed_big_endian_and_scaled_as_the_register_map_says(
    bench: Bench, ranges, data, acceleration, rates
):
    device = Recorded()
    gyro_deg_s, accel_g = ranges
    chip = set_up(bench, device, Ranges(gyro_deg_s, accel_g, sample_hz=100, read_hz=50))
    device.registers[MEASURED : MEASURED + 14] = bytes.fromhex(data)
    motion = chip.measure()
    assert motion is not None
    assert motion.acceleration == near(*acceleration, within=1e-4)
    assert motion.rates == near(*rates, within=1e-4)


@pytest.mark.parametrize(
    ("who_am_i", "raw", "celsius"),
    [
        # RM-MPU-6000A section 4.18: TEMP_OUT / 340 + 36.53.
        (0x68, "0000", 36.53),
        (0x68, "f0b0", 25.0006),  # -3920
        (0x68, "0154", 37.53),
        (0x68, "fdf7", 35.0),  # PS-MPU-6000A page 14 prints it: -521 at 35 degrees
        # RM-MPU-6500A section 4.23 with 333.87 steps a degree, and 0 at 21 degrees.
        (0x70, "0000", 21.0),
        (0x71, "029c", 23.0008),  # 668
        (0x73, "f2f5", 10.9991),  # -3339
    ],
)
async def test_temperature_is_by_the_formula_of_the_chip_that_is_there(bench: Bench, who_am_i, raw, celsius):
    device = Recorded(who_am_i)
    chip = set_up(bench, device)
    device.registers[MEASURED + 6 : MEASURED + 8] = bytes.fromhex(raw)
    motion = chip.measure()
    assert motion is not None
    assert motion.temperature_c == pytest.approx(celsius, abs=3e-3)


@pytest.mark.parametrize(
    ("who_am_i", "ranges", "settings"),
    [
        # 1 kHz / 10; 21 Hz is the widest band below half of 50 Hz.
        (0x68, Ranges(250, 2, 100, 50), "19 09 04 00 00"),
        (0x68, Ranges(2000, 16, 200, 100), "19 04 03 18 18"),
        (0x68, Ranges(500, 8, 4, 1), "19 f9 06 08 10"),
        (0x70, Ranges(1000, 4, 100, 100), "19 09 03 10 08 03"),
    ],
)
async def test_it_is_reset_woken_and_set_in_this_order(bench: Bench, who_am_i, ranges, settings):
    device = Recorded(who_am_i)
    set_up(bench, device, ranges)
    assert device.written == ["6b 80", "6b 01 00", settings, "38 01"]


async def test_a_sample_is_read_with_its_state_in_one_transaction_until_two_readings_agree(bench: Bench):
    device = Recorded()
    chip = set_up(bench, device)
    reads = []

    def read(count: int) -> bytes:
        answer = Recorded.read(device, count)
        if count == 15:
            reads.append(answer)
            device.registers[MEASURED] = 0x20  # a new sample has come since
        return answer

    device.read = read  # type: ignore[method-assign]
    device.registers[MEASURED] = 0x40
    motion = chip.measure()
    assert motion is not None
    assert motion.acceleration == near(GRAVITY / 2, 0, 0, within=1e-6)
    assert [answer[:2].hex() for answer in reads] == ["0140", "0120", "0120"]


async def test_readings_that_never_agree_are_not_used(bench: Bench):
    device = Recorded()
    chip = set_up(bench, device)
    changing = iter(range(256))

    def read(count: int) -> bytes:
        device.registers[MEASURED + 3] = next(changing)
        return Recorded.read(device, count)

    device.read = read  # type: ignore[method-assign]
    with pytest.raises(CorruptDataError, match="i2c-1 0x68: 4 readings of one sample do not agree"):
        chip.measure()


async def test_the_twin_has_zeros_while_it_sleeps_and_says_once_that_a_sample_is_new(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, Mpu6050Twin(bench.world))
    bus = bench.host.open_i2c(1)
    assert bus.read_register(ADDRESS, 0x6B, 1) == b"\x40"
    bench.host.sleep(100_000_000)
    assert bus.read_register(ADDRESS, 0x3A, 15) == bytes(15)
    bus.write_register(ADDRESS, 0x6B, b"\x01")
    bus.write_register(ADDRESS, 0x19, b"\xc7\x03")  # a sample every 200 ms
    bus.write_register(ADDRESS, 0x38, b"\x01")
    bench.host.sleep(250_000_000)
    assert [bus.read_register(ADDRESS, 0x3A, 1)[0] for _ in range(2)] == [1, 0]


# What it is asked as a movement sensor.


@pytest.mark.parametrize(
    ("roll", "pitch", "up"),
    [
        (0, 0, (0, 0, GRAVITY)),
        (90, 0, (0, GRAVITY, 0)),
        (-90, 0, (0, -GRAVITY, 0)),
        (180, 0, (0, 0, -GRAVITY)),
        (0, 90, (-GRAVITY, 0, 0)),
        (0, -90, (GRAVITY, 0, 0)),
        (0, 30, (-GRAVITY / 2, 0, GRAVITY * math.sqrt(0.75))),
    ],
)
async def test_at_rest_acceleration_points_up_and_is_one_g(bench: Bench, roll, pitch, up):
    bench.world.pose.put(roll, pitch, 0)
    client = await bench.client(await make(bench))
    assert xyz(await client.get_linear_acceleration()) == near(*up)
    assert xyz(await client.get_angular_velocity()) == near(0, 0, 0)


async def test_angular_velocity_is_in_degrees_per_second_about_each_axis_with_its_sign(bench: Bench):
    client = await bench.client(await make(bench))
    bench.world.pose.turn(90, -45, 10)
    await bench.wait(0.05)
    assert xyz(await client.get_angular_velocity()) == near(90, -45, 10)


@pytest.mark.parametrize(("gyro_range", "accel_range"), [(250, 2), (500, 4), (1000, 8), (2000, 16)])
async def test_every_range_measures_the_same_and_up_to_its_end(bench: Bench, gyro_range, accel_range):
    client = await bench.client(await make(bench, gyro_range=gyro_range, accel_range=accel_range))
    most = 0.99 * accel_range * GRAVITY
    bench.world.pose.push(most, 0, 0)
    bench.world.pose.turn(0, 0, 0)
    await bench.wait(0.05)
    assert xyz(await client.get_linear_acceleration()) == near(most, 0, GRAVITY, within=0.01)
    bench.world.pose.push(0, 0, 0)
    bench.world.pose.turn(0, 0, -0.99 * gyro_range)
    await bench.wait(0.05)
    assert xyz(await client.get_angular_velocity()) == near(0, 0, -0.99 * gyro_range, within=0.05)


async def test_readings_have_all_there_is_and_follow_without_waiting(bench: Bench):
    bench.world.air.temperature_c = 18.0
    client = await bench.client(await make(bench))
    bench.world.pose.put(20, -10, 0)
    await bench.wait(6)
    before_ns = bench.host.now_ns()
    readings = await client.get_readings()
    assert bench.host.now_ns() == before_ns
    assert readings.keys() == {
        "linear_acceleration",
        "angular_velocity",
        "orientation",
        "temperature_c",
        "roll_deg",
        "pitch_deg",
        "yaw_deg",
    }
    assert readings["temperature_c"] == pytest.approx(20, abs=0.01)
    assert (readings["roll_deg"], readings["pitch_deg"]) == near(20, -10, within=0.1)
    assert xyz(readings["linear_acceleration"]) == xyz(await client.get_linear_acceleration())
    assert xyz(readings["angular_velocity"]) == near(0, 0, 0)
    assert readings["orientation"] == await client.get_orientation()


async def test_it_says_what_it_can_and_what_it_cannot_in_the_words_that_callers_match(bench: Bench):
    client = await bench.client(await make(bench))
    assert await client.get_properties() == MovementSensor.Properties(
        linear_acceleration_supported=True,
        angular_velocity_supported=True,
        orientation_supported=True,
        position_supported=False,
        compass_heading_supported=False,
        linear_velocity_supported=False,
    )
    for method, words in (
        (client.get_position, "Position Unimplemented"),
        (client.get_linear_velocity, "LinearVelocity Unimplemented"),
        (client.get_compass_heading, "CompassHeading Unimplemented"),
    ):
        with pytest.raises(GRPCError) as caught:
            await method()
        assert caught.value.status is Status.UNIMPLEMENTED
        assert words in str(caught.value.message)


async def test_accuracy_is_no_error_has_no_number_and_leaves_no_field_out(bench: Bench):
    accuracy = await (await bench.client(await make(bench))).get_accuracy()
    for field in ("position_hdop", "position_vdop", "compass_degrees_error"):
        assert accuracy.HasField(field)
        assert math.isnan(getattr(accuracy, field))
    assert accuracy.position_nmea_gga_fix == -1


async def test_polled_seldom_it_gives_no_orientation_and_says_so(bench: Bench):
    client = await bench.client(await make(bench, poll_interval_ms=200))
    assert not (await client.get_properties()).orientation_supported
    with pytest.raises(GRPCError, match=r"poll_interval_ms must be at most 100 \(Orientation Unimplemented\)"):
        await client.get_orientation()
    readings = await client.get_readings()
    assert readings.keys() == {"linear_acceleration", "angular_velocity", "temperature_c"}


async def test_status_tells_its_place_its_chip_and_how_it_does(bench: Bench):
    sensor = await make(bench, sample_hz=90)
    status = await (await bench.client(sensor)).get_status()
    assert (status["backend"], status["i2c_bus"], status["i2c_addr"]) == ("mock", 1, "0x68")
    assert (status["chip"], status["calibrated"]) == ("MPU-6050", False)
    assert status["sample_hz"] == pytest.approx(1000 / 11)  # what the chip has for 90
    assert status["samples_beyond_range"] == status["orientation_restarts"] == status["failures"] == 0


async def test_setting_up_takes_long_and_neither_ages_the_first_sample_nor_counts_as_missed_polls(bench: Bench):
    began_ns = bench.host.now_ns()
    sensor = await make(bench)
    assert bench.host.now_ns() - began_ns > 200_000_000
    status = await sensor.get_status()
    assert status["sample_age_ms"] < 30
    await bench.wait(1)
    assert (await sensor.get_status())["overruns"] == 0


async def test_the_bus_is_free_for_others_while_the_chip_wakes_up(bench: Bench):
    bus = bench.host.i2c(1)
    making = asyncio.create_task(make(bench))
    waits = []
    while not making.done():
        began_ns = bench.host.now_ns()
        await bus.worker.run(lambda: None)
        waits.append(bench.host.now_ns() - began_ns)
        await bench.wait(0.0037)
    await making
    bus.leave()
    assert len(waits) > 40
    assert max(waits) < 8_000_000


async def test_every_poll_has_a_new_sample_and_no_sample_comes_twice(bench: Bench):
    sensor = await make(bench, poll_interval_ms=10, sample_hz=100)
    bench.world.pose.turn(0, 0, 0)
    chip = twin(bench)
    chip.gyro_noise_deg_s = 5.0  # so that no two samples are alike
    await bench.wait(0.1)
    seen: list[Any] = []
    for _ in range(100):
        sample = sensor._poller.latest()
        if not seen or sample is not seen[-1]:
            seen.append(sample)
        await bench.wait(0.005)
    rates = [sample.value.rates for sample in seen]
    assert len(rates) >= 30
    assert len(set(rates)) == len(rates)


# What is beyond its range.


async def test_a_turn_too_fast_for_the_range_is_no_number_and_the_rest_goes_on(bench: Bench):
    client = await bench.client(await make(bench))
    bench.world.pose.turn(0, 0, 300)
    await bench.wait(0.1)
    with pytest.raises(GRPCError, match=r"the angular velocity is beyond ±250 deg/s, .* Raise gyro_range") as caught:
        await client.get_angular_velocity()
    assert caught.value.status is Status.OUT_OF_RANGE
    assert xyz(await client.get_linear_acceleration()) == near(0, 0, GRAVITY)
    with pytest.raises(GRPCError, match="the orientation is not known yet"):
        await client.get_orientation()
    assert (await client.get_readings()).keys() == {"linear_acceleration", "temperature_c"}
    status = await client.get_status()
    assert status["samples_beyond_range"] >= 4
    assert status["orientation_restarts"] == 1
    bench.world.pose.turn(0, 0, 100)
    await bench.wait(0.1)
    assert xyz(await client.get_angular_velocity()) == near(0, 0, 100)


async def test_a_knock_beyond_the_range_is_no_acceleration_and_does_not_upset_the_orientation(bench: Bench):
    client = await bench.client(await make(bench))
    bench.world.pose.push(-50, 0, 0)
    await bench.wait(0.1)
    with pytest.raises(GRPCError, match=r"the acceleration is beyond ±2 g, .* Raise accel_range"):
        await client.get_linear_acceleration()
    readings = await client.get_readings()
    assert "linear_acceleration" not in readings
    assert (readings["roll_deg"], readings["pitch_deg"]) == near(0, 0)
    bench.world.pose.push(0, 0, 0)
    await bench.wait(0.1)
    assert xyz(await client.get_linear_acceleration()) == near(0, 0, GRAVITY)


async def test_data_capture_of_each_method_skips_what_it_has_where_the_config_says_so(bench: Bench):
    client = await bench.client(await make(bench, skip_unchanged=True, poll_interval_ms=100))
    methods = (
        client.get_linear_acceleration,
        client.get_angular_velocity,
        client.get_orientation,
        client.get_readings,
    )
    capture = {"fromDataManagement": True}
    await bench.wait(0.5)
    for method in methods:
        await method(extra=capture)
    for method in methods:
        with pytest.raises(GRPCError, match="no capture from filter module"):
            await method(extra=capture)
        await method()
    await bench.wait(0.15)
    for method in methods:
        await method(extra=capture)


# Calibration.


async def test_calibrating_takes_the_bias_off_with_its_sign_and_says_what_it_found(bench: Bench):
    client = await bench.client(await make(bench))
    twin(bench).gyro_bias_deg_s = (3.0, -1.5, 0.25)
    twin(bench).gyro_noise_deg_s = 0.05
    await bench.wait(0.1)
    assert xyz(await client.get_angular_velocity()) == near(3, -1.5, 0.25, within=0.3)
    began_ns = bench.host.now_ns()
    found = await client.do_command({"command": "calibrate"})
    assert bench.host.now_ns() - began_ns == pytest.approx(2e9, rel=0.05)
    assert found["gyro_bias_deg_s"] == pytest.approx({"x": 3, "y": -1.5, "z": 0.25}, abs=0.03)
    assert found["gyro_noise_deg_s"]["x"] == pytest.approx(0.05, rel=0.5)
    assert found["samples"] == pytest.approx(100, abs=2)
    twin(bench).gyro_noise_deg_s = 0.0
    bench.world.pose.turn(10, 20, -30)
    await bench.wait(0.1)
    assert xyz(await client.get_angular_velocity()) == near(10, 20, -30, within=0.05)
    status = await client.get_status()
    assert status["calibrated"] is True
    assert status["gyro_bias_deg_s"] == found["gyro_bias_deg_s"]


async def test_readings_go_on_while_it_is_calibrated_and_it_is_so_once_at_a_time(bench: Bench):
    client = await bench.client(await make(bench))
    calibrating = asyncio.create_task(client.do_command({"command": "calibrate"}))
    for _ in range(15):
        await bench.wait(0.1)
        assert xyz(await client.get_linear_acceleration()) == near(0, 0, GRAVITY)
    with pytest.raises(GRPCError, match="it is being calibrated already") as caught:
        await client.do_command({"command": "calibrate"})
    assert caught.value.status is Status.FAILED_PRECONDITION
    assert (await calibrating)["samples"] > 90


async def calibrate_while(bench: Bench, change) -> str:
    """What a calibration is refused with when this happens in the middle of it."""
    sensor = await make(bench)
    twin(bench).gyro_bias_deg_s = (1.0, 1.0, 1.0)
    calibrating = asyncio.create_task(sensor.do_command({"command": "calibrate"}))
    await bench.wait(1)
    change()
    with pytest.raises(UnsteadyError) as caught:
        await calibrating
    assert (await sensor.get_status())["calibrated"] is False
    return str(caught.value)


async def test_it_is_not_calibrated_while_it_turns(bench: Bench):
    message = await calibrate_while(bench, lambda: bench.world.pose.turn(0, 0, 5))
    assert 'movement_sensor "imu": not calibrated, for it moved: its angular velocity about z changed by' in message


async def test_it_is_not_calibrated_on_something_that_turns_evenly_and_fast(bench: Bench):
    bench.world.pose.turn(0, 0, -60)
    message = await calibrate_while(bench, lambda: None)
    assert "it turns about z at -59 deg/s, which is more than a bias can be" in message


@pytest.mark.parametrize("rates", [(0.7, 0, 0), (0, -0.7, 0)])
async def test_it_is_not_calibrated_while_it_tilts_slowly_and_evenly(bench: Bench, rates):
    bench.world.pose.turn(*rates)
    message = await calibrate_while(bench, lambda: None)
    assert "for it moved: it tilts: gravity along" in message


@pytest.mark.parametrize("begins_s", [0, 1, 2, 3])
async def test_it_is_not_calibrated_while_it_sways(bench: Bench, begins_s):
    bench.world.pose.sway_deg = 3.0
    await bench.wait(begins_s)
    assert "not calibrated, for it moved" in await calibrate_while(bench, lambda: None)


async def test_it_is_not_calibrated_while_it_is_shaken(bench: Bench):
    message = await calibrate_while(bench, lambda: bench.world.pose.push(0, 2, 0))
    assert "its acceleration along y changed by 1" in message


async def test_it_is_not_calibrated_from_less_than_it_takes(bench: Bench):
    sensor = await make(bench, poll_interval_ms=50)
    calibrating = asyncio.create_task(sensor.do_command({"command": "calibrate"}))
    await bench.wait(0.5)
    faults(bench).unplugged = True
    with pytest.raises(UnsteadyError, match=r"not calibrated: of \d+ samples \d+ were of use, and it takes 20"):
        await calibrating


async def test_the_bias_outlives_a_rebuild_and_a_restart(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    sensor = await make(bench)
    twin(bench).gyro_bias_deg_s = (-7.0, 0.0, 2.0)
    await bench.wait(0.1)
    await sensor.do_command({"command": "calibrate"})
    for _ in range(2):
        await sensor.close()
        kept_state._in_process.clear()  # as a new process would find it
        sensor = await make(bench, gyro_range=500)
        assert xyz(await sensor.get_angular_velocity()) == near(0, 0, 0)
        assert (await sensor.get_status())["calibrated"] is True


async def test_the_bias_of_a_chip_at_another_place_is_not_taken_for_this_one_s(bench: Bench):
    sensor = await make(bench)
    twin(bench).gyro_bias_deg_s = (4.0, 0.0, 0.0)
    await bench.wait(0.1)
    await sensor.do_command({"command": "calibrate"})
    await sensor.close()
    moved = await make(bench, use_alt_i2c_address=True)
    assert xyz(await moved.get_angular_velocity()) == near(0, 0, 0)
    assert (await moved.get_status())["calibrated"] is False


@pytest.mark.parametrize(
    "kept",
    [
        {"place": "i2c-1 0x68"},
        {"place": "i2c-1 0x68", "gyro_bias_deg_s": [1, 2]},
        {"place": "i2c-1 0x68", "gyro_bias_deg_s": [1, 2, "3"]},
        {"place": "i2c-1 0x68", "gyro_bias_deg_s": [1, 2, float("nan")]},
        {"place": "i2c-1 0x68", "gyro_bias_deg_s": {"x": 1}},
    ],
)
async def test_what_was_kept_and_makes_no_sense_keeps_nothing_from_starting(bench: Bench, kept):
    kept_state._in_process["movement_sensor", "imu"] = kept
    sensor = await make(bench)
    assert (await sensor.get_status())["calibrated"] is False
    assert xyz(await sensor.get_angular_velocity()) == near(0, 0, 0)


# Faults.


async def truths_told(bench: Bench, sensor: Any, seconds: float) -> int:
    """Ask all the time. Every answer is the world's truth or an error; gives how many were the truth."""
    told = 0
    for _ in range(round(seconds / 0.005)):
        try:
            readings = await sensor.get_readings()
        except StaleReadingError:
            pass
        else:
            told += 1
            assert xyz(readings["linear_acceleration"]) == near(0, 0, GRAVITY)
            assert xyz(readings["angular_velocity"]) == near(0, 0, 30)
            assert readings["temperature_c"] == pytest.approx(23, abs=0.02)
            assert (readings["roll_deg"], readings["pitch_deg"]) == near(0, 0)
        await bench.wait(0.005)
    return told


@pytest.mark.parametrize("ready_unasked", [False, True])
@pytest.mark.parametrize("who_am_i", [0x68, 0x70])
@pytest.mark.parametrize("after_ms", range(0, 40, 4))
async def test_a_moment_without_power_at_any_time_gives_no_wrong_value_and_is_over_soon(
    bench: Bench, ready_unasked, who_am_i, after_ms
):
    bench.world.i2c(1).plug_in(ADDRESS, Mpu6050Twin(bench.world, who_am_i))
    twin(bench).ready_unasked = ready_unasked
    bench.world.pose.turn(0, 0, 30)
    sensor = await make(bench, gyro_range=1000, accel_range=8)
    await bench.wait(0.1 + after_ms / 1000)
    twin(bench).lose_power()
    await truths_told(bench, sensor, 0.6)
    assert await truths_told(bench, sensor, 0.2) == 40


@pytest.mark.parametrize("ready_unasked", [False, True])
@pytest.mark.parametrize("who_am_i", [0x68, 0x70])
async def test_a_moment_without_power_right_before_the_data_are_read_gives_no_value(
    bench: Bench, ready_unasked, who_am_i
):
    class FailingSupply(Mpu6050Twin):
        fails = False

        def write(self, data: bytes) -> None:
            if self.fails and data == b"\x3a":
                self.fails = False
                self.lose_power()
            super().write(data)

    chip = FailingSupply(bench.world, who_am_i)
    chip.ready_unasked = ready_unasked
    bench.world.i2c(1).plug_in(ADDRESS, chip)
    bench.world.pose.turn(0, 0, 30)
    sensor = await make(bench, gyro_range=1000, accel_range=8)
    for _ in range(5):
        await bench.wait(0.1)
        chip.fails = True
        await truths_told(bench, sensor, 0.5)
    assert (await sensor.get_status())["failures"] == 5


async def test_a_chip_that_fell_asleep_is_an_error_that_says_so_and_never_an_acceleration_of_zero(bench: Bench):
    sensor = await make(bench)
    chip = twin(bench)
    chip.lose_power()
    await bench.wait(0.03)
    status = await sensor.get_status()
    assert "i2c-1 0x68: the chip has lost its settings, as after a moment without power" in status["error"]
    assert (await sensor.get_readings())["linear_acceleration"].z == pytest.approx(GRAVITY, abs=0.02)
    await bench.wait(0.5)
    assert "error" not in await sensor.get_status()


async def test_a_chip_that_measures_no_more_is_an_error_and_is_reset(bench: Bench):
    sensor = await make(bench)
    twin(bench).stuck = True
    await bench.wait(0.5)
    with pytest.raises(StaleReadingError, match="the chip answers, but has measured nothing new for 30 ms"):
        await sensor.get_linear_acceleration()
    twin(bench).stuck = False
    await bench.wait(1)
    assert xyz(await sensor.get_linear_acceleration()) == near(0, 0, GRAVITY)


async def test_another_program_that_changes_a_range_is_noticed(bench: Bench):
    bench.world.pose.turn(0, 0, 30)
    sensor = await make(bench)
    await bench.wait(0.1)
    bus = bench.host.open_i2c(1)
    bus.write_register(ADDRESS, 0x1B, b"\x18")
    await truths_told(bench, sensor, 0.6)
    assert bus.read_register(ADDRESS, 0x1B, 1) == b"\x00"
    assert await truths_told(bench, sensor, 0.1) == 20


@pytest.mark.parametrize("kind", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("skip", range(7))
async def test_a_fault_at_any_transaction_gives_no_wrong_value_and_is_survived(bench: Bench, kind, times, skip):
    bench.world.pose.turn(0, 0, 30)
    sensor = await make(bench)
    await bench.wait(0.1)
    faults(bench).skip = skip
    setattr(faults(bench), kind, times)
    await truths_told(bench, sensor, 0.3 if kind != "hangs" else 3.5 * times)
    assert await truths_told(bench, sensor, 0.2) == 40


@pytest.mark.parametrize("kind", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("skip", range(14))
async def test_a_fault_at_any_transaction_of_the_start_is_survived(bench: Bench, kind, skip):
    bench.world.pose.turn(0, 0, 30)
    bench.world.i2c(1).plug_in(ADDRESS, Mpu6050Twin(bench.world))
    faults(bench).skip = skip
    setattr(faults(bench), kind, 2)
    try:
        sensor = await make(bench)
    except BusError:
        sensor = bench._built[-1]
    await truths_told(bench, sensor, 5.5)
    assert await truths_told(bench, sensor, 0.2) == 40


async def test_a_single_nack_is_not_noticed_by_whoever_reads(bench: Bench):
    sensor = await make(bench)
    for _ in range(20):
        faults(bench).nacks = 1
        for _ in range(5):
            await bench.wait(0.02)
            await sensor.get_readings()
    assert (await sensor.get_status())["failures"] == 20


async def test_a_chip_pulled_out_is_an_error_soon_with_age_and_cause_and_comes_back(bench: Bench):
    bench.world.pose.put(0, 0, 40)
    sensor = await make(bench)
    client = await bench.client(sensor)
    faults(bench).unplugged = True
    await bench.wait(0.1)
    await client.get_linear_acceleration()
    await bench.wait(0.2)
    with pytest.raises(GRPCError) as caught:
        await client.get_linear_acceleration()
    assert caught.value.status is Status.UNAVAILABLE
    assert "the last good reading is 0.3 s old: i2c-1 0x68: no answer (NACK)" in str(caught.value.message)
    assert (await client.get_status())["waits_for"] == "its chip to answer"
    bench.world.pose.put(0, 90, 0)
    faults(bench).unplugged = False
    await bench.wait(6)
    assert xyz(await client.get_linear_acceleration()) == near(-GRAVITY, 0, 0)
    assert (await client.get_readings())["pitch_deg"] == pytest.approx(90, abs=0.1)
    assert (await client.get_status())["orientation_restarts"] == 1


async def test_a_chip_that_is_missing_fails_at_once_and_works_once_it_is_there(bench: Bench):
    faults(bench).unplugged = True
    with pytest.raises(NoAnswerError, match=r"i2c-1 0x68: no answer \(NACK\). Is the chip wired"):
        await make(bench)
    await bench._built.pop().close()
    assert bench.host.claims.listing() == {}
    faults(bench).unplugged = False
    await make(bench)


def clock_chip() -> RegisterFile:
    """A DS3231: 12:34:56 on a Tuesday; beyond its 19 registers nothing answers."""
    return RegisterFile({0: 0x56, 1: 0x34, 2: 0x12, 3: 0x03, 0x75: 0xFF})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (clock_chip(), r"no MPU-6050: its WHO_AM_I is 0xff.* Clocks such as the DS3231 and the DS1307 have 0x68 too"),
        (RegisterFile({0x75: 0x98}), "the chip there is an ICM-20689, and no MPU-6050: its WHO_AM_I is 0x98"),
        (RegisterFile({0x75: 0x72}), "a copy of the MPU-6050 of which no data are published"),
        (
            RegisterFile({0x75: 0x12}),
            r"an ICM-20602, .* The model iio-sensor reads whatever the kernel has a driver for",
        ),
    ],
)
async def test_another_chip_at_the_address_is_named_as_such_and_left_alone(bench: Bench, other, message):
    bench.world.i2c(1).plug_in(ADDRESS, other)
    before = bytes(other.registers)
    with pytest.raises(WrongChipError, match=message):
        await make(bench)
    assert bytes(other.registers) == before


@pytest.mark.parametrize(("who_am_i", "name"), [(0x70, "MPU-6500"), (0x71, "MPU-9250"), (0x73, "MPU-9255")])
async def test_its_successors_work_as_well_and_are_told_by_name(bench: Bench, who_am_i, name):
    bench.world.i2c(1).plug_in(ADDRESS, Mpu6050Twin(bench.world, who_am_i))
    client = await bench.client(await make(bench))
    assert (await client.get_readings())["temperature_c"] == pytest.approx(23, abs=0.01)
    assert xyz(await client.get_linear_acceleration()) == near(0, 0, GRAVITY)
    assert (await client.get_status())["chip"] == name


async def test_noise_on_a_chip_that_was_known_is_not_called_another_chip(bench: Bench):
    sensor = await make(bench)
    bench.world.i2c(1).plug_in(ADDRESS, RegisterFile({0x75: 0x78}))
    await bench.wait(1)
    with pytest.raises(StaleReadingError, match="WHO_AM_I is 0x78, and was that of an MPU-6050"):
        await sensor.get_linear_acceleration()


async def test_two_share_a_bus_and_one_address_is_one_sensor_s(bench: Bench):
    low = await make(bench)
    high = await bench.make("mpu6050", "high", i2c_addr="0x69", accel_range=16)
    twin(bench, 0x69).gyro_bias_deg_s = (9.0, 0.0, 0.0)
    await bench.wait(0.1)
    assert xyz(await low.get_angular_velocity()) == near(0, 0, 0)
    assert xyz(await high.get_angular_velocity()) == near(9, 0, 0)
    with pytest.raises(ClaimedError, match='i2c-1 0x69 is held by movement_sensor "high"'):
        await bench.make("mpu6050", "third", i2c_bus="1", use_alt_i2c_address=True)
    await bench.wait(2)
    assert (await low.get_status())["overruns"] == (await high.get_status())["overruns"] == 0


async def test_reading_a_closed_sensor_is_an_error_and_not_an_old_number(bench: Bench):
    sensor = await make(bench)
    await sensor.close()
    with pytest.raises(ClosedError):
        await sensor.get_angular_velocity()


# Its config.


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"gyro_range": 300}, "gyro_range"),
        ({"accel_range": 3}, "accel_range"),
        ({"sample_hz": 201}, "sample_hz"),
        ({"sample_hz": 3}, "sample_hz"),
        ({"sample_hz": 20}, r"sample_hz: must not be below that of the polls, got 20: poll_interval_ms \(20\) is 50"),
        ({"i2c_addr": 0x68, "use_alt_i2c_address": True}, "says 0x69, and i2c_addr says 0x68: give one of them"),
        ({"i2c_addr": 0x88}, "i2c_addr"),
        ({"gyro_rang": 250}, "did you mean"),
        ({"poll_interval_ms": 50, "max_age_ms": 20}, "max_age_ms"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await make(bench, **attributes)


async def test_the_config_of_viam_s_own_model_works_and_zeros_count_as_not_given(bench: Bench):
    sensor = await make(bench, i2c_bus="1", use_alt_i2c_address=True, i2c_addr=0, gyro_range=0, accel_range=0)
    assert (await sensor.get_status())["i2c_addr"] == "0x69"
    assert (sensor.settings.gyro_range, sensor.settings.accel_range) == (250, 2)


async def test_help_lists_the_commands_with_an_example(bench: Bench):
    client = await bench.client(await make(bench))
    assert (await client.do_command({"command": "help"}))["calibrate"]["example"] == {"command": "calibrate"}
    with pytest.raises(GRPCError, match='did you mean "calibrate"'):
        await client.do_command({"command": "calibrat"})
