"""How the robot lies and moves, for the inertial sensors on it: set by tests and scenes, read by every twin.

Everything is a function of time, so that a sensor is right at whatever moment it samples. The robot's x axis points
forward, y to the left and z up; the world's z axis points up. All of it is worked out with matrices, apart from what
drivers do, so that the one can be checked against the other.
"""

import math
from functools import reduce

from pi_drivers.world.clock import WorldClock

Triple = tuple[float, float, float]
"""Along x, y and z."""
Matrix = tuple[Triple, Triple, Triple]
"""A rotation from the robot's axes to the world's, by rows."""

SECOND = 1_000_000_000
GRAVITY = 9.80665
"""Standard gravity, in m/s²."""
SWAY_S = 8.0
"""The time of one sway to and fro."""
STILL: Triple = (0.0, 0.0, 0.0)
LEVEL: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Pose:
    """The robot in space. Used under the world's lock."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._lay = LEVEL
        """How it lay when its turning last changed."""
        self._since_ns = 0
        self._turning = STILL
        self._pushed = STILL
        self.sway_deg = 0.0
        """How far it sways about its x axis, so that a demonstration shows readings that move."""

    def put(self, roll_deg: float, pitch_deg: float, yaw_deg: float) -> None:
        """Lay it down at once, in degrees: turned by roll about x, then by pitch about y, then by yaw about z."""
        turns = (
            turned((0.0, 0.0, math.radians(yaw_deg))),
            turned((0.0, math.radians(pitch_deg), 0.0)),
            turned((math.radians(roll_deg), 0.0, 0.0)),
        )
        self._lay, self._since_ns = reduce(product, turns), self._clock.now_ns()

    def turn(self, x_deg_s: float, y_deg_s: float, z_deg_s: float) -> None:
        """Turn from now on, in degrees per second about the robot's own axes."""
        now_ns = self._clock.now_ns()
        self._lay, self._since_ns = self._without_sway(now_ns), now_ns
        self._turning = (math.radians(x_deg_s), math.radians(y_deg_s), math.radians(z_deg_s))

    def push(self, x: float, y: float, z: float) -> None:
        """Accelerate from now on, in m/s² along the world's axes."""
        self._pushed = (x, y, z)

    def attitude_at(self, now_ns: int) -> Matrix:
        """How it lies."""
        return product(self._without_sway(now_ns), turned((self._sway(now_ns)[0], 0.0, 0.0)))

    def rates_at(self, now_ns: int) -> Triple:
        """How fast it turns about its own axes, in degrees per second."""
        angle, rate = self._sway(now_ns)
        x, y, z = seen_from(turned((angle, 0.0, 0.0)), self._turning)
        return math.degrees(x + rate), math.degrees(y), math.degrees(z)

    def force_at(self, now_ns: int) -> Triple:
        """What an accelerometer on it feels, in m/s²: its acceleration, and what keeps it from falling."""
        x, y, z = self._pushed
        return seen_from(self.attitude_at(now_ns), (x, y, z + GRAVITY))

    def _without_sway(self, now_ns: int) -> Matrix:
        elapsed_s = max(0, now_ns - self._since_ns) / SECOND
        x, y, z = self._turning
        return product(self._lay, turned((x * elapsed_s, y * elapsed_s, z * elapsed_s)))

    def _sway(self, now_ns: int) -> tuple[float, float]:
        """Its angle, in radians, and its rate, in radians per second."""
        pulsation = 2 * math.pi / SWAY_S
        phase, reach = pulsation * (now_ns / SECOND), math.radians(self.sway_deg)
        return reach * math.sin(phase), reach * pulsation * math.cos(phase)


def turned(by: Triple) -> Matrix:
    """The rotation about the direction of `by` by its length, in radians (Rodrigues)."""
    angle = math.hypot(*by)
    if angle == 0:
        return LEVEL
    x, y, z = by[0] / angle, by[1] / angle, by[2] / angle
    sine, cosine = math.sin(angle), math.cos(angle)
    rest = 1 - cosine
    return (
        (cosine + x * x * rest, x * y * rest - z * sine, x * z * rest + y * sine),
        (y * x * rest + z * sine, cosine + y * y * rest, y * z * rest - x * sine),
        (z * x * rest - y * sine, z * y * rest + x * sine, cosine + z * z * rest),
    )


def product(first: Matrix, second: Matrix) -> Matrix:
    """The rotation `second`, within what `first` turned."""
    columns = tuple(zip(*second, strict=True))
    a, b, c = (tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in columns) for row in first)
    return (a[0], a[1], a[2]), (b[0], b[1], b[2]), (c[0], c[1], c[2])


def seen_from(attitude: Matrix, vector: Triple) -> Triple:
    """A vector of the world along the axes of what lies like this."""
    x, y, z = (sum(a * b for a, b in zip(column, vector, strict=True)) for column in zip(*attitude, strict=True))
    return x, y, z
