"""What all cameras share: the newest frame, the picture that is made of it, and what is known of both.

A camera is opened when it is built and runs from then on. Clients are answered from the newest frame and never wait for
the hardware. A picture carries the time of its exposure; one that is too old is an error that says why there is no
newer one.
"""

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NoReturn, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from viam.components.camera import Camera
from viam.media.video import CameraMimeType, NamedImage
from viam.proto.common import ResponseMetadata
from viam.proto.component.camera import DistortionParameters, IntrinsicParameters
from viam.utils import ValueTypes

from pi_drivers.buses.video.contract import Cameras, Chosen, RawFrame, VideoDevice, Wanted
from pi_drivers.config.wording import shown
from pi_drivers.errors import ArgumentError, ClaimedError, ConfigError, StaleReadingError, UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.camera.camera_config import CameraAttributes, Distortion, Intrinsics
from pi_drivers.models.camera.camera_controls import apply_controls, control_entry, mode_entry
from pi_drivers.models.camera.frame_reader import CameraRequest, FrameReader
from pi_drivers.models.camera.picture import Picture, Transcoder
from pi_drivers.models.commands import Arguments, command
from pi_drivers.runtime.poller import Sample, fresh

C = TypeVar("C", bound=CameraAttributes)

SOURCE = "color"
"""The one source of a camera's images; viam-server's own cameras call it so too."""

UNPLUGGED_NS = SECOND
"""No picture of a camera that is gone is delivered that is older, whatever the config says of age."""

PROMPT_NS = 10 * MILLISECOND
"""Who gets a picture within this did not wait for its making."""


class DeliveredImage(NamedImage):
    """A picture as the SDK sends it, with its size as it is known: the SDK itself would search it for that."""

    def __init__(self, picture: Picture) -> None:
        self.name = SOURCE
        self._data = picture.data
        self._mime_type = CameraMimeType.from_string(picture.mime_type)
        self._width, self._height = picture.width, picture.height


SET_CONTROLS = (
    "Set some of them; returns what the camera then has. Those of the config come again when it is opened anew."
)
"""What the command does; a kind of camera with other names for controls has an example of its own."""


class CameraModel(HardwareModel[C], Generic[C]):
    """The base of cameras. Used on the event loop.

    A model states its config class and writes `_cameras` and `_wanted`.
    """

    def _open(self, settings: C, dependencies: Dependencies) -> None:
        worker = self.host.new_worker(f"{self.label}: pictures")
        self.lifecycle.push("end its transcoding", worker.stop, worker.ended)
        self._transcoder = Transcoder(self.label, worker, settings)
        request = CameraRequest(
            self._cameras(), self._camera_name(), self._start_camera, settings.frame_rate, self._known_place()
        )
        self._reader = FrameReader(self.holder("camera"), self.host, self.logger, request)
        self.lifecycle.push("let its camera go", self._reader.stop, self._reader.ended)
        self._reader.start()

    async def ready(self) -> None:
        await self._reader.first_contact()
        if self._reader.chosen is not None:
            await self._transcoder.prepare(self._reader.chosen)

    @abstractmethod
    def _cameras(self) -> Cameras:
        """Those that one is chosen from."""

    @abstractmethod
    def _camera_name(self) -> str | None:
        """Which one; None for any."""

    def _known_place(self) -> str | None:
        """Where it is, if that is known before it is opened."""
        return None

    @abstractmethod
    def _wanted(self) -> Wanted:
        """What it is to deliver."""

    async def get_images(
        self,
        *,
        filter_source_names: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> tuple[list[NamedImage], ResponseMetadata]:
        """The picture of the newest frame, and when it was exposed.

        Raises:
            ArgumentError: `filter_source_names` has a name that this camera does not have.
            StaleReadingError: the newest frame is too old, or there is none; with its age and the cause.
            CorruptDataError: it cannot be decoded.
            ClosedError: the resource was closed.
        """
        self.check_open()
        unknown = [name for name in filter_source_names or () if name != SOURCE]
        if unknown:
            raise ArgumentError(f'{self.label} has no image source {shown(unknown[0])}; it has: "{SOURCE}"')
        picture = await self._picture()
        metadata = ResponseMetadata(captured_at=self._timestamp(picture.taken_ns))
        return [DeliveredImage(picture)], metadata

    async def get_point_cloud(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> NoReturn:
        """Raises: UnsupportedError: it sees no depth."""
        raise UnsupportedError(f"{self.label} has no depth: GetPointCloud Unimplemented")

    async def get_properties(self, *, timeout: float | None = None, **kwargs: Any) -> Camera.Properties:
        """What it delivers, and what the config says of its lens."""
        self.check_open()
        settings, chosen = self.settings, self._reader.chosen
        properties = Camera.Properties(supports_pcd=False, mime_types=[settings.mime_type])
        if settings.intrinsic_parameters is not None:
            properties.intrinsic_parameters.CopyFrom(_intrinsics(settings.intrinsic_parameters))
        if settings.distortion_parameters is not None:
            properties.distortion_parameters.CopyFrom(_distortion(settings.distortion_parameters))
        if chosen is not None and chosen.frame_rate:
            properties.frame_rate = chosen.frame_rate
        return properties

    @command("controls", "What can be set on the camera: values, ranges, defaults.")
    async def _list_controls(self, request: Arguments) -> Mapping[str, Any]:
        controls = await self._reader.on_camera(lambda device: device.controls())
        return {control.name: control_entry(control) for control in controls}

    @command("set_controls", SET_CONTROLS, example={"controls": {"brightness": 10}})
    async def _set_controls(self, request: Arguments) -> Mapping[str, Any]:
        wanted = request["controls"]
        if not isinstance(wanted, Mapping):
            raise ArgumentError(f'"controls" must be an object of names and values, got {shown(wanted)}')
        if not wanted:
            raise ArgumentError('"controls" is empty: name at least one of those that the command "controls" lists')
        return await self._reader.on_camera(lambda device: apply_controls(device, wanted))

    @command("modes", "The formats, sizes and frame rates that the camera has.")
    async def _list_modes(self, request: Arguments) -> Mapping[str, Any]:
        modes = await self._reader.on_camera(lambda device: device.modes())
        return {"modes": [mode_entry(mode) for mode in modes]}

    async def _picture(self) -> Picture:
        asked_ns = self.host.now_ns()
        picture = await self._transcoder.picture(self._newest)
        age_ns = self.host.now_ns() - picture.taken_ns
        waited_ns = self.host.now_ns() - asked_ns
        if age_ns > self._max_age_ns() and waited_ns > PROMPT_NS:
            raise StaleReadingError(
                f"{self.label}: the picture is {age_ns / SECOND:.1f} s old, for it took {waited_ns / SECOND:.1f} s to "
                "decode and encode it: choose smaller ones, or let MJPG pass as it is"
            )
        return picture

    def _newest(self) -> RawFrame:
        """The newest frame. Raises: StaleReadingError: it is too old, or there is none."""
        newest = self._reader.newest
        sample = None if newest is None else Sample(newest, newest.taken_ns)
        max_age_ns = self._max_age_ns()
        if self._reader.is_unplugged:
            max_age_ns = min(max_age_ns, UNPLUGGED_NS)
        return fresh(self.label, sample, self.host.now_ns(), max_age_ns, self._reader.cause, "picture").value

    def _max_age_ns(self) -> int:
        chosen = self._reader.chosen
        return self.settings.max_age_at(chosen.frame_rate if chosen is not None else 0) * MILLISECOND

    def _timestamp(self, taken_ns: int) -> Timestamp:
        """The moment of an exposure by the wall clock, which may have been set since: so it is counted from now."""
        taken_at_ns = time.time_ns() - (self.host.now_ns() - taken_ns)
        return Timestamp(seconds=taken_at_ns // SECOND, nanos=taken_at_ns % SECOND)

    def _start_camera(self, device: VideoDevice) -> Chosen:
        """On the camera's thread. Raises: ConfigError: the camera cannot do what the config says."""
        chosen = device.start(self._wanted())
        problems = list(self.settings.problems_with(chosen.width, chosen.height, chosen.frame_rate))
        if problems:
            raise ConfigError(f"{self.label}: {'; '.join(map(str, problems))}")
        try:
            apply_controls(device, self.settings.controls)
        except (ArgumentError, ClaimedError) as error:  # a claim would mean that another program has the whole camera
            raise ConfigError(f"{self.label}: controls: {error}") from error
        return chosen

    def _status(self) -> dict[str, ValueTypes]:
        chosen = self._reader.chosen
        max_age = self.settings.max_age_at(chosen.frame_rate if chosen is not None else 0)
        return self._reader.status() | {"max_age_ms": max_age, "transcoded": self._transcoder.transcoded}


def _intrinsics(lens: Intrinsics) -> IntrinsicParameters:
    return IntrinsicParameters(
        width_px=lens.width_px,
        height_px=lens.height_px,
        focal_x_px=lens.fx,
        focal_y_px=lens.fy,
        center_x_px=lens.ppx,
        center_y_px=lens.ppy,
    )


def _distortion(lens: Distortion) -> DistortionParameters:
    # In the order in which viam-server reads them.
    parameters = [lens.rk1, lens.rk2, lens.rk3, lens.tp1, lens.tp2]
    return DistortionParameters(model="brown_conrady", parameters=parameters)
