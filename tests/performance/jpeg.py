"""Measures what a camera's picture costs to decode, turn and encode by OpenCV and by simplejpeg; prints it in Markdown.

usage: python -m tests.performance.jpeg (where simplejpeg is installed)

Both stand on libjpeg-turbo. What differs is the way there: OpenCV encodes BGR only, simplejpeg also the planes of a YUV
picture. Turn by turn in one run, one thread each; the times are the processor's, not the clock's.
"""

import argparse
import importlib
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from pi_drivers.models.camera.jpeg import examine

SIZES = ((640, 480), (1280, 720))
QUALITY = 85
RATIO_420, RATIO_422 = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422
BLACK, WHITE, GREY = 16, 235, 128
"""ITU-R BT.601: the Y of black and of white in the YUV of a camera, and the U and V of no colour."""
SAMPLE_BRIGHTNESS = np.clip((np.arange(256) - BLACK) * 255 / (WHITE - BLACK) + 0.5, 0, 255).astype(np.uint8)
SAMPLE_COLOUR = np.clip((np.arange(256) - GREY) * 255 / 224 + GREY + 0.5, 0, 255).astype(np.uint8)
"""A JPEG's Y, U and V go from 0 to 255 (JFIF), so those of a camera have to be stretched."""

CALLS_IN_ROW = 10
SWITCH_S = 10e-6
"""After how long a thread of Python has to let another one in. By default it is longer than most of this work takes."""

Work = Callable[[], object]
simplejpeg: Any = importlib.import_module("simplejpeg")


class Job(NamedTuple):
    """The same thing done by both."""

    name: str
    by_opencv: Work
    by_simplejpeg: Work


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    where = f"Python {platform.python_version()} on {platform.machine()}, OpenCV {cv2.__version__}"
    print(f"{where}, simplejpeg {version('simplejpeg')}; {wanted.rounds} rounds.")
    print("\n| | picture | OpenCV | simplejpeg | ratio | other thread, OpenCV | simplejpeg |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for width, height in SIZES:
        for job in jobs(picture(width, height)):
            print(row(job, f"{width}x{height}", wanted.rounds), flush=True)
        data = encoded_by_opencv(picture(width, height), RATIO_422)
        (examining,) = spent([partial(examine, data)], wanted.rounds)
        print(f"| looked through, {len(data) / 1000:.0f} kB | {width}x{height} | {examining * 1e3:.3f} ms | | | | |")


def row(job: Job, size: str, rounds: int) -> str:
    """What both need, and how far another thread of Python came meanwhile."""
    both = [job.by_opencv, job.by_simplejpeg]
    ours, theirs = spent(both, rounds)
    shares = " | ".join(f"{100 * share_of_other_thread(work, rounds):.0f} %" for work in both)
    return f"| {job.name} | {size} | {ours * 1e3:.2f} ms | {theirs * 1e3:.2f} ms | {theirs / ours:.2f} | {shares} |"


def spent(works: Sequence[Work], rounds: int) -> list[float]:
    """Processor time of each in seconds, the median of so many rounds in which they take turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            begin = time.thread_time()
            work()
            taken.append(time.thread_time() - begin)
    return [statistics.median(taken) for taken in times]


def share_of_other_thread(work: Work, rounds: int) -> float:
    """How many of the turns that it makes undisturbed another thread makes beside this work: few if it has to wait.

    Time in which the other thread waits for a core does not count.
    """
    turns, ended = [0], threading.Event()

    def turn() -> None:
        while not ended.is_set():
            turns[0] += 1

    def rate(wait: Work) -> float:
        before, waited_s, begin = turns[0], waited_for_core_s(other), time.perf_counter()
        for _ in range(CALLS_IN_ROW):
            wait()
        took_s = time.perf_counter() - begin - (waited_for_core_s(other) - waited_s)
        return (turns[0] - before) / took_s

    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    other = threading.Thread(target=turn)
    other.start()
    try:
        alone = statistics.median(rate(partial(time.sleep, 0.005)) for _ in range(5))
        return statistics.median(rate(work) for _ in range(rounds // CALLS_IN_ROW)) / alone
    finally:
        ended.set()
        other.join()
        sys.setswitchinterval(usual_s)


def waited_for_core_s(thread: threading.Thread) -> float:
    """How long it has been ready to run while others ran."""
    return int(Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()[1]) / 1e9


def picture(width: int, height: int) -> Any:
    """A room as a camera sees it, in BGR: shades, things with edges, textures, and the noise of a sensor."""
    random = np.random.default_rng(1)
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    shades = [90 + 80 * across + 30 * down, 100 + 60 * down + 20 * across, 120 + 50 * across * down]
    image = np.stack(shades, axis=-1).astype(np.float32)
    for cells, strength in ((6, 25), (24, 12), (96, 6)):
        texture = random.normal(0, strength, (cells, cells, 1)).astype(np.float32)
        image += cv2.resize(texture, (width, height), interpolation=cv2.INTER_CUBIC)[:, :, None]
    for _ in range(40):
        x, y, size = random.integers(0, width), random.integers(0, height), random.integers(width // 40, width // 6)
        colour = [float(level) for level in random.integers(20, 235, 3)]
        cv2.rectangle(image, (int(x), int(y)), (int(x + size), int(y + size // 2)), colour, -1)
        cv2.circle(image, (int(y), int(x)), int(size // 3), colour[::-1], 2)
    image += random.normal(0, 4, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def jobs(image: Any) -> list[Job]:
    """All there is to compare, on one picture."""
    height, width = image.shape[:2]
    yuyv = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_YUYV)
    planar = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    brightness, colours = planar[:height], planar[height:].reshape(2, height // 2, width // 2)
    pairs = np.ascontiguousarray(colours.transpose(1, 2, 0))
    nv12 = np.concatenate([brightness.ravel(), pairs.ravel()]).reshape(planar.shape)
    data = encoded_by_opencv(image, RATIO_422)
    kilobytes = f"{len(data) / 1000:.0f} kB"
    return [
        Job("BGR to JPEG, 4:2:0", lambda: encoded_by_opencv(image, RATIO_420), lambda: encoded(image, "420")),
        Job("BGR to JPEG, 4:2:2", lambda: encoded_by_opencv(image, RATIO_422), lambda: encoded(image, "422")),
        Job("YUYV to JPEG, 4:2:2",
            lambda: encoded_by_opencv(cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV), RATIO_422),
            lambda: of_planes(yuyv[:, :, 0], yuyv[:, ::2, 1], yuyv[:, 1::2, 1])),
        Job("YUYV to JPEG, its levels not stretched",
            lambda: encoded_by_opencv(cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV), RATIO_422),
            lambda: of_raw_planes(yuyv[:, :, 0], yuyv[:, ::2, 1], yuyv[:, 1::2, 1])),
        Job("YU12 to JPEG, 4:2:0",
            lambda: encoded_by_opencv(cv2.cvtColor(planar, cv2.COLOR_YUV2BGR_I420), RATIO_420),
            lambda: of_planes(brightness, colours[0], colours[1])),
        Job("NV12 to JPEG, 4:2:0",
            lambda: encoded_by_opencv(cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12), RATIO_420),
            lambda: of_planes(brightness, pairs[:, :, 0], pairs[:, :, 1])),
        Job(f"JPEG of {kilobytes} to BGR", lambda: decoded_by_opencv(data), lambda: decoded(data)),
        Job(f"JPEG of {kilobytes} to BGR, simplejpeg's fast ways",
            lambda: decoded_by_opencv(data), lambda: decoded(data, fast=True)),
        Job("JPEG to BGR, half turn, to JPEG 4:2:0",
            lambda: encoded_by_opencv(cv2.flip(decoded_by_opencv(data), -1), RATIO_420),
            lambda: encoded(decoded(data)[::-1, ::-1], "420")),
        Job("as before, turned by OpenCV both times",
            lambda: encoded_by_opencv(cv2.flip(decoded_by_opencv(data), -1), RATIO_420),
            lambda: encoded(cv2.flip(decoded(data), -1), "420")),
    ]  # fmt: skip


def encoded_by_opencv(image: Any, sampling: int) -> bytes:
    """A JPEG of a BGR picture."""
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    good, data = cv2.imencode(".jpg", image, options)
    assert good
    return data.tobytes()


def decoded_by_opencv(data: bytes) -> Any:
    """The BGR picture of a JPEG."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def encoded(image: Any, sampling: str) -> Any:
    """A JPEG of a BGR picture."""
    whole = np.ascontiguousarray(image)
    return simplejpeg.encode_jpeg(whole, quality=QUALITY, colorspace="BGR", colorsubsampling=sampling)


def decoded(data: bytes, *, fast: bool = False) -> Any:
    """The BGR picture of a JPEG."""
    return simplejpeg.decode_jpeg(data, colorspace="BGR", fastdct=fast, fastupsample=fast)


def of_planes(brightness: Any, blue: Any, red: Any) -> Any:
    """A JPEG of a camera's planes, their levels stretched to those of a JPEG."""
    planes = [cv2.LUT(np.ascontiguousarray(brightness), SAMPLE_BRIGHTNESS)]
    planes += [cv2.LUT(np.ascontiguousarray(plane), SAMPLE_COLOUR) for plane in (blue, red)]
    return simplejpeg.encode_jpeg_yuv_planes(*planes, quality=QUALITY)


def of_raw_planes(*planes: Any) -> Any:
    """A JPEG of planes as they are: right only for a camera whose levels go from 0 to 255."""
    return simplejpeg.encode_jpeg_yuv_planes(*map(np.ascontiguousarray, planes), quality=QUALITY)


if __name__ == "__main__":
    main()
