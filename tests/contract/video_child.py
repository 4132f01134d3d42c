"""The real back end for cameras in a child process, to which a library plays a camera, used from here as if it were in
this one.

The library is loaded with the process, so it cannot play to the one that runs the tests. Every thread here has a thread
of its own there, so one can wake what another one waits for.
"""

import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any, NamedTuple

from pi_drivers.buses.video.contract import (
    Cameras,
    Chosen,
    Control,
    RawFrame,
    VideoDevice,
    VideoMode,
    VideoSource,
    Wanted,
)
from pi_drivers.errors import DriverError
from tests.v4l2_player.player import PlayedCamera

KEY = b"played"


class Refusal(NamedTuple):
    """One of our errors on its way from the child."""

    kind: type[DriverError]
    message: str


class Rig:
    """What there is in the child."""

    def __init__(self, sys_folder: Path, dev: Path) -> None:
        from pi_drivers.buses.video.real import V4l2Cameras

        self._cameras = V4l2Cameras(sys_folder, dev)
        self._devices: list[VideoDevice] = []

    def sources(self) -> list[VideoSource]:
        return list(self._cameras.sources())

    def open(self, wanted: str | None, taken: Collection[str]) -> tuple[int, VideoSource] | Refusal:
        try:
            self._devices.append(self._cameras.open(wanted, taken))
        except DriverError as error:
            return Refusal(type(error), error.message)
        return len(self._devices) - 1, self._devices[-1].source

    def call(self, number: int, method: str, *arguments: object) -> Any:
        try:
            return getattr(self._devices[number], method)(*arguments)
        except DriverError as error:
            return Refusal(type(error), error.message)

    def close_all(self) -> None:
        for device in self._devices:
            device.close()

    def holds(self) -> tuple[int, int]:
        """How many descriptors, and how many buffers of the camera are mapped."""
        maps = Path("/proc/self/maps").read_text(encoding="utf-8")
        return sum(1 for _ in Path("/proc/self/fd").iterdir()), maps.count("r--s")


class FarManager(BaseManager):
    """The way into the child."""

    rig: Callable[[], Any]


FarManager.register("rig")


class FarCameras(Cameras):
    """The child's cameras."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig

    def sources(self) -> Sequence[VideoSource]:
        found: list[VideoSource] = self.rig.sources()
        return found

    def open(self, wanted: str | None, taken: Collection[str] = ()) -> "FarDevice":
        return FarDevice(self.rig, *answer_of(self.rig.open(wanted, taken)))


class FarDevice(VideoDevice):
    """A camera that is open in the child."""

    def __init__(self, rig: Any, number: int, source: VideoSource) -> None:
        self._rig = rig
        self._number = number
        self.source = source

    def modes(self) -> Sequence[VideoMode]:
        answer: Sequence[VideoMode] = self._ask("modes")
        return answer

    def start(self, wanted: Wanted) -> Chosen:
        answer: Chosen = self._ask("start", wanted)
        return answer

    def read(self, timeout_ns: int) -> RawFrame | None:
        answer: RawFrame | None = self._ask("read", timeout_ns)
        return answer

    def wake(self) -> None:
        self._ask("wake")

    def controls(self) -> Sequence[Control]:
        answer: Sequence[Control] = self._ask("controls")
        return answer

    def set_control(self, name: str, value: float) -> float:
        answer: float = self._ask("set_control", name, value)
        return answer

    def close(self) -> None:
        self._ask("close")

    def _ask(self, method: str, *arguments: object) -> Any:
        return answer_of(self._rig.call(self._number, method, *arguments))


def answer_of(answer: Any) -> Any:
    if isinstance(answer, Refusal):
        raise answer.kind(answer.message)
    return answer


@contextmanager
def far_cameras(camera: PlayedCamera) -> Iterator[FarCameras]:
    """A child that sees the camera."""
    command = (sys.executable, "-m", __name__, str(camera.sys), str(camera.dev))
    with subprocess.Popen(command, env=camera.environment, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            manager = FarManager(child.stdout.readline().strip(), KEY)
            manager.connect()
            yield FarCameras(manager.rig())
        finally:
            child.kill()


def main(sys_folder: Path, dev: Path) -> None:
    rig = Rig(sys_folder, dev)
    FarManager.register("rig", callable=lambda: rig)
    server = FarManager(authkey=KEY).get_server()
    print(server.address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    from tests.contract.video_child import main  # by the name under which the other side knows what is sent

    main(Path(sys.argv[1]), Path(sys.argv[2]))
