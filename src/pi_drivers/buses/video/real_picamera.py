"""The Pi's own cameras, those on a ribbon cable: through picamera2, which stands on libcamera."""

from collections.abc import Collection, Sequence
from typing import Any

from pi_drivers.buses.video import real_picamera_library as library
from pi_drivers.buses.video import real_picamera_opening as opening
from pi_drivers.buses.video.contract import RIBBON_CABLE, Cameras, VideoDevice, VideoSource
from pi_drivers.buses.video.finding import find
from pi_drivers.buses.video.real_picamera_device import PicameraDevice

ALL = "CSI cameras"


class LibcameraCameras(Cameras):
    """The cameras that libcamera shows."""

    def sources(self) -> Sequence[VideoSource]:
        with opening.turn(ALL):
            return _sources()

    def open(self, wanted: str | None, taken: Collection[str] = ()) -> VideoDevice:
        if wanted is not None and wanted.isdecimal():
            wanted = path_of(int(wanted))
        with opening.turn(wanted or ALL):
            sources = _sources()
            if not sources:
                raise library.absent(wanted or ALL)
            source = find(sources, wanted, taken)
            return PicameraDevice(opening.opened(sources.index(source), source.path), source)


def path_of(number: int) -> str:
    """What the camera of a number is called here."""
    return f"camera {number}"


def _sources() -> list[VideoSource]:
    """In the order of rpicam-hello --list-cameras, by which picamera2 numbers them as well."""
    with library.told_as(ALL, "list cannot be had"):
        return [_source(number, found) for number, found in enumerate(library.load().global_camera_info())]


def _source(number: int, found: dict[str, Any]) -> VideoSource:
    unfit = "it is on USB, use the model webcam for it" if "/usb" in found["Id"] else ""
    label = str(found.get("Model", ""))
    return VideoSource(path_of(number), label, "libcamera", (found["Id"],), unfit, hint=RIBBON_CABLE)
