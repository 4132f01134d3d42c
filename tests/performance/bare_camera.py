"""Cameras as one writes them on the bare SDK, with OpenCV's VideoCapture, for cameras.py to measure ours beside.

They are written as well as their kind allows: nothing blocks the event loop, nobody uses the camera while another one
does, and a picture carries the time at which it was taken.
"""

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import cv2
from google.protobuf.timestamp_pb2 import Timestamp
from viam.components.camera import Camera
from viam.media.video import CameraMimeType, NamedImage
from viam.module.module import Module
from viam.proto.app.robot import ComponentConfig
from viam.proto.common import ResponseMetadata
from viam.resource.easy_resource import EasyResource, stub_model
from viam.resource.types import Model
from viam.utils import struct_to_dict

from tests.performance import bare_module  # noqa: F401 - registers a sensor
from tests.v4l2_player.pictures import picture

QUALITY = 85
SECOND = 1_000_000_000


class Shot(NamedTuple):
    """A picture and when it was taken, on the monotonic clock."""

    drawn: Any
    taken_ns: int


class BareCamera(Camera):
    """What they share: a JPEG is made for every answer, in a thread."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.transcoded = 0

    @classmethod
    def new(cls, config: ComponentConfig, dependencies: Mapping[Any, Any]) -> Self:
        self = cls(config.name)
        self.open(struct_to_dict(config.attributes))
        return self

    @abstractmethod
    def open(self, attributes: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def shot(self) -> Shot: ...

    async def get_images(self, **kwargs: Any) -> tuple[list[NamedImage], ResponseMetadata]:
        data, taken_ns = await asyncio.to_thread(self.jpeg)
        taken_at_ns = time.time_ns() - (time.monotonic_ns() - taken_ns)
        metadata = ResponseMetadata(captured_at=Timestamp(seconds=taken_at_ns // SECOND, nanos=taken_at_ns % SECOND))
        return [NamedImage("color", data, CameraMimeType.JPEG)], metadata

    def jpeg(self) -> tuple[bytes, int]:
        shot = self.shot()
        good, data = cv2.imencode(".jpg", shot.drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        assert good
        self.transcoded += 1
        return data.tobytes(), shot.taken_ns

    async def get_status(self, **kwargs: Any) -> Mapping[str, Any]:
        return {"transcoded": self.transcoded}


class Capture:
    """The camera through OpenCV."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self._lock = threading.Lock()
        self._capture = cv2.VideoCapture(attributes["video_path"], cv2.CAP_V4L2)
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*attributes["format"]))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, attributes["width_px"])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, attributes["height_px"])

    def read(self) -> Shot:
        with self._lock:
            good, drawn = self._capture.read()
            assert good
            return Shot(drawn, round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6))

    def release(self) -> None:
        with self._lock:
            self._capture.release()


@stub_model
class ReadingCamera(BareCamera, EasyResource):  # type: ignore[misc,no-untyped-call]
    """Reads the camera whenever somebody asks."""

    MODEL: ClassVar[Model] = Model.from_string("test:bare:reading")

    def open(self, attributes: Mapping[str, Any]) -> None:
        self._capture = Capture(attributes)

    def shot(self) -> Shot:
        return self._capture.read()

    async def close(self) -> None:
        await asyncio.to_thread(self._capture.release)


@stub_model
class KeepingCamera(BareCamera, EasyResource):  # type: ignore[misc,no-untyped-call]
    """Reads the camera all the time, in a thread, and keeps the newest picture."""

    MODEL: ClassVar[Model] = Model.from_string("test:bare:keeping")

    def open(self, attributes: Mapping[str, Any]) -> None:
        self._capture = Capture(attributes)
        self._ended = threading.Event()
        self._newest = self._capture.read()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def shot(self) -> Shot:
        return self._newest

    def _read(self) -> None:
        while not self._ended.is_set():
            self._newest = self._capture.read()

    async def close(self) -> None:
        self._ended.set()
        await asyncio.to_thread(self._thread.join)
        self._capture.release()


@stub_model
class StoredCamera(BareCamera, EasyResource):  # type: ignore[misc,no-untyped-call]
    """No camera at all: one JPEG over and over. What that costs is the SDK's and gRPC's."""

    MODEL: ClassVar[Model] = Model.from_string("test:bare:stored")

    def open(self, attributes: Mapping[str, Any]) -> None:
        drawn = picture(0, int(attributes["width_px"]), int(attributes["height_px"]))
        self._data = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

    def shot(self) -> Shot:
        raise NotImplementedError

    async def get_images(self, **kwargs: Any) -> tuple[Sequence[NamedImage], ResponseMetadata]:  # type: ignore[override]
        now_ns = time.time_ns()
        metadata = ResponseMetadata(captured_at=Timestamp(seconds=now_ns // SECOND, nanos=now_ns % SECOND))
        return [NamedImage("color", self._data, CameraMimeType.JPEG)], metadata

    async def close(self) -> None:
        return


if __name__ == "__main__":
    asyncio.run(Module.run_from_registry())  # type: ignore[no-untyped-call]
