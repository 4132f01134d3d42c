"""How fast a shaft may be on its way to a target, so that it comes to rest there: plain arithmetic, no hardware.

Far from the target the speed falls steadily; in the last stretch it falls in proportion to what is left, as that of a
shaft does that is let go. Speeds are in ticks per second.
"""

import math

from pi_drivers.models.motor.lag import CAUTIOUS_LAG_S, LONGEST_LAG_S, LagMeter

BRAKING_PER_S = 1.0
"""What is lost of the free speed in a second. A motor stops faster; its speed controller does not."""
HALF_A_TICK = 0.5
"""A count of n means a shaft somewhere between n and n + 1 ticks; it is to be slow enough at the last edge."""
SPARE = 1.1
"""A shaft that is taken to follow later than it does arrives a little later, and not too far."""
METER_DELAY_S = 0.02
"""So old is a speed that was measured."""
FORESIGHT_S = 0.01
"""So far ahead it is seen how fast the speed must fall."""
SLOWEST_TICKS_S = 2.0
"""A shaft on its way is never told to stand, or it would not arrive."""


class Approach:
    """The speeds of one move to one target."""

    def __init__(self, cruise: float, free_speed: float, lag: LagMeter) -> None:
        """Args: cruise: the most there may be. free_speed: the motor's at full power. lag: how late it follows."""
        self._cruise = cruise
        self._braking = BRAKING_PER_S * free_speed
        self._lag = lag
        self._caution = SPARE

    def speeds(self, missing: float, measured: float) -> tuple[float, float]:
        """What is right with so many ticks to go: the speed due, and the speed whose power makes it slow down so.

        A shaft that slows down needs the power of a lower speed than it has: the lower, the later it follows.
        """
        towards = math.copysign(1.0, missing)
        missing, measured = abs(missing) - HALF_A_TICK, max(0.0, measured * towards)
        due = self._limited(missing + measured * METER_DELAY_S)
        now = self._limited(missing)
        slower = self._limited(missing - measured * FORESIGHT_S)
        fall = (now - slower) / FORESIGHT_S
        return due * towards, max(-now, now - fall * (self._lag.seconds - METER_DELAY_S)) * towards

    def went_too_far(self) -> None:
        """The shaft follows later than it seemed: it is slowed down earlier from now on, and more gently."""
        self._caution *= 2

    @property
    def _lag_s(self) -> float:
        return min(LONGEST_LAG_S, self._lag.seconds * self._caution)

    def _limited(self, missing: float) -> float:
        slowed = falling_speed(max(missing, 0.0), self._braking, self._lag_s)
        return min(self._cruise, max(SLOWEST_TICKS_S, slowed))


def falling_speed(missing: float, braking: float, lag_s: float) -> float:
    """The speed with so many ticks to go: in proportion to them at the end, and with a steady fall before.

    In proportion means to lose the speed with a time constant, which is the lag: with less a shaft would swing.
    """
    last_stretch = braking * lag_s**2
    if missing <= last_stretch:
        return missing / lag_s
    return math.sqrt(braking * (2 * missing - last_stretch))


def braking_distance(speed: float, free_speed: float) -> float:
    """How far before its target, in ticks, a shaft of this speed (ticks per second) must begin to slow down."""
    braking = BRAKING_PER_S * free_speed
    last_speed = braking * CAUTIOUS_LAG_S
    falling = speed * CAUTIOUS_LAG_S if speed <= last_speed else (speed**2 / braking + last_speed * CAUTIOUS_LAG_S) / 2
    return falling + speed * CAUTIOUS_LAG_S
