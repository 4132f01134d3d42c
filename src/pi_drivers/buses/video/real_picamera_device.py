"""One camera on a ribbon cable.

picamera2 calls back with every frame, on a thread of its own. It can also be asked for one; but a camera that delivers
nothing, because its cable is loose, would keep who asks for ever.
"""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import real_picamera_library as library
from pi_drivers.buses.video import real_picamera_opening as opening
from pi_drivers.buses.video.choice import RATE_TOLERANCE, choose
from pi_drivers.buses.video.contract import (
    USUAL_RATE,
    Chosen,
    Control,
    RawFrame,
    VideoDevice,
    VideoMode,
    VideoSource,
    Wanted,
)
from pi_drivers.buses.video.ranges import check_value, find_control, inactive
from pi_drivers.buses.video.real_picamera_controls import controls_of, is_near, native, numbers_in
from pi_drivers.buses.video.real_picamera_frames import FrameNumbers, NewestRequest
from pi_drivers.errors import ArgumentError, ConfigError

LOGGER = logging.getLogger(__name__)

PIXEL_FORMAT, PICAMERA2_FORMAT = "BGR3", "RGB888"
"""The camera's image processor converts for nothing, and JPEGs are made of blue, green and red. picamera2 names forms
after the order in a word, so its RGB888 has blue first in memory (its manual, appendix A)."""
SMALLEST = (64, 64)
STEP = (2, 2)
"""picamera2 refuses odd sizes."""
BUFFERS = 4
"""One is kept, one is copied or looked at, and the camera fills two."""
SETTLING_NS = 600_000_000
"""A control acts on a frame that is still to be exposed, and some are on their way."""
CLOSING_S = 0.5
"""It goes on behind that, and who opens a camera waits for it."""


class PicameraDevice(VideoDevice):
    """One camera of picamera2."""

    def __init__(self, camera: Any, source: VideoSource) -> None:
        """Args: camera: a Picamera2, open, and from here on ours. source: what it is."""
        self._camera = camera
        self.source = source
        self._frames = NewestRequest()
        self._numbers = FrameNumbers()
        # Held by whoever uses the camera or a frame's memory, both of which closing takes away.
        self._lock = threading.Lock()
        self._closing = threading.Lock()
        self._closer: threading.Thread | None = None
        self._chosen: Chosen | None = None
        self._stride = 0
        self._given: dict[str, float] = {}
        """What controls were set to."""
        self._reported: dict[str, float] = {}
        """What the last pictures were made with."""

    def modes(self) -> Sequence[VideoMode]:
        with self._lock, library.told_as(self.place, "does not tell what it can"):
            self._check_open()
            width, height = (side // 2 * 2 for side in self._camera.sensor_resolution)
            smallest = min(SMALLEST[0], width), min(SMALLEST[1], height)
            return [VideoMode(PIXEL_FORMAT, smallest, (width, height), STEP)]

    def start(self, wanted: Wanted) -> Chosen:
        chosen = choose(self.modes(), wanted, self.place)
        with self._lock, library.told_as(self.place, "cannot be started"):
            self._check_open()
            self._configure(chosen.width, chosen.height)
            rate = self._set_rate(wanted.frame_rate)
            self._camera.post_callback = self._frames.put
            self._camera.start()
        self._chosen = Chosen(chosen.pixel_format, chosen.width, chosen.height, rate)
        return self._chosen

    def read(self, timeout_ns: int) -> RawFrame | None:
        self._check_open()
        chosen = self._chosen
        if chosen is None:
            raise ArgumentError(f"{self.place}: the camera was not started")
        is_there = self._frames.wait(timeout_ns)
        with self._lock, library.told_as(self.place, "lost a picture"):
            self._check_open()
            taken = self._frames.take() if is_there else None
            return None if taken is None else self._frame(*taken, chosen)

    def wake(self) -> None:
        self._frames.end()

    def controls(self) -> Sequence[Control]:
        with self._lock, library.told_as(self.place, "does not tell its controls"):
            self._check_open()
            return controls_of(self._camera.camera_controls, self._given | self._reported, library.choices_of)

    def set_control(self, name: str, value: float) -> float:
        control = find_control(self.place, self.controls(), name)
        check_value(self.place, control, value)
        if control.inactive:
            raise inactive(self.place, control)
        with self._lock, library.told_as(self.place, f"does not take {name}"):
            self._check_open()
            # Without its lock picamera2 loses what is set while a frame goes back.
            with self._camera.request_lock:
                self._camera.set_controls({name: native(control, value)})
        self._given[name] = value
        return self._settled(name, value) if name in self._reported else value

    def close(self) -> None:
        self._frames.end()
        with self._closing:
            if self._closer is None:
                # libcamera may hang, and then keeps this thread and nobody else.
                self._closer = threading.Thread(target=self._let_go, name=f"closing {self.place}", daemon=True)
                self._closer.start()
        self._closer.join(CLOSING_S)

    def _let_go(self) -> None:
        with self._lock, opening.turn(self.place, opening.FOR_EVER):
            with suppress(*library.FAILURES):  # closing takes the frame away in any case
                left = self._frames.take()
                if left is not None:
                    left[0].release()
            try:
                opening.close(self._camera, self.place)
            except library.FAILURES:
                LOGGER.exception("%s: libcamera does not let the camera go", self.place)

    def _configure(self, width: int, height: int) -> None:
        camera = self._camera
        main = {"size": (width, height), "format": PICAMERA2_FORMAT}
        # Without its queue picamera2 keeps no frame of its own beside ours.
        camera.configure(
            camera.create_video_configuration(main=main, buffer_count=BUFFERS, queue=False, display=None, encode=None)
        )
        got = camera.camera_configuration()["main"]
        if got["format"] != PICAMERA2_FORMAT or tuple(got["size"]) != (width, height):
            instead = " x ".join(map(str, got["size"]))
            raise answers.another_mode(self.place, Chosen(PIXEL_FORMAT, width, height, 0), f"{instead} {got['format']}")
        self._stride = got["stride"]

    def _set_rate(self, asked: float | None) -> float:
        """Set frames per second; returns what comes of it."""
        shortest_us, longest_us, *_ = self._camera.camera_controls["FrameDurationLimits"]
        slowest, fastest = 1e6 / longest_us, 1e6 / shortest_us
        if asked is not None and not slowest / (1 + RATE_TOLERANCE) <= asked <= fastest * (1 + RATE_TOLERANCE):
            raise ConfigError(
                f"{self.place}: the camera has no frame_rate {asked:g} at this size; it has: {slowest:.3g} to "
                f"{fastest:.4g}"
            )
        duration_us: int = min(longest_us, max(shortest_us, round(1e6 / (asked or USUAL_RATE))))
        self._camera.set_controls({"FrameDurationLimits": (duration_us, duration_us)})
        return round(1e6 / duration_us, 3)

    def _frame(self, request: Any, came: int, chosen: Chosen) -> RawFrame:
        try:
            metadata = request.get_metadata()
            data = library.bytes_of(request)
        finally:
            request.release()
        self._reported |= numbers_in(metadata)
        taken_ns = on_our_clock(metadata["SensorTimestamp"])
        duration_us = metadata.get("FrameDuration") or 1e6 / chosen.frame_rate
        number = self._numbers.number_of(came, taken_ns, duration_us * 1000)
        return RawFrame(data, chosen.pixel_format, chosen.width, chosen.height, self._stride, taken_ns, number)

    def _settled(self, name: str, wanted: float) -> float:
        """Wait until pictures are made with a control's new value, or have had the time to; returns what it is."""
        before = self._reported.pop(name)
        deadline_ns = time.monotonic_ns() + SETTLING_NS
        seen = 0
        while self._frames.wait(deadline_ns - time.monotonic_ns(), after=seen):
            seen = self._look_at_newest(seen)
            now = self._reported.get(name)
            if now is not None and is_near(now, wanted) and (now != before or before == wanted):
                break
        return self._reported.get(name, wanted)

    def _look_at_newest(self, seen: int) -> int:
        """Note what is said of the newest frame, which stays for the next `read`; returns how many have come."""
        with self._lock, library.told_as(self.place, "lost a picture"):
            self._check_open()
            shared = self._frames.share()
            if shared is None:
                return seen
            request, came = shared
            try:
                self._reported |= numbers_in(request.get_metadata())
            finally:
                request.release()
            return came

    def _check_open(self) -> None:
        if self._closer is not None:
            raise answers.closed(self.place)


def on_our_clock(sensor_ns: int) -> int:
    """When a frame was exposed, on CLOCK_MONOTONIC; never in the future.

    libcamera's description has CLOCK_BOOTTIME, the kernel's drivers for the Pi's cameras use CLOCK_MONOTONIC. The two
    differ by the time the machine was suspended, and only the first can lie in the future. One that lies there on both
    clocks is wrong, and the frame as old as its coming; an old one is believed: frames wait for a process that is
    stopped for a while.
    """
    now_ns = time.monotonic_ns()
    if sensor_ns <= now_ns:
        return sensor_ns
    return min(now_ns, sensor_ns - (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - now_ns))
