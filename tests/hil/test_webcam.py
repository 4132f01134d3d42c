"""The webcam model on the kernel's own driver for USB cameras, with a camera that a program plays and pulls out."""

import asyncio
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from grpclib import GRPCError

from pi_drivers.buses.video.contract import Wanted
from pi_drivers.buses.video.real import V4l2Cameras
from tests.hil.eyes import BACK_S, LOOK_EVERY_S, failure_of, image_of, seconds_until_it_delivers, webcam
from tests.hil.machine import until
from tests.hil.played_camera import BARE, HD, LABEL, NAME, VGA, PlayedCamera, camera_path, pictures
from tests.hil.usb_camera_descriptors import Mode
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOSED_S = {"silent": 0.5, "deaf": 1.0}
"""A wait for a picture can be ended, that for a control cannot; then it is left to itself."""
OLDEST_S = 0.3
"""Of a picture in the simulated kernel, which is slow: an interval, and the time for the answer."""
ASKED_TIMES = 20
MANY = 100_000


@pytest.fixture
def camera(usb_camera: PlayedCamera) -> PlayedCamera:
    """Plugged in, with three pictures in each mode."""
    usb_camera.tell("clear")
    for mode in (VGA, HD, BARE):
        usb_camera.show(mode, pictures(mode))
    usb_camera.plug_in()
    return usb_camera


@pytest.mark.parametrize("mode", [VGA, HD], ids=str)
async def test_pictures_are_the_very_bytes_that_the_camera_sent(
    camera: PlayedCamera, server: FakeViamServer, mode: Mode
):
    got = []
    async with webcam(server, NAME, width_px=mode.width, height_px=mode.height) as eye:
        for _ in range(ASKED_TIMES):
            image = await image_of(eye)
            assert (image.name, image.mime_type) == ("color", "image/jpeg")
            got.append(image.data)
            await asyncio.sleep(LOOK_EVERY_S)

    assert set(got) == set(pictures(mode))
    assert camera.seen() == [f"{mode} at 30"]


async def test_a_picture_says_when_it_was_taken(camera: PlayedCamera, server: FakeViamServer):
    async with webcam(server, NAME) as eye:
        for _ in range(ASKED_TIMES):
            _, metadata = await eye.get_images()
            assert 0 < time.time() - metadata.captured_at.ToNanoseconds() / 1e9 < OLDEST_S


async def test_bare_pixels_and_turned_pictures_are_made_into_jpegs(camera: PlayedCamera, server: FakeViamServer):
    async with webcam(server, NAME, format="YUYV", rotate=90) as eye:
        image = await image_of(eye)

    made = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    sent = [np.frombuffer(frame, np.uint8).reshape(BARE.height, BARE.width, 2) for frame in pictures(BARE)]
    turned = [cv2.rotate(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_YUY2), cv2.ROTATE_90_CLOCKWISE) for frame in sent]
    assert made is not None
    assert made.shape == (640, 480, 3)
    assert min(float(np.abs(made.astype(int) - frame).mean()) for frame in turned) < 3


async def test_pictures_of_another_size_than_was_agreed_are_not_delivered(camera: PlayedCamera, server: FakeViamServer):
    async with webcam(server, NAME) as eye:
        camera.show(VGA, pictures(HD))
        assert "a frame is 1280 x 720, and the camera was set to 640 x 480" in await failure_of(eye)
        camera.show(VGA, pictures(VGA))
        assert await seconds_until_it_delivers(eye) < BACK_S


@pytest.mark.parametrize("name", [NAME, f"/dev/v4l/by-id/{NAME}", LABEL])
async def test_it_is_told_within_a_second_that_it_was_unplugged_and_found_again_under_another_number(
    camera: PlayedCamera, server: FakeViamServer, name: str
):
    async with webcam(server, name) as eye:
        await eye.get_images()
        with ExitStack() as idle:
            before = camera_path()
            idle.callback(os.close, os.open(before, os.O_RDWR))
            camera.unplug()
            assert "unplugged" in await failure_of(eye)
            assert camera.plug_in() != before
            assert await seconds_until_it_delivers(eye) < BACK_S


async def test_a_camera_that_was_away_for_long_is_found_again(camera: PlayedCamera, server: FakeViamServer):
    async with webcam(server, NAME) as eye:
        camera.unplug()
        await failure_of(eye)
        await asyncio.sleep(3)
        camera.plug_in()
        assert await seconds_until_it_delivers(eye) < BACK_S


async def test_without_the_camera_there_is_an_error_that_lists_the_others(camera: PlayedCamera, server: FakeViamServer):
    camera.unplug()
    with pytest.raises(GRPCError, match=rf"(?s){NAME}.*no such camera.*vivid"):
        await server.configure(component("camera", "webcam", "eye", {"video_path": NAME}))


@pytest.mark.parametrize("fault", ["half", "garbage", "flagged"])
async def test_pictures_that_are_not_whole_never_reach_a_client(
    camera: PlayedCamera, server: FakeViamServer, fault: str
):
    sent = pictures(VGA)
    async with webcam(server, NAME) as eye:
        camera.tell(f"{fault} 5")
        for _ in range(ASKED_TIMES):
            assert (await image_of(eye)).data in sent
            await asyncio.sleep(LOOK_EVERY_S)
        camera.tell(f"{fault} {MANY}")
        await failure_of(eye)
        camera.tell(f"{fault} 0")
        assert await seconds_until_it_delivers(eye) < BACK_S


async def test_a_camera_that_falls_silent_is_an_error_and_not_an_old_picture(
    camera: PlayedCamera, server: FakeViamServer
):
    async with webcam(server, NAME) as eye:
        camera.tell("silent")
        assert "nothing comes" in await failure_of(eye)
        camera.tell("go")
        assert await seconds_until_it_delivers(eye) < BACK_S


async def test_controls_are_set_by_the_config_and_by_command(camera: PlayedCamera, server: FakeViamServer):
    controls = {"white_balance_temperature": 3000, "white_balance_automatic": False}
    async with webcam(server, NAME, controls=controls) as eye:
        assert camera.seen() == ["MJPG 640x480 at 30", "white_balance_mode 0", "white_balance 3000"]
        answer = await eye.do_command({"command": "set_controls", "controls": {"brightness": -10}})
        assert answer == {"brightness": -10}
        assert camera.seen() == ["brightness -10"]
        with pytest.raises(GRPCError, match="brightness must be -64 to 64"):
            await eye.do_command({"command": "set_controls", "controls": {"brightness": 65}})
        there = await eye.do_command({"command": "controls"})

    assert (there["brightness"]["value"], there["white_balance_temperature"]["value"]) == (-10, 3000)  # type: ignore[index,call-overload]
    assert camera.seen() == []


async def test_what_is_set_by_the_config_is_set_again_on_a_camera_that_came_back(
    camera: PlayedCamera, server: FakeViamServer
):
    async with webcam(server, NAME, controls={"gain": 50}) as eye:
        camera.unplug()
        await failure_of(eye)
        camera.seen()
        camera.plug_in()
        await seconds_until_it_delivers(eye)
        assert "gain 50" in camera.seen()


async def test_a_camera_that_another_program_runs_is_an_error_until_that_lets_go(
    camera: PlayedCamera, server: FakeViamServer
):
    other = V4l2Cameras().open(NAME)
    other.start(Wanted())
    config = component("camera", "webcam", "eye", {"video_path": NAME})
    with pytest.raises(GRPCError, match="another program uses this camera"):
        await server.configure(config)
    other.close()
    async with webcam(server, NAME) as eye:
        assert (await image_of(eye)).data in pictures(VGA)


@pytest.mark.parametrize("trouble", ["silent", "deaf"])
async def test_it_is_let_go_at_once_though_the_camera_does_not_answer(
    camera: PlayedCamera, server: FakeViamServer, trouble: str
):
    async with webcam(server, NAME) as eye:
        camera.tell(trouble)
        setting = asyncio.create_task(eye.do_command({"command": "set_controls", "controls": {"gain": 1}}))
        await asyncio.sleep(0.1)
        began = time.monotonic()
    took_s = time.monotonic() - began
    camera.unplug()
    with suppress(GRPCError):
        await setting

    assert took_s < CLOSED_S[trouble]


async def test_rebuilt_again_and_again_it_opens_at_once(camera: PlayedCamera, server: FakeViamServer):
    for _ in range(5):
        async with webcam(server, NAME) as eye:
            assert (await image_of(eye)).data in pictures(VGA)
    await until(lambda: openers_of(server) == 0)


def openers_of(server: FakeViamServer) -> int:
    """How often the module has the camera open."""
    return [str(file.resolve()) for file in Path(f"/proc/{server.child.pid}/fd").iterdir()].count(camera_path())
