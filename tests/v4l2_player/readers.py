"""Programs that read a played camera, and print what they saw as JSON: `python -m tests.v4l2_player.readers NAME`.

They stand for what is tested with the camera, and are kept apart from it: OpenCV's VideoCapture, and plain calls to the
kernel.
"""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pi_drivers.buses.video import v4l2_structs as v4l2
from tests.v4l2_player.player import play_fault

PATH = os.environ["V4L2_PLAYER_CAMERA"]
PAGE = Path(os.environ["V4L2_PLAYER_PAGE"])

EXPOSURE, AUTO_EXPOSURE = 0x009A0902, 0x009A0901
TEMPERATURE, AUTO_WHITE_BALANCE = 0x0098091A, 0x0098090C
UNKNOWN = 0x009A0942
MANUAL = 1
WAIT_MS = 5000
CERTAIN = 3
"""Pictures that find a buffer however late the reader is: as many as OpenCV has, without the first, which it skips."""


def opencv_pictures() -> object:
    """The numbers of pictures in both formats, then what comes when it is unplugged."""
    import cv2
    import numpy as np

    from tests.v4l2_player.pictures import number_in

    capture = cv2.VideoCapture(PATH, cv2.CAP_V4L2)
    seen = {}
    for letters in ("MJPG", "YUYV"):
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*letters))
        seen[letters] = [number_in(np.asarray(capture.read()[1], np.uint8)) for _ in range(CERTAIN)]
    capture.set(cv2.CAP_PROP_BRIGHTNESS, 33)
    brightness = capture.get(cv2.CAP_PROP_BRIGHTNESS)
    play_fault(PAGE, "gone")
    end = capture.read()[0]
    capture.release()
    return {"seen": seen, "brightness": brightness, "at the end": end}


class Opened:
    """The camera, opened and asked for buffers."""

    def __init__(self, count: int = 4) -> None:
        self.descriptor = os.open(PATH, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.maps: list[mmap.mmap] = []
        request = v4l2.BufferRequest(count=count, type=v4l2.CAPTURE, memory=v4l2.MMAP)
        self.answer = self.ask(v4l2.REQBUFS, request)
        for index in range(0 if self.answer else request.count):
            buffer = v4l2.Buffer(index=index, type=v4l2.CAPTURE, memory=v4l2.MMAP)
            self.ask(v4l2.QUERYBUF, buffer)
            self.maps.append(mmap.mmap(self.descriptor, buffer.length, prot=mmap.PROT_READ, offset=buffer.offset))
            self.ask(v4l2.QBUF, buffer)

    def ask(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> str:
        """An ioctl; the name of its errno, or an empty text."""
        try:
            fcntl.ioctl(self.descriptor, request, argument)
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return ""

    def run(self) -> str:
        """Let it run."""
        return self.ask(v4l2.STREAMON, ctypes.c_int(v4l2.CAPTURE))

    def poll(self) -> int:
        """Wait for something to happen to it."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        return dict(poller.poll(WAIT_MS)).get(self.descriptor, 0)

    def take(self) -> v4l2.Buffer | str:
        """Wait for a frame, and give its buffer back."""
        self.poll()
        buffer = v4l2.Buffer(type=v4l2.CAPTURE, memory=v4l2.MMAP)
        answer = self.ask(v4l2.DQBUF, buffer)
        if answer:
            return answer
        self.ask(v4l2.QBUF, v4l2.Buffer(index=buffer.index, type=v4l2.CAPTURE, memory=v4l2.MMAP))
        return buffer

    def hang(self) -> None:
        """No more frames from now on, and none that waits."""
        play_fault(PAGE, "hang")
        buffer = v4l2.Buffer(type=v4l2.CAPTURE, memory=v4l2.MMAP)
        while not self.ask(v4l2.DQBUF, buffer):
            self.ask(v4l2.QBUF, buffer)

    def set(self, control: int, value: int) -> int | str:
        """Set a control; what it has then, or the refusal."""
        entry = v4l2.ControlValue(id=control, value=value)
        answer = self.ask(v4l2.S_EXT_CTRLS, v4l2.ControlValues(count=1, controls=ctypes.pointer(entry)))
        return answer or int(entry.value)

    def unmap(self) -> None:
        """Let its memory go."""
        while self.maps:
            self.maps.pop().close()


@contextmanager
def running(count: int = 4) -> Iterator[Opened]:
    """The camera, running."""
    with ExitStack() as stack:
        opened = Opened(count)
        stack.callback(os.close, opened.descriptor)
        stack.callback(opened.unmap)
        opened.run()
        yield opened


def faults() -> object:
    """What a frame is like under each fault: its length beside a whole one's, and whether it is flagged."""
    seen: dict[str, object] = {}
    with running() as opened:
        whole = _length(opened.take())
        for name in ("error", "half", "empty", "garbage", "eio"):
            opened.hang()
            play_fault(PAGE, name, 1)
            taken = opened.take()
            if isinstance(taken, str):
                seen[name] = taken
            else:
                seen[name] = [round(taken.bytesused / whole, 1), bool(taken.flags & v4l2.BUFFER_ERROR)]
        seen["after them"] = isinstance(opened.take(), v4l2.Buffer)
    return seen


def _length(taken: v4l2.Buffer | str) -> int:
    assert isinstance(taken, v4l2.Buffer), taken
    return int(taken.bytesused)


def lost_frames() -> object:
    """The numbers of frames when nobody takes any for some time, and whether each came with the clock's time."""
    taken = []
    with running(count=2) as opened:
        time.sleep(0.2)
        for _ in range(4):
            buffer = opened.take()
            assert isinstance(buffer, v4l2.Buffer), buffer
            taken.append(buffer)
    stamps = [buffer.timestamp.seconds + buffer.timestamp.microseconds / 1e6 for buffer in taken]
    return {"numbers": [buffer.sequence for buffer in taken], "stamps": stamps, "now": time.monotonic()}


def two_programs() -> object:
    """What a second one hears while the first has buffers, has closed but not unmapped them, and has none any more."""
    first, heard = Opened(), []
    first.run()
    heard.append(Opened().answer)
    os.close(first.descriptor)
    heard.append(Opened().answer)
    first.unmap()
    heard.append(Opened().answer)
    return heard


def controls() -> object:
    """What becomes of values that the camera does not have."""
    opened = Opened()
    return {
        "automatic": opened.set(EXPOSURE, 40),
        "no such entry": [opened.set(AUTO_EXPOSURE, 2), opened.set(AUTO_EXPOSURE, 9)],
        "manual": [opened.set(AUTO_EXPOSURE, MANUAL), opened.set(EXPOSURE, 40)],
        "too much": opened.set(EXPOSURE, 99_999),
        "off the step": [opened.set(AUTO_WHITE_BALANCE, 0), opened.set(TEMPERATURE, 3004)],
        "unknown": opened.set(UNKNOWN, 1),
    }


def unplugged() -> object:
    """What a waiting poll and the calls after it say, also once the camera is back."""
    with running() as opened:
        opened.take()
        opened.hang()
        threading.Timer(0.1, play_fault, (PAGE, "gone")).start()
        events = opened.poll()
        answers = [opened.take()]
        play_fault(PAGE, "none")
        answers.append(opened.take())
    with running() as again:
        back = isinstance(again.take(), v4l2.Buffer)
    wanted = select.POLLERR | select.POLLHUP
    return {"polled": events & wanted == wanted, "answers": answers, "back": back}


def idle_when_unplugged() -> object:
    """What one that does not run answers before and after, and what a new open does."""
    opened = Opened()
    heard = [opened.ask(v4l2.QUERYCAP, v4l2.Capability())]
    play_fault(PAGE, "gone")
    heard.append(opened.ask(v4l2.QUERYCAP, v4l2.Capability()))
    try:
        os.open(PATH, os.O_RDWR)
    except OSError as error:
        heard.append(errno.errorcode[error.errno or 0])
    return heard


ALL = (opencv_pictures, faults, lost_frames, two_programs, controls, unplugged, idle_when_unplugged)
READERS = {reader.__name__: reader for reader in ALL}

if __name__ == "__main__":
    print(json.dumps(READERS[sys.argv[1]]()))
