"""Cameras of a machine as its clients see them: what all tests of cameras in the simulated kernel do with one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from grpclib import GRPCError, Status
from viam.components.camera.client import CameraClient
from viam.media.video import NamedImage

from tests.hil.machine import configured
from tests.module.fake_viam_server import FakeViamServer, component

LOOK_EVERY_S = 0.02
TOLD_S = 1.0
BACK_S = 2.0
"""How soon a client must hear that there are no more pictures, and how soon they must be back."""


@asynccontextmanager
async def webcam(server: FakeViamServer, video_path: str, **attributes: Any) -> AsyncIterator[CameraClient]:
    """A webcam of a machine until the end of the block."""
    async with configured(server, component("camera", "webcam", "eye", {"video_path": video_path} | attributes)):
        yield server.client(CameraClient, "eye")


async def image_of(eye: CameraClient) -> NamedImage:
    """Its one image."""
    images, _ = await eye.get_images()
    [image] = images
    return image


async def failure_of(eye: CameraClient) -> str:
    """What is the matter, once something is; at the latest when a client must have heard of it."""
    limit = time.monotonic() + TOLD_S
    while time.monotonic() < limit:
        try:
            await eye.get_images()
        except GRPCError as error:
            if error.status is Status.UNAVAILABLE:
                return error.message or ""
            raise
        await asyncio.sleep(LOOK_EVERY_S)
    raise AssertionError(f"after {TOLD_S} s there are still pictures")


async def seconds_until_it_delivers(eye: CameraClient) -> float:
    """How long it takes until there are pictures again."""
    began = time.monotonic()
    while (took_s := time.monotonic() - began) < 3 * BACK_S:
        try:
            await eye.get_images()
        except GRPCError:
            await asyncio.sleep(LOOK_EVERY_S)
        else:
            return took_s
    raise AssertionError("no pictures come")
