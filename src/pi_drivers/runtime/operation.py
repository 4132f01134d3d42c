"""One motion at a time: who moves an actuator now, and what happens when they go away.

A newer command takes over from an older one and waits until that has ended, so that two never write to the same pins.
A command whose caller has gone (cancelled, deadline passed, connection lost) makes the actuator safe in the very moment
the cancellation arrives, without a suspension in between: an `await` there could be killed by a second cancellation.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from pi_drivers.errors import ClosedError, SupersededError

T = TypeVar("T")


class _Motion(Generic[T]):
    """A motion that runs, and how it came to end."""

    def __init__(self, what: str, task: asyncio.Task[T]) -> None:
        self.what = what
        self.task = task
        self.superseded_by: str | None = None
        self.failed_with: Exception | None = None
        """What ended it from outside."""
        self.unattended = True
        """Nobody waits for its end."""


class Operation:
    """The motion of one actuator. Used on the event loop only."""

    def __init__(self, name: str, logger: logging.Logger, make_safe: Callable[[], None]) -> None:
        """Prepare.

        Args:
            name: for messages.
            logger: the resource's; it is told what fails when no caller waits for it.
            make_safe: synchronous, idempotent, never raises: takes the power away.
        """
        self._name = name
        self._logger = logger
        self._make_safe = make_safe
        self.failure: BaseException | None = None
        """What the newest motion that failed, failed with."""
        self._motion: _Motion[Any] | None = None
        self._newest = 0

    @property
    def running(self) -> str | None:
        """What moves the actuator now; None when nothing does."""
        return self._motion.what if self._motion is not None and not self._motion.task.done() else None

    async def run(self, what: str, motion: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a motion to its end for a caller who waits.

        Raises:
            SupersededError: a newer command took over.
            ClosedError: the motion was abandoned.
            Exception: whatever the motion raises; the actuator was made safe.
        """
        running = await self.start(what, motion)
        running.unattended = False
        try:
            await asyncio.wait({running.task})
        except asyncio.CancelledError:
            if running.superseded_by is None:
                self._make_safe()
            running.task.cancel()
            raise
        if running.failed_with is not None:
            raise running.failed_with
        if running.superseded_by is not None:
            raise SupersededError(f"{self._name}: {what} was superseded by {running.superseded_by}")
        if running.task.cancelled():
            raise ClosedError(f"{self._name} was closed during {what}")
        return running.task.result()

    async def start(self, what: str, motion: Callable[[], Coroutine[Any, Any, T]]) -> _Motion[T]:
        """Take over and let a motion run on by itself; it makes the actuator safe when it fails.

        Raises:
            SupersededError: an even newer command came meanwhile.
        """
        await self.take_over(what)
        running = _Motion(what, asyncio.get_running_loop().create_task(motion(), name=f"{self._name}: {what}"))
        self._motion = running
        running.task.add_done_callback(lambda task: self._ended(running, task))
        return running

    async def take_over(self, what: str) -> None:
        """End the motion that runs, if any; the caller moves the actuator from here on.

        Raises:
            SupersededError: an even newer command came meanwhile.
        """
        self._newest += 1
        mine = self._newest
        older = self._motion
        if older is None or older.task.done():
            return
        older.superseded_by = what
        older.task.cancel()
        try:
            await asyncio.wait({older.task})
        except asyncio.CancelledError:
            # Both have gone: nobody is left who knows how fast the actuator should move.
            if mine == self._newest:
                self._make_safe()
            raise
        if mine != self._newest:
            raise SupersededError(f"{self._name}: {what} was superseded by a newer command")

    def fail(self, error: Exception) -> None:
        """Make the actuator safe and end its motion, if any, with an error from outside of it. Does not wait.

        Args:
            error: for the motion's caller; it is logged where nobody waits.
        """
        self._make_safe()
        motion = self._motion
        if motion is None or motion.task.done():
            self.failure = error
            self._logger.error("%s was stopped: %s", self._name, error)
        elif motion.failed_with is None:
            motion.failed_with = error
            motion.task.cancel()

    def abandon(self) -> None:
        """End the motion for good, as closing does; the caller has made the actuator safe. Does not wait."""
        self._newest += 1
        if self._motion is not None:
            self._motion.task.cancel()

    async def ended(self) -> None:
        """Wait until the motion has ended."""
        if self._motion is not None:
            await asyncio.wait({self._motion.task})

    def _ended(self, motion: _Motion[Any], task: asyncio.Task[Any]) -> None:
        failure = motion.failed_with or (None if task.cancelled() else task.exception())
        if failure is not None:
            self.failure = failure
        if motion.superseded_by is None and (task.cancelled() or failure is not None):
            self._make_safe()
        if failure is not None and motion.unattended:
            self._logger.error("%s: %s failed, and was stopped: %s", self._name, motion.what, failure)
