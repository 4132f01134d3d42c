"""What the suite of cameras needs from the ground it runs on, what its real grounds have in common, and the simulated
webcam as one.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self, TypeVar

from pi_drivers.buses.video.contract import Cameras, VideoDevice, Wanted
from pi_drivers.buses.video.mock import MockCameras
from pi_drivers.buses.video.real import V4l2Cameras
from pi_drivers.host.mock import MockHost
from pi_drivers.models.camera.webcam_twin import LABEL, plug_in_webcam
from pi_drivers.world.world import World

from .asides import MILLISECOND, SECOND, Aside, ByHand
from .grounds import Ground

T = TypeVar("T")


class VideoGround(Ground, ABC):
    """A camera and whoever stands beside it. What is opened here is closed when the ground is left."""

    cameras: Cameras
    path: str
    """Where the camera is; after `replug` perhaps somewhere else."""
    label: str
    wanted: Wanted
    """Form, size and rate: one of its modes, with at least ten pictures per second."""
    other: Wanted
    """Another one of its modes."""
    control: str
    """A whole number that can be set at any time."""

    def __init__(self) -> None:
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._opened.close()

    def fresh(self) -> None:
        """Bring the camera to where a test begins: plugged in, and nothing wrong with it."""

    def open(self, wanted: str | None = None) -> VideoDevice:
        """Open this camera, or another one."""
        device = self.cameras.open(self.path if wanted is None else wanted)
        self._opened.callback(device.close)
        return device

    @abstractmethod
    def aside(self, job: Callable[[], T]) -> Aside[T]:
        """Run something on another thread, up to where it blocks."""

    @abstractmethod
    def settle(self, duration_ns: int = 30 * MILLISECOND) -> None:
        """Let time pass, at least this long."""

    @abstractmethod
    def now_ns(self) -> int:
        """The time."""

    def silence(self, silent: bool = True) -> None:
        """The camera runs on, and no picture comes. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def unplug(self) -> None:
        """Pull the cable. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def replug(self) -> None:
        """Put it back. Needs `Facility.FAULTS`."""
        raise NotImplementedError


class KernelVideoGround(VideoGround):
    """A camera of this machine's kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.cameras = V4l2Cameras()

    def aside(self, job: Callable[[], T]) -> Aside[T]:
        started = Aside(job)
        self.settle()
        return started

    def settle(self, duration_ns: int = 30 * MILLISECOND) -> None:
        time.sleep(duration_ns / SECOND)

    def now_ns(self) -> int:
        return time.monotonic_ns()


class MockVideoGround(ByHand, VideoGround):
    """The webcam of a simulated Pi."""

    path = "/dev/video0"
    label = LABEL
    wanted = Wanted("MJPG", 160, 120, 10.0)
    other = Wanted("YUYV", 320, 240, 30.0)
    control = "brightness"

    def __init__(self) -> None:
        ByHand.__init__(self)
        VideoGround.__init__(self)

    def fresh(self) -> None:
        self.world = World.by_hand()
        self.clock.advance(1)
        self.cameras = MockCameras(self.world, self.world.cameras)
        plug_in_webcam(MockHost(self.world), self.path, self.wanted)
        [self.twin] = self.world.cameras.twins

    def silence(self, silent: bool = True) -> None:
        with self.world.held():
            self.twin.faults.silent = silent

    def unplug(self) -> None:
        with self.world.held():
            self.twin.unplug()

    def replug(self) -> None:
        with self.world.held():
            self.twin.plug_in()
