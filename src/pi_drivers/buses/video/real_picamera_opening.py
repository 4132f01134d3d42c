"""Opening and closing picamera2's cameras: one after the other, each once, and as far as libcamera lets it go.

picamera2 stops in the middle of closing when one of its steps fails, and the camera stays with this process. So the
steps behind that are made here, and what libcamera still holds then is tried again when that camera is wanted.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pi_drivers.buses.video import real_picamera_library as library
from pi_drivers.errors import BusTimeoutError, ClaimedError

LOGGER = logging.getLogger(__name__)

LONGEST_TURN_S = 3.0
"""Opening takes about a second on a slow Pi, closing less than half of one."""
FOR_EVER = -1

_turn = threading.Lock()
_open: dict[int, Any] = {}
"""Those that are open, by their numbers. Used in turn."""
_left_behind: dict[int, Any] = {}
"""Those that could not be closed. Used in turn."""


@contextmanager
def turn(place: str, longest_s: float | None = None) -> Iterator[None]:
    """Open or close a camera: picamera2 keeps what all cameras share, without a guard against two threads.

    Raises:
        BusTimeoutError: somebody has been at it for too long.
    """
    if not _turn.acquire(timeout=LONGEST_TURN_S if longest_s is None else longest_s):
        raise _hanging(place, "to open or close a camera")
    try:
        yield
    finally:
        _turn.release()


def opened(number: int, place: str) -> Any:
    """A Picamera2, in its turn.

    Raises:
        ClaimedError, BusAbsentError, BusError: each says what to do.
    """
    _check_free(number, place)
    picamera2 = library.load()
    # Made in two steps, so that something is left to clean up when the second one fails.
    camera = picamera2.__new__(picamera2)
    try:
        camera.__init__(number)
    except library.FAILURES as error:
        _abandon(camera, number)
        raise library.failure(place, "cannot be opened", error) from error
    _open[number] = camera
    return camera


def close(camera: Any, place: str) -> None:
    """Close what `opened` returned, in its turn.

    Raises:
        Exception: libcamera does not let it go. The next `opened` tries once more.
    """
    number = next(number for number, one in _open.items() if one is camera)
    del _open[number]
    try:
        camera.close()
    except library.FAILURES as error:
        LOGGER.warning("%s: the camera could not be closed properly: %s", place, error)
        _left_behind[number] = camera
        _take_apart(camera)
        del _left_behind[number]


def _check_free(number: int, place: str) -> None:
    # picamera2 would fail, and the camera that is open be mute from then on: both have one place in what it keeps.
    if number in _open:
        if library.waits_ns(place) > LONGEST_TURN_S * 1e9:
            raise _hanging(place, "to do what another resource wants of this camera")
        raise ClaimedError(f"{place}: another resource has this camera. Choose another camera_num, or remove that one.")
    if number in _left_behind:
        try:
            _take_apart(_left_behind[number])
        except library.FAILURES as error:
            raise ClaimedError(
                f"{place}: this module still holds it, libcamera did not let it go: restart the module. It says: "
                f"{error}"
            ) from error
        del _left_behind[number]


def _hanging(place: str, what: str) -> BusTimeoutError:
    return BusTimeoutError(
        f"{place}: this module still waits for libcamera {what}, and it seems to hang. Restart the module; if that "
        "does not help, reboot the Pi and check the ribbon cable."
    )


def _abandon(camera: Any, number: int) -> None:
    """Undo what it leaves behind when it fails: closing does nothing for a camera that was never open."""
    try:
        _take_apart(camera)
    except library.FAILURES as error:
        LOGGER.warning("camera %d: libcamera does not let it go: %s", number, error)
        _left_behind[number] = camera


def _take_apart(camera: Any) -> None:
    """What closing consists of, step by step: one that fails does not keep the next from being made.

    Raises:
        Exception: libcamera does not let it go. Then it may still deliver frames, and who listens to it has to stay.
    """
    if getattr(camera, "is_open", False):
        inside = camera.camera
        for owner, step in ((camera, "stop_preview"), (camera, "stop"), (inside, "stop")):
            with suppress(*library.FAILURES):
                getattr(owner, step)()
        inside.release()
        camera.is_open = False
    with suppress(*library.FAILURES):
        # Its place in what all cameras share, and with the last one the thread that listens to libcamera.
        manager = camera._cm  # noqa: SLF001 - there is no public way
        if manager.cameras.get(camera.camera_idx) is camera:
            # What waits there for a camera that is gone would end that thread, and all other cameras with it.
            with suppress(*library.FAILURES):
                manager.handle_request(camera.camera_idx)
            manager.cleanup(camera.camera_idx)
    with suppress(*library.FAILURES):
        if not camera.notifymeread.closed:
            camera.notifymeread.close()
            os.close(camera.notifyme_w)
