"""A completed request: a frame in memory that it shares with the camera, and how to look at it there."""

import threading
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class Buffer:
    """Memory for one frame. The camera fills it again as soon as it has it back."""

    def __init__(self, size: int) -> None:
        self.memory: NDArray[np.uint8] = np.zeros(size, np.uint8)
        self.controls: dict[str, Any] = {}
        """What the next frame in it is to be made with."""


class CompletedRequest:
    """As of picamera2."""

    def __init__(self, buffer: Buffer, metadata: dict[str, Any], picam2: Any) -> None:
        self._buffer: Buffer | None = buffer
        self._metadata = metadata
        self._picam2 = picam2
        self._lock: threading.Lock = picam2.request_lock
        self._references = 1

    def acquire(self) -> None:
        with self._lock:
            if self._references == 0:
                raise RuntimeError("CompletedRequest: acquiring lock with ref_count 0")
            self._references += 1

    def release(self) -> None:
        with self._lock:
            self._references -= 1
            if self._references < 0:
                raise RuntimeError("CompletedRequest: lock now has negative ref_count")
            if self._references == 0:
                assert self._buffer is not None
                self._picam2._take_back(self._buffer)
                self._buffer = None

    def get_metadata(self) -> dict[str, Any]:
        if self._buffer is None:
            raise AttributeError("'NoneType' object has no attribute 'metadata'")
        return dict(self._metadata)


class MappedArray:
    """As of picamera2: the memory itself, no copy."""

    def __init__(self, request: CompletedRequest, stream: str, reshape: bool = True, write: bool = True) -> None:
        if stream != "main":
            raise KeyError(stream)
        assert not reshape
        self._buffer = request._buffer
        self._is_broken = request._picam2._bench.broken_buffers
        self.array: NDArray[np.uint8] | None = None

    def __enter__(self) -> Self:
        if self._buffer is None:
            raise AttributeError("'NoneType' object has no attribute 'buffers'")
        if self._is_broken:
            raise OSError(12, "Cannot map the buffer")
        self.array = self._buffer.memory
        return self

    def __exit__(self, *error: object) -> None:
        self.array = None
