"""Moving a shaft by what its encoder says: hold a speed, or end at a position.

One loop, a hundred times a second with an encoder of this process, reads the position, computes the power and applies
it. It runs within a motion of the motor's operation, which takes the power away however the loop ends.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from pi_drivers.errors import MotionTimeoutError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.encoder.contract import EncoderSample
from pi_drivers.models.motor.guards import StallGuard, StallWatch, WrongWayGuard
from pi_drivers.models.motor.speed import Gains, SpeedController, SpeedMeter, approach_speed

LOCAL_PERIOD_NS = 10 * MILLISECOND
REMOTE_PERIOD_NS = 30 * MILLISECOND
LONGEST_PERIOD_S = 0.5
"""A loop that was held up longer does not make up for it at once."""
APPROACH_PER_S = 5.0
"""Speed at the end of a move for each tick to go: a time constant of 0.2 s, slower than a small motor's own."""
LOOKAHEAD_S = 0.08
"""The distance is reckoned from where the shaft will be so much later: a heavy one is slow to slow down."""
SLOWEST_TICKS_S = 10.0
"""The speed of the last ticks: slow enough to stop within one, fast enough to arrive."""
HASTE_PER_S = 0.2
"""Power added in a second while a shaft stands that should turn, so slowly that it starts without a jerk."""
APPROACHING_HASTE_PER_S = 0.05
"""The same close to a target, where a jerk of a few ticks is one too many."""
MIDDLE_OF_TICK = 0.5
"""A count of n means a shaft somewhere between n and n + 1 ticks; its middle is the unbiased guess."""
SPARE_TIME_S = 5.0
SPARE_TIME_FACTOR = 3.0


class Sampled(Protocol):
    """What is believed about the shaft."""

    async def sample(self) -> EncoderSample:
        """The position now. Raises: BusError, ClosedError, StaleReadingError: it cannot be read."""


class Driven(Protocol):
    """What turns the shaft."""

    @property
    def power(self) -> float:
        """The power that is on, -1 to 1."""

    @property
    def direction(self) -> int:
        """Where the shaft is driven, or was driven last: 1, -1, and 0 before there was any power."""

    async def apply(self, power: float) -> float:
        """Apply a power of -1 to 1 and return what was applied: 0 where the motor must rest before it reverses."""

    async def rest(self) -> None:
        """Take the power away, as this motor stops."""


@dataclass(frozen=True)
class LoopSettings:
    """What a closed loop needs to know about its motor."""

    name: str
    gains: Gains
    free_speed: float | None
    """Ticks per second at full power; None when it must be learnt."""
    max_power: float
    ramp_per_s: float
    tolerance_ticks: int
    follows_power: bool = False
    """The encoder has a single phase and takes its direction from the power, which it must not be misled by."""


class ClosedLoop:
    """One motion of one motor. Used once, on the event loop."""

    def __init__(
        self, host: Host, shaft: Sampled, drive: Driven, settings: LoopSettings, watch: StallWatch, *, remote: bool
    ) -> None:
        """Prepare a motion.

        Args:
            host: its clock paces the loop.
            shaft: what is believed.
            drive: what turns it.
            settings: the motor.
            watch: the user's own limit for stalls.
            remote: the motor's pins, or its encoder, are another module's.
        """
        self._host = host
        self._shaft = shaft
        self._drive = drive
        self._settings = settings
        self._watch = watch
        self._period_ns = REMOTE_PERIOD_NS if remote else LOCAL_PERIOD_NS
        self._tolerance = max(settings.tolerance_ticks, MIDDLE_OF_TICK)
        self._cruise: float | None = None
        self._end = math.inf

    def change_speed(self, speed: float, end: float | None) -> bool:
        """Hold another speed from here on, without letting go of the power in between.

        Returns: whether the loop holds a speed, and so can; otherwise nothing was changed.
        """
        if self._cruise is None:
            return False
        if speed * self._cruise < 0:
            self._controller.reset()
        self._cruise, self._end = speed, math.copysign(math.inf, speed) if end is None else end
        return True

    async def hold_speed(self, speed: float, end: float | None = None) -> None:
        """Hold a speed, in ticks per second, until cancelled; slow down towards an end of travel, and rest there.

        Raises:
            StallError: the shaft does not follow.
            BusError: a pin or the encoder does not answer.
        """
        await self._begin(abs(speed))
        self._cruise = speed
        self.change_speed(speed, end)
        while not self._is_near_end(self._cruise):
            await self._step(self._cruise)
            await self._next_period()
        cruise, self._cruise = abs(self._cruise), None
        await self._approach(self._end, cruise)

    async def move_to(self, target: float, cruise: float) -> None:
        """Move to a position in ticks, with a cruising speed in ticks per second, and come to rest there.

        Raises:
            StallError: the shaft does not follow.
            MotionTimeoutError: it did not arrive in the time this takes on sound hardware, several times over.
            BusError: a pin or the encoder does not answer.
        """
        await self._begin(cruise)
        await self._approach(target, cruise)

    async def _approach(self, target: float, cruise: float) -> None:
        deadline_ns = self._deadline(abs(target - self._ticks), cruise)
        arrived_ns: int | None = None
        while True:
            missing = target - (self._ticks + MIDDLE_OF_TICK)
            if abs(missing) > self._tolerance:
                arrived_ns = None
                ahead = missing - self._speed * LOOKAHEAD_S
                # Once it would pass the target, the slowest speed is what it is slowed down to.
                ahead = math.copysign(max(0.0, ahead * math.copysign(1.0, missing)), missing)
                await self._step(approach_speed(ahead, cruise, APPROACH_PER_S, SLOWEST_TICKS_S))
            elif arrived_ns is None:
                arrived_ns = self._host.now_ns()
                self._controller.reset()
                self._controller.power = 0.0
                await self._step(0.0)
            elif self._stall.is_still(arrived_ns, self._host.now_ns()):
                await self._drive.rest()
                return
            else:
                # A shaft that is only let go rolls on; one that is held at no speed is braked by what it generates.
                await self._step(0.0)
            self._check_time(deadline_ns, missing, cruise)
            await self._next_period()

    def _is_near_end(self, speed: float) -> bool:
        """Whether the shaft must slow down now in order to stop at the end of its travel."""
        missing = (self._end - self._ticks) * math.copysign(1.0, speed)
        return missing <= braking_distance(max(abs(speed), abs(self._speed)))

    async def _begin(self, cruise: float) -> None:
        settings, now_ns = self._settings, self._host.now_ns()
        first = await self._shaft.sample()
        self._ticks = first.ticks
        self._speed = 0.0
        self._meter = SpeedMeter(first, now_ns)
        self._controller = SpeedController(
            settings.gains,
            settings.free_speed or 2 * cruise,
            settings.max_power,
            settings.ramp_per_s,
            learn=settings.free_speed is None,
        )
        # What an older motion left on is where the ramp begins.
        self._controller.power = self._drive.power
        self._stall = StallGuard(settings.name, settings.max_power, now_ns)
        self._wrong_way = WrongWayGuard(settings.name, now_ns)
        self._due_ns = self._stepped_ns = self._powered_ns = now_ns
        self._period_s = self._period_ns / SECOND

    async def _step(self, target: float) -> None:
        now_ns = self._host.now_ns()
        if target and self._stall.is_silent(target, now_ns):
            haste_per_s = APPROACHING_HASTE_PER_S if self._cruise is None else HASTE_PER_S
            self._controller.hasten(math.copysign(haste_per_s, target), self._period_s)
        wanted = self._controller.step(target, self._speed, self._period_s)
        power = await self._drive.apply(self._told(self._stall.probing(wanted, target, now_ns), target, now_ns))
        if power == 0.0 != wanted:
            # The motor rests before it reverses: what it would have done meanwhile is not owed to it.
            self._controller.power = 0.0
            self._controller.reset()
        self._check(power, target)

    def _told(self, power: float, target: float, now_ns: int) -> float:
        """The power, or 0 where it would tell an encoder of a single phase a direction that the shaft has not yet."""
        if not self._settings.follows_power:
            return power
        reverses = power * self._drive.direction < 0
        if power * target <= 0 or (reverses and not self._stall.is_still(self._powered_ns, now_ns)):
            return 0.0
        self._powered_ns = now_ns
        return power

    def _check(self, power: float, target: float) -> None:
        now_ns = self._host.now_ns()
        # A shaft that is held where it is does not stall.
        driven = power if target else 0.0
        self._watch.check(driven, self._ticks, now_ns)
        self._stall.check(driven, self._speed, target, self._ticks, now_ns)
        self._wrong_way.check(power, self._speed, self._ticks, now_ns)

    async def _next_period(self) -> None:
        """Wait for the next period and see where the shaft is. A late loop does not run twice to catch up."""
        self._due_ns = max(self._due_ns + self._period_ns, self._host.now_ns())
        await self._host.wait(self._due_ns - self._host.now_ns())
        sample = await self._shaft.sample()
        now_ns = self._host.now_ns()
        # The real time between two steps: a slow board stretches it, and ramp and integral must know.
        self._period_s = min((now_ns - self._stepped_ns) / SECOND, LONGEST_PERIOD_S)
        self._stepped_ns = now_ns
        self._speed = self._meter.take(sample, now_ns)
        self._ticks = sample.ticks

    def _deadline(self, distance: float, cruise: float) -> int:
        seconds = SPARE_TIME_S + SPARE_TIME_FACTOR * distance / cruise
        return self._host.now_ns() + round(seconds * SECOND)

    def _check_time(self, deadline_ns: int, missing: float, cruise: float) -> None:
        if self._host.now_ns() > deadline_ns:
            raise MotionTimeoutError(
                f"{self._settings.name}: did not arrive: {abs(missing):.0f} ticks short of the target after several "
                f"times the time this should take at {cruise:.0f} ticks/s. Can the motor reach that speed, and is "
                "position_tolerance_ticks not too small for it?"
            )


def braking_distance(speed: float) -> float:
    """How far before its target, in ticks, a shaft of this speed (ticks per second) must begin to slow down."""
    return speed * (1 / APPROACH_PER_S + LOOKAHEAD_S)
