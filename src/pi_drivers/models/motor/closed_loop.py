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
from pi_drivers.models.motor.approach import Approach, braking_distance
from pi_drivers.models.motor.guards import StallGuard, StallWatch, WrongWayGuard
from pi_drivers.models.motor.lag import LagMeter, Moment
from pi_drivers.models.motor.speed import Gains, SpeedController, SpeedMeter

LOCAL_PERIOD_NS = 10 * MILLISECOND
REMOTE_PERIOD_NS = 30 * MILLISECOND
LONGEST_PERIOD_S = 0.5
"""A loop that was held up longer does not make up for it at once."""
HASTE_PER_S = 0.2
"""Power added in a second while a shaft stands that should turn, so slowly that it starts without a jerk."""
APPROACHING_HASTE = 0.008
"""Power added close to a target, in the time that the shaft follows late: a jerk of a few ticks is one too many."""
OVERDUE_SHARE = 0.6
"""After this share of its lag without a tick a shaft close to its target is given more power."""
ROLLING_LAGS = 3.0
"""After so many lags a shaft that was let go hardly rolls any more."""
SPARE_TIME_S = 10.0
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

    _controller: SpeedController

    def __init__(
        self,
        host: Host,
        shaft: Sampled,
        drive: Driven,
        settings: LoopSettings,
        watch: StallWatch,
        lag: LagMeter,
        *,
        remote: bool,
    ) -> None:
        """Prepare a motion.

        Args:
            host: its clock paces the loop.
            shaft: what is believed.
            drive: what turns it.
            settings: the motor.
            watch: the user's own limit for stalls.
            lag: how late the shaft follows, which each motion learns for the next.
            remote: the motor's pins, or its encoder, are another module's.
        """
        self._host = host
        self._shaft = shaft
        self._drive = drive
        self._settings = settings
        self._watch = watch
        self._lag = lag
        self._period_ns = REMOTE_PERIOD_NS if remote else LOCAL_PERIOD_NS
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
        self._pace = abs(speed)
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
        goal = round(target)
        deadline_ns = self._deadline(abs(goal - self._ticks), cruise)
        approach = Approach(cruise, self._controller.free_speed, self._lag)
        while True:
            await self._run_until(goal, approach, deadline_ns)
            if await self._has_come_to_rest(goal, deadline_ns):
                await self._drive.rest()
                return
            approach.went_too_far()

    async def _run_until(self, goal: int, approach: Approach, deadline_ns: int) -> None:
        """Turn until the count is the goal, or has passed it, or is as near as this shaft comes."""
        began_at, towards = self._ticks, math.copysign(1.0, goal - self._ticks)
        while (goal - self._ticks) * towards > 0:
            missing = goal - self._ticks
            speed, feed = approach.speeds(missing, self._speed)
            stuck = self._ticks != began_at and self._stall.is_silent(speed, self._host.now_ns())
            if stuck and abs(missing) <= self._settings.tolerance_ticks:
                return
            await self._step(speed, feed)
            self._check_time(deadline_ns, missing)
            await self._next_period()

    async def _has_come_to_rest(self, goal: int, deadline_ns: int) -> bool:
        """Hold the shaft until it stands; returns whether that is where it should."""
        since_ns = self._host.now_ns()
        rolls_ns = round(ROLLING_LAGS * self._lag.seconds * SECOND)
        held_ns = 0 if self._settings.tolerance_ticks else rolls_ns
        self._controller.reset()
        self._controller.power = 0.0
        while abs(goal - self._ticks) <= self._settings.tolerance_ticks:
            now_ns = self._host.now_ns()
            if self._stall.is_still(since_ns, now_ns, rolls_ns) and now_ns - since_ns >= held_ns:
                return True
            # A shaft that is only let go rolls on; one that is held at no speed is braked by what it generates.
            await self._step(0.0)
            self._check_time(deadline_ns, goal - self._ticks)
            await self._next_period()
        return False

    def _is_near_end(self, speed: float) -> bool:
        """Whether the shaft must slow down now in order to stop at the end of its travel."""
        missing = (self._end - self._ticks) * math.copysign(1.0, speed)
        fastest = max(abs(speed), abs(self._speed))
        return missing <= braking_distance(fastest, self._controller.free_speed)

    async def _begin(self, cruise: float) -> None:
        settings, now_ns = self._settings, self._host.now_ns()
        first = await self._shaft.sample()
        self._ticks = first.ticks
        self._speed = 0.0
        self._meter = SpeedMeter(first, now_ns)
        self._lag.begin()
        self._pace = cruise
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

    async def _step(self, target: float, feed: float | None = None) -> None:
        now_ns = self._host.now_ns()
        haste_per_s = self._haste(target, now_ns, approaches=feed is not None)
        self._controller.hasten(math.copysign(haste_per_s, target), self._period_s)
        wanted = self._controller.step(target, self._speed, self._period_s, feed)
        power = await self._drive.apply(self._told(self._stall.probing(wanted, target, now_ns), target, now_ns))
        if power == 0.0 != wanted:
            # The motor rests before it reverses: what it would have done meanwhile is not owed to it.
            self._controller.power = 0.0
            self._controller.reset()
        self._check(power, target)
        self._learn(power, target if feed is None else feed)

    def _told(self, power: float, target: float, now_ns: int) -> float:
        """The power, or 0 where it would tell an encoder of a single phase a direction that the shaft has not yet."""
        if not self._settings.follows_power:
            return power
        reverses = power * self._drive.direction < 0
        if power * target <= 0 or (reverses and not self._stall.is_still(self._powered_ns, now_ns)):
            return 0.0
        self._powered_ns = now_ns
        return power

    def _haste(self, target: float, now_ns: int, *, approaches: bool) -> float:
        """How fast power is to be added because the shaft stands that should turn, per second."""
        if not approaches:
            return HASTE_PER_S if target and self._stall.is_silent(target, now_ns) else 0.0
        lag_s = self._lag.seconds
        return APPROACHING_HASTE / lag_s if self._stall.quiet_ns(now_ns) > OVERDUE_SHARE * lag_s * SECOND else 0.0

    def _learn(self, power: float, feed: float) -> None:
        towards = math.copysign(1.0, feed)
        free_speed = self._controller.free_speed
        moment = Moment(self._speed * towards, power * towards, self._period_s)
        self._lag.take(moment, asked=self._pace, fed=abs(feed), free_speed=free_speed)

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

    def _check_time(self, deadline_ns: int, missing: int) -> None:
        if self._host.now_ns() > deadline_ns:
            raise MotionTimeoutError(
                f"{self._settings.name}: did not arrive: {abs(missing)} ticks short of the target after several times "
                "the time this should take. Can the motor reach that speed, and is position_tolerance_ticks not too "
                "small for it?"
            )
