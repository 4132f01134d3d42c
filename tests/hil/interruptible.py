"""Threads whose calls wait within the kernel, for something that may never come, and that can be ended nevertheless: a
signal to the thread makes such a call return.
"""

import signal
import threading
from collections.abc import Callable

WAKING = signal.SIGUSR1
WAKE_EVERY_S = 0.01


def allow_interruptions() -> None:
    """Let the signal do no more than to end a call. Once, on the main thread."""
    signal.signal(WAKING, lambda *_: None)


class Interruptible:
    """A thread that runs until it is ended."""

    def __init__(self, name: str, run: Callable[[threading.Event], None]) -> None:
        """Start it: `run` gets an event and returns when set; calls that wait raise `InterruptedError` then."""
        self._ending = threading.Event()
        self._finished = threading.Event()
        self._let_go = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(run,), name=name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Interrupt what it waits for, as often as it takes, and wait until it is gone."""
        self._ending.set()
        while not self._finished.wait(WAKE_EVERY_S):
            assert self._thread.ident is not None
            signal.pthread_kill(self._thread.ident, WAKING)
        self._let_go.set()
        self._thread.join()

    def _run(self, run: Callable[[threading.Event], None]) -> None:
        try:
            run(self._ending)
        finally:
            self._finished.set()
            # It stays until nobody sends it signals any more.
            self._let_go.wait()
