"""The MPU-6050 as a movement sensor: acceleration, angular velocity, and the orientation worked out from both.

Orientation is worked out here, from every sample that is polled, since the chip has none. Position, velocity and
compass heading cannot be had from such a chip: adding up its acceleration is off by metres within seconds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from viam.components.movement_sensor import GeoPoint, MovementSensor, Orientation, Vector3
from viam.utils import SensorReading, ValueTypes

from pi_drivers.errors import BusError, OutOfRangeError, StaleReadingError, UnsteadyError, UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.i2c_chip import join_i2c, place_of, place_status
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.models.movement_sensor.calibration import NO_BIAS, bias_from, calibration_of, kept_for, without
from pi_drivers.models.movement_sensor.mpu6050_chip import RESET_NS, START_NS, Motion, Mpu6050, Vector, identify
from pi_drivers.models.movement_sensor.mpu6050_config import LONGEST_ORIENTATION_INTERVAL_MS, Mpu6050Config
from pi_drivers.models.movement_sensor.mpu6050_twin import Mpu6050Twin
from pi_drivers.models.movement_sensor.orientation import (
    OrientationFilter,
    Quaternion,
    angles_of,
    orientation_of,
)
from pi_drivers.models.polled import PolledModel
from pi_drivers.runtime.kept_state import KeptState

LOOKS_FOR_NEW = 6
"""How often a sample is looked for, half its period apart: three periods, then the chip has stopped."""
CALIBRATION_NS = 2 * SECOND


@dataclass(frozen=True)
class ImuSample:
    """A sample with its bias taken off, and how the sensor lay then. None is what is not known."""

    motion: Motion
    rates: Vector | None
    attitude: Quaternion | None


class Mpu6050Sensor(PolledModel[Mpu6050Config, ImuSample], MovementSensor):
    """InvenSense MPU-6050 and MPU-6500: acceleration, angular velocity, orientation over I2C."""

    CONFIG = Mpu6050Config
    I2C_CHIP = I2cIdentity("MPU-6050", identify)

    def _open(self, settings: Mpu6050Config, dependencies: Dependencies) -> None:
        place = settings.place
        shared = join_i2c(self, place, "movement sensor", Mpu6050Twin)
        self._run = shared.worker.run
        self._chip = Mpu6050(self.host, shared.bus, place.i2c_addr, settings.ranges)
        self._where = place_of(*place)
        self._filter = OrientationFilter()
        self._listeners: list[list[Motion]] = []
        self._beyond_range = 0
        self._kept = KeptState(self.key, on_disk=True)
        self._bias = bias_from(self._kept.load(), self._where)
        self._start_polling(self._sample, self._set_up)

    async def _set_up(self) -> None:
        if await self._run(self._chip.is_set_up):
            return
        await self._run(self._chip.reset)
        await self.host.wait(RESET_NS)
        await self._run(self._chip.configure)
        await self.host.wait(START_NS)
        await self._run(self._chip.begin)

    async def _sample(self) -> ImuSample:
        motion = await self._new_motion()
        for heard in self._listeners:
            heard.append(motion)
        self._beyond_range += motion.rates is None or motion.acceleration is None
        rates = None if motion.rates is None else without(self._bias or NO_BIAS, motion.rates)
        if self.settings.gives_orientation:
            self._filter.take(motion.at_ns, rates, motion.acceleration)
        return ImuSample(motion, rates, self._filter.attitude)

    async def _new_motion(self) -> Motion:
        """A sample that was not read before.

        Raises:
            BusError: there is none; the chip answers, but measures no more.
        """
        period_ns = self.settings.ranges.period_ns
        for _ in range(LOOKS_FOR_NEW):
            motion = await self._run(self._chip.measure)
            if motion is not None:
                return motion
            await self.host.wait(period_ns // 2)
        self._chip.distrust()
        waited_ms = LOOKS_FOR_NEW * period_ns / 2e6
        raise BusError(
            f"{self._where}: the chip answers, but has measured nothing new for {waited_ms:g} ms. It is set up anew."
        )

    async def get_linear_acceleration(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Vector3:
        """The newest acceleration along the sensor's axes, in m/s². Gravity is in it: at rest it is 9.8 upwards.

        Raises:
            StaleReadingError: there is none that is new enough; with its age and the cause.
            OutOfRangeError: it is beyond what the chip can measure.
            NoCaptureToStoreError: data capture has it already, and the config says `skip_unchanged`.
            ClosedError: the resource was closed.
        """
        acceleration = self._newest("get_linear_acceleration", extra).motion.acceleration
        if acceleration is None:
            self._refuse("acceleration", f"{self.settings.accel_range} g", "accel_range")
        return _vector3(acceleration)

    async def get_angular_velocity(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Vector3:
        """The newest angular velocity about the sensor's axes, in degrees per second, without its bias.

        Raises:
            StaleReadingError, OutOfRangeError, NoCaptureToStoreError, ClosedError: as `get_linear_acceleration` does.
        """
        rates = self._newest("get_angular_velocity", extra).rates
        if rates is None:
            self._refuse("angular velocity", f"{self.settings.gyro_range} deg/s", "gyro_range")
        return _vector3(rates)

    async def get_orientation(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Orientation:
        """How the sensor lies, as an orientation vector. Yaw counts from where it was switched on, and drifts.

        Raises:
            StaleReadingError: it is not known, or was known too long ago; with the cause.
            NoCaptureToStoreError: as `get_linear_acceleration` does.
            UnsupportedError: it is polled too seldom for that.
            ClosedError: the resource was closed.
        """
        if not self.settings.gives_orientation:
            self._unsupported(
                "Orientation", f"for it poll_interval_ms must be at most {LONGEST_ORIENTATION_INTERVAL_MS}"
            )
        attitude = self._newest("get_orientation", extra).attitude
        if attitude is None:
            raise StaleReadingError(
                f"{self.label}: the orientation is not known yet: it takes a moment without other acceleration than "
                "gravity, and turns within gyro_range"
            )
        return orientation_of(attitude)

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[GeoPoint, float]:
        """Raises: UnsupportedError: it does not know where it is."""
        self._unsupported("Position", "this sensor does not know where it is")

    async def get_linear_velocity(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Vector3:
        """Raises: UnsupportedError: it does not know how fast it goes."""
        self._unsupported("LinearVelocity", "this sensor feels acceleration, not speed")

    async def get_compass_heading(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """Raises: UnsupportedError: it has no compass."""
        self._unsupported("CompassHeading", "this sensor has no compass")

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> MovementSensor.Properties:
        """What it can tell."""
        return MovementSensor.Properties(
            linear_acceleration_supported=True,
            angular_velocity_supported=True,
            orientation_supported=self.settings.gives_orientation,
            position_supported=False,
            compass_heading_supported=False,
            linear_velocity_supported=False,
        )

    async def get_accuracy(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> MovementSensor.Accuracy:
        """No numbers and no fix: these are about positions.

        It is no error, because Viam's app asks every movement sensor all the time. All four are filled in, as
        viam-server's own sensors have them: some clients in Go crash on one that is left out.
        """
        nothing = math.nan
        return MovementSensor.Accuracy(
            position_hdop=nothing, position_vdop=nothing, position_nmea_gga_fix=-1, compass_degrees_error=nothing
        )

    def _readings(self, sample: ImuSample) -> Mapping[str, SensorReading]:
        readings: dict[str, SensorReading] = {"temperature_c": sample.motion.temperature_c}
        if sample.motion.acceleration is not None:
            readings["linear_acceleration"] = _vector3(sample.motion.acceleration)
        if sample.rates is not None:
            readings["angular_velocity"] = _vector3(sample.rates)
        if sample.attitude is not None:
            angles = angles_of(sample.attitude)
            readings["orientation"] = orientation_of(sample.attitude)
            readings |= {"roll_deg": angles.roll, "pitch_deg": angles.pitch, "yaw_deg": angles.yaw}
        return readings

    @command(
        "calibrate", "Measure, while the robot stands still for two seconds, what is taken off every angular velocity."
    )
    async def _calibrate(self, request: Arguments) -> Mapping[str, Any]:
        if self._listeners:
            raise UnsteadyError(f"{self.label}: it is being calibrated already")
        self._latest()
        heard: list[Motion] = []
        self._listeners.append(heard)
        try:
            await self.host.wait(self._calibration_ns)
        finally:
            self._listeners.remove(heard)
        self.check_open()
        found = calibration_of(heard, self.label)
        self._bias = found.bias
        self._kept.save(kept_for(found.bias, self._where))
        return found.told()

    @property
    def _calibration_ns(self) -> int:
        """Longer where it is polled seldom, so that there are samples enough."""
        return max(CALIBRATION_NS, 25 * self.settings.poll_interval_ms * MILLISECOND)

    def _place(self) -> dict[str, ValueTypes]:
        kind: dict[str, ValueTypes] = {} if self._chip.kind is None else {"chip": self._chip.kind.name}
        return place_status(*self.settings.place) | kind

    def _status(self) -> dict[str, ValueTypes]:
        status: dict[str, ValueTypes] = {
            "sample_hz": SECOND / self.settings.ranges.period_ns,
            "calibrated": self._bias is not None,
            "samples_beyond_range": self._beyond_range,
            "orientation_restarts": self._filter.restarts,
        }
        bias: dict[str, ValueTypes] = {} if self._bias is None else {"gyro_bias_deg_s": self._bias._asdict()}
        return super()._status() | status | bias

    def _refuse(self, what: str, limit: str, attribute: str) -> NoReturn:
        raise OutOfRangeError(
            f"{self.label}: the {what} is beyond ±{limit}, and nobody knows how far. Raise {attribute}, or look for "
            "what shakes it."
        )

    def _unsupported(self, method: str, reason: str) -> NoReturn:
        # Callers in Go look for the last two words.
        raise UnsupportedError(f"{self.label}: {reason} ({method} Unimplemented)")


def _vector3(vector: Vector) -> Vector3:
    return Vector3(x=vector.x, y=vector.y, z=vector.z)
