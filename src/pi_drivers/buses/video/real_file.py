"""A camera's device file: one place that asks the kernel, and one that makes our errors of its refusals."""

import ctypes
import errno
import fcntl
import os
import threading
from collections.abc import Callable, Collection

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.errors import DriverError

Argument = ctypes.Structure | ctypes.c_int

GONE = frozenset({errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ESHUTDOWN})


MEANINGS: dict[int, Callable[[str], DriverError]] = {
    **dict.fromkeys(GONE, answers.unplugged),
    errno.EBUSY: answers.in_use,
    errno.EACCES: answers.not_allowed,
    errno.EPERM: answers.not_allowed,
    errno.EMFILE: answers.too_many_files,
    errno.ENFILE: answers.too_many_files,
    errno.ENOSPC: answers.no_bandwidth,
    errno.ENOTTY: answers.not_a_camera,
}


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
                raise self._meaning_of(error, what) from error
            return 0

    def _meaning_of(self, error: OSError, what: str) -> DriverError:
        """What went wrong. Pulled out in the midst of something, it fails in many ways: asked once more, it is gone."""
        try:
            fcntl.ioctl(self.descriptor, v4l2.QUERYCAP, v4l2.Capability())
        except OSError as second:
            if second.errno in GONE:
                return answers.unplugged(self.place)
        return error_of(self.place, what, error)

    def close(self) -> None:
        """Close it. Call once."""
        os.close(self.descriptor)


class Waker:
    """Ends somebody's wait from another thread: `descriptor` can be read from once `wake` was called."""

    def __init__(self, place: str) -> None:
        """Make it.

        Args:
            place: whose wait it ends, for messages.

        Raises:
            BusError: no more files can be open.
        """
        # Nobody may close it while it is being written to: its number could be another file's by then.
        self._lock = threading.Lock()
        self._closed = False
        try:
            self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as error:
            raise error_of(place, "be waited for", error) from error

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
    if error.errno in MEANINGS:
        return MEANINGS[error.errno](place)
    return answers.failed(place, what, f"{error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})")
