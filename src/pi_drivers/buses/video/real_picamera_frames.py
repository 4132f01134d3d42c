"""Where picamera2's thread leaves frames, and ours fetches them; and how they are numbered.

A frame is memory that it shares with the camera, and goes back when it is released. Only the newest one is kept, so
that the camera never runs out of memory, and whoever comes late gets the last frame and not the first.
"""

import threading
import time
from typing import Any


class NewestRequest:
    """The newest frame, as one of picamera2's completed requests. Any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._request: Any = None
        self._count = 0
        self._ended = False

    def put(self, request: Any) -> None:
        """Keep a frame, and give the one before it back. Called by picamera2 on its own thread for each frame."""
        with self._changed:
            self._count += 1
            if self._ended:
                return
            request.acquire()
            before, self._request = self._request, request
            self._changed.notify_all()
        if before is not None:
            before.release()

    def wait(self, timeout_ns: int, after: int = 0) -> bool:
        """Wait until there is one that came after so many; False when none does in time, or `end` was called."""
        deadline_ns = time.monotonic_ns() + timeout_ns
        with self._changed:
            while (self._request is None or self._count <= after) and not self._ended:
                left_ns = deadline_ns - time.monotonic_ns()
                if left_ns <= 0:
                    return False
                self._changed.wait(left_ns / 1e9)
            return not self._ended

    def take(self) -> tuple[Any, int] | None:
        """The newest one, and how many have come so far; the caller has to release it."""
        with self._changed:
            request, self._request = self._request, None
            return None if request is None else (request, self._count)

    def share(self) -> tuple[Any, int] | None:
        """As `take`, but it stays for whoever takes it."""
        with self._changed:
            if self._request is None:
                return None
            self._request.acquire()
            return self._request, self._count

    def end(self) -> None:
        """Keep no more frames; who waits, now or later, is sent away. Idempotent."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class FrameNumbers:
    """The numbers of frames, with gaps where some are missing. One thread at a time.

    libcamera has numbers of its own, and no gaps in them: a request waits until there is a frame for it, and the image
    processor counts what it is given. What the sensor's frames lost on their way shows in the times of exposure alone.
    """

    def __init__(self) -> None:
        self._number = 0
        self._came = 0
        self._taken_ns: int | None = None

    def number_of(self, came: int, taken_ns: int, duration_ns: float) -> int:
        """The number of a frame.

        Args:
            came: how many came so far, this one included; it is at least so many further than the one before.
            taken_ns: when it was exposed, on any clock.
            duration_ns: how long a frame lasts.
        """
        elapsed_ns = 0 if self._taken_ns is None else taken_ns - self._taken_ns
        self._number += max(came - self._came, round(elapsed_ns / duration_ns))
        self._came, self._taken_ns = came, taken_ns
        return self._number
