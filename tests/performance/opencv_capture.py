"""Looks at what OpenCV's own VideoCapture does with a camera that is slow, broken or gone, and prints it.

usage: python -m tests.performance.opencv_capture (where gcc is installed)

Each observation has a process of its own, in which tests.v4l2_player plays the camera: 640x480 MJPG at 30 frames a
second.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tests.v4l2_player.pictures import Picture, number_in, write_frames
from tests.v4l2_player.player import PlayedCamera, play_fault

LIMIT_S = 40
PAUSE_S = 2


class Watched:
    """The camera through OpenCV, of which some frames have been read."""

    def __init__(self) -> None:
        self.capture = cv2.VideoCapture(os.environ["V4L2_PLAYER_CAMERA"], cv2.CAP_V4L2)
        self.capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        for _ in range(5):
            _, self._last = self.capture.read()

    def read(self) -> str:
        """Read one frame: how long that took, what came, and how old it was."""
        begin = time.monotonic()
        try:
            answered, drawn = self.capture.read()
        except cv2.error as error:
            return f"raises cv2.error: {error.err}"
        now = time.monotonic()
        if not answered:
            return f"False after {now - begin:.3f} s"
        again = np.array_equal(drawn, self._last)
        self._last = drawn
        age = now - self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        what = "the last again" if again else seen(np.asarray(drawn, np.uint8))
        return f"True after {now - begin:.3f} s, said to be {age:.3f} s old: {what}"


def seen(drawn: Picture) -> str:
    """Which picture this is, and how much of it."""
    number = number_in(drawn)
    whole = cv2.imread(str(Path(os.environ["V4L2_PLAYER_FRAMES"]) / f"MJPG-640x480-{number}"))
    right = float((drawn == whole).all(axis=(1, 2)).mean())
    return f"number {number}, {right:.0%} of its lines as they should be"


def wrong(name: str, frames: int) -> None:
    """From now on the camera has this fault."""
    play_fault(Path(os.environ["V4L2_PLAYER_PAGE"]), name, frames)


def faulty(name: str, frames: int = 1, reads: int = 4) -> Callable[[], None]:
    """Read some frames while the camera has a fault."""

    def look() -> None:
        watched = Watched()
        wrong(name, frames)
        for _ in range(reads):
            print("  ", watched.read())

    return look


def pause() -> None:
    """Read after nobody has read for a while."""
    watched = Watched()
    time.sleep(PAUSE_S)
    for _ in range(6):
        print("  ", watched.read())


def release_while_reading() -> None:
    """Release the camera on one thread while another waits for a frame that does not come."""
    watched = Watched()
    wrong("hang", 1000)
    begin = time.monotonic()
    reader = threading.Thread(target=lambda: print("   read:", watched.read()))
    reader.start()
    time.sleep(0.5)
    watched.capture.release()
    print(f"   release() came back {time.monotonic() - begin:.3f} s after the read began")
    reader.join()


def unplug_while_reading() -> None:
    """Unplug the camera while a read waits for a frame that does not come."""
    watched = Watched()
    wrong("hang", 1000)
    threading.Timer(0.5, wrong, ("gone", 1)).start()
    for _ in range(2):
        print("  ", watched.read())
    print("   isOpened():", watched.capture.isOpened())


OBSERVATIONS = {
    "no frame comes": faulty("hang", 1000, 2),
    "one frame flagged as broken": faulty("error"),
    "one half frame": faulty("half"),
    "one empty frame": faulty("empty"),
    "one frame of noise": faulty("garbage"),
    "taking a frame fails once (EIO)": faulty("eio"),
    f"nobody reads for {PAUSE_S} s": pause,
    "release() on another thread while read() waits": release_while_reading,
    "unplugged while read() waits": unplug_while_reading,
}


def main() -> None:
    """Print every observation, or make the one that is named."""
    if len(sys.argv) > 1:
        OBSERVATIONS[sys.argv[1]]()
        return
    print(f"OpenCV {cv2.__version__}")
    with tempfile.TemporaryDirectory() as frames:
        write_frames(Path(frames), "MJPG", 640, 480)
        for name in OBSERVATIONS:
            print(f"{name}:", flush=True)
            show(name, Path(frames))


def show(name: str, frames: Path) -> None:
    """Make one observation in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        camera = PlayedCamera(Path(folder), frames)
        command = (sys.executable, "-u", "-m", "tests.performance.opencv_capture", name)
        done = subprocess.run(command, env=camera.environment, timeout=LIMIT_S, check=False)
        if done.returncode:
            print(f"   it ended with exit status {done.returncode}")


if __name__ == "__main__":
    main()
