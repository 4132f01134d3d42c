"""The way the robot goes over the Earth, and what satellites there are: for the receivers on it.

Set by tests and scenes, read by every twin. The robot goes straight on at a speed; a new course begins where it is.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pi_drivers.world.clock import WorldClock

SECOND = 1_000_000_000
METRES_PER_DEGREE = 40_008_000 / 360
"""Along a meridian."""
BEGAN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass
class Sky:
    """What a receiver hears."""

    quality: int = 1
    """Of its fix, as GGA has it: 0 is none, 1 GPS, 4 RTK."""
    in_use: int = 9
    in_view: int = 12
    hdop: float = 0.9
    vdop: float = 1.4
    antenna: str = "OK"


class Route:
    """The robot on the Earth. Used under the world's lock."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self.sky = Sky()
        self.altitude_m = 34.0
        self.speed_m_s = 0.0
        self.course_deg = 0.0
        self.began = BEGAN
        """The time of day when the world began."""
        self._began_ns = clock.now_ns()
        self._latitude_deg = 52.516266
        self._longitude_deg = 13.377775
        self._since_ns = clock.now_ns()

    def put(self, latitude_deg: float, longitude_deg: float) -> None:
        """Put the robot somewhere; it goes on from there."""
        self._latitude_deg, self._longitude_deg, self._since_ns = latitude_deg, longitude_deg, self._clock.now_ns()

    def go(self, speed_m_s: float, course_deg: float) -> None:
        """Go on at a speed; 0 degrees is north."""
        self.put(*self.place())
        self.speed_m_s, self.course_deg = speed_m_s, course_deg

    def place(self) -> tuple[float, float]:
        """Latitude and longitude now, in degrees."""
        way_m = self.speed_m_s * (self._clock.now_ns() - self._since_ns) / SECOND
        course = math.radians(self.course_deg)
        latitude = self._latitude_deg + way_m * math.cos(course) / METRES_PER_DEGREE
        per_degree = METRES_PER_DEGREE * math.cos(math.radians(latitude))
        return latitude, self._longitude_deg + way_m * math.sin(course) / per_degree

    def utc(self) -> datetime:
        """The time by the satellites' clocks."""
        return self.began + timedelta(microseconds=(self._clock.now_ns() - self._began_ns) // 1000)
