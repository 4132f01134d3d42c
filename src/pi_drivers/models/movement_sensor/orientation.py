"""Which way a sensor lies, from how fast it turns and which way gravity points: a complementary filter.

The gyroscope is right about quick turns and drifts; the accelerometer is right about up and down in the long run, and
wrong while the robot speeds up. So the turns are added up, and what they say of up and down is led towards what gravity
says. About the vertical gravity says nothing: yaw counts from where the filter began, and drifts. The attitude is a
quaternion, for which no direction is special: it is right in every quadrant, and at 90 degrees of pitch as well.
"""

import math
from typing import NamedTuple

from viam.components.movement_sensor import Orientation

from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.movement_sensor.mpu6050_chip import GRAVITY, Vector

LONGEST_GAP_NS = 500 * MILLISECOND
"""Between two samples. What turned meanwhile, nobody knows: the filter begins anew."""
TRUST_GYRO_S = 1.0
"""How long the gyroscope is trusted: the time in which a wrong tilt is led back by two thirds."""
STEADY_SHARE = 0.2
"""How far from 1 g an acceleration may be to be taken for gravity alone."""
POLE = 1e-4
"""How near to straight up or down Viam takes an orientation vector for vertical: then its theta is all there is."""
GIMBAL_SINE = math.sin(math.radians(89.5))
"""Of the pitch beyond which roll and yaw are one and the same turn: then it all counts as yaw."""
LEAST_SINE = 1e-9


class Quaternion(NamedTuple):
    """A rotation from the sensor's axes to the world's, of length 1."""

    w: float
    x: float
    y: float
    z: float

    def times(self, other: "Quaternion") -> "Quaternion":
        """The rotation `other`, followed by this one."""
        return Quaternion(
            self.w * other.w - self.x * other.x - self.y * other.y - self.z * other.z,
            self.w * other.x + self.x * other.w + self.y * other.z - self.z * other.y,
            self.w * other.y - self.x * other.z + self.y * other.w + self.z * other.x,
            self.w * other.z + self.x * other.y - self.y * other.x + self.z * other.w,
        )

    def rotated(self, vector: Vector) -> Vector:
        """A vector of the sensor along the world's axes."""
        there = self.times(Quaternion(0.0, *vector)).times(Quaternion(self.w, -self.x, -self.y, -self.z))
        return Vector(there.x, there.y, there.z)

    def normalised(self) -> "Quaternion":
        """At length 1 again, which rounding would lead away from."""
        length = math.sqrt(self.w**2 + self.x**2 + self.y**2 + self.z**2)
        return Quaternion(self.w / length, self.x / length, self.y / length, self.z / length)


class Angles(NamedTuple):
    """Degrees: turned by yaw about z, then by pitch about the new y, then by roll about the new x."""

    roll: float
    pitch: float
    yaw: float


class OrientationFilter:
    """The filter. Used on the event loop; holds no time of its own."""

    def __init__(self) -> None:
        self.attitude: Quaternion | None = None
        """None until gravity has been felt."""
        self.restarts = 0
        """How often the turns were lost, and yaw counted from 0 again."""
        self._rates = Vector(0.0, 0.0, 0.0)
        self._at_ns = 0

    def take(self, at_ns: int, rates: Vector | None, acceleration: Vector | None) -> None:
        """The next sample.

        Args:
            at_ns: when it was taken.
            rates: degrees per second; None where they are not known.
            acceleration: m/s², gravity included; None where it is not known.
        """
        elapsed_ns = at_ns - self._at_ns
        if self.attitude is not None and (rates is None or elapsed_ns > LONGEST_GAP_NS):
            self.attitude = None
            self.restarts += 1
        steady = acceleration if acceleration is not None and _is_gravity(acceleration) else None
        if rates is not None:
            self._go_on(elapsed_ns / SECOND, rates, steady)
            self._at_ns, self._rates = at_ns, rates

    def _go_on(self, elapsed_s: float, rates: Vector, up: Vector | None) -> None:
        if self.attitude is not None:
            mean = Vector(*((before + now) / 2 for before, now in zip(self._rates, rates, strict=True)))
            self.attitude = self.attitude.times(_turn(mean, elapsed_s)).normalised()
            if up is not None:
                share = 1 - math.exp(-elapsed_s / TRUST_GYRO_S)
                self.attitude = _led_upright(self.attitude, up, share)
        elif up is not None:
            self.attitude = _tilted(up)


def _is_gravity(acceleration: Vector) -> bool:
    return abs(math.hypot(*acceleration) - GRAVITY) <= STEADY_SHARE * GRAVITY


def _turn(rates: Vector, elapsed_s: float) -> Quaternion:
    """Turning at these rates, in degrees per second, for a time."""
    speed = math.radians(math.hypot(*rates))
    half = speed * elapsed_s / 2
    by = math.radians(1.0) * (math.sin(half) / speed if speed else 0.0)
    return Quaternion(math.cos(half), rates.x * by, rates.y * by, rates.z * by)


def _tilted(up: Vector) -> Quaternion:
    """The attitude without yaw in which `up` points up."""
    roll, pitch = math.atan2(up.y, up.z) / 2, math.atan2(-up.x, math.hypot(up.y, up.z)) / 2
    about_y = Quaternion(math.cos(pitch), 0.0, math.sin(pitch), 0.0)
    return about_y.times(Quaternion(math.cos(roll), math.sin(roll), 0.0, 0.0))


def _led_upright(attitude: Quaternion, up: Vector, share: float) -> Quaternion:
    """Turned by a share of what it takes to have `up` point up, about a level axis: yaw is not touched by it."""
    length = math.hypot(*up)
    there = attitude.rotated(Vector(up.x / length, up.y / length, up.z / length))
    sine = math.hypot(there.x, there.y)
    half = math.atan2(sine, there.z) * share / 2
    # Exactly upside down every level axis will do.
    x, y = (there.y / sine, -there.x / sine) if sine > LEAST_SINE else (1.0, 0.0)
    return Quaternion(math.cos(half), x * math.sin(half), y * math.sin(half), 0.0).times(attitude)


def angles_of(attitude: Quaternion) -> Angles:
    """Roll and yaw from -180 to 180 degrees, pitch from -90 to 90."""
    w, x, y, z = attitude
    sine = min(1.0, max(-1.0, 2 * (w * y - z * x)))
    if abs(sine) > GIMBAL_SINE:
        yaw = math.atan2(2 * (w * z - x * y), 1 - 2 * (x * x + z * z))
        return Angles(0.0, math.degrees(math.asin(sine)), math.degrees(yaw))
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return Angles(math.degrees(roll), math.degrees(math.asin(sine)), math.degrees(yaw))


def orientation_of(attitude: Quaternion) -> Orientation:
    """As Viam has it: where the sensor's z axis points, and how it is turned about that (theta, in degrees)."""
    axis = attitude.rotated(Vector(0.0, 0.0, 1.0))
    forward = attitude.rotated(Vector(1.0, 0.0, 0.0))
    side = attitude.rotated(Vector(0.0, 1.0, 0.0))
    if 1 - abs(axis.z) <= POLE:
        theta = math.atan2(forward.y, forward.x if axis.z > 0 else -forward.x)
    else:
        theta = math.atan2(side.z, -forward.z)
    return Orientation(o_x=axis.x, o_y=axis.y, o_z=axis.z, theta=math.degrees(theta))
