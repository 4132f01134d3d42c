"""The last line of defence: every actuator leaves a way to make it safe that always works.

A make-safe function is synchronous, idempotent and quick, and does not need the event loop: it is called from a
signal, from another thread, or while the interpreter exits. It runs when the parent process dies, when the module is
told to stop, and at exit, so it is for good: nothing that still runs may power the actuator again.
"""

import atexit
import logging
import threading
from collections.abc import Callable

LOGGER = logging.getLogger(__name__)

MakeSafe = Callable[[], None]


class SafetyRegister:
    """All make-safe functions of this process. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[object, tuple[str, MakeSafe]] = {}

    def add(self, name: str, make_safe: MakeSafe) -> Callable[[], None]:
        """Register an actuator; returns the function that takes it off the register again (idempotent)."""
        token = object()
        with self._lock:
            self._entries[token] = (name, make_safe)

        def remove() -> None:
            with self._lock:
                self._entries.pop(token, None)

        return remove

    def make_all_safe(self, reason: str) -> None:
        """Make every registered actuator safe. Never raises; one failure does not stop the rest."""
        with self._lock:
            entries = list(self._entries.values())
        for name, make_safe in entries:
            try:
                make_safe()
            except Exception:
                LOGGER.exception("%s could not be made safe (%s)", name, reason)

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)


SAFETY = SafetyRegister()
"""The register of this process."""

atexit.register(SAFETY.make_all_safe, "the process exits")
