"""The class Picamera2, with a camera behind it that looks at the simulated Pi's scene, in real time."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import libcamera  # noqa: F401 - as the real one, it cannot be had without

from pi_drivers.world.scene import Scene

from .bench import BENCH, RANGES, BenchCamera
from .layout import BYTES_PER_PIXEL, frame_size, laid_out, stride_of
from .manager import CameraManager
from .request import Buffer, CompletedRequest, MappedArray

__all__ = ["CompletedRequest", "MappedArray", "Picamera2"]

READ_OUT_S = 0.005
GIVEN_UP_S = 1.0
"""libcamera's patience with a camera that delivers nothing."""
LINE_US = 26
USUAL_EXPOSURE_US = 20_000
STREAM_KEYS = ("format", "size", "stride", "preserve_ar")


class LibcameraCamera:
    """As of libcamera: the camera itself, which picamera2 has inside. Only one that stands still can be released."""

    def __init__(self, picam2: Any) -> None:
        self._picam2 = picam2
        self._bench: BenchCamera = picam2._bench

    def acquire(self) -> None:
        if self._bench.holder is not None:
            raise RuntimeError(self._bench.refusal)
        self._bench.holder = self._picam2

    def stop(self) -> None:
        self._bench.reach("camera.stop")
        self._picam2._end_run()

    def release(self) -> None:
        self._bench.reach("camera.release")
        if self._picam2._thread is not None:
            raise RuntimeError("Failed to release camera: Device or resource busy")
        self._bench.holder = None


class Picamera2:
    """As of picamera2: one camera."""

    # No other attribute can be set: the real one would take it, and do nothing.
    __slots__ = (
        "__weakref__", "_applied", "_bench", "_configuration", "_end", "_free", "_pending", "_thread", "camera",
        "camera_idx", "is_open", "notifyme_r", "notifyme_w", "notifymeread", "post_callback", "pre_callback",
        "request_lock", "started",
    )  # fmt: skip
    _cm = CameraManager()

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        found = [
            {"Model": camera.model, "Location": 2, "Rotation": 180, "Id": camera.camera_id, "Num": number}
            for number, camera in enumerate(BENCH.cameras)
        ]
        return sorted(found, key=lambda camera: ("/usb" not in camera["Id"], camera["Id"]), reverse=True)

    def __init__(
        self, camera_num: int = 0, verbose_console: None = None, tuning: None = None, allocator: None = None
    ) -> None:
        self.notifyme_r, self.notifyme_w = os.pipe2(os.O_NONBLOCK)
        self.notifymeread = os.fdopen(self.notifyme_r, "rb")
        self.is_open = self.started = False
        camera_num = self.global_camera_info()[camera_num]["Num"]
        self._cm.add(camera_num, self)
        self.camera_idx = camera_num
        self._bench: BenchCamera = BENCH.cameras[camera_num]
        self.camera = LibcameraCamera(self)
        self.request_lock = threading.Lock()
        self.pre_callback: Callable[[CompletedRequest], None] | None = None
        self.post_callback: Callable[[CompletedRequest], None] | None = None
        self._configuration: dict[str, Any] | None = None
        self._pending: dict[str, Any] = {}
        self._applied = {name: limits[2] for name, limits in RANGES.items() if limits[2] is not None}
        self._free: list[Buffer] = []
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            self._bench.reach("__init__")
            self.camera.acquire()
            self.is_open = True
            self._bench.reach("create_preview_configuration")
        except Exception:
            raise RuntimeError("Camera __init__ sequence did not complete.")  # noqa: B904 - as it does

    @property
    def sensor_resolution(self) -> tuple[int, int]:
        return self._bench.resolution

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        if not self.is_open:
            return {}
        limits = (_fastest_us(self._configuration), 220_535_845, 33_333)
        return RANGES | {"FrameDurationLimits": limits, "ScalerCrop": ((0, 0, 64, 64), (0, 0, 4608, 2592), None)}

    def create_video_configuration(
        self,
        main: Mapping[str, Any] = {},
        lores: None = None,
        raw: Mapping[str, Any] | None = {},
        transform: None = None,
        colour_space: None = None,
        buffer_count: int = 6,
        controls: Mapping[str, Any] = {},
        display: str | None = "main",
        encode: str | None = "main",
        queue: bool = True,
        sensor: Mapping[str, Any] | None = {},
        use_case: str = "video",
    ) -> dict[str, Any]:
        if not self.is_open:
            raise RuntimeError("Camera not opened")
        for key in main:
            if key not in STREAM_KEYS:
                raise ValueError(f"Bad key {key!r}: valid stream configuration keys are {STREAM_KEYS}")
        stream: dict[str, Any] = {"format": "XBGR8888", "size": (1280, 720), "preserve_ar": True} | dict(main)
        stream["size"] = tuple(side - side % 2 for side in stream["size"])
        return {
            "use_case": use_case, "buffer_count": buffer_count, "queue": queue, "display": display, "encode": encode,
            "main": stream, "controls": {"FrameDurationLimits": (33333, 33333)} | dict(controls),
        }  # fmt: skip

    def configure(self, camera_config: Mapping[str, Any]) -> None:
        self._bench.reach("configure")
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        if not self.is_open:
            raise RuntimeError("Camera not opened")
        main = dict(camera_config["main"])
        if main["format"] not in BYTES_PER_PIXEL:
            raise RuntimeError(f"Bad format {main['format']} in stream main")
        if type(main["size"]) is not tuple or len(main["size"]) != 2:
            raise RuntimeError("size in main stream should be (width, height)")
        wanted = self._bench.adjusted_to or main["size"]
        main["size"] = tuple(map(min, wanted, self._bench.resolution))
        main["stride"] = stride_of(main["format"], main["size"][0], BENCH.alignment)
        main["framesize"] = frame_size(main["format"], main["stride"], main["size"][1])
        if self._bench.no_memory:
            raise OSError(12, "Cannot allocate memory")
        self._configuration = dict(camera_config) | {"main": main}
        self._pending = {}
        self.set_controls(camera_config["controls"])

    def camera_configuration(self) -> dict[str, Any] | None:
        return self._configuration

    def set_controls(self, controls: Mapping[str, Any]) -> None:
        self._bench.reach("set_controls")
        there = self.camera_controls
        for name, value in controls.items():
            if name not in there:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
            _check_value(name, value, there[name])
        self._pending |= controls

    def start(self, config: None = None, show_preview: bool | None = False) -> None:
        self._bench.reach("start")
        if self._configuration is None:
            raise RuntimeError("Camera has not been configured")
        self._free = [
            Buffer(self._configuration["main"]["framesize"]) for _ in range(self._configuration["buffer_count"])
        ]
        self._applied |= self._pending
        self._pending = {}
        self.started = True
        self._thread = threading.Thread(target=self._run, name="picamera2", daemon=True)
        self._thread.start()

    def stop_preview(self) -> None:
        raise RuntimeError("No preview specified.")

    def stop(self) -> None:
        self._bench.reach("stop")
        if self.started:
            self.camera.stop()
            self._cm.handle_request(self.camera_idx)
            self.started = False

    def close(self) -> None:
        self._bench.reach("close")
        if not self.is_open:
            return
        self.stop()
        self.camera.release()
        self._cm.cleanup(self.camera_idx)
        self.is_open = False
        self._configuration = None
        self.notifymeread.close()
        os.close(self.notifyme_w)

    def _end_run(self) -> None:
        if self._thread is not None:
            self._end.set()
            self._thread.join()
            self._thread = None
            self._end.clear()

    def _run(self) -> None:
        """Expose frames, on picamera2's thread, until the end, or until libcamera gives it up."""
        began_ns = heard_ns = time.monotonic_ns()
        number = 0
        while True:
            duration_ns = self._applied["FrameDurationLimits"][0] * 1000
            number += 1
            due_ns = began_ns + number * duration_ns
            if self._end.wait(max(0.0, (due_ns - time.monotonic_ns()) / 1e9 + READ_OUT_S)):
                return
            if self._bench.loses:
                self._bench.loses -= 1
            elif self._bench.delivers:
                heard_ns = due_ns
                self._deliver(due_ns, number)
            elif due_ns - heard_ns > GIVEN_UP_S * 1e9:
                self._end.wait()
                return

    def _deliver(self, taken_ns: int, number: int) -> None:
        with self.request_lock:
            buffer = self._free.pop(0) if self._free else None
        if buffer is None or self._configuration is None or self._cm.cameras[self.camera_idx] is not self:
            return
        self._applied |= buffer.controls
        self._bench.applied |= buffer.controls
        main = self._configuration["main"]
        width, height = main["size"]
        picture = Scene().picture(taken_ns, width, height, number, brightness=self._brightness())
        buffer.memory[:] = laid_out(picture, main["format"], main["stride"])
        request = CompletedRequest(buffer, buffer.controls | self._metadata(taken_ns), self)
        for callback in (self.pre_callback, self.post_callback):
            if callback is not None:
                callback(request)
        request.release()

    def _take_back(self, buffer: Buffer) -> None:
        """A request is released, under its lock: the controls that were set meanwhile go with it."""
        buffer.controls = dict(self._pending)
        time.sleep(self._bench.handing_over_s)
        self._pending = {}  # with whatever was set without the lock meanwhile, as in the real one
        self._free.append(buffer)

    def _metadata(self, taken_ns: int) -> dict[str, Any]:
        return {
            "SensorTimestamp": taken_ns + self._bench.clock_ahead_ns,
            "ExposureTime": self._exposure_us(), "AnalogueGain": self._gain(),
            "FrameDuration": self._applied["FrameDurationLimits"][0], "ColourGains": (1.9, 2.1), "Lux": 400.0,
            "LensPosition": self._applied["LensPosition"], "ScalerCrop": (0, 0, 4608, 2592),
        }  # fmt: skip

    def _exposure_us(self) -> int:
        wanted = USUAL_EXPOSURE_US if self._applied["AeEnable"] else self._applied["ExposureTime"]
        return int(wanted) // LINE_US * LINE_US

    def _gain(self) -> float:
        return 1.0 if self._applied["AeEnable"] else float(self._applied.get("AnalogueGain", 1.0))

    def _brightness(self) -> float:
        brightness: float = 1 + self._applied["Brightness"]
        return brightness * self._exposure_us() * self._gain() / USUAL_EXPOSURE_US


def _fastest_us(configuration: Mapping[str, Any] | None) -> int:
    """The shortest frame of the sensor's mode that is chosen for a size."""
    width = configuration["main"]["size"][0] if configuration is not None else 0
    return 8_333 if width <= 1536 else 17_849 if width <= 2304 else 69_669


def _check_value(name: str, value: Any, limits: tuple[Any, Any, Any]) -> None:
    low, high, _ = limits
    if name == "FrameDurationLimits":
        fits = isinstance(value, tuple) and len(value) == 2 and all(type(part) is int for part in value)
    else:
        kinds = (int, float) if isinstance(low, float) else (type(low),)
        fits = type(value) in kinds and low <= value <= high
    if not fits:
        raise RuntimeError(f"Unable to cast or out of range: {name} = {value!r}")
