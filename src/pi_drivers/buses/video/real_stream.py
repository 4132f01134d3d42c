"""The buffers that a running camera of V4L2 fills, and taking the newest picture out of them.

They are the kernel's memory, mapped into this process. A picture that is not taken stays in its buffer, and when all of
them are full the camera's further pictures are thrown away: what waits then is old, not new.
"""

import ctypes
import errno
import mmap
import time
from contextlib import ExitStack, suppress

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.contract import RawFrame
from pi_drivers.buses.video.real_file import VideoFile
from pi_drivers.buses.video.real_modes import Layout
from pi_drivers.buses.video.real_sources import capability_of
from pi_drivers.errors import BusError, DriverError

BUFFERS = 4
"""One is being filled, one is being read, and two are for when this process is late."""
FEWEST = 2

DELIVER = "deliver a picture"

OLDEST_NS = 10_000_000_000
"""A timestamp from further back is wrong; some cameras' own clocks are."""


class Stream:
    """A camera that runs. One thread at a time."""

    def __init__(self, file: VideoFile, layout: Layout) -> None:
        """Let it run; when that fails, nothing is left of it.

        Raises:
            ClaimedError: another program has it running.
            BusAbsentError, BusError: it cannot run; the message says why.
        """
        self._file = file
        self._layout = layout
        self._buffers: list[mmap.mmap] = []
        with ExitStack() as undo:
            undo.callback(self._release)
            request = v4l2.BufferRequest(count=BUFFERS, type=v4l2.CAPTURE, memory=v4l2.MMAP)
            file.ask(v4l2.REQBUFS, request, "provide buffers")
            if request.count < FEWEST:
                raise BusError(f"{file.place}: the camera got no memory for its pictures: take smaller ones")
            for index in range(request.count):
                self._buffers.append(self._map(index))
                self._give_back(v4l2.Buffer(index=index))
            undo.callback(self._stop)
            file.ask(v4l2.STREAMON, ctypes.c_int(v4l2.CAPTURE), "start")
            self._undo = undo.pop_all()

    def newest(self) -> RawFrame | None:
        """The newest picture that is there; the older ones are given back unseen.

        When all buffers were full it is not known how long they have been, so none of them counts: None, as when there
        is nothing.
        """
        full: list[v4l2.Buffer] = []
        try:
            while len(full) < len(self._buffers) and (buffer := self._take()) is not None:
                full.append(buffer)
            return self._frame(full[-1]) if 0 < len(full) < len(self._buffers) else None
        finally:
            for buffer in full:
                self._give_back(buffer)

    def close(self) -> None:
        """Stop it and give its memory back, also when it was unplugged. Idempotent."""
        self._undo.close()

    def _map(self, index: int) -> mmap.mmap:
        buffer = v4l2.Buffer(index=index, type=v4l2.CAPTURE, memory=v4l2.MMAP)
        self._file.ask(v4l2.QUERYBUF, buffer, "tell where its buffers are")
        try:
            return mmap.mmap(
                self._file.descriptor, buffer.length, mmap.MAP_SHARED, mmap.PROT_READ, offset=buffer.offset
            )
        except OSError as error:
            raise BusError(f"{self._file.place}: the camera's buffers cannot be reached: {error.strerror}") from error

    def _take(self) -> v4l2.Buffer | None:
        buffer = v4l2.Buffer(type=v4l2.CAPTURE, memory=v4l2.MMAP)
        answer = self._file.ask(v4l2.DQBUF, buffer, DELIVER, expected=(errno.EAGAIN, errno.EIO))
        if answer == errno.EIO:
            capability_of(self._file)  # of one that is unplugged the buffers hear first, and do not say why
            raise answers.failed(self._file.place, DELIVER, "its driver reports an error (EIO)")
        return None if answer else buffer

    def _give_back(self, buffer: v4l2.Buffer) -> None:
        empty = v4l2.Buffer(index=buffer.index, type=v4l2.CAPTURE, memory=v4l2.MMAP)
        self._file.ask(v4l2.QBUF, empty, "take a buffer back")

    def _frame(self, buffer: v4l2.Buffer) -> RawFrame:
        layout = self._layout
        data = self._buffers[buffer.index][: buffer.bytesused]
        return RawFrame(
            data=data,
            pixel_format=layout.pixel_format,
            width=layout.width,
            height=layout.height,
            stride=layout.stride,
            taken_ns=taken_ns(buffer, time.monotonic_ns()),
            sequence=buffer.sequence,
            broken=bool(buffer.flags & v4l2.BUFFER_ERROR) or len(data) < layout.least_bytes,
        )

    def _stop(self) -> None:
        with suppress(DriverError):  # one that was unplugged has stopped
            self._file.ask(v4l2.STREAMOFF, ctypes.c_int(v4l2.CAPTURE), "stop")

    def _release(self) -> None:
        # The kernel keeps buffers that are still mapped, and the camera with them.
        for buffer in self._buffers:
            buffer.close()
        with suppress(DriverError):
            none = v4l2.BufferRequest(count=0, type=v4l2.CAPTURE, memory=v4l2.MMAP)
            self._file.ask(v4l2.REQBUFS, none, "give its buffers back")


def taken_ns(buffer: v4l2.Buffer, now_ns: int) -> int:
    """When a picture was taken, on the host's clock; where the driver does not say so, it was now."""
    if buffer.flags & v4l2.BUFFER_TIMESTAMP_MASK != v4l2.BUFFER_TIMESTAMP_MONOTONIC:
        return now_ns
    stamp_ns: int = buffer.timestamp.seconds * 1_000_000_000 + buffer.timestamp.microseconds * 1_000
    return stamp_ns if now_ns - OLDEST_NS <= stamp_ns <= now_ns else now_ns
