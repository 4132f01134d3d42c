"""Calls that block, made on a thread of their own while the test goes on; and how a world by hand waits for them."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from pi_drivers.world.clock import HandClock
from pi_drivers.world.world import World

T = TypeVar("T")

MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Aside(Generic[T]):
    """A call on a thread of its own, for what blocks."""

    def __init__(self, job: Callable[[], T], let_time_pass: Callable[[], None] = lambda: None) -> None:
        self._job = job
        self._let_time_pass = let_time_pass
        self._answers: list[T] = []
        self._errors: list[Exception] = []
        self._thread = threading.Thread(target=self._run, name="bus test", daemon=True)
        self._thread.start()

    def result(self, within_s: float = 5.0) -> T:
        """What came of it. Raises: TimeoutError: nothing yet."""
        limit = time.monotonic() + within_s
        while self._thread.is_alive() and time.monotonic() < limit:
            self._let_time_pass()
            self._thread.join(0.001)
        for error in self._errors:
            raise error
        if not self._answers:
            raise TimeoutError("the call has not come back")
        return self._answers[0]

    def _run(self) -> None:
        try:
            self._answers.append(self._job())
        except Exception as error:
            self._errors.append(error)


class ByHand:
    """A simulated Pi whose time is moved by hand, with calls aside that live in it."""

    def __init__(self) -> None:
        self.world = World.by_hand()

    @property
    def clock(self) -> HandClock:
        """The world's clock."""
        assert isinstance(self.world.clock, HandClock)
        return self.world.clock

    def now_ns(self) -> int:
        """The world's time."""
        return self.clock.now_ns()

    def aside(self, job: Callable[[], T]) -> Aside[T]:
        """Run something on another thread, up to where it blocks."""
        self.clock.entered()

        def counted() -> T:
            try:
                return job()
            finally:
                self.clock.left()

        started = Aside(counted, self._let_time_pass)
        self._wait_until_all_block()
        return started

    def settle(self, duration_ns: int = 30 * MILLISECOND) -> None:
        """Let time pass."""
        self._wait_until_all_block()
        self.clock.advance(duration_ns)
        self._wait_until_all_block()

    def _let_time_pass(self) -> None:
        if not self.clock.running:
            self.clock.advance(MILLISECOND)

    def _wait_until_all_block(self) -> None:
        limit = time.monotonic() + 5
        while self.clock.running and time.monotonic() < limit:
            time.sleep(0.0005)
