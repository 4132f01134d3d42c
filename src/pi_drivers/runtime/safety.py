"""The last line of defence: every actuator leaves a way to make it safe that always works.

A make-safe function is synchronous, idempotent and quick, and does not need the event loop: it is called from a
signal, from another thread, or while the interpreter exits. It runs when the parent process dies, when the module is
told to stop, and at exit, so it is for good: nothing that still runs may power the actuator again.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

LOGGER = logging.getLogger(__name__)

MakeSafe = Callable[[], None]

SLOW_WAIT_S = 0.2
"""How long all slow ones together are waited for: the guard's patience is 0.25 s. They then go on by themselves."""


class Entry(NamedTuple):
    """One actuator."""

    name: str
    make_safe: MakeSafe
    slow: bool


class SafetyRegister:
    """All make-safe functions of this process. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[object, Entry] = {}

    def add(self, name: str, make_safe: MakeSafe, *, slow: bool = False) -> Callable[[], None]:
        """Register an actuator; returns the function that takes it off the register again (idempotent).

        Args:
            name: for messages.
            make_safe: makes it safe, from any thread.
            slow: it waits for a bus, which may hang: it comes behind all the others, on a thread of its own.
        """
        token = object()
        with self._lock:
            self._entries[token] = Entry(name, make_safe, slow)

        def remove() -> None:
            with self._lock:
                self._entries.pop(token, None)

        return remove

    def make_all_safe(self, reason: str) -> None:
        """Make every registered actuator safe. Never raises; one failure does not stop the rest."""
        with self._lock:
            entries = list(self._entries.values())
        for entry in entries:
            if not entry.slow:
                _make_safe(entry, reason)
        deadline = time.monotonic() + SLOW_WAIT_S
        for thread in [_start(entry, reason) for entry in entries if entry.slow]:
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)


def _make_safe(entry: Entry, reason: str) -> None:
    try:
        entry.make_safe()
    except Exception:
        LOGGER.exception("%s could not be made safe (%s)", entry.name, reason)


def _start(entry: Entry, reason: str) -> threading.Thread | None:
    thread = threading.Thread(target=_make_safe, args=(entry, reason), name=f"make {entry.name} safe", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread can be started any more while the interpreter exits
        _make_safe(entry, reason)
        return None
    return thread


SAFETY = SafetyRegister()
"""The register of this process."""

atexit.register(SAFETY.make_all_safe, "the process exits")
