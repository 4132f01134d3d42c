"""A camera on the Pi's ribbon cable: Camera Module 1, 2 and 3, the HQ camera and whatever else libcamera knows."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field
from viam.components.camera import Camera

from pi_drivers.buses.video.contract import USUAL_SIZE, Cameras, Wanted
from pi_drivers.config.example import Example
from pi_drivers.models.base import Dependencies
from pi_drivers.models.camera.camera import SET_CONTROLS, CameraModel
from pi_drivers.models.camera.camera_config import CameraAttributes, side_field
from pi_drivers.models.camera.csi_camera_twin import SMALLEST, plug_in_csi_camera
from pi_drivers.models.commands import Arguments, command

MOST_CAMERAS = 8


IN_SHAPE = "in the sensor's shape with the other one, or else {}"


class CsiCameraConfig(CameraAttributes):
    """The attributes of `csi-camera`."""

    EXAMPLE: ClassVar[Example] = Example("front", {"width_px": 1280, "height_px": 720, "frame_rate": 20})

    width_px: int | None = side_field("Width", SMALLEST[0], IN_SHAPE.format(USUAL_SIZE[0]))
    height_px: int | None = side_field("Height", SMALLEST[1], IN_SHAPE.format(USUAL_SIZE[1]))
    camera_num: int = Field(
        default=0,
        ge=0,
        lt=MOST_CAMERAS,
        description="Which camera, by its number in the list of `rpicam-hello --list-cameras`.",
    )


class CsiCamera(CameraModel[CsiCameraConfig], Camera):
    """A camera on the Pi's ribbon cable."""

    CONFIG = CsiCameraConfig

    @command("set_controls", SET_CONTROLS, example={"controls": {"Brightness": 0.1}})
    async def _set_controls(self, request: Arguments) -> Mapping[str, Any]:
        return await super()._set_controls(request)

    def _open(self, settings: CsiCameraConfig, dependencies: Dependencies) -> None:
        plug_in_csi_camera(self.host, self._camera_name(), self._wanted())
        super()._open(settings, dependencies)

    def _cameras(self) -> Cameras:
        return self.host.csi_cameras

    def _camera_name(self) -> str:
        return f"camera {self.settings.camera_num}"

    def _known_place(self) -> str:
        return self._camera_name()

    def _wanted(self) -> Wanted:
        settings = self.settings
        return Wanted(None, settings.width_px, settings.height_px, settings.frame_rate)
