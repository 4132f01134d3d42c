"""Moving a shaft by what its encoder says: hold a speed, or end at a position.

One loop, a hundred times a second with an encoder of this process, reads the position, computes the power and applies
it. It runs within a motion of the motor's operation, which takes the power away however the loop ends.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pi_drivers.errors import MotionTimeoutError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.encoder.port import EncoderPort
from pi_drivers.models.motor.guards import StallGuard, WrongWayGuard
from pi_drivers.models.motor.speed import Gains, SpeedController, SpeedMeter, approach_speed

LOCAL_PERIOD_NS = 10 * MILLISECOND
REMOTE_PERIOD_NS = 30 * MILLISECOND
LONGEST_PERIOD_S = 0.5
"""A loop that was held up longer does not make up for it at once."""
APPROACH_PER_S = 5.0
"""Speed at the end of a move for each tick to go: a time constant of 0.2 s, slower than a small motor's own."""
SLOWEST_TICKS_S = 10.0
"""The speed of the last ticks: slow enough to stop within one, fast enough to arrive."""
SETTLE_NS = 100 * MILLISECOND
"""How long a shaft must stay where it should be, with the power off, to have arrived."""
MIDDLE_OF_TICK = 0.5
"""A count of n means a shaft somewhere between n and n + 1 ticks; its middle is the unbiased guess."""
SPARE_TIME_S = 5.0
SPARE_TIME_FACTOR = 3.0


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


class ClosedLoop:
    """One motion of one motor. Used once."""

    def __init__(
        self,
        host: Host,
        encoder: EncoderPort,
        apply: Callable[[float], Awaitable[None]],
        settings: LoopSettings,
        *,
        remote: bool,
    ) -> None:
        """Prepare a motion.

        Args:
            host: its clock paces the loop.
            encoder: what is believed.
            apply: drives the motor with a power of -1 to 1.
            settings: the motor.
            remote: the motor's pins, or its encoder, are another module's.
        """
        self._host = host
        self._encoder = encoder
        self._apply = apply
        self._settings = settings
        self._period_ns = REMOTE_PERIOD_NS if remote else LOCAL_PERIOD_NS

    async def hold_speed(self, speed: float) -> None:
        """Hold a speed, in ticks per second, until cancelled.

        Raises:
            StallError: the shaft does not follow.
            BusError: a pin or the encoder does not answer.
        """
        await self._begin(abs(speed))
        while True:
            await self._next_period()
            await self._step(speed)

    async def move_to(self, target: float, cruise: float) -> None:
        """Move to a position in ticks, with a cruising speed in ticks per second, and come to rest there.

        Raises:
            StallError: the shaft does not follow.
            MotionTimeoutError: it did not arrive in the time this takes on sound hardware, several times over.
            BusError: a pin or the encoder does not answer.
        """
        start = await self._begin(cruise)
        deadline_ns = self._deadline(abs(target - start), cruise)
        tolerance = max(self._settings.tolerance_ticks, MIDDLE_OF_TICK)
        arrived_ns: int | None = None
        while True:
            missing = target - (self._ticks + MIDDLE_OF_TICK)
            if abs(missing) > tolerance:
                arrived_ns = None
                await self._step(approach_speed(missing, cruise, APPROACH_PER_S, SLOWEST_TICKS_S))
            elif arrived_ns is None:
                arrived_ns = self._host.now_ns()
                await self._rest()
            elif self._host.now_ns() - arrived_ns >= SETTLE_NS:
                return
            self._check_time(deadline_ns, missing, cruise)
            await self._next_period()

    async def _begin(self, cruise: float) -> int:
        settings, now_ns = self._settings, self._host.now_ns()
        first = await self._encoder.sample()
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
        self._stall = StallGuard(settings.name, settings.max_power, now_ns)
        self._wrong_way = WrongWayGuard(settings.name, now_ns)
        self._due_ns = self._stepped_ns = now_ns
        self._period_s = self._period_ns / SECOND
        return first.ticks

    async def _step(self, target: float) -> None:
        power = self._controller.step(target, self._speed, self._period_s)
        await self._apply(power)
        now_ns = self._host.now_ns()
        self._stall.check(power, target, self._meter, now_ns)
        self._wrong_way.check(power, self._speed, self._ticks, now_ns)

    async def _rest(self) -> None:
        """Let the shaft come to rest; if it rolls on out of the tolerance, the loop brings it back."""
        await self._apply(0.0)
        self._controller.reset()
        self._controller.power = 0.0
        self._stall.check(0.0, 0.0, self._meter, self._host.now_ns())

    async def _next_period(self) -> None:
        """Wait for the next period and see where the shaft is. A late loop does not run twice to catch up."""
        self._due_ns = max(self._due_ns + self._period_ns, self._host.now_ns())
        await self._host.wait(self._due_ns - self._host.now_ns())
        sample = await self._encoder.sample()
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
