"""picamera2 as a library: loading it, and what its failures mean.

It is a package of Raspberry Pi OS, not of pip, and stands on others that are; so it may be missing in more ways than
one. Much of what it reports is a RuntimeError with a text, or one behind another: the texts are read here and nowhere
else.
"""

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pi_drivers.errors import BusAbsentError, BusError, ClaimedError, DriverError, MissingLibraryError

NO_CAMERAS = re.compile(r"cameras?(\(s\))? not found", re.IGNORECASE)

HOW_TO_GET_IT = (
    "CSI cameras need the library picamera2: sudo apt install -y python3-picamera2 (a virtual environment must see the "
    "system's packages)"
)

FAILURES = (Exception, SystemExit)
"""What may come out of the library: somebody's script that ends itself while it is imported must not end this program.
"""

_asked_ns: dict[str, int] = {}
"""By place: since when an answer of libcamera is waited for."""


def load() -> Any:
    """The class Picamera2.

    Raises:
        MissingLibraryError: it, or one of those it stands on, cannot be loaded; the message says how to get it.
    """
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise MissingLibraryError(f"{HOW_TO_GET_IT}; what is missing: {error}") from error
    except ValueError as error:  # of a compiled part that was made for another numpy
        raise MissingLibraryError(
            "the system's picamera2 was made for another numpy than the one of this virtual environment. One that "
            "setup.sh makes has a simplejpeg that goes with it; in one of your own, pip install 'simplejpeg>=1.8'. It "
            f"says: {error}"
        ) from error
    except FAILURES as error:
        said = f"{type(error).__name__}: {error}"
        raise MissingLibraryError(f"{HOW_TO_GET_IT}; what is there cannot be loaded: {said}") from error
    return Picamera2


def choices_of(name: str) -> dict[int, str]:
    """What the values of a control are called, if they have names."""
    import libcamera

    for group in (libcamera.controls, getattr(libcamera.controls, "draft", None)):
        enumeration = getattr(group, f"{name}Enum", None)
        if enumeration is not None:
            return {int(value): member for member, value in enumeration.__members__.items()}
    return {}


def bytes_of(request: Any) -> bytes:
    """What is in a frame's memory, copied once; picamera2's own copies would have to be copied again."""
    from picamera2 import MappedArray

    with MappedArray(request, "main", reshape=False, write=False) as mapped:
        data: bytes = mapped.array.tobytes()
    return data


@contextmanager
def told_as(place: str, what: str) -> Iterator[None]:
    """Whatever comes out of the library becomes one of our errors.

    Args:
        place: where.
        what: happened then, as in "cannot be started".
    """
    _asked_ns[place] = time.monotonic_ns()
    try:
        yield
    except DriverError:
        raise
    except FAILURES as error:
        raise failure(place, what, error) from error
    finally:
        _asked_ns.pop(place, None)


def waits_ns(place: str) -> int:
    """For how long a call to one camera has not come back; 0 if there is none."""
    asked_ns = _asked_ns.get(place)
    return 0 if asked_ns is None else time.monotonic_ns() - asked_ns


def failure(place: str, what: str, error: BaseException) -> DriverError:
    """What an exception of the library means."""
    texts = list(_texts(error))
    said = "; ".join(texts)
    if any(hint in said.lower() for hint in ("resource busy", "in use by another", "failed to acquire", "code: -16")):
        return ClaimedError(
            f"{place}: another program uses this camera. Stop it; sudo fuser -v /dev/media* shows which it is."
        )
    if NO_CAMERAS.search(said):
        return absent(place)
    if os.strerror(errno.ENOMEM) in said:
        return BusError(
            f"{place}: there is not enough memory for its pictures. Choose a smaller width_px and height_px, or end "
            "other programs that use a camera or the screen."
        )
    return BusError(
        f"{place}: the camera {what}: {said}. If rpicam-hello fails as well, reboot the Pi and check the ribbon cable."
    )


def absent(place: str) -> BusAbsentError:
    """There is no camera at all."""
    return BusAbsentError(
        f"{place}: there is no such camera, libcamera sees none at all. Is its ribbon cable in firmly and the right "
        "way round at both ends, and camera_auto_detect=1 (or the dtoverlay of the sensor) in "
        "/boot/firmware/config.txt? Reboot after a change. If sudo rpicam-hello --list-cameras lists it, this user may "
        "not use it: run sudo usermod -aG video $USER and log in again."
    )


def _texts(error: BaseException | None) -> Iterator[str]:
    """What it says, and those before it that led to it: picamera2 hides the reason behind a text of its own."""
    while error is not None:
        if isinstance(error, SystemExit):
            yield f"it wants to end the program (SystemExit: {error})"
        else:
            yield str(error) or type(error).__name__
        error = error.__cause__ or error.__context__
