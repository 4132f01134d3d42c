"""The motions of a stepper, one at a time: endless, so many steps, to a position, and home.

A newer motion lets the older come to a stand along its ramp and then begins, but for a mere change of speed, which
needs no stop. A motion whose caller has gone has half a second to stand.
"""

import asyncio
import logging
from collections.abc import Callable

from pi_drivers.errors import SupersededError
from pi_drivers.models.motor.homing import Homing
from pi_drivers.models.motor.step_drive import StepDrive
from pi_drivers.models.motor.stepper_position import StepperPosition
from pi_drivers.runtime.operation import Operation

HALT_WITHIN_S = 0.5
"""How long the motor may go on along its ramp, once its caller has gone."""


class StepperMotions:
    """The motions of one stepper. Used on the event loop."""

    def __init__(
        self,
        label: str,
        logger: logging.Logger,
        drive: StepDrive,
        position: StepperPosition,
        check_open: Callable[[], None],
    ) -> None:
        """Args: label, logger, drive, position: the motor's own. check_open: raises when it may move no more."""
        self._label = label
        self._drive = drive
        self._position = position
        self._check_open = check_open
        self.operation = Operation(label, logger, self.halt)

    def halt(self) -> None:
        """Nobody wants it to move any more. Does not wait."""
        self._drive.halt(HALT_WITHIN_S)

    async def spin(self, what: str, speed: float, *, forward: bool) -> None:
        """Turn at so many steps per second, for nobody who waits for the end.

        Raises:
            SupersededError: a newer command came before it began.
            BusError: a pin could not be written; the motor stands.
        """
        if self._drive.change_speed(speed, forward=forward):
            return
        begun = asyncio.Event()
        motion = await self.operation.start(what, lambda: self._turn(speed, forward, begun))
        waiting = asyncio.ensure_future(begun.wait())
        try:
            await asyncio.wait({waiting, motion.task}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            motion.task.cancel()
            raise
        finally:
            waiting.cancel()
        if motion.task.done() and not begun.is_set():
            if motion.task.cancelled():
                raise SupersededError(f"{self._label}: {what} was superseded by a newer command")
            motion.task.result()

    async def move_by(self, steps: int, speed: float) -> None:
        """Make so many steps, with the sign of the direction, and stand.

        Raises:
            SupersededError: a newer command took over.
            BusError: a pin could not be written; the motor stands.
        """
        await self.operation.run("go_for", lambda: self._move(steps, speed))

    async def move_to(self, revolutions: float, speed: float) -> None:
        """Go to a position and stand there. Raises: as `move_by` does."""
        await self.operation.run("go_to", lambda: self._move_to(revolutions, speed))

    async def find_home(self, homing: Homing) -> float:
        """Turn to the home switch and make it zero; returns where it was by the old one.

        Raises:
            MotionTimeoutError: it did not come; the motor stands.
            Others: as `move_by` does.
        """
        return await self.operation.run("home", lambda: self._home(homing))

    async def stop(self) -> None:
        """Come to a stand along the ramp, and wait for it."""
        self._drive.halt()
        try:
            await self.operation.take_over("stop")
        except SupersededError:
            return  # a newer command came while the older one ended; the motor stood in between
        await self._drive.stands()

    async def _turn(self, speed: float, forward: bool, begun: asyncio.Event) -> None:
        self._check_open()
        await self._drive.begin(None, speed, forward=forward)
        begun.set()
        await self._finish(None)

    async def _move_to(self, revolutions: float, speed: float) -> None:
        await self._drive.stands()
        steps = self._position.steps_to(revolutions)
        if steps:
            await self._move(steps, speed)

    async def _move(self, steps: int, speed: float) -> None:
        self._check_open()
        await self._drive.begin(abs(steps), speed, forward=steps > 0)
        await self._finish(abs(steps))

    async def _finish(self, steps: int | None) -> None:
        try:
            await self._drive.finished(steps)
        finally:
            self._position.save()

    async def _home(self, homing: Homing) -> float:
        self._check_open()
        try:
            await homing.find()
            was = self._position.revolutions()
            self._position.zero_here(0.0)
        finally:
            self._position.save()
        return was
