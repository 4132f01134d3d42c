"""A camera on a ribbon cable in a module of its own, as picamera2's stand-in has it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from grpclib import GRPCError
from viam.components.camera.client import CameraClient

from tests import scene_reader
from tests.module.child import REPOSITORY
from tests.module.fake_viam_server import FakeViamServer, component, full_name

STAND_IN = REPOSITORY / "tests" / "picamera2_stand_in"
PATHS = (REPOSITORY / "src", REPOSITORY, STAND_IN)


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """While this file exists, the cable is loose."""
    return tmp_path / "loose"


@pytest.fixture
async def server(machine, loose: Path) -> Any:
    return await machine(env={"PYTHONPATH": os.pathsep.join(map(str, PATHS)), "PICAMERA2_STAND_IN_LOOSE": str(loose)})


def front(**attributes: Any) -> Any:
    return component("camera", "csi-camera", "front", attributes)


def seen_in(image: Any) -> scene_reader.Seen:
    pixels: Any = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    return scene_reader.read(pixels)


async def seen_by(camera: Any) -> scene_reader.Seen:
    [image], _ = await camera.get_images()
    return seen_in(image)


async def until(call: Callable[[], Awaitable[Any]], within_s: float) -> Any:
    """What a call returns once it does."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await call()
        except GRPCError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_pictures_are_fresh_turned_and_timed(server: FakeViamServer):
    await server.configure(front(width_px=1280, height_px=720, rotate=270, frame_rate=20))
    camera = server.client(CameraClient, "front")
    [image], metadata = await camera.get_images()
    asked_ns, asked_monotonic_ms = time.time_ns(), time.monotonic_ns() // 1_000_000

    seen = seen_in(image)
    assert (image.width, image.height, seen.rotated) == (720, 1280, 270)
    age_ms = (asked_ns - metadata.captured_at.ToNanoseconds()) / 1e6
    assert 0 < age_ms < 500
    assert asked_monotonic_ms - seen.taken_ms == pytest.approx(age_ms, abs=20)
    status = await camera.get_status()
    assert (status["backend"], status["place"], status["frame_rate"]) == ("real", "camera 0", 20)


async def test_its_controls_are_libcamera_s(server: FakeViamServer):
    await server.configure(front(controls={"AeEnable": False, "ExposureTime": 10_000}))
    camera = server.client(CameraClient, "front")
    await asyncio.sleep(0.5)
    assert (await seen_by(camera)).brightness == pytest.approx(0.5, abs=0.05)
    answer = await camera.do_command({"command": "set_controls", "controls": {"ExposureTime": 5000}})
    assert answer == {"ExposureTime": 4992}
    await asyncio.sleep(0.2)
    assert (await seen_by(camera)).brightness == pytest.approx(0.25, abs=0.05)


async def test_it_is_let_go_so_that_it_can_be_built_again_at_once(server: FakeViamServer):
    for rotate in (0, 90, 180):
        await server.configure(front(rotate=rotate))
        assert (await seen_by(server.client(CameraClient, "front"))).rotated == rotate
        began = time.monotonic()
        await server.remove(full_name(front()))
        assert time.monotonic() - began < 0.5


async def test_a_ribbon_cable_that_came_loose_and_is_in_again(server: FakeViamServer, loose: Path):
    await server.configure(front())
    camera = server.client(CameraClient, "front")
    await seen_by(camera)
    loose.touch()  # noqa: ASYNC240
    await asyncio.sleep(3.5)
    with pytest.raises(GRPCError, match=r"camera 0: the camera has delivered nothing for .*Check its ribbon cable"):
        await camera.get_images()

    loose.unlink()  # noqa: ASYNC240
    assert (await until(lambda: seen_by(camera), within_s=6)).rotated == 0


async def test_without_picamera2_a_clear_line_says_how_to_get_it(machine):
    server: FakeViamServer = await machine()
    with pytest.raises(GRPCError, match="sudo apt install -y python3-picamera2"):
        await server.configure(front())


async def test_a_picamera2_that_would_end_the_program_does_not_end_the_module(machine, tmp_path: Path):
    (tmp_path / "picamera2.py").write_text("raise SystemExit(3)\n")
    server: FakeViamServer = await machine(env={"PYTHONPATH": os.pathsep.join(map(str, (*PATHS[:2], tmp_path)))})
    for _ in range(2):
        with pytest.raises(GRPCError, match=r"python3-picamera2 .* cannot be loaded: SystemExit: 3"):
            await server.configure(front())
