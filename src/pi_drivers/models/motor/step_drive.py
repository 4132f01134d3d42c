"""A stepper's steps and its position: one motion after the other, each step counted.

The position is what was sent, never what time has passed. Only where a motion is cut off in its middle, which happens
when the process ends or a pin fails, can it be unsure, by the steps that were on their way.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pi_drivers.buses.gpio.contract import PulseRun
from pi_drivers.errors import BusError, ClosedError
from pi_drivers.host.contract import MILLISECOND, Cancellable, Host
from pi_drivers.models.motor.step_plan import StepPlan
from pi_drivers.models.motor.step_ways import StepWay
from pi_drivers.models.pins import PinLoss

LOOK_NS = 2 * MILLISECOND
"""How often it is looked whether a motion has ended."""
RELEASE_AFTER_NS = 100 * MILLISECOND
"""How long the current stays on behind a motion: the rotor, which swings a little, has come to rest by then."""
Until = Callable[[], Awaitable[bool]]


async def never() -> bool:
    """For motions that nothing outside ends."""
    return False


class StepDrive:
    """One stepper. Used on the event loop; `halt` and `lock_off` may be called from any thread."""

    def __init__(
        self,
        label: str,
        logger: logging.Logger,
        host: Host,
        way: StepWay,
        acceleration: float,
        *,
        hold: bool,
        flip: bool,
    ) -> None:
        """Prepare; nothing moves.

        Args:
            label: the motor, for messages.
            logger: the motor's.
            host: its clock is the one that counts.
            way: how steps reach the motor.
            acceleration: steps per second in a second; 0 for none.
            hold: keep the current on behind a motion.
            flip: forward is the other way for the motor's driver.
        """
        self._label = label
        self._logger = logger
        self._host = host
        self._way = way
        self._acceleration = acceleration
        self._hold = hold
        self._flip = flip
        self._counted = 0
        self._sign = 1
        self._plan: StepPlan | None = None
        self._run: PulseRun | None = None
        self._release: Cancellable | None = None
        self.last_motion = 0
        """Steps of the motion that ended last, with the sign of its direction."""
        self.unsure = 0
        """By how many steps the position may be off."""
        way.on_lost = self._lost

    @property
    def steps(self) -> int:
        """The position in steps; while the motor turns, that of some milliseconds ago."""
        self._settle_account()
        return self._counted + (self._sign * self._run.progress().sent if self._run is not None else 0)

    @property
    def moving(self) -> bool:
        """Whether steps are still to come."""
        return self._run is not None and self._run.progress().running

    @property
    def speed(self) -> float:
        """Steps per second, with the sign of the direction."""
        return self._sign * self._plan.speed if self._plan is not None and self.moving else 0.0

    @property
    def energised(self) -> bool:
        """Whether the motor has current, as far as it is switched here."""
        return self._way.energised

    @property
    def unconfirmed(self) -> bool:
        """Whether a board has not confirmed yet that the current is off."""
        return self._way.unconfirmed

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` gave."""
        self._counted, self.unsure = int(state.get("steps", 0)), int(state.get("unsure", 0))

    def state(self) -> dict[str, Any]:
        """What is worth keeping."""
        return {"steps": self.steps, "unsure": self.unsure + self.moving}

    async def begin(self, steps: int | None, speed: float, *, forward: bool) -> None:
        """Begin a motion: so many steps, or with None until `halt`; what runs ends first.

        Raises:
            BusError: a pin could not be written; no step was made, and the current is off.
        """
        self.halt()
        await self.stands()
        if self._release is not None:
            self._release.cancel()
        self._settle_account()
        self._sign = 1 if forward else -1
        way = self._way
        plan = StepPlan(steps, speed, self._acceleration, lead_us=way.lead_us, packet_us=way.packet_us)
        try:
            self._run = await way.begin(plan, forward is not self._flip)
        except BaseException:
            way.release()
            raise
        self._plan = plan

    def change_speed(self, speed: float, *, forward: bool) -> bool:
        """Go on at another speed without a stop; False where what runs does not allow it."""
        same_way = self._sign == (1 if forward else -1)
        return self.moving and same_way and self._plan is not None and self._plan.change_speed(speed)

    def halt(self, within_s: float = math.inf) -> None:
        """Come to a stand along the ramp, or faster where that takes too long. Does not wait. Idempotent."""
        if self._plan is not None:
            self._plan.stop(within_s)

    async def stands(self, until: Until = never) -> None:
        """Wait until the motor stands; it is halted when `until` says so."""
        while self.moving:
            await self._host.wait(LOOK_NS)
            if await until():
                self.halt()
                until = never
        self._settle_account()

    async def finished(self, steps: int | None = None, until: Until = never) -> None:
        """Wait for the end of what runs. A caller who is cancelled meanwhile halts it, and waits on until it stands.

        Args:
            steps: how many it should have been; None for however many.
            until: asked all the time; halts the motor when it says so.

        Raises:
            BusError: a pin could not be written, or fewer steps were sent than that; the current is off.
        """
        try:
            await self.stands(until)
        except BaseException:
            self.halt()
            await self.stands()
            raise
        finally:
            self._release_soon()
        self._raise_failure()
        if steps is not None and abs(self.last_motion) != steps:
            done = abs(self.last_motion)
            raise BusError(f"{self._label}: its pulses ended after {done} of {steps} steps; see the log")

    def lock_off(self) -> None:
        """Cut off what runs and take the current away, for good. Never raises."""
        self.halt(0.0)
        self._way.lock_off()

    def rest(self) -> None:
        """Take the current away later no more: the motor is let go. Idempotent."""
        if self._release is not None:
            self._release.cancel()

    def _release_soon(self) -> None:
        self.rest()
        if not self._hold:
            self._release = self._host.after(RELEASE_AFTER_NS, self._release_now)

    def _release_now(self) -> None:
        if self.moving:
            self._release_soon()
        else:
            self._way.release()

    def _raise_failure(self) -> None:
        failure = self._way.failure
        if failure is None:
            return
        self._way.failure = None
        self._way.release()
        if isinstance(failure, ClosedError):
            raise failure
        raise BusError(f"{self._label}: stopped on the way: {failure}") from failure

    def _lost(self, loss: PinLoss, steps: int) -> None:
        self.unsure += steps
        self._logger.error(
            "%s: stopped, without current, and its position may be off by %d steps: %s", self._label, steps, loss.error
        )

    def _settle_account(self) -> None:
        """Put the steps of a motion that is over to the position."""
        if self._run is None:
            return
        progress = self._run.progress()
        if progress.running:
            return
        self._run = self._plan = None
        self.last_motion = self._sign * progress.sent
        self._counted += self.last_motion
        self.unsure += progress.unsure
        if progress.unsure:
            self._logger.warning(
                "%s: cut off in its motion; its position may be off by %d steps", self._label, progress.unsure
            )
