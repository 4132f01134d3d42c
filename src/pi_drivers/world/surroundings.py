"""What the simulated sensors feel: air, light and power, set by tests and scenes, read by every twin."""

import math
from dataclasses import dataclass

SECOND = 1_000_000_000
DAY_S = 600.0
"""The simulated day is ten minutes long, so that a demonstration shows readings that move."""


@dataclass
class Air:
    """The air around the robot. Each value is a mean and the size of its daily swing."""

    temperature_c: float = 21.0
    temperature_swing_c: float = 0.0
    relative_humidity_pct: float = 45.0
    relative_humidity_swing_pct: float = 0.0
    pressure_hpa: float = 1013.25

    def temperature_at(self, now_ns: int) -> float:
        """Degrees Celsius."""
        return self.temperature_c + self.temperature_swing_c * _day(now_ns)

    def relative_humidity_at(self, now_ns: int) -> float:
        """Percent, drier when it is warm, and never outside 0 to 100."""
        value = self.relative_humidity_pct - self.relative_humidity_swing_pct * _day(now_ns)
        return min(100.0, max(0.0, value))


@dataclass
class Light:
    """The light that falls on the robot."""

    lux: float = 320.0
    """A well lit office."""


@dataclass
class Supply:
    """What flows through a power sensor: a battery and its load."""

    volts: float = 12.0
    amperes: float = 0.8
    """Negative while the battery is charged."""


def _day(now_ns: int) -> float:
    return math.sin(2 * math.pi * (now_ns / SECOND) / DAY_S)
