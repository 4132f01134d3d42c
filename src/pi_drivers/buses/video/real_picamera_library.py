"""picamera2 as a library: loading it, opening one of its cameras, and what its failures mean.

It is a package of Raspberry Pi OS, not of pip, and stands on others that are; so it may be missing in more ways than
one. Much of what it reports is a RuntimeError with a text, or one behind another: the texts are read here and nowhere
else.
"""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pi_drivers.errors import BusAbsentError, BusError, ClaimedError, DriverError, MissingLibraryError

LONGEST_TURN_S = 3.0
"""Opening takes about a second on a slow Pi, closing less than half of one."""
FOR_EVER = -1

_turn = threading.Lock()


@contextmanager
def turn(place: str, longest_s: float | None = None) -> Iterator[None]:
    """Open or close a camera: picamera2 keeps what all cameras share, without a guard against two threads.

    Raises:
        BusError: somebody has been at it for too long.
    """
    if not _turn.acquire(timeout=LONGEST_TURN_S if longest_s is None else longest_s):
        raise BusError(
            f"{place}: libcamera is still opening or closing a camera, and seems to hang. Restart this program; if "
            "that does not help, reboot the Pi and check the ribbon cable."
        )
    try:
        yield
    finally:
        _turn.release()


def load() -> Any:
    """The class Picamera2.

    Raises:
        MissingLibraryError: it, or one of those it stands on, cannot be loaded; the message says how to get it.
    """
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise MissingLibraryError(
            "CSI cameras need the library picamera2: sudo apt install -y python3-picamera2 (a virtual environment must "
            f"see the system's packages); what is missing: {error}"
        ) from error
    except ValueError as error:  # of a compiled part that was made for another numpy
        raise MissingLibraryError(
            "the system's picamera2 does not go with the numpy of this virtual environment: install a newer "
            f"simplejpeg in it (pip install 'simplejpeg>=1.8'); it says: {error}"
        ) from error
    return Picamera2


def choices_of(name: str) -> dict[int, str]:
    """What the values of a control are called, if they have names."""
    import libcamera

    for group in (libcamera.controls, getattr(libcamera.controls, "draft", None)):
        enumeration = getattr(group, f"{name}Enum", None)
        if enumeration is not None:
            return {int(value): member for member, value in enumeration.__members__.items()}
    return {}


def opened(number: int, place: str) -> Any:
    """A Picamera2, in its turn.

    Raises:
        ClaimedError, BusAbsentError, BusError: each says what to do.
    """
    picamera2 = load()
    # Made in two steps, so that something is left to clean up when the second one fails.
    camera = picamera2.__new__(picamera2)
    try:
        camera.__init__(number)
    except Exception as error:
        _abandon(camera)
        raise failure(place, "cannot be opened", error) from error
    return camera


def _abandon(camera: Any) -> None:
    """Close what it leaves open when it fails: two descriptors, at every attempt."""
    with suppress(Exception):
        if camera.is_open:
            camera.close()
        else:
            camera.notifymeread.close()
            os.close(camera.notifyme_w)


@contextmanager
def told_as(place: str, what: str) -> Iterator[None]:
    """Whatever comes out of the library becomes one of our errors.

    Args:
        place: where.
        what: happened then, as in "cannot be started".
    """
    try:
        yield
    except DriverError:
        raise
    except Exception as error:
        raise failure(place, what, error) from error


def failure(place: str, what: str, error: BaseException) -> DriverError:
    """What an exception of the library means."""
    texts = list(_texts(error))
    said = "; ".join(texts)
    if any(hint in said.lower() for hint in ("resource busy", "in use by another", "failed to acquire", "code: -16")):
        return ClaimedError(
            f"{place}: another program uses this camera. Stop it; sudo fuser -v /dev/media* shows which it is."
        )
    if "not found" in said:
        return absent(place)
    if os.strerror(errno.ENOMEM) in said:
        return BusError(
            f"{place}: there is not enough memory for its pictures. Choose a smaller width_px and height_px, or end "
            "other programs that use a camera or the screen."
        )
    return BusError(f"{place}: the camera {what}: {said}")


def absent(place: str) -> BusAbsentError:
    """There is no camera at all."""
    return BusAbsentError(
        f"{place}: there is no such camera, libcamera sees none at all. Is its ribbon cable in firmly and the right "
        "way round at both ends, and camera_auto_detect=1 (or the dtoverlay of the sensor) in "
        "/boot/firmware/config.txt? Reboot after a change; rpicam-hello --list-cameras then lists it."
    )


def _texts(error: BaseException | None) -> Iterator[str]:
    """What it says, and those before it that led to it: picamera2 hides the reason behind a text of its own."""
    while error is not None:
        yield str(error) or type(error).__name__
        error = error.__cause__ or error.__context__
