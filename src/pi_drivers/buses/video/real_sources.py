"""Which cameras V4L2 shows, and which of the many devices that it shows are none.

A webcam has a second device for data about its pictures. A Raspberry Pi has devices that decode and resize pictures,
and those that take a CSI camera's raw ones, which are pictures only once libcamera has worked on them.
"""

import os
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.contract import VideoSource
from pi_drivers.buses.video.real_file import VideoFile
from pi_drivers.errors import BusAbsentError, BusPermissionError, ClaimedError, DriverError

RECEIVERS = ("unicam", "rp1-cfe")
PROCESSORS = ("bcm2835-codec", "bcm2835-isp", "rpi-hevc-dec", "rpivid", "pispbe")
LINKS = ("by-id", "by-path")


_Identity = tuple[int, int, int]


class Look(NamedTuple):
    """What a device was found to be."""

    driver: str
    unfit: str = ""
    forbidden: bool = False
    answered: bool = False
    """It said so itself."""


class Devices:
    """The video devices of a machine. Any thread.

    Each is opened once to look into it, as long as it stays plugged in: that wakes a webcam from its sleep, and one
    that is missing is looked for every second.
    """

    def __init__(self, sys: Path, dev: Path) -> None:
        """Look at a machine.

        Args:
            sys: where sysfs is.
            dev: where the device files are.
        """
        self._sys = sys
        self._dev = dev
        self._known: dict[str, tuple[_Identity, Look]] = {}

    def listed(self) -> list[VideoSource]:
        """All of them, by number."""
        found = [entry for entry in (self._sys / "class/video4linux").glob("video*") if _number(entry) >= 0]
        names = _links(self._dev)
        return [self._source(entry, names) for entry in sorted(found, key=_number)]

    def _source(self, entry: Path, names: dict[str, list[str]]) -> VideoSource:
        path = self._dev / entry.name
        known_as = tuple(names.get(os.path.realpath(path), ()))
        label = _read(entry / "name") or path.name
        driver = _driver_of(entry)
        unfit = _why_unfit_by_driver(driver)
        look = Look(driver, unfit) if unfit else self._look(entry, str(path), driver)
        return VideoSource(str(path), label, look.driver, known_as, look.unfit, forbidden=look.forbidden)

    def _look(self, entry: Path, path: str, driver: str) -> Look:
        # Without a driver it is made by a program, as by v4l2loopback, and changes with what that program does.
        identity = _identity(entry, path) if driver else None
        if identity is None:
            return _look_into(path, driver)
        known = self._known.get(path)
        if known is not None and known[0] == identity:
            return known[1]
        look = _look_into(path, driver)
        if look.answered:
            self._known[path] = (identity, look)
        return look


def why_unfit(capability: v4l2.Capability) -> str:
    """Why a device can deliver no pictures here; empty if it can."""
    reason = _why_unfit_by_driver(_text(capability.driver))
    if reason:
        return reason
    caps = capability.capabilities
    if caps & v4l2.CAP_DEVICE_CAPS:
        caps = capability.device_caps
    if not caps & v4l2.CAP_VIDEO_CAPTURE:
        if caps & v4l2.CAP_VIDEO_CAPTURE_MPLANE:
            return "its pictures come in several planes, which is not supported"
        return answers.DESCRIBES if caps & v4l2.CAP_META_CAPTURE else "it takes no pictures"
    return "" if caps & v4l2.CAP_STREAMING else "it cannot share its buffers"


def capability_of(file: VideoFile) -> v4l2.Capability:
    """What a device says of itself.

    Raises:
        BusAbsentError: it is no camera, or was unplugged.
        BusError: anything else.
    """
    capability = v4l2.Capability()
    file.ask(v4l2.QUERYCAP, capability, "tell what it can do")
    return capability


def _identity(entry: Path, path: str) -> _Identity | None:
    """Changes when a device is plugged in anew, or gets other rights; None if its device file is missing."""
    try:
        file = Path(path).stat()
        return entry.stat().st_ino, file.st_ino, file.st_ctime_ns
    except OSError:
        return None


def _why_unfit_by_driver(driver: str) -> str:
    # Told without opening it: whoever opens a decoder gets one made for himself.
    if driver.startswith(RECEIVERS):
        return "it gives the raw pictures of a CSI camera, so use the model csi-camera"
    return answers.PROCESSES if driver.startswith(PROCESSORS) else ""


def _look_into(path: str, driver: str) -> Look:
    try:
        file = VideoFile(path)
    except ClaimedError:
        return Look(driver)
    except BusPermissionError:
        return Look(driver, answers.FORBIDDEN, forbidden=True)
    except BusAbsentError:
        return Look(driver, answers.MISSING)
    except DriverError as error:
        return Look(driver, str(error))
    try:
        capability = capability_of(file)
        return Look(_text(capability.driver), why_unfit(capability), answered=True)
    except DriverError as error:
        return Look(driver, str(error))
    finally:
        file.close()


def _links(dev: Path) -> dict[str, list[str]]:
    """The lasting names of each device file."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for folder in LINKS:
        for link in sorted((dev / "v4l" / folder).glob("*")):
            names[os.path.realpath(link)].append(link.name)
    return names


def _driver_of(entry: Path) -> str:
    driver = entry / "device/driver"
    return os.path.basename(os.path.realpath(driver)) if driver.is_symlink() else ""  # noqa: PTH119 - pathlib raises at loops


def _number(entry: Path) -> int:
    number = re.fullmatch(r"video([0-9]+)", entry.name)
    return int(number[1]) if number else -1


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _text(letters: bytes) -> str:
    return letters.decode("ascii", errors="replace")
