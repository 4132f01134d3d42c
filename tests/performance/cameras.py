"""Measures our cameras beside what one writes on the bare SDK with OpenCV, turn by turn; prints tables in Markdown.

usage: python -m tests.performance.cameras (where gcc is installed)

All read a camera that tests.v4l2_player plays to them, 30 frames a second. The clients are this process, so what they
cost does not count; what the player costs is taken off.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2

from tests.performance.camera_clients import INTERVAL_S
from tests.performance.camera_comparison import Asked, Comparison
from tests.performance.camera_neighbour import measure_neighbours, neighbours_text
from tests.performance.camera_report import report
from tests.performance.camera_rigs import (
    KEEPING,
    MOST_CLIENTS,
    STORED,
    SUBJECTS,
    TURNED,
    YUYV_ENCODED,
    YUYV_KEEPING,
    Size,
    Subject,
    bare_rig,
    our_rig,
)
from tests.v4l2_player.pictures import write_frames

SMALL, LARGE = (640, 480), (1280, 720)
PACED = (Asked(1, is_paced=True), Asked(MOST_CLIENTS, is_paced=True))
WAYS = (Asked(0), *PACED, Asked(1), Asked(MOST_CLIENTS))
FEW_WAYS = (Asked(0), PACED[1])

Turn = tuple[Subject, Size, Sequence[Asked]]
PLAN: Sequence[Turn] = (
    *((subject, size, WAYS) for size in (SMALL, LARGE) for subject in SUBJECTS),
    *((STORED, size, PACED) for size in (SMALL, LARGE)),
    *((subject, SMALL, FEW_WAYS) for subject in (YUYV_ENCODED, YUYV_KEEPING)),
)
MOST_WRONG = 0.05
"""So many pictures may be other ones than their times say: the player's thread may come late."""


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=10, help="of the camera, for each figure in each round")
    wanted = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="pi-drivers-cameras-") as folder:
        frames = Path(folder) / "frames"
        frames.mkdir()
        for pixel_format, size in (("MJPG", SMALL), ("MJPG", LARGE), ("YUYV", SMALL)):
            write_frames(frames, pixel_format, *size)
        found = await measure(Path(folder), frames, wanted.rounds, wanted.frames * INTERVAL_S)
    machine = f"Python {platform.python_version()} on {platform.machine()} with {os.cpu_count()} cores"
    loads = f"load {load:.1f} at the beginning, {os.getloadavg()[0]:.1f} at the end"
    print(f"{machine}, OpenCV {cv2.__version__}, {wanted.rounds} rounds; {loads}.\n{found}")


async def measure(folder: Path, frames: Path, rounds: int, seconds: float) -> str:
    """What was found. Both modules run all the time, but only one camera at a time."""
    async with our_rig(folder / "ours", frames) as ours, bare_rig(folder / "bare", frames) as bare:
        comparison = Comparison(ours, bare, seconds)
        for subject, size, _ in PLAN:
            await comparison.warm_up(subject, size)
        for number in range(rounds):
            for subject, size, ways in PLAN[:: -1 if number % 2 else 1]:
                await comparison.turn(subject, size, ways, (number + 0.5) / rounds)
        if comparison.wrong_share > MOST_WRONG:
            raise RuntimeError(f"{comparison.wrong_share:.0%} of the pictures are other ones than their times say")
        neighbours = await measure_neighbours(((TURNED, ours), (KEEPING, bare), (STORED, bare)), LARGE)
    return f"{report(comparison.measured)}\n{neighbours_text(neighbours)}"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
