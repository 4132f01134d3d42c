"""Measuring and holding a shaft's speed with an encoder: plain arithmetic, no hardware and no clock of its own.

Speeds are in ticks per second, time in nanoseconds, power is -1 to 1.
"""

import math
from collections import deque
from dataclasses import dataclass

from pi_drivers.errors import ArgumentError
from pi_drivers.models.encoder.contract import EncoderSample

SECOND = 1_000_000_000
LEARNING_POWER = 0.2
LEARNING_RATE = 0.05
WINDOW_NS = 40_000_000
"""Speed is the ticks of so long a time: short enough to act on, long enough to hold several."""


class SpeedMeter:
    """Speed from positions and the times of their newest ticks.

    Between two ticks nothing is known but that the next one has not come yet: the speed is at most one tick in the time
    since the last. That brings a shaft that stands to zero without waiting for a tick that never comes.
    """

    def __init__(self, first: EncoderSample, now_ns: int) -> None:
        self._samples = deque([EncoderSample(first.ticks, now_ns)])
        self.last_tick_ns = now_ns
        """When the position last changed."""

    def take(self, sample: EncoderSample, now_ns: int) -> float:
        """Take a position and return the speed."""
        newest = self._samples[-1]
        if sample.ticks != newest.ticks:
            # A tick that came before its predecessor's reading has only its reading's time to go by.
            at_ns = sample.at_ns if newest.at_ns < sample.at_ns <= now_ns else now_ns
            self._samples.append(EncoderSample(sample.ticks, at_ns))
            self.last_tick_ns = now_ns
        while len(self._samples) > 2 and now_ns - self._samples[1].at_ns > WINDOW_NS:
            self._samples.popleft()
        return self._speed(now_ns if sample.known_ns is None else sample.known_ns)

    def _speed(self, known_ns: int) -> float:
        oldest, newest = self._samples[0], self._samples[-1]
        if newest is oldest:
            return 0.0
        speed = (newest.ticks - oldest.ticks) * SECOND / (newest.at_ns - oldest.at_ns)
        at_most = SECOND / max(known_ns - newest.at_ns, 1)
        return max(-at_most, min(at_most, speed))


@dataclass(frozen=True)
class Gains:
    """Control parameters: power for the speed error (as a share of the free speed), its integral, its derivative."""

    p: float = 0.6
    i: float = 6.0
    d: float = 0.0


class SpeedController:
    """Holds a speed: feed-forward from what the motor is known to do, a PI part for the rest, and an honest limit.

    Anti-windup: the integral does not grow while the power is at its limit.
    """

    def __init__(
        self, gains: Gains, free_speed: float, max_power: float, ramp_per_s: float, *, learn: bool = False
    ) -> None:
        """Prepare to hold speeds.

        Args:
            gains: the PI part.
            free_speed: ticks per second at full power.
            max_power: the limit of the power, above 0 to 1.
            ramp_per_s: how fast the power may rise, per second. It may always fall at once.
            learn: `free_speed` is a guess, to be corrected by what the motor shows under power.
        """
        self._gains = gains
        self._learn = learn
        self.free_speed = free_speed
        self._max_power = max_power
        self._ramp_per_s = ramp_per_s
        self._integral = 0.0
        self._last_error: float | None = None
        self.power = 0.0

    def step(self, target: float, measured: float, dt_s: float, feed: float | None = None) -> float:
        """The power for the next `dt_s` seconds.

        Args:
            target: the speed to go for.
            measured: the speed there is.
            dt_s: until the next step.
            feed: the speed whose power is applied, where it is not the target's, because the speed is changing.
        """
        self._learn_from(measured)
        free = self.free_speed
        error = (target - measured) / free
        gains = self._gains
        slope = 0.0 if self._last_error is None else (error - self._last_error) / dt_s
        self._last_error = error
        # What slows the shaft down while the power is off is its friction: the integral has no part in it.
        brakes = feed is not None and self.power * target <= 0 and error * target < 0
        integral = self._integral + (0.0 if brakes else gains.i * error * dt_s)
        wanted = (target if feed is None else feed) / free + gains.p * error + integral + gains.d * slope
        limited = self._limited(wanted, dt_s)
        if limited == wanted or abs(integral) < abs(self._integral):
            self._integral = integral
        self.power = limited
        return limited

    def hasten(self, rate_per_s: float, dt_s: float) -> None:
        """Move the integral by a rate: the shaft stands, and by the error alone it would for a long time."""
        if abs(self.power) < self._max_power:
            self._integral += rate_per_s * dt_s

    def reset(self) -> None:
        """Forget the integral, as after the direction has changed."""
        self._integral = 0.0
        self._last_error = None

    def _limited(self, wanted: float, dt_s: float) -> float:
        top = self._max_power
        if not math.isfinite(wanted):
            raise ArgumentError(f"the speed control has lost its numbers (power {wanted}); the motor is stopped")
        wanted = max(-top, min(top, wanted))
        rise = self._ramp_per_s * dt_s
        if wanted > max(self.power, 0.0) + rise:
            return max(self.power, 0.0) + rise
        if wanted < min(self.power, 0.0) - rise:
            return min(self.power, 0.0) - rise
        return wanted

    def _learn_from(self, measured: float) -> None:
        # Below some power the dead band tells more than the motor does.
        if self._learn and abs(self.power) > LEARNING_POWER and measured * self.power > 0:
            self.free_speed += LEARNING_RATE * (measured / self.power - self.free_speed)
