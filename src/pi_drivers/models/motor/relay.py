"""Finding the gains of a speed controller by a relay experiment (Åström and Hägglund, 1984): plain arithmetic.

A relay that gives more power below a speed and less above it makes any motor with its encoder swing around that speed,
at the frequency at which a proportional controller would just become unstable. The size of the swing gives the gain at
which it would: Ku = 4 d / (π a), for a relay of ±d and a swing of ±a, and with the period Tu they give the motor's lag.
The gains are calm ones, p = Ku / 6 and an integral time as long as the lag, for feed-forward does most of the work and
what the rest adds while the motor speeds up is overshoot. There is no derivative part: the slope of a speed that is
made of ticks is mostly noise.
"""

import math
from dataclasses import dataclass

from pi_drivers.models.motor.speed import Gains

SECOND = 1_000_000_000
BASE = 0.5
"""The mean power, as a share of the most: the motor turns, and has room on both sides."""
SWING = 0.25
"""What the relay adds and takes away, as a share of the most power. Below `BASE`, so nothing ever reverses."""
SHORTEST_SETTLING_NS = 600_000_000
SETTLING_WINDOW_NS = 200_000_000
STEADY = 0.02
"""The speed is settled when it changes by less than this share from one window to the next."""
HYSTERESIS = 0.01
"""How far the speed must pass the middle, as a share of it, before the relay switches: less is noise."""
FIRST_CYCLES = 2
CYCLES = 6
CALM = 1 / 6
LARGEST_P = 5.0
LARGEST_I = 50.0


@dataclass(frozen=True)
class Tuning:
    """What an experiment found."""

    gains: Gains
    ultimate_gain: float
    """Power for each unit of speed error, as a share of the free speed, at which the loop would swing for ever."""
    ultimate_period_s: float
    free_speed: float
    """Ticks per second at full power, as far as the experiment shows."""


class RelayExperiment:
    """One experiment. `step` is called at the pace of the controller that is to be tuned, with what that measures."""

    def __init__(self, max_power: float, free_speed: float | None, now_ns: int) -> None:
        """Begin.

        Args:
            max_power: the limit of the power, above 0 to 1.
            free_speed: ticks per second at full power, by which the controller will reckon; None when nobody knows.
            now_ns: now.
        """
        self._base, self._swing = BASE * max_power, SWING * max_power
        self._free_speed = free_speed
        self._began_ns = self._window_ns = now_ns
        self._window_speed = 0.0
        self._middle: float | None = None
        self._is_high = True
        self._low = self._high = 0.0
        self._rises: list[int] = []
        self._swings: list[float] = []

    @property
    def done(self) -> bool:
        """Whether enough cycles were seen."""
        return len(self._swings) >= FIRST_CYCLES + CYCLES

    def step(self, speed: float, now_ns: int) -> float:
        """Take the speed, in ticks per second, and return the power to apply."""
        if self._middle is None:
            self._settle(speed, now_ns)
            return self._base
        self._low, self._high = min(self._low, speed), max(self._high, speed)
        margin = HYSTERESIS * abs(self._middle)
        if self._is_high and speed > self._middle + margin:
            self._is_high = False
        elif not self._is_high and speed < self._middle - margin:
            self._is_high = True
            self._end_cycle(speed, now_ns)
        return self._base + (self._swing if self._is_high else -self._swing)

    def result(self) -> Tuning:
        """What was found; `done` must be true."""
        period_s = (self._rises[-1] - self._rises[FIRST_CYCLES]) / (len(self._rises) - 1 - FIRST_CYCLES) / SECOND
        swings = self._swings[FIRST_CYCLES:]
        free = self._free_speed or self._found_free_speed()
        amplitude = sum(swings) / len(swings) / 2 / free
        gain = 4 * self._swing / (math.pi * amplitude)
        # A lag T with a delay turns the phase by half a circle at Tu, where its gain is 1 / Ku.
        lag_s = period_s / math.tau * math.sqrt(max(gain * gain - 1, 1.0))
        p = min(CALM * gain, LARGEST_P)
        return Tuning(Gains(p, min(p / lag_s, LARGEST_I), 0.0), gain, period_s, free)

    def _found_free_speed(self) -> float:
        return abs(self._middle or 0.0) / self._base

    def _settle(self, speed: float, now_ns: int) -> None:
        if now_ns - self._window_ns < SETTLING_WINDOW_NS:
            return
        steady = abs(speed - self._window_speed) <= STEADY * abs(speed)
        self._window_ns, self._window_speed = now_ns, speed
        if steady and speed > 0 and now_ns - self._began_ns >= SHORTEST_SETTLING_NS:
            self._middle = self._low = self._high = speed

    def _end_cycle(self, speed: float, now_ns: int) -> None:
        if self._rises:
            self._swings.append(self._high - self._low)
        self._rises.append(now_ns)
        self._low = self._high = speed
