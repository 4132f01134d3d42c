"""The cameras that cameras.py compares, and the two modules that serve them, each with a played camera of its own."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from viam.components.camera.client import CameraClient

from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer, component, full_name
from tests.performance.camera_clients import Clients, connected
from tests.v4l2_player.player import PlayedCamera

Size = tuple[int, int]

NAME = "cam"
MOST_CLIENTS = 4
OUR_SENSOR = component("sensor", "sht31", "sensor", {"backend": "mock"})
BARE_SENSOR = component("sensor", "test:bare:sensor", "sensor")


@dataclass(frozen=True)
class Subject:
    """A camera under measurement."""

    name: str
    model: str
    pixel_format: str = "MJPG"
    rotate: int = 0

    @property
    def is_ours(self) -> bool:
        """Whether it is a model of this package."""
        return ":" not in self.model

    def attributes(self, size: Size, camera: PlayedCamera) -> dict[str, Any]:
        """Its config."""
        width, height = size
        own = {"backend": "real", "rotate": self.rotate} if self.is_ours else {}
        where = {"video_path": str(camera.path), "format": self.pixel_format}
        return {**where, "width_px": width, "height_px": height, **own}


PASSED = Subject("passed through", "webcam")
TURNED = Subject("turned", "webcam", rotate=180)
READING = Subject("read when asked", "test:bare:reading")
KEEPING = Subject("newest kept", "test:bare:keeping")
STORED = Subject("stored JPEG", "test:bare:stored")
SUBJECTS = (PASSED, TURNED, READING, KEEPING)

YUYV_ENCODED = Subject("YUYV, encoded", "webcam", "YUYV")
YUYV_KEEPING = Subject("YUYV, newest kept", "test:bare:keeping", "YUYV")


class Watch(NamedTuple):
    """What has been used up to a moment."""

    cpu_s: float
    """By the module, without the player in it."""
    frames: int
    """Of the camera, also those that nobody took."""
    transcoded: float
    """How many pictures were decoded or encoded."""


@dataclass
class Rig:
    """A module that serves, its camera, and clients."""

    server: FakeViamServer
    camera: PlayedCamera
    clients: Clients

    @asynccontextmanager
    async def plugged_in(self, subject: Subject, size: Size) -> AsyncIterator[None]:
        """With this camera in the module."""
        config = component("camera", subject.model, NAME, subject.attributes(size, self.camera))
        await self.server.configure(config)
        try:
            yield
        finally:
            await self.server.remove(full_name(config))

    async def watch(self) -> Watch:
        """Look at the counters."""
        status = await self.server.direct(CameraClient, NAME).get_status()
        cpu_s = cpu_s_of(self.server.child.pid) - self.camera.cpu_ns / 1e9
        return Watch(cpu_s, self.camera.filled + self.camera.dropped, status.get("transcoded", 0))


@asynccontextmanager
async def our_rig(folder: Path, frames: Path) -> AsyncIterator[Rig]:
    """Our module, with a sensor."""
    camera = _plug_in(folder, frames)
    entry = ("-m", "tests.performance.played_webcam", str(camera.sys), str(camera.dev))
    async with _serving(Start(entry=entry, env=_seeing(camera)), camera) as rig:
        await rig.server.configure(OUR_SENSOR)
        yield rig


@asynccontextmanager
async def bare_rig(folder: Path, frames: Path) -> AsyncIterator[Rig]:
    """The module of the bare SDK, with a sensor."""
    camera = _plug_in(folder, frames)
    entry = ("-m", "tests.performance.bare_camera")
    async with _serving(Start(entry=entry, env=_seeing(camera)), camera) as rig:
        await rig.server.configure(BARE_SENSOR)
        yield rig


@asynccontextmanager
async def _serving(start: Start, camera: PlayedCamera) -> AsyncIterator[Rig]:
    async with FakeViamServer(start) as server:
        await server.ready()
        async with connected(server.child.address, NAME, MOST_CLIENTS) as clients:
            yield Rig(server, camera, clients)


def _plug_in(folder: Path, frames: Path) -> PlayedCamera:
    folder.mkdir()
    return PlayedCamera(folder, frames)


def _seeing(camera: PlayedCamera) -> dict[str, str]:
    """What makes a process see the camera, without what all of them get."""
    return {name: value for name, value in camera.environment.items() if os.environ.get(name) != value}


def cpu_s_of(pid: int) -> float:
    """How long all threads of a process have run, in seconds, by the scheduler's count."""
    stats = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in stats) / 1e9
