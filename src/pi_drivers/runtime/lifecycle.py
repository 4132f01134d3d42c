"""Opening step by step, closing in reverse, whatever happens in between.

A resource is born closed. While it opens, it leaves behind a step to undo each thing it did; when opening fails, the
steps so far run at once and nothing is left behind. Closing has two parts. The first is synchronous: it stops motion
and lets go of pins and claims without a single suspension, so that no cancellation can come between and a stale holder
can be evicted from `new()`. The second waits, within a budget, for tasks and threads that were told to end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

CLOSE_BUDGET_S = 0.5
"""How long a close may wait for tasks and threads before it leaves them behind."""

Release = Callable[[], None]
Finish = Callable[[], Awaitable[object]]


class Lifecycle:
    """The undo steps of one resource. Used on the event loop; `release_now` also from any thread."""

    def __init__(self, name: str, logger: logging.Logger) -> None:
        self._name = name
        self._logger = logger
        self._steps: list[tuple[str, Release, Finish | None]] = []
        self._finishing: list[tuple[str, Finish]] = []
        self._closing: asyncio.Task[None] | None = None
        self.closed = False

    def push(self, what: str, release: Release, finish: Finish | None = None) -> None:
        """Leave a step behind: `release` runs first and never waits, `finish` may wait for what it started."""
        self._steps.append((what, release, finish))

    def release_now(self) -> None:
        """Run the synchronous part of every step, newest first. Idempotent, never raises."""
        self.closed = True
        while self._steps:
            what, release, finish = self._steps.pop()
            try:
                release()
            except Exception:
                self._logger.exception("%s: closing: %s failed", self._name, what)
            if finish is not None:
                self._finishing.append((what, finish))

    async def close(self) -> None:
        """Release everything, then wait for what was told to end. Idempotent; a second caller waits for the first.

        Never raises an error of a step and ends within `CLOSE_BUDGET_S`.
        """
        self.release_now()
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._finish(), name=f"{self._name}: close")
        await asyncio.shield(self._closing)

    async def _finish(self) -> None:
        if not self._finishing:
            return
        waits = {asyncio.ensure_future(self._finish_one(what, finish)) for what, finish in self._finishing}
        self._finishing.clear()
        _, late = await asyncio.wait(waits, timeout=CLOSE_BUDGET_S)
        for wait in late:
            wait.cancel()
        if late:
            self._logger.warning("%s: %d of its tasks did not end within %.1f s of close", self._name, len(late),
                                 CLOSE_BUDGET_S)  # fmt: skip

    async def _finish_one(self, what: str, finish: Finish) -> None:
        try:
            await finish()
        except Exception:
            self._logger.exception("%s: closing: %s failed", self._name, what)
