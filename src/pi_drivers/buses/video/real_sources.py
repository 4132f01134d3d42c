"""Which cameras V4L2 shows, and which of the many devices that it shows are none.

A webcam has a second device for data about its pictures. A Raspberry Pi has devices that decode and resize pictures,
and those that take a CSI camera's raw ones, which are pictures only once libcamera has worked on them.
"""

import re
from collections import defaultdict
from pathlib import Path

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.contract import VideoSource
from pi_drivers.buses.video.real_file import VideoFile
from pi_drivers.errors import BusAbsentError, BusPermissionError, ClaimedError, DriverError

RECEIVERS = ("unicam", "rp1-cfe")
PROCESSORS = ("bcm2835-codec", "bcm2835-isp", "rpi-hevc-dec", "rpivid", "pispbe")
LINKS = ("by-id", "by-path")


def list_sources(sys: Path, dev: Path) -> list[VideoSource]:
    """The video devices of a machine, by number.

    Args:
        sys: where sysfs is.
        dev: where the device files are.
    """
    found = [entry for entry in (sys / "class/video4linux").glob("video*") if _number(entry) >= 0]
    names = _links(dev)
    return [_source(entry, dev / entry.name, names) for entry in sorted(found, key=_number)]


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


def _source(entry: Path, path: Path, names: dict[str, list[str]]) -> VideoSource:
    known_as = tuple(names.get(str(path.resolve()), ()))
    label = _read(entry / "name") or path.name
    driver = (entry / "device/driver").resolve().name if (entry / "device/driver").exists() else ""
    unfit = _why_unfit_by_driver(driver)
    if not unfit:
        driver, unfit = _look_into(str(path), driver)
    return VideoSource(str(path), label, driver, known_as, unfit)


def _why_unfit_by_driver(driver: str) -> str:
    # Told without opening it: whoever opens a decoder gets one made for himself.
    if driver.startswith(RECEIVERS):
        return "it gives the raw pictures of a CSI camera, so use the model csi-camera"
    return answers.PROCESSES if driver.startswith(PROCESSORS) else ""


def _look_into(path: str, driver: str) -> tuple[str, str]:
    """Its driver, and why it is unfit."""
    try:
        file = VideoFile(path)
    except ClaimedError:
        return driver, ""
    except BusPermissionError:
        return driver, "this user may not open it. Run sudo usermod -aG video $USER and log in again"
    except BusAbsentError:
        return driver, "its device file is missing"
    except DriverError as error:
        return driver, str(error)
    try:
        capability = capability_of(file)
        return _text(capability.driver), why_unfit(capability)
    except DriverError as error:
        return driver, str(error)
    finally:
        file.close()


def _links(dev: Path) -> dict[str, list[str]]:
    """The lasting names of each device file."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for folder in LINKS:
        for link in sorted((dev / "v4l" / folder).glob("*")):
            names[str(link.resolve())].append(link.name)
    return names


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
