"""The played USB camera, from the side of a test: plugs it in, shows it pictures, and finds what the kernel made of it.

There is no udev in the simulated kernel. The link below /dev/v4l/by-id that udev would make is made here.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import cv2
import numpy as np

from tests.hil.outside_chips import Player, playing
from tests.hil.usb_camera_descriptors import Mode

CLASS = Path("/sys/class/video4linux")
LINKS = Path("/dev/v4l/by-id")
NAME = "usb-pi-drivers_Played_camera_0042-video-index0"
LABEL = "Played camera: Played camera"
DROPPING = Path("/sys/module/uvcvideo/parameters/nodrop")
"""What the driver does with pictures that it knows to be faulty; newer kernels deliver them, marked."""

VGA = Mode("MJPG", 640, 480)
HD = Mode("MJPG", 1280, 720)
BARE = Mode("YUYV", 640, 480)

THERE_S = 5.0
LOOK_EVERY_S = 0.005


class PlayedCamera(Player):
    """The program that plays the camera."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        super().__init__(process)
        self._folder = folder

    def show(self, mode: Mode, frames: Sequence[bytes]) -> None:
        """Let it send these frames in this mode, over and over again."""
        files = [self._folder / f"{mode.fourcc}-{mode.width}-{number}" for number in range(len(frames))]
        for file, frame in zip(files, frames, strict=True):
            file.write_bytes(frame)
        self.tell(f"show {mode} {' '.join(map(str, files))}")

    def plug_in(self) -> str:
        """Plug it in and wait for its device file; gives the path."""
        self.tell("plug")
        limit = time.monotonic() + THERE_S
        while not (path := camera_path()):
            assert time.monotonic() < limit, "the kernel has found no camera"
            time.sleep(LOOK_EVERY_S)
        LINKS.mkdir(parents=True, exist_ok=True)
        (LINKS / NAME).unlink(missing_ok=True)
        (LINKS / NAME).symlink_to(path)
        return path

    def unplug(self) -> None:
        """Pull it out; returns at once."""
        self.tell("unplug")
        (LINKS / NAME).unlink(missing_ok=True)


def played_camera(folder: Path) -> AbstractContextManager[PlayedCamera]:
    """Play the camera, unplugged at first, until the end of the block; its pictures are kept in this folder."""
    return playing(lambda process: PlayedCamera(process, folder), "tests.hil.outside_usb_camera")


def await_gone(path: str) -> None:
    """Wait until the kernel has noticed that the camera is unplugged."""
    limit = time.monotonic() + THERE_S
    while (CLASS / Path(path).name).exists():
        assert time.monotonic() < limit, "the kernel still has the camera"
        time.sleep(LOOK_EVERY_S)


def camera_path() -> str:
    """The device file of the camera's pictures; empty if there is no camera."""
    for entry in CLASS.glob("video*"):
        driver = (entry / "device/driver").resolve().name
        if driver == "uvcvideo" and (entry / "index").read_text().strip() == "0":
            return f"/dev/{entry.name}"
    return ""


def pictures(mode: Mode, count: int = 3) -> list[bytes]:
    """Frames of this mode, each different from the others."""
    return [_frame(mode, number) for number in range(count)]


@contextmanager
def faulty_pictures_delivered() -> Iterator[None]:
    """Let the driver deliver pictures that it knows to be faulty, of cameras that are plugged in within the block."""
    before = DROPPING.read_text()
    DROPPING.write_text("1")
    try:
        yield
    finally:
        DROPPING.write_text(before)


def _frame(mode: Mode, number: int) -> bytes:
    picture = np.full((mode.height, mode.width, 3), 40 * number, np.uint8)
    picture[:, : mode.width // (number + 2)] = (0, 200, 90)
    if mode.fourcc == "YUYV":
        return cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_YUY2).tobytes()
    return cv2.imencode(".jpg", picture)[1].tobytes()
