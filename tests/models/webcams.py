"""Webcams of the simulated Pi, as tests of cameras want them: small, slow, and with all that they sent written down."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from grpclib import GRPCError, Status

from pi_drivers.buses.video.contract import Chosen, RawFrame, VideoMode, Wanted
from pi_drivers.models.camera.webcam_twin import CONTROLS, plug_in_webcam
from pi_drivers.world.cameras import CameraTwin, Exposure, RunningCamera
from tests import scene_reader
from tests.models.conftest import Bench
from tests.scene_reader import Seen

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
PLACE = "/dev/video0"
SMALL: dict[str, Any] = {"width_px": 160, "height_px": 120, "frame_rate": 10}
"""What costs a test little; frames come every 100 ms."""
SLOWEST_MS = 100 + 20
"""The age of the newest of those at most: one interval, and the time that a picture takes to come."""


class Film:
    """What a camera sends, and what a test makes of it on the way."""

    def __init__(self, twin: CameraTwin, change: Callable[[bytes], bytes] = lambda data: data) -> None:
        self.sent: list[RawFrame] = []
        self._draw = twin.frame
        self._change = change
        twin.frame = self._frame  # type: ignore[method-assign]

    def _frame(self, exposure: Exposure) -> RawFrame:
        frame = self._draw(exposure)
        self.sent.append(replace(frame, data=self._change(frame.data)))
        return self.sent[-1]


def plug_in(bench: Bench, name: str = PLACE) -> CameraTwin:
    """The webcam that a config of this name will find."""
    with bench.world.held():
        plug_in_webcam(bench.host, name, Wanted())
        twin = bench.world.cameras.twins[-1]
        twin.promised_until_ns = 0
        return twin


def plug_in_plain(
    bench: Bench, *modes: VideoMode, path: str = PLACE, label: str = "Plain Camera", names: tuple[str, ...] = ()
) -> CameraTwin:
    """A webcam that can do this and nothing else, whatever a config asks for."""
    world = bench.world
    with world.held():
        twin = CameraTwin(
            world.clock,
            world.scene,
            path=path,
            label=label,
            driver="uvcvideo",
            names=names or (f"usb-{label.replace(' ', '_')}-video-index0",),
            modes=modes,
            controls=CONTROLS,
        )
        return world.cameras.add(twin)


def make_unfit(bench: Bench, twin: CameraTwin, why: str) -> None:
    """What looks like a camera delivers no pictures."""
    with bench.world.held():
        twin._source = replace(twin.source, unfit=why)


def used_elsewhere(bench: Bench, twin: CameraTwin) -> RunningCamera:
    """Another program lets the camera run."""
    with bench.world.held():
        return twin.start(Chosen("MJPG", 640, 480, 30.0))


def twin_of(bench: Bench, name: str = PLACE) -> CameraTwin:
    """A camera by what it was called at first."""
    return bench.world.cameras.named(name)


def unplug(bench: Bench) -> None:
    """Pull the cable of the camera at `PLACE`."""
    with bench.world.held():
        twin_of(bench).unplug()


def plug_in_again(bench: Bench) -> None:
    """Put it back."""
    with bench.world.held():
        twin_of(bench).plug_in()


def only(pixel_format: str, width: int, height: int, *frame_rates: float) -> VideoMode:
    """A mode of a single size."""
    return VideoMode(pixel_format, (width, height), (width, height), (1, 1), frame_rates)


def camera_threads() -> list[str]:
    """The threads of all cameras."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("bus camera")]


def nothing_is_left(bench: Bench) -> bool:
    """Of any camera: no thread, no claim, no camera that runs."""
    for thread in threading.enumerate():
        if thread.name in camera_threads():
            thread.join(1)  # it was told to end; the world's time does not wait for it
    running = [twin for shelf in (bench.world.cameras, bench.world.csi_cameras) for twin in shelf.twins if twin.in_use]
    return (camera_threads(), bench.host.claims.listing(), running) == ([], {}, [])


async def webcam(bench: Bench, **attributes: Any) -> Any:
    """A gRPC client of a webcam that delivers small pictures."""
    return await bench.client(await bench.make("webcam", "front", **(SMALL | attributes)))


async def image_of(client: Any) -> Any:
    """The one image that it gives."""
    [image], _ = await client.get_images()
    return image


def pixels_of(image: Any) -> Any:
    """Decoded by somebody else than the driver: blue, green, red."""
    if image.mime_type == "image/vnd.viam.rgba":
        width, height = (int.from_bytes(image.data[at : at + 4], "big") for at in (4, 8))
        rgba = np.frombuffer(image.data, np.uint8, offset=12).reshape(height, width, 4)
        return np.ascontiguousarray(rgba[:, :, 2::-1])
    return cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)


async def seen_by(client: Any) -> Seen:
    """What is to be seen in the picture that it gives."""
    return scene_reader.read(pixels_of(await image_of(client)))


def age_ms(bench: Bench, seen: Seen) -> float:
    """How long ago a picture was exposed, by what is in it; up to a millisecond more."""
    return bench.host.now_ns() / MILLISECOND - seen.taken_ms


async def refusal_of(client: Any) -> tuple[Status, str]:
    """The error that it gives instead of a picture."""
    try:
        images, _ = await client.get_images()
    except GRPCError as error:
        return error.status, error.message or ""
    raise AssertionError(f"{len(images)} images came")


async def answer_within(bench: Bench, client: Any, seconds: float, step: float = 0.05) -> None:
    """See that there are pictures again within so long."""
    began_ns = bench.host.now_ns()
    while bench.host.now_ns() - began_ns < seconds * SECOND:
        try:
            seen = await seen_by(client)
        except GRPCError:
            await bench.wait(step)
            continue
        assert age_ms(bench, seen) < 1000
        return
    raise AssertionError(f"no picture within {seconds} s")
