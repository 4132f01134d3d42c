"""Who moves the motor now: commands become motions here, one at a time, and every end of one is a safe one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from pi_drivers.errors import SupersededError
from pi_drivers.host.contract import Host
from pi_drivers.models.motor.motions import Motions
from pi_drivers.models.motor.power_drive import PowerDrive
from pi_drivers.models.motor.watchdog import CommandWatchdog
from pi_drivers.models.pins import PinLoss
from pi_drivers.runtime.operation import Operation

T = TypeVar("T")


class MotorControl:
    """The commands of one motor, whose arguments were checked. Used on the event loop."""

    def __init__(
        self,
        label: str,
        logger: logging.Logger,
        host: Host,
        timeout_ms: int,
        drive: PowerDrive,
        motions: Motions,
        check_open: Callable[[], None],
    ) -> None:
        """Prepare; nothing moves.

        Args:
            label: the motor, for messages.
            logger: the motor's.
            host: its clock.
            timeout_ms: how long a motion that nobody waits for may last without a new command; 0 for ever.
            drive: the power.
            motions: what can be done with it.
            check_open: raises ClosedError when the motor was closed.
        """
        self._label = label
        self._drive = drive
        self._motions = motions
        self._check_open = check_open
        self._ended = False
        self._applied: str | None = None
        self._stopping: asyncio.Task[None] | None = None
        self.operation = Operation(label, logger, self.make_safe)
        self.watchdog = CommandWatchdog(label, logger, host, timeout_ms, self._stop_unattended)
        drive.bridge.tell(self._lost)

    @property
    def motion(self) -> str | None:
        """The command that moves the motor now; None when it has no power, and is to get none."""
        return self.operation.running or (self._applied if self._drive.power else None)

    async def run(self, what: str, motion: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a motion whose caller waits for its end. Raises: StallError: a fault is not cleared; or as it does."""
        self._motions.refuse_if_stalled()
        self.watchdog.rest()
        result = await self.operation.run(what, motion)
        self.operation.failure = None
        return result

    async def apply(self, what: str, power: float) -> None:
        """Apply a power at once, as far as the ramp allows; what is left to do goes on by itself.

        Raises:
            ArgumentError, StallError, BusError: it may not, or could not; what ran before runs on, or all is off.
        """
        end = await self._motions.check_start(power) if power else None
        await self.operation.take_over(what)
        self._check_open()
        there = await self._drive.step(power)
        self._applied = what
        if self.operation.running is not None:
            raise SupersededError(f"{self._label}: {what} was superseded by {self.operation.running}")
        if power:
            self.watchdog.watch()
        else:
            self.watchdog.rest()
        if not there or (power and self._motions.needs_watching(end)):
            keep = self._motions.keep_power
            await self.operation.start(what, lambda: self._unattended(lambda: keep(power, end, there=there)))

    async def hold_speed(self, rpm: float) -> None:
        """Hold a speed by the encoder; a speed that is held already changes without a break.

        Raises:
            ArgumentError, StallError, BusError, ClosedError: it may not, or the encoder cannot be read.
        """
        end = await self._motions.check_start(rpm)
        # An encoder that cannot be read is this caller's error, not only a line in the log.
        await self._motions.shaft.sample()
        if self.operation.running != "set_rpm" or not self._motions.change_speed(rpm, end):
            await self.operation.start("set_rpm", lambda: self._unattended(lambda: self._motions.hold_speed(rpm, end)))
        self.watchdog.watch()

    async def stop(self, rest: Callable[[], Awaitable[None]]) -> None:
        """Take the power away at once, end what moves the motor, and let it come to rest as told."""
        self.make_safe()
        if self._ended:
            return
        try:
            await self.operation.take_over("stop")
        except SupersededError:
            return  # a newer command came while the older one ended; the motor was stopped in between
        await rest()

    def make_safe(self) -> None:
        """Take the power away at once; synchronous, idempotent, never raises."""
        self.watchdog.rest()
        self._drive.make_safe()

    def end(self) -> None:
        """Stop for good, as closing does. Does not wait."""
        self._ended = True
        self.make_safe()
        self.operation.abandon()

    def _lost(self, loss: PinLoss) -> None:
        """The board has failed: what runs ends with its error, and the motor is off, or is told to be."""
        if self._drive.bridge.switched_on or self.operation.running is not None:
            self.operation.fail(loss.error)

    def _stop_unattended(self) -> None:
        """Stop because no command came: the power goes at once, and the rest of a stop follows."""
        self._drive.make_safe()
        stopping = asyncio.get_running_loop().create_task(
            self.stop(self._drive.rest), name=f"{self._label}: no command came"
        )
        stopping.add_done_callback(self._stopped)
        self._stopping = stopping

    def _stopped(self, task: asyncio.Task[None]) -> None:
        # A board that does not answer was told to switch off already, and is told again until it confirms.
        if not task.cancelled() and task.exception() is not None:
            self.operation.failure = task.exception()

    async def _unattended(self, motion: Callable[[], Awaitable[None]]) -> None:
        """A motion nobody waits for; once it has ended with the power off, nothing is left to be watched over."""
        await motion()
        if self._drive.power == 0.0:
            self.watchdog.rest()
