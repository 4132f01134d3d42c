"""The MPU-6050 model on a real I2C bus, whose chip a program outside plays, and the kernel's own driver on the same
chip: what that makes of it is what the model must make of it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.movement_sensor.client import MovementSensorClient

from pi_drivers.world.pose import GRAVITY
from tests.hil.machine import configured
from tests.hil.outside_chips import OutsideChips
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "0x68"
MAX_AGE_MS = 600
"""Three times what it is by default: the simulated kernel is slow, and kept waiting by the machine it runs on."""
POLLS_S = 0.3
PATIENCE_S = 10.0
STEP_M_S2 = 0.002
"""One step of the accelerometer at 2 g is 0.0006 m/s²."""
IIO = Path("/sys/bus/iio/devices")


@pytest.fixture
def chips(player: OutsideChips) -> OutsideChips:
    """The bus with one new chip on it, lying level and still."""
    player.tell("clear")
    player.tell(f"plug mpu6050@{ADDRESS}")
    player.tell("spin 0 0 0")
    player.tell("pose 0 0 0")
    return player


@asynccontextmanager
async def sensor(server: FakeViamServer, chips: OutsideChips) -> AsyncIterator[MovementSensorClient]:
    """The sensor as viam-server gives it to its users."""
    attributes = {"i2c_bus": chips.bus, "max_age_ms": MAX_AGE_MS}
    async with configured(server, component("movement_sensor", "mpu6050", "imu", attributes)):
        yield server.client(MovementSensorClient, "imu")


async def test_it_feels_how_the_robot_lies_and_turns(server: FakeViamServer, chips: OutsideChips):
    async with sensor(server, chips) as imu:
        up = await imu.get_linear_acceleration()
        assert (up.x, up.y, up.z) == pytest.approx((0, 0, GRAVITY), abs=STEP_M_S2)
        chips.tell("pose 90 0 0")
        await asyncio.sleep(POLLS_S)
        up = await imu.get_linear_acceleration()
        assert (up.x, up.y, up.z) == pytest.approx((0, GRAVITY, 0), abs=STEP_M_S2)
        chips.tell("spin 0 -30 120")
        await asyncio.sleep(POLLS_S)
        rates = await imu.get_angular_velocity()
        assert (rates.x, rates.y, rates.z) == pytest.approx((0, -30, 120), abs=0.01)


async def test_it_knows_how_it_lies_and_how_far_it_has_turned(server: FakeViamServer, chips: OutsideChips):
    chips.tell("pose 25 -40 0")
    async with sensor(server, chips) as imu:
        readings: Any = await imu.get_readings()
        assert (readings["roll_deg"], readings["pitch_deg"]) == pytest.approx((25, -40), abs=0.1)
        yaw = readings["yaw_deg"]
        chips.tell("spin 0 0 0")
        assert yaw == pytest.approx(0, abs=0.1)


async def test_a_sample_is_read_twice_and_its_settings_after_it(server: FakeViamServer, chips: OutsideChips):
    async with sensor(server, chips):
        chips.seen()
        await asyncio.sleep(POLLS_S)
        seen = chips.seen()
    sample, settings = f"write {ADDRESS} 3a + read {ADDRESS} 15", f"write {ADDRESS} 19 + read {ADDRESS} 4"
    assert set(seen) == {sample, settings, f"write {ADDRESS} 6b + read {ADDRESS} 2"}
    assert seen.count(sample) >= 2 * (seen.count(settings) - 1) >= 8


async def test_a_moment_without_power_never_gives_a_wrong_value_and_is_over_soon(
    server: FakeViamServer, chips: OutsideChips
):
    async with sensor(server, chips) as imu:
        for _ in range(3):
            chips.tell(f"brown-out {ADDRESS}")
            for _ in range(50):
                if await refusal_of(imu) is None:
                    up = await imu.get_linear_acceleration()
                    assert (up.x, up.y, up.z) == pytest.approx((0, 0, GRAVITY), abs=STEP_M_S2)
                await asyncio.sleep(0.01)
        status: Any = await imu.get_status()
        assert status["failures"] >= 3


async def test_a_sensor_that_is_unplugged_is_an_error_with_its_cause_and_back_when_it_is_plugged_in(
    server: FakeViamServer, chips: OutsideChips
):
    async with sensor(server, chips) as imu:
        chips.tell(f"unplug {ADDRESS}")
        async with asyncio.timeout(PATIENCE_S):
            while (refusal := await refusal_of(imu)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert refusal.status is Status.UNAVAILABLE
        assert f"s old: i2c-{chips.bus} {ADDRESS}: no answer (NACK)" in (refusal.message or "")

        chips.tell(f"replug {ADDRESS}")
        async with asyncio.timeout(PATIENCE_S):
            while await refusal_of(imu) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def refusal_of(imu: MovementSensorClient) -> GRPCError | None:
    """The error that acceleration comes with, if it does."""
    try:
        await imu.get_linear_acceleration()
    except GRPCError as error:
        return error
    return None


async def test_the_kernel_s_driver_reads_the_same_from_this_chip(chips: OutsideChips):
    chips.tell("pose 30 -20 0")
    chips.tell("spin 0 0 0")
    with kernel_driver(chips.bus) as device:
        up = [channel(device, f"accel_{axis}") for axis in "xyz"]
        still = [channel(device, f"anglvel_{axis}") for axis in "xyz"]
        # 0.5 of the way, and the rest, by the sines and cosines of 30 and 20 degrees.
        assert up == pytest.approx([0.34202 * GRAVITY, 0.5 * 0.93969 * GRAVITY, 0.86603 * 0.93969 * GRAVITY], abs=0.02)
        assert still == pytest.approx([0, 0, 0], abs=0.01)
        assert channel(device, "temp") / 1000 == pytest.approx(23, abs=0.05)
        chips.tell("spin 0 0 57.29578")
        await asyncio.sleep(0.1)  # a sample of the chip later, of which there are 50 a second
        turning = [channel(device, f"anglvel_{axis}") for axis in "xyz"]
        assert turning == pytest.approx([0, 0, 1], abs=0.01)  # the kernel has radians per second


@contextmanager
def kernel_driver(bus: int) -> Iterator[Path]:
    """The chip in the hands of the kernel; gives its directory of values."""
    adapter = Path(f"/sys/bus/i2c/devices/i2c-{bus}")
    if not Path("/sys/bus/i2c/drivers/inv-mpu6050-i2c").exists():
        pytest.skip("this kernel has no driver for an MPU-6050")
    (adapter / "new_device").write_text(f"mpu6050 {ADDRESS}")
    try:
        (found,) = [each for each in IIO.iterdir() if (each / "name").read_text().strip() == "mpu6050"]
        yield found
    finally:
        (adapter / "delete_device").write_text(ADDRESS)


def channel(device: Path, name: str) -> float:
    """A value in the unit that the kernel documents."""
    kind = name.partition("_")[0]
    raw = float((device / f"in_{name}_raw").read_text())
    offset = device / f"in_{name}_offset"
    scale = float((device / f"in_{kind}_scale").read_text())
    return (raw + (float(offset.read_text()) if offset.exists() else 0.0)) * scale
