"""When a stepper's steps come: a plan that is made while they are being sent, and that counts them exactly.

The number of steps from standstill to a speed stands for the speed itself. Under a constant acceleration a the speed
after k steps is the root of 2ak, so going one step up or down the ramp keeps k whole: a motor that is k steps up the
ramp stands after exactly k more, no rounding adds up, and a stop at any moment knows where it will end.
"""

import math
import threading

from pi_drivers.buses.gpio.contract import Pulses

PACKET_US = 6_000
"""How long a packet of equal pulses is at least: a few of them fill the time for which pulses are fixed ahead."""
LONGEST_US = 20_000
"""How long one entry of a slow plan is at most, so that a stop is obeyed soon at any speed."""
LONGEST_HIGH_US = 5_000
SHORTEST_US = 50
"""The time from step to step at the highest speed: below it the sending of pulses is no longer even."""
SECOND_NS = 1_000_000_000
SLOWEST = 1 / 3600
"""Steps per second below which nobody would call it turning: a step in an hour."""
ENDLESS = 1 << 62
"""More steps than any motor makes."""


class StepPlan:
    """The steps of one motion in one direction: a `PulseSource`. Safe from any thread."""

    def __init__(
        self,
        steps: int | None,
        speed: float,
        acceleration: float = 0.0,
        *,
        lead_us: int = 0,
        packet_us: int = PACKET_US,
    ) -> None:
        """Plan a motion.

        Args:
            steps: how many; None for as many as come until `stop`.
            speed: steps per second at most.
            acceleration: steps per second in a second, up and down; 0 for none, which is the full speed at once.
            lead_us: a pause before the first step.
            packet_us: how long a packet is about; 0 for packets of one step.
        """
        # Reentrant: a make-safe in a signal handler may come while a packet is planned.
        self._lock = threading.RLock()
        self._endless = steps is None
        self._left = ENDLESS if steps is None else steps
        self._speed = speed
        self._acceleration = acceleration
        self._packet_s = packet_us / 1e6
        self._ramp = 0
        """Steps from standstill to the present speed, and so the steps that a stop takes."""
        self._pause_us = lead_us
        self._rounded_off_ns = 0
        self._stopping = False
        self._present_speed = 0.0

    @property
    def speed(self) -> float:
        """Steps per second, of the packet planned last."""
        return self._present_speed

    def next_pulses(self) -> Pulses | None:
        """The packet that comes next; None when the motion is over."""
        with self._lock:
            if self._pause_us:
                return self._pause()
            steps, duration_ns = self._next_stretch()
            if steps == 0:
                self._present_speed = 0.0
                return None
            self._present_speed = steps * SECOND_NS / duration_ns
            return self._packet(steps, duration_ns)

    def stop(self, within_s: float = math.inf) -> None:
        """Come to a stand along the ramp, or along a steeper one where that would take longer. Idempotent.

        Where the steps are so slow that none fits, the last one made was the last.
        """
        with self._lock:
            pause_s = self._pause_us / 1e6
            if self._ramp and pause_s + self._time_to(self._ramp) > within_s:
                self._steepen(within_s - pause_s)
            self._left = min(self._left, self._ramp)
            if self._ramp == 0:
                self._pause_us = 0
            self._stopping = True

    def change_speed(self, speed: float) -> bool:
        """Go on at another speed, along the ramp; False where the motion comes to its end and cannot."""
        with self._lock:
            if self._stopping or not self._endless:
                return False
            self._speed = speed
            self._pause_us = min(self._pause_us, round(1e6 / speed))
            return True

    def _pause(self) -> Pulses:
        pause_us = min(self._pause_us, LONGEST_US)
        if 0 < self._pause_us - pause_us < SHORTEST_US:
            pause_us -= SHORTEST_US  # too short a rest cannot be sent
        self._pause_us -= pause_us
        return Pulses(0, pause_us)

    def _next_stretch(self) -> tuple[int, int]:
        """The steps that come next, and the time in nanoseconds they take; (0, 0) when all is done."""
        top = int(self._speed**2 / (2 * self._acceleration)) if self._acceleration else 0
        spare = self._left - self._ramp
        if self._left == 0:
            return 0, 0
        if spare <= 0:
            return self._down(self._ramp)
        if self._ramp > top:
            return self._down(min(self._ramp - top, spare))
        if self._ramp < top and spare >= 2:  # each step up costs one down
            return self._up(min(top - self._ramp, spare // 2))
        return self._even(spare, at_top=self._ramp == top)

    def _up(self, limit: int) -> tuple[int, int]:
        begin_s = self._time_to(self._ramp)
        reached = self._acceleration / 2 * (begin_s + self._packet_s) ** 2
        steps = max(1, min(limit, math.ceil(reached - self._ramp)))
        self._ramp += steps
        return self._take(steps, self._time_to(self._ramp) - begin_s)

    def _down(self, limit: int) -> tuple[int, int]:
        begin_s = self._time_to(self._ramp)
        reached = self._acceleration / 2 * max(0.0, begin_s - self._packet_s) ** 2
        steps = max(1, min(limit, math.ceil(self._ramp - reached)))
        self._ramp -= steps
        return self._take(steps, begin_s - self._time_to(self._ramp))

    def _even(self, limit: int, *, at_top: bool) -> tuple[int, int]:
        """Steps at the speed reached: the top speed, or the peak of a move too short for it."""
        period_s = 1 / self._speed
        if not at_top:
            period_s = max(period_s, self._time_to(self._ramp + 1) - self._time_to(self._ramp))
        steps = max(1, min(limit, math.ceil(self._packet_s / period_s)))
        return self._take(steps, steps * period_s)

    def _take(self, steps: int, duration_s: float) -> tuple[int, int]:
        self._left -= steps
        return steps, round(duration_s * SECOND_NS)

    def _packet(self, steps: int, duration_ns: int) -> Pulses:
        # What whole microseconds leave over goes to the next packet: no speed is off in the long run.
        wanted_ns = duration_ns + self._rounded_off_ns
        period_us = max(SHORTEST_US, wanted_ns // (steps * 1000))
        self._rounded_off_ns = max(0, wanted_ns - period_us * steps * 1000)
        if period_us > LONGEST_US + SHORTEST_US:
            self._pause_us = period_us - LONGEST_US
            period_us = LONGEST_US
        high_us = min(period_us // 2, LONGEST_HIGH_US)
        return Pulses(high_us, period_us - high_us, steps)

    def _time_to(self, ramp: int) -> float:
        """Seconds from standstill up the ramp so many steps."""
        return math.sqrt(2 * ramp / self._acceleration) if ramp else 0.0

    def _steepen(self, within_s: float) -> None:
        speed = math.sqrt(2 * self._acceleration * self._ramp)
        self._ramp = max(0, int(speed * within_s / 2))
        if self._ramp:
            self._acceleration = speed**2 / (2 * self._ramp)
