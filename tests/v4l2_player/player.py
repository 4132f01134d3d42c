"""A USB camera that a preloaded library plays to a process, for tests and measurements on machines without one.

The V4L2 code of the process, ours or OpenCV's, runs whole, on this machine's clock and kernel; only the device is not
there. What the library can do is said at the top of opening.c.
"""

import atexit
import os
import shutil
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent

LABEL = "Played Camera: Played Camera"
NAME = "usb-Played_Camera-video-index0"

FAULTS = ("none", "hang", "error", "half", "empty", "garbage", "gone", "eio")
"""What can be wrong with the camera: no frames at all; frames that the driver calls broken, and half of which is there;
half frames; frames without a byte; frames of noise; unplugged; taking a frame fails. The order is player.h's."""
UNTIL_CHANGED = 0xFFFFFFFF

FAULT = struct.Struct("=II")
"""The fault, and for how many frames it lasts."""
COUNTERS = struct.Struct("=4Q")
"""What the library writes behind the fault."""


@cache
def library() -> Path:
    """The library, compiled once for this process.

    Raises:
        CalledProcessError: it does not compile.
        FileNotFoundError: there is no gcc.
    """
    folder = Path(tempfile.mkdtemp(prefix="v4l2-player-"))
    atexit.register(shutil.rmtree, folder)
    options = ("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
    program = folder / "player.so"
    subprocess.run(["gcc", *options, "-o", program, *sorted(FOLDER.glob("*.c")), "-ldl", "-pthread"], check=True)
    return program


class PlayedCamera:
    """The camera, plugged in, for one process after the other. Safe to use from several threads."""

    def __init__(self, folder: Path, frames: Path, *, rates: tuple[int, ...] = (30, 15, 5)) -> None:
        """Make it in an empty folder.

        Args:
            folder: it gets the parts of a machine that have to do with cameras.
            frames: where the camera's frames are; pictures.py writes some.
            rates: frames per second that the camera offers; it starts with the first.
        """
        self.dev = folder / "dev"
        self.sys = folder / "sys"
        self.by_id = self.dev / "v4l/by-id" / NAME
        self._away = folder / "unplugged"
        self._page = folder / "page"
        self._frames = frames
        self._rates = rates
        for path in (self._video, self.by_id.parent):
            path.mkdir(parents=True)
        self._page.write_bytes(bytes(FAULT.size + COUNTERS.size))
        self._away.touch()
        self.plug_in(0)

    def plug_in(self, number: int) -> None:
        """Plug it in as /dev/video<number>; whoever had it open before must open it again."""
        self.fault("none")
        self.path = self.dev / f"video{number}"
        self._away.rename(self.path)
        self.by_id.symlink_to(self.path)
        about = self._video / self.path.name
        about.mkdir()
        (about / "name").write_text(LABEL + "\n")

    def unplug(self) -> None:
        """Pull it out."""
        self.fault("gone")
        shutil.rmtree(self._video / self.path.name)
        self.by_id.unlink()
        self.path.rename(self._away)

    @property
    def _video(self) -> Path:
        return self.sys / "class/video4linux"

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment with what makes another one see the camera."""
        # Python's development mode makes an event loop slow.
        return {name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"} | {
            "LD_PRELOAD": str(library()),
            "V4L2_PLAYER_CAMERA": str(self.path),
            "V4L2_PLAYER_PAGE": str(self._page),
            "V4L2_PLAYER_FRAMES": str(self._frames),
            "V4L2_PLAYER_RATES": ",".join(str(rate) for rate in self._rates),
        }

    def run(self, *command: str, limit_s: float) -> str:
        """Run a command that sees the camera; what it printed."""
        return subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True, timeout=limit_s
        ).stdout

    def fault(self, name: str, frames: int = UNTIL_CHANGED) -> None:
        """Make something of `FAULTS` wrong, at once, for so many frames."""
        play_fault(self._page, name, frames)

    @property
    def opened(self) -> int:
        """How often it was opened."""
        return self._counters()[0]

    @property
    def filled(self) -> int:
        """The frames that found a buffer."""
        return self._counters()[1]

    @property
    def dropped(self) -> int:
        """The frames that found none, and were lost."""
        return self._counters()[2]

    @property
    def cpu_ns(self) -> int:
        """How long the camera itself worked in the process that saw it, in nanoseconds."""
        return self._counters()[3]

    def _counters(self) -> tuple[int, int, int, int]:
        return COUNTERS.unpack_from(self._page.read_bytes(), FAULT.size)


def play_fault(page: Path, name: str, frames: int = UNTIL_CHANGED) -> None:
    """As `PlayedCamera.fault`, from the process that sees the camera: `page` is its V4L2_PLAYER_PAGE."""
    file = os.open(page, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(file, FAULT.pack(FAULTS.index(name), frames), 0)
    finally:
        os.close(file)
