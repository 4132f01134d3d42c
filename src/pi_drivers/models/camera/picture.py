"""What becomes of a frame: the picture that is delivered.

A JPEG of the camera's own that nobody wants changed is handed on as it is. Everything else is decoded, cut, turned,
mirrored and encoded, on a thread of its own, once for each frame however many ask for it, and not at all for frames
nobody asks for.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from pi_drivers.buses.video.contract import COMPRESSED, Chosen, RawFrame, least_length
from pi_drivers.errors import ConfigError, CorruptDataError, MissingLibraryError
from pi_drivers.models.camera.camera_config import LARGEST_PICTURE, CameraAttributes, too_large
from pi_drivers.models.camera.jpeg import BadJpegError, examine, with_huffman_tables
from pi_drivers.models.camera.pixels import pixels_of
from pi_drivers.runtime.worker import BusWorker

if TYPE_CHECKING:
    from pi_drivers.models.camera.pixels import Pixels

RGBA_MAGIC = b"RGBA"


@dataclass(frozen=True)
class Picture:
    """A picture as it is delivered."""

    data: bytes
    mime_type: str
    width: int
    height: int
    taken_ns: int


class UnfitFrameError(Exception):
    """A frame is not what the camera was set to deliver. The text says why."""


def checked(frame: RawFrame) -> RawFrame:
    """A frame that is whole, as far as that can be told without decoding it, without what fills up its buffer.

    Takes well under a millisecond. Any thread.

    Raises:
        UnfitFrameError: it is not whole.
    """
    if frame.broken:
        raise UnfitFrameError("a frame was not whole when it came from the camera")
    if frame.pixel_format in COMPRESSED:
        length = _jpeg_length(frame)
        return frame if length == len(frame.data) else replace(frame, data=frame.data[:length])
    whole = least_length(frame.pixel_format, frame.stride, frame.height)
    if len(frame.data) < whole:
        raise UnfitFrameError(f"a frame has {len(frame.data)} bytes, and {whole} make a picture")
    return frame


def _jpeg_length(frame: RawFrame) -> int:
    try:
        facts = examine(frame.data)
    except BadJpegError as error:
        raise UnfitFrameError(f"a frame {error}") from None
    if (facts.width, facts.height) != (frame.width, frame.height):
        raise UnfitFrameError(
            f"a frame is {facts.width} x {facts.height}, and the camera was set to {frame.width} x {frame.height}"
        )
    return facts.length


def passes_through(frame: RawFrame | Chosen, settings: CameraAttributes) -> bool:
    """Whether a frame, or all of a camera that is set up so, can be delivered as they come."""
    is_even = frame.width % 2 == 0 and frame.height % 2 == 0
    return frame.pixel_format in COMPRESSED and settings.leaves_pictures_alone and is_even


def transcode(name: str, frame: RawFrame, settings: CameraAttributes) -> Picture:
    """Make the picture that is delivered of a whole frame. Takes milliseconds where it does not pass through.

    Args:
        name: whose it is, for messages.
        frame: as `checked` returned it.
        settings: say what is delivered.

    Raises:
        CorruptDataError: it cannot be decoded, or not be made into what is delivered.
        ConfigError: it is too large to be sent.
        MissingLibraryError: what decodes and encodes pictures cannot be loaded.
    """
    if passes_through(frame, settings):
        return Picture(with_huffman_tables(frame.data), "image/jpeg", frame.width, frame.height, frame.taken_ns)
    load_libraries(name)
    import cv2

    try:
        pixels = transformed(pixels_of(frame), settings)
        data = encoded(pixels, settings)
    except ValueError as error:
        raise CorruptDataError(f"{name}: the newest frame cannot be decoded: {error}") from None
    except cv2.error as error:
        raise CorruptDataError(
            f"{name}: no {settings.mime_type} can be made of the newest frame: {error.err}. If memory is short, take "
            "smaller pictures."
        ) from None
    if len(data) > LARGEST_PICTURE:
        raise ConfigError(f"{name}: this picture, as {settings.mime_type}, {too_large(len(data))}")
    height, width = pixels.shape[:2]
    return Picture(data, settings.mime_type, width, height, frame.taken_ns)


def load_libraries(name: str) -> None:
    """Load what decodes and encodes pictures: some seconds on a small Pi, the first time.

    Args:
        name: who needs it, for messages.

    Raises:
        MissingLibraryError: it is not there, or is broken; the message says what to do.
    """
    try:
        import cv2  # noqa: F401
        import simplejpeg  # noqa: F401
    except (ImportError, ValueError) as error:  # a ValueError where it was made for another numpy
        raise MissingLibraryError(
            f"{name}: a library that decodes pictures cannot be loaded. Delete the virtual environment and run setup.sh"
            " again; in one of your own, pip install --force-reinstall numpy opencv-python-headless simplejpeg. It "
            f"says: {error}"
        ) from error


def transformed(pixels: "Pixels", settings: CameraAttributes) -> "Pixels":
    """Cut, turned and mirrored, in this order.

    Args:
        pixels: height x width x 3.
        settings: say how.
    """
    import cv2

    crop = settings.crop
    if crop is not None:
        pixels = pixels[crop.y_px : crop.y_px + crop.height_px, crop.x_px : crop.x_px + crop.width_px]
    height, width = pixels.shape[:2]
    pixels = pixels[: height // 2 * 2, : width // 2 * 2]
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    if settings.rotate:
        pixels = cast("Pixels", cv2.rotate(pixels, turns[settings.rotate]))
    mirrors = {"horizontal": 1, "vertical": 0, "both": -1}
    if settings.flip != "none":
        pixels = cast("Pixels", cv2.flip(pixels, mirrors[settings.flip]))
    return pixels


def encoded(pixels: "Pixels", settings: CameraAttributes) -> bytes:
    """Pixels (blue, green, red) in the form that is delivered."""
    import cv2

    if settings.mime_type == "image/png":
        return cv2.imencode(".png", pixels)[1].tobytes()
    if settings.mime_type == "image/vnd.viam.rgba":
        height, width = pixels.shape[:2]
        header: bytes = RGBA_MAGIC + width.to_bytes(4, "big") + height.to_bytes(4, "big")
        return header + cast("Pixels", cv2.cvtColor(pixels, cv2.COLOR_BGR2RGBA)).tobytes()
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality])[1].tobytes()


class Transcoder:
    """Decodes and encodes frames on a thread of its own, each once, the newest only. Used on the event loop."""

    def __init__(self, name: str, worker: BusWorker, settings: CameraAttributes) -> None:
        """Args: name: whose it is, for messages. worker: it has no other work. settings: say what is delivered."""
        self._name = name
        self._worker = worker
        self._settings = settings
        self._frame: RawFrame | None = None
        self._work: asyncio.Task[Picture] | None = None
        self._next: asyncio.Task[Picture] | None = None
        """Waits for that work to end."""
        self.transcoded = 0
        """How many frames were decoded or encoded."""

    async def prepare(self, chosen: Chosen) -> None:
        """Load what decodes such pictures, if any is to be decoded: the first one need not wait for that.

        Raises:
            MissingLibraryError: that cannot be loaded.
            ClosedError: the camera was closed.
        """
        if not passes_through(chosen, self._settings):
            await self._worker.run(functools.partial(load_libraries, self._name))

    async def picture(self, newest: Callable[[], RawFrame]) -> Picture:
        """The picture of the newest frame; whoever asks for the same one meanwhile gets the same.

        While one is being made, all who want a newer one wait together for the next, and that is of the frame that is
        the newest when its turn comes: who asks faster than pictures can be made gets new ones, only fewer.

        Args:
            newest: gives the newest frame.

        Raises:
            CorruptDataError: it cannot be decoded.
            ClosedError: the camera was closed.
            DriverError: what `newest` raises.
        """
        frame = newest()
        if passes_through(frame, self._settings):
            return transcode(self._name, frame, self._settings)
        # Nobody overtakes those who wait.
        if self._next is None and (self._work is None or (self._work.done() and self._frame is not frame)):
            self._work = self._begin(frame)
        if self._work is not None and self._frame is frame:
            return await asyncio.shield(self._work)
        if self._next is None:
            self._next = _task(self._after_this(newest))
        return await asyncio.shield(self._next)

    def _begin(self, frame: RawFrame) -> "asyncio.Task[Picture]":
        self.transcoded += 1
        self._frame = frame
        return _task(self._worker.run(functools.partial(transcode, self._name, frame, self._settings)))

    async def _after_this(self, newest: Callable[[], RawFrame]) -> Picture:
        while self._work is not None and not self._work.done():
            await asyncio.wait({self._work})
        self._next = None
        frame = newest()
        if self._work is None or self._frame is not frame:
            self._work = self._begin(frame)
        return await asyncio.shield(self._work)


def _task(work: Coroutine[Any, Any, Picture]) -> "asyncio.Task[Picture]":
    task = asyncio.get_running_loop().create_task(work, name="transcode a frame")
    task.add_done_callback(_look_at)
    return task


def _look_at(work: "asyncio.Task[Picture]") -> None:
    """What went wrong is told to those who asked; nobody may be left when it does."""
    if not work.cancelled():
        work.exception()
