"""The webcam model on the kernel's own test camera, which draws colour bars in every format and fails on command: an
independent judge of what is made of pictures, and of what becomes of errors that no wire can be made to cause.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import cv2
import numpy as np
import pytest
from grpclib import GRPCError
from viam.components.camera.client import CameraClient

from pi_drivers.buses.video.contract import VideoDevice
from pi_drivers.buses.video.real import V4l2Cameras
from tests.hil.eyes import BACK_S, LOOK_EVERY_S, image_of, seconds_until_it_delivers, webcam
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

LABEL = "vivid-000-vid-cap"
PLAIN = {"osd_text_mode": 2, "test_pattern": 0, "percentage_of_dropped_buffers": 0, "brightness": 128, "hue": 0}
"""Bars alone, and no faults."""
BARS = ((191, 191, 191), (0, 191, 191), (191, 191, 0), (0, 191, 0), (191, 0, 191), (0, 0, 191), (191, 0, 0), (0, 0, 0))
"""From the left, each blue, green and red: white to black, at 75 %."""
ASKED_TIMES = 10
NEAR = 6
"""Steps of 255: what is lost where colours go through limited-range YUV and a JPEG."""


@pytest.fixture(autouse=True)
def plain(pytestconfig: pytest.Config) -> Iterator[None]:
    """The camera as it is in each test at first."""
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("only the simulated kernel has this camera")
    set_all(PLAIN)
    yield
    set_all(PLAIN)


def opened() -> closing[VideoDevice]:
    return closing(V4l2Cameras().open(LABEL))


def set_all(values: dict[str, int]) -> None:
    with opened() as device:
        for name, value in values.items():
            device.set_control(name, value)


async def picture_of(eye: CameraClient) -> Any:
    """The newest picture, as pixels."""
    image = await image_of(eye)
    return cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)


def colours_of(picture: Any) -> list[tuple[int, ...]]:
    """The colour in the middle of each bar."""
    height, width, _ = picture.shape
    return [tuple(picture[height // 4, (2 * bar + 1) * width // 16].astype(int)) for bar in range(8)]


@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/png"])
@pytest.mark.parametrize("form", ["YUYV", "UYVY", "NV12", "YU12", "BGR3", "RGB3"])
async def test_every_format_has_the_colours_that_the_kernel_drew(server: FakeViamServer, form: str, mime_type: str):
    async with webcam(server, LABEL, format=form, mime_type=mime_type) as eye:
        picture = await picture_of(eye)

    assert picture.shape == (480, 640, 3)
    assert np.abs(np.subtract(colours_of(picture), BARS)).max() <= NEAR, colours_of(picture)


async def test_grey_pictures_grow_darker_from_bar_to_bar(server: FakeViamServer):
    async with webcam(server, LABEL, format="GREY") as eye:
        shades = colours_of(await picture_of(eye))

    assert all(max(shade) - min(shade) <= NEAR for shade in shades)
    assert [shade[0] for shade in shades] == sorted((shade[0] for shade in shades), reverse=True)


async def test_rotated_and_flipped_the_bars_lie_where_they_should(server: FakeViamServer):
    async with webcam(server, LABEL, rotate=90) as eye:
        picture = await picture_of(eye)
        assert picture.shape == (640, 480, 3)
        assert np.abs(np.subtract(colours_of(cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE)), BARS)).max() <= NEAR
    async with webcam(server, LABEL, flip="horizontal") as eye:
        assert np.abs(np.subtract(colours_of(await picture_of(eye)), BARS[::-1])).max() <= NEAR


@pytest.mark.parametrize(
    ("width", "height", "frame_rate"), [(320, 180, 60), (640, 360, 30), (640, 480, 12.5), (1280, 720, 10)]
)
async def test_size_and_frame_rate_are_what_was_asked_for(
    server: FakeViamServer, width: int, height: int, frame_rate: float
):
    async with webcam(server, LABEL, width_px=width, height_px=height, frame_rate=frame_rate) as eye:
        assert (await picture_of(eye)).shape == (height, width, 3)
        assert (await eye.get_properties()).frame_rate == pytest.approx(frame_rate)
        before = (await eye.get_status())["frames"]
        await asyncio.sleep(1)
        frames = (await eye.get_status())["frames"] - before

    assert frames == pytest.approx(frame_rate, rel=0.2, abs=1)


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [({"width_px": 800, "height_px": 600}, "it has: 320 x 180, .*640 x 480"), ({"format": "MJPG"}, "it has: YUYV, ")],
)
async def test_what_it_cannot_deliver_is_an_error_that_says_what_it_can(
    server: FakeViamServer, wanted: dict[str, object], answer: str
):
    with pytest.raises(GRPCError, match=answer):
        await server.configure(component("camera", "webcam", "eye", {"video_path": LABEL} | wanted))


async def test_controls_change_the_picture_and_are_checked(server: FakeViamServer):
    async with webcam(server, LABEL) as eye:
        before = colours_of(await picture_of(eye))
        answer = await eye.do_command({"command": "set_controls", "controls": {"brightness": 200}})
        assert answer == {"brightness": 200}
        await asyncio.sleep(0.3)
        assert np.mean(colours_of(await picture_of(eye))) > np.mean(before) + 30
        with pytest.raises(GRPCError, match="brightness must be 0 to 255"):
            await eye.do_command({"command": "set_controls", "controls": {"brightness": 256}})


async def test_pictures_that_its_driver_lost_are_counted_and_missed_by_nobody(server: FakeViamServer):
    async with webcam(server, LABEL, frame_rate=25) as eye:
        set_all({"percentage_of_dropped_buffers": 50})
        await asyncio.sleep(0.3)
        before = (await eye.get_status())["lost_frames"]
        for _ in range(20):
            await eye.get_images()
            await asyncio.sleep(2 * LOOK_EVERY_S)
        lost = (await eye.get_status())["lost_frames"] - before

    assert lost >= 5


async def test_a_picture_that_its_driver_marks_as_faulty_is_left_out(server: FakeViamServer):
    async with webcam(server, LABEL) as eye:
        for _ in range(ASKED_TIMES):
            set_all({"inject_v4l2_buf_flag_error": 1})
            await asyncio.sleep(LOOK_EVERY_S)
            assert np.abs(np.subtract(colours_of(await picture_of(eye)), BARS)).max() <= NEAR
        assert (await eye.get_status())["unfit_frames"] > 0


@pytest.mark.parametrize("error", ["inject_vidioc_qbuf_error", "inject_fatal_streaming_error", "disconnect"])
async def test_after_an_error_it_is_opened_anew(server: FakeViamServer, error: str):
    async with webcam(server, LABEL) as eye:
        set_all({error: 1})
        await asyncio.sleep(0.2)
        assert (await eye.get_status())["failures"] >= 1
        assert await seconds_until_it_delivers(eye) < BACK_S


@pytest.mark.parametrize("error", ["inject_vidioc_reqbufs_error", "inject_vidioc_streamon_error"])
async def test_one_that_cannot_be_started_is_an_error_and_the_next_time_it_can(server: FakeViamServer, error: str):
    set_all({error: 1})
    with pytest.raises(GRPCError, match="the camera failed to"):
        await server.configure(component("camera", "webcam", "eye", {"video_path": LABEL}))
    async with webcam(server, LABEL) as eye:
        await eye.get_images()
