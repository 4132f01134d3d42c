"""An event loop that lives in a hand-driven world: it never sleeps, it moves the world's time instead.

While anything is ready to run, the loop runs it. When nothing is, and no bus worker computes, the loop lets the world's
time pass up to whatever comes first, an event of the world or a timer of its own. `loop.time()` is the world's time, so
`asyncio.sleep`, time-outs and deadlines are in robot seconds.
"""

import asyncio
import math
import selectors
from typing import Any

from pi_drivers.world.clock import HandClock
from pi_drivers.world.mechanics import SECOND


class HandDrivenSelector(selectors.DefaultSelector):
    """Advances the world where a selector would block."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        # Asked before looking: a worker at rest now has sent all it had to send, and what it sent is seen.
        computing = self._clock.running
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if computing:
            return super().select(0.05)  # a worker that comes to rest wakes the loop at once
        next_ns = self._clock.next_event_ns()
        if timeout is not None:
            timer_ns = self._clock.now_ns() + math.ceil(timeout * SECOND)
            next_ns = timer_ns if next_ns is None else min(next_ns, timer_ns)
        if next_ns is None:
            return super().select(timeout)  # only the outside world can go on: a socket, a signal
        self._clock.advance_to(next_ns)
        return super().select(0)


class HandDrivenLoop(asyncio.SelectorEventLoop):
    """The loop; give it the clock of the world it lives in."""

    def __init__(self, clock: HandClock) -> None:
        self._world_clock = clock
        super().__init__(HandDrivenSelector(clock))
        clock.wake = self._look_again

    def time(self) -> float:
        return self._world_clock.now_ns() / SECOND

    def close(self) -> None:
        self._world_clock.wake = lambda: None
        super().close()

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for what runs on threads, however long it takes: a limit in robot time is over at once."""
        await super().shutdown_default_executor()

    def _look_again(self) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(lambda: None)
