"""A camera on USB, or any other that Linux shows as /dev/videoN and that delivers pictures ready to be looked at."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field
from viam.components.camera import Camera

from pi_drivers.buses.video.contract import Cameras, PixelFormat, Wanted, plain_name
from pi_drivers.config.example import Example
from pi_drivers.config.wording import shown
from pi_drivers.models.base import Dependencies
from pi_drivers.models.camera.camera import CameraModel
from pi_drivers.models.camera.camera_config import CameraAttributes
from pi_drivers.models.camera.webcam_twin import plug_in_webcam

LONGEST_NAME = 500
LARGEST_NUMBER = 999
OTHER_NAMES = {
    "MJPEG": "MJPG",
    "JPEG": "MJPG",
    "YUY2": "YUYV",
    "V422": "YUYV",
    "Y422": "UYVY",
    "I420": "YU12",
    "RGB24": "RGB3",
    "BGR24": "BGR3",
}
"""The same formats as other programs call them."""


def _as_text(value: object) -> str | None:
    if value is None or value == "":
        return None  # as Go writes a text that was not given
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER:
        return str(value)
    if isinstance(value, str) and value.isprintable() and plain_name(value).strip():
        return value
    raise ValueError(f"must be a path, a name, or a number from 0 to {LARGEST_NUMBER}, got {shown(value)}")


def _own_name(value: object) -> object:
    return OTHER_NAMES.get(value.upper(), value.upper()) if isinstance(value, str) else value


CameraName = Annotated[str | None, BeforeValidator(_as_text, json_schema_input_type=int | str | None)]
"""Which camera; None is any, 0 is `/dev/video0`."""

FormatName = Annotated[PixelFormat, BeforeValidator(_own_name, json_schema_input_type=PixelFormat | str)]
"""By V4L2's four letters, or as other programs call it."""


class WebcamConfig(CameraAttributes):
    """The attributes of `webcam`."""

    EXAMPLE: ClassVar[Example] = Example("front", {"video_path": "/dev/video0", "width_px": 1280, "height_px": 720})

    video_path: CameraName = Field(
        default=None,
        max_length=LONGEST_NAME,
        description="Which camera: its path (/dev/video0), its name below /dev/v4l/by-id, its number, or what it calls "
        "itself. Absent: the first that can be used.",
    )
    format: FormatName | None = Field(
        default=None,
        description="What the camera sends. MJPG is delivered as it comes, without any work, as long as nothing is to "
        "be changed. Absent: the first of MJPG, YUYV and the rarer ones that it has.",
    )
    debug: bool = Field(
        default=False, description="Has no effect: it is understood because viam-server's webcam had it."
    )


class Webcam(CameraModel[WebcamConfig], Camera):
    """A camera on USB."""

    CONFIG = WebcamConfig

    def _open(self, settings: WebcamConfig, dependencies: Dependencies) -> None:
        plug_in_webcam(self.host, settings.video_path, self._wanted())
        super()._open(settings, dependencies)

    def _cameras(self) -> Cameras:
        return self.host.cameras

    def _camera_name(self) -> str | None:
        return self.settings.video_path

    def _wanted(self) -> Wanted:
        settings = self.settings
        return Wanted(settings.format, settings.width_px, settings.height_px, settings.frame_rate)
