"""The cameras of this machine that V4L2 shows: webcams above all.

It talks to the kernel itself. OpenCV, which takes the pictures apart later, could fetch them as well; but nobody can
wake who waits for its `read`, it hides what the driver says of a picture, and does not know what a control can have.
"""

import select
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pi_drivers.buses.video import answers
from pi_drivers.buses.video.choice import choose_rate, choose_size
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
from pi_drivers.buses.video.finding import find
from pi_drivers.buses.video.real_controls import Controls
from pi_drivers.buses.video.real_file import VideoFile, Waker
from pi_drivers.buses.video.real_links import led_to
from pi_drivers.buses.video.real_modes import at_their_size, list_modes, set_mode
from pi_drivers.buses.video.real_sources import Devices, capability_of, why_unfit
from pi_drivers.buses.video.real_stream import Stream
from pi_drivers.errors import ArgumentError

CLOSE_WAIT_S = 0.2
"""For so long whoever closes waits for a thread that is in the midst of something; then that thread closes."""


class V4l2Cameras(Cameras):
    """The cameras that V4L2 shows. Any thread."""

    def __init__(self, sys: Path = Path("/sys"), dev: Path = Path("/dev")) -> None:
        """Look at a machine.

        Args:
            sys: where sysfs is.
            dev: where the device files are.
        """
        self._devices = Devices(sys, dev)

    def sources(self) -> Sequence[VideoSource]:
        return self._devices.listed()

    def open(self, wanted: str | None, taken: Collection[str] = ()) -> VideoDevice:
        sources = self.sources()
        return V4l2Device(find(sources, led_to(wanted, sources), taken))


class V4l2Device(VideoDevice):
    """One camera of V4L2."""

    def __init__(self, source: VideoSource) -> None:
        """Open it.

        Raises:
            BusAbsentError, BusPermissionError, ClaimedError, BusError: it cannot be opened, or is no camera.
        """
        self.source = source
        # Whoever uses the device holds this. `_closed` is set without it, so that it can end a wait.
        self._turn = threading.Lock()
        self._closed = False
        self._released = False
        self._stream: Stream | None = None
        with ExitStack() as undo:
            self._file = VideoFile(source.path)
            undo.callback(self._file.close)
            self._waker = Waker(source.path)
            undo.callback(self._waker.close)
            self._check_fit()
            undo.pop_all()

    def modes(self) -> Sequence[VideoMode]:
        with self._in_turn():
            return list_modes(self._file)

    def start(self, wanted: Wanted) -> Chosen:
        with self._in_turn():
            of_size = choose_size(list_modes(self._file), wanted, self.place)
            chosen = choose_rate(at_their_size(self._file, of_size), wanted, self.place)
            chosen, layout = set_mode(self._file, chosen, wanted.frame_rate)
            self._stream = Stream(self._file, layout)
            return chosen

    def read(self, timeout_ns: int) -> RawFrame | None:
        deadline_ns = time.monotonic_ns() + timeout_ns
        with self._in_turn():
            if self._stream is None:
                raise ArgumentError(f"{self.place}: the camera was not started")
            while state := self._wait(deadline_ns):
                frame = self._stream.newest()
                if frame is not None:
                    return frame
                if state & ~select.POLLIN:
                    raise answers.failed(self.place, "deliver a picture", "it stopped, and does not say why")
        return None

    def wake(self) -> None:
        self._waker.wake()

    def controls(self) -> Sequence[Control]:
        with self._in_turn():
            return Controls(self._file).all()

    def set_control(self, name: str, value: float) -> float:
        with self._in_turn():
            return Controls(self._file).set(name, value)

    def close(self) -> None:
        self._closed = True
        self.wake()
        if self._turn.acquire(timeout=CLOSE_WAIT_S):
            try:
                self._release()
            finally:
                self._turn.release()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        with self._turn:
            try:
                self._check_open()
                yield
            finally:
                if self._closed:
                    self._release()

    def _wait(self, deadline_ns: int) -> int:
        """What the camera has; 0 when the time is over or somebody woke this."""
        poller = select.poll()
        poller.register(self._file.descriptor, select.POLLIN)
        poller.register(self._waker.descriptor, select.POLLIN)
        ready = dict(poller.poll(max(0, deadline_ns - time.monotonic_ns()) / 1e6))
        self._check_open()
        return 0 if self._waker.descriptor in ready else ready.get(self._file.descriptor, 0)

    def _check_fit(self) -> None:
        reason = why_unfit(capability_of(self._file))
        if reason:
            raise answers.unfit(VideoSource(self.place, self.source.label, self.source.driver, unfit=reason))

    def _check_open(self) -> None:
        if self._closed:
            raise answers.closed(self.place)

    def _release(self) -> None:
        """Let everything go. In turn only."""
        if self._released:
            return
        self._released = True
        if self._stream is not None:
            self._stream.close()
        self._file.close()
        self._waker.close()
