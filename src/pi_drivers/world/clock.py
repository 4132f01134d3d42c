"""The time of the simulated Pi, in whole nanoseconds.

Two clocks share one event queue. The hand-driven one stands still until a test moves it, so a minute of robot passes in
milliseconds and always the same way. The paced one follows CLOCK_MONOTONIC, so that people, and programs that know
nothing of the simulation, see a robot that moves at its own speed.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable

Event = Callable[[], None]

PACE_NS = 2_000_000
"""How far a paced world may lag behind before its thread catches up. Whoever looks at the world brings it up to now."""


class Timer:
    """An event to come; `cancel` before it happens is idempotent."""

    __slots__ = ("event", "when_ns")

    def __init__(self, when_ns: int, event: Event) -> None:
        self.when_ns = when_ns
        self.event: Event | None = event

    def cancel(self) -> None:
        """Keep the event from happening."""
        self.event = None


class Bell:
    """Wakes one sleeper before its time. Rung and cleared under the clock's lock; stays rung until it is cleared."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self.on_ring: Event = lambda: None

    @property
    def rung(self) -> bool:
        """Whether it was rung since it was last cleared."""
        return self._rung.is_set()

    def ring(self) -> None:
        """Wake who sleeps, or who is about to."""
        self._rung.set()
        self.on_ring()

    def clear(self) -> None:
        """Let the next one sleep. To be done before looking for what would make sleeping needless."""
        self._rung.clear()

    def wait(self, timeout_s: float) -> None:
        """Sleep on the wall clock."""
        self._rung.wait(timeout_s)


class WorldClock:
    """A queue of events and the time they are at. Guarded by `lock`, which its users hold as well."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._now_ns = 0
        self._queue: list[tuple[int, int, Timer]] = []
        self._sequence = itertools.count()

    def now_ns(self) -> int:
        """The time now; inside an event, exactly the event's own."""
        with self.lock:
            self.catch_up()
            return self._now_ns

    def at(self, when_ns: int, event: Event) -> Timer:
        """Let something happen at a time; in the past means at once, but not within this call."""
        with self.lock:
            timer = Timer(max(when_ns, self._now_ns), event)
            heapq.heappush(self._queue, (timer.when_ns, next(self._sequence), timer))
            return timer

    def next_event_ns(self) -> int | None:
        """When the next event is due; None when nothing will happen by itself."""
        with self.lock:
            while self._queue and self._queue[0][2].event is None:
                heapq.heappop(self._queue)
            return self._queue[0][0] if self._queue else None

    def advance_to(self, when_ns: int) -> None:
        """Let time pass up to a moment, with everything that happens on the way, in order."""
        with self.lock:
            while self._queue and self._queue[0][0] <= when_ns:
                due_ns, _, timer = heapq.heappop(self._queue)
                if timer.event is not None:
                    self._now_ns = max(self._now_ns, due_ns)
                    timer.event()
            self._now_ns = max(self._now_ns, when_ns)

    def advance(self, duration_ns: int) -> None:
        """Let a time pass."""
        with self.lock:
            self.advance_to(self._now_ns + duration_ns)

    def catch_up(self) -> None:
        """Bring the world up to now. The hand-driven clock is always there."""

    def sleep(self, duration_ns: int, bell: Bell | None = None) -> None:
        """Let a time pass for the calling thread; a bell ends it early."""
        raise NotImplementedError


class HandClock(WorldClock):
    """Time that stands still until it is moved.

    Bus workers that sleep are parked until the test's event loop has moved time far enough; the loop looks at `running`
    to know that every worker has come to rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.running = 0
        """Jobs on bus workers that are computing, not sleeping."""
        self.wake: Event = lambda: None
        """Called when a worker comes to rest, so that a waiting loop looks again."""

    def entered(self) -> None:
        """A job was handed to a worker."""
        with self.lock:
            self.running += 1

    def left(self) -> None:
        """A worker came to rest: its job is done, or sleeps."""
        with self.lock:
            self.running -= 1
        self.wake()

    def sleep(self, duration_ns: int, bell: Bell | None = None) -> None:
        """Park a bus worker; on any other thread, time simply moves on."""
        bell = bell or Bell()
        if not threading.current_thread().name.startswith("bus "):
            self._move_on(duration_ns, bell)
            return
        over = threading.Event()

        def wake_up() -> None:
            if not over.is_set():
                self.running += 1
                over.set()

        with self.lock:
            if bell.rung:
                return
            bell.on_ring = wake_up
            timer = self.at(self._now_ns + duration_ns, wake_up)
        self.left()
        over.wait()
        timer.cancel()

    def _move_on(self, duration_ns: int, bell: Bell) -> None:
        with self.lock:
            end_ns = self._now_ns + duration_ns
            while not bell.rung:
                next_ns = self.next_event_ns()
                if next_ns is None or next_ns > end_ns:
                    self.advance_to(end_ns)
                    return
                self.advance_to(next_ns)


class PacedClock(WorldClock):
    """Time that follows CLOCK_MONOTONIC; a thread lets happen what nobody looks at."""

    def __init__(self) -> None:
        super().__init__()
        self._now_ns = time.monotonic_ns()
        self._changed = threading.Condition(self.lock)
        self._catching_up = False
        threading.Thread(target=self._pace, name="world", daemon=True).start()

    def at(self, when_ns: int, event: Event) -> Timer:
        with self.lock:
            timer = super().at(when_ns, event)
            self._changed.notify()
            return timer

    def catch_up(self) -> None:
        # An event that asks for the time gets its own, not the present.
        if not self._catching_up:
            self._catching_up = True
            try:
                self.advance_to(time.monotonic_ns())
            finally:
                self._catching_up = False

    def sleep(self, duration_ns: int, bell: Bell | None = None) -> None:
        if bell is None:
            time.sleep(duration_ns / 1e9)
        else:
            bell.wait(duration_ns / 1e9)

    def _pace(self) -> None:
        while True:
            with self.lock:
                self.catch_up()
                due_ns = self.next_event_ns()
                # Waiting gives the lock away. Several events within one pace are served together.
                self._changed.wait(None if due_ns is None else max(due_ns - self._now_ns, PACE_NS) / 1e9)
