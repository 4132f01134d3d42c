"""A camera's device file: one place that asks the kernel, and one that makes our errors of its refusals."""

import ctypes
import errno
import fcntl
import os
import threading
from collections.abc import Collection

from pi_drivers.buses.video import answers
from pi_drivers.errors import BusAbsentError, DriverError

Argument = ctypes.Structure | ctypes.c_int

GONE = frozenset({errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ESHUTDOWN})


class VideoFile:
    """An open device file. One thread at a time."""

    def __init__(self, place: str) -> None:
        """Open it, which changes nothing about the camera.

        Raises:
            BusAbsentError, BusPermissionError, ClaimedError, BusError: it cannot be opened.
        """
        self.place = place
        try:
            self.descriptor = os.open(place, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise error_of(place, "open it", error) from error

    def ask(self, request: int, argument: Argument, what: str, *, expected: Collection[int] = ()) -> int:
        """Ask the kernel for something.

        Args:
            request: one of the numbers in `v4l2_structs`.
            argument: its structure, which the kernel may change.
            what: what for, as in "the camera failed to …".
            expected: answers that are no errors here.

        Returns:
            0, or that one of `expected` which was the answer.

        Raises:
            BusAbsentError, BusPermissionError, ClaimedError, BusError: any other answer.
        """
        while True:
            try:
                fcntl.ioctl(self.descriptor, request, argument)
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno in expected:
                    return error.errno or 0
                raise error_of(self.place, what, error) from error
            return 0

    def close(self) -> None:
        """Close it. Call once."""
        os.close(self.descriptor)


class Waker:
    """Ends somebody's wait from another thread: `descriptor` can be read from once `wake` was called."""

    def __init__(self) -> None:
        # Nobody may close it while it is being written to: its number could be another file's by then.
        self._lock = threading.Lock()
        self._closed = False
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def wake(self) -> None:
        """End the wait, and those to come."""
        with self._lock:
            if not self._closed:
                os.eventfd_write(self.descriptor, 1)

    def close(self) -> None:
        """Let it go. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self.descriptor)


def error_of(place: str, what: str, error: OSError) -> DriverError:
    """What a refusal of the kernel means."""
    if error.errno in GONE:
        return answers.unplugged(place)
    if error.errno == errno.EBUSY:
        return answers.in_use(place)
    if error.errno in (errno.EACCES, errno.EPERM):
        return answers.not_allowed(place)
    if error.errno == errno.ENOSPC:
        return answers.no_bandwidth(place)
    if error.errno == errno.ENOTTY:
        return BusAbsentError(f"{place} is not a camera")
    return answers.failed(place, what, f"{error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})")
