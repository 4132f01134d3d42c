"""A satellite receiver (GPS, Galileo, GLONASS, BeiDou) that tells its position in NMEA sentences over a serial line.

A position, a speed and a course are each served until they are older than `max_age_ms`; then the answer is an error
that says whether the receiver has lost its fix, or is not heard any more.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from viam.components.movement_sensor import GeoPoint, MovementSensor, Orientation, Vector3
from viam.utils import SensorReading, ValueTypes

from pi_drivers.errors import StaleReadingError, UnsupportedError
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.movement_sensor.nmea_config import NmeaGpsConfig
from pi_drivers.models.movement_sensor.nmea_receiver import Epoch, Receiver
from pi_drivers.models.movement_sensor.nmea_sentences import Gga, Sentence, load_parser, sentences_of
from pi_drivers.models.movement_sensor.nmea_twin import plug_in_receiver
from pi_drivers.models.serial_lines import listen
from pi_drivers.runtime.poller import Sample, fresh


class NmeaGps(HardwareModel[NmeaGpsConfig], MovementSensor):
    """GPS receiver on a serial port: position, speed and course from NMEA sentences."""

    CONFIG = NmeaGpsConfig

    def _open(self, settings: NmeaGpsConfig, dependencies: Dependencies) -> None:
        load_parser()
        self._receiver = Receiver(settings.min_course_speed_m_s)
        plug_in_receiver(self.host, settings.port, settings.speed)
        self._reader, _ = listen(self, settings.port, settings.speed, settings.max_age_ms, sentences_of, self._hear)

    async def get_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[GeoPoint, float]:
        """Latitude and longitude in degrees, and the altitude above sea level in metres.

        Raises:
            StaleReadingError: there is no position, or only one that is too old; with its age and the cause.
            ClosedError: the resource was closed.
        """
        gga = _gga(self._fix().value)
        if gga.altitude_m is None or gga.latitude_deg is None or gga.longitude_deg is None:
            raise StaleReadingError(f"{self.label}: the receiver does not tell its altitude; get_readings has the rest")
        return GeoPoint(latitude=gga.latitude_deg, longitude=gga.longitude_deg), gga.altitude_m

    async def get_linear_velocity(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Vector3:
        """In m/s: x is east, y is north. A receiver that stands, and so has no course, has no velocity.

        Raises:
            StaleReadingError: there is no speed, or only one that is too old; with its age and the cause.
            ClosedError: the resource was closed.
        """
        motion = self._fresh(self._receiver.moving, "speed", self._receiver.why_no_speed).value.motion
        if motion is None or motion.speed_m_s is None or motion.course_deg is None:
            if motion is None or (motion.speed_m_s or 0.0) >= self.settings.min_course_speed_m_s:
                raise StaleReadingError(f"{self.label}: the receiver tells its speed, but not its course")
            return Vector3(x=0.0, y=0.0, z=0.0)
        course = math.radians(motion.course_deg)
        return Vector3(x=motion.speed_m_s * math.sin(course), y=motion.speed_m_s * math.cos(course), z=0.0)

    async def get_compass_heading(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """The course over ground in degrees, 0 is north: where it moves to, which is where it points if it is a car.

        Raises:
            StaleReadingError: it does not move, or the course is too old; with its age and the cause.
            ClosedError: the resource was closed.
        """
        sample = self._fresh(self._receiver.under_way, "course", self._receiver.why_no_course)
        course = self._receiver.course_of(sample.value)
        if course is None:
            raise StaleReadingError(f"{self.label}: {self._receiver.why_no_course()}")
        return course

    async def get_angular_velocity(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Vector3:
        """Raises: UnsupportedError: always."""
        self._does_not_know("AngularVelocity")

    async def get_linear_acceleration(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Vector3:
        """Raises: UnsupportedError: always."""
        self._does_not_know("LinearAcceleration")

    async def get_orientation(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Orientation:
        """Raises: UnsupportedError: always."""
        self._does_not_know("Orientation")

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> MovementSensor.Properties:
        """Position, velocity and heading."""
        return MovementSensor.Properties(
            position_supported=True,
            linear_velocity_supported=True,
            compass_heading_supported=True,
            orientation_supported=False,
            angular_velocity_supported=False,
            linear_acceleration_supported=False,
        )

    async def get_accuracy(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> MovementSensor.Accuracy:
        """The fix quality of the newest GGA, 0 without a fix, and with a fix the dilutions of precision.

        Raises:
            StaleReadingError: the receiver is not heard; with the cause.
            ClosedError: the resource was closed.
        """
        epoch = self._fresh(self._receiver.located, "GGA sentence", self._receiver.why_no_fix).value
        quality = _gga(epoch).quality if epoch.has_fix else 0
        dilutions = _dilutions(epoch) if epoch.has_fix else {}
        return MovementSensor.Accuracy(
            accuracy={{"hdop": "hDOP", "vdop": "vDOP", "pdop": "pDOP"}[key]: value for key, value in dilutions.items()},
            position_hdop=dilutions.get("hdop"),
            position_vdop=dilutions.get("vdop"),
            position_nmea_gga_fix=quality,
        )

    async def get_readings(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Mapping[str, SensorReading]:
        """All that the receiver told with its newest position; what it did not tell is left out.

        Raises:
            StaleReadingError: there is no position, or only one that is too old; with its age and the cause.
            ClosedError: the resource was closed.
        """
        epoch = self._fix().value
        gga, motion = _gga(epoch), epoch.motion
        utc = epoch.rmc.utc if epoch.rmc is not None else None
        readings = {
            "latitude_deg": gga.latitude_deg,
            "longitude_deg": gga.longitude_deg,
            "altitude_m": gga.altitude_m,
            "speed_m_s": motion.speed_m_s if motion is not None else None,
            "course_deg": self._receiver.course_of(epoch),
            "fix": gga.quality,
            "satellites_in_use": gga.satellites,
            "satellites_in_view": self._receiver.in_view,
            "utc": utc.isoformat() if utc is not None else None,
            **_dilutions(epoch),
        }
        return {key: value for key, value in readings.items() if value is not None}

    def _status(self) -> dict[str, ValueTypes]:
        receiver = self._receiver
        status = self._reader.status() | {"max_age_ms": self.settings.max_age_ms}
        if receiver.in_view is not None:
            status["satellites_in_view"] = receiver.in_view
        if receiver.located is not None:
            gga = _gga(receiver.located.value)
            status |= {"fix": gga.quality, "satellites_in_use": gga.satellites or 0}
        if receiver.fixed is not None:
            status["sample_age_ms"] = (self.host.now_ns() - receiver.fixed.taken_ns) / MILLISECOND
        try:
            self._fix()
        except StaleReadingError as error:
            status["waits_for"] = str(error)
        return status

    def _hear(self, samples: Sequence[Sample[tuple[Sentence, ...]]]) -> None:
        for sample in samples:
            self._receiver.hear(sample.value, sample.taken_ns)

    def _fix(self) -> Sample[Epoch]:
        return self._fresh(self._receiver.fixed, "position", self._receiver.why_no_fix)

    def _fresh(self, sample: Sample[Epoch] | None, what: str, why: Callable[[], str]) -> Sample[Epoch]:
        self.check_open()
        max_age_ns = self.settings.max_age_ms * MILLISECOND

        def cause() -> str:
            return why() if self._reader.is_heard(max_age_ns) else self._reader.cause()

        return fresh(self.label, sample, self.host.now_ns(), max_age_ns, cause, what)

    def _does_not_know(self, what: str) -> NoReturn:
        raise UnsupportedError(f"{self.label}: a GPS receiver does not know it ({what} Unimplemented)")


def _gga(epoch: Epoch) -> Gga:
    if epoch.gga is None:
        raise AssertionError("only epochs with a GGA come here")
    return epoch.gga


def _dilutions(epoch: Epoch) -> dict[str, float]:
    """How much the satellites' places in the sky worsen the position: 1 is ideal, above 5 is poor."""
    gsa, hdop = epoch.gsa, epoch.gga.hdop if epoch.gga is not None else None
    known = {
        "hdop": hdop if hdop is not None or gsa is None else gsa.hdop,
        "vdop": gsa.vdop if gsa is not None else None,
        "pdop": gsa.pdop if gsa is not None else None,
    }
    return {key: value for key, value in known.items() if value is not None}
