"""Cameras on a ribbon cable as picamera2 has them, with a stand-in for it that refuses what it does not have."""

import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_drivers.buses.video import real_picamera_device as device_module
from pi_drivers.buses.video import real_picamera_opening as opening
from pi_drivers.buses.video.contract import RawFrame, VideoDevice, Wanted
from pi_drivers.buses.video.real_picamera import LibcameraCameras
from pi_drivers.buses.video.real_picamera_device import on_our_clock
from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    BusTimeoutError,
    ClaimedError,
    ClosedError,
    ConfigError,
    MissingLibraryError,
)
from tests import scene_reader
from tests.conftest import open_descriptors

STAND_IN = Path(__file__).parents[1] / "picamera2_stand_in"
SECOND = 1_000_000_000
AT_ONCE_S = 0.1


class Ribbon:
    """The stand-in's bench, with one camera on it, and all that was opened there."""

    def __init__(self, bench: Any) -> None:
        self.module = bench
        self.bench = bench.BENCH
        self.camera = self.plug_in()
        self.registered: dict[int, Any] = sys.modules["picamera2"].Picamera2._cm.cameras
        """What picamera2 takes for open."""
        self._opened: list[VideoDevice] = []

    def plug_in(self, **what: Any) -> Any:
        camera = self.module.BenchCamera(**what)
        self.bench.cameras.append(camera)
        return camera

    def open(self, wanted: str | None = None) -> VideoDevice:
        device = LibcameraCameras().open(wanted)
        self._opened.append(device)
        return device

    def start(self, **wanted: Any) -> VideoDevice:
        device = self.open()
        device.start(Wanted(**wanted))
        return device

    def clear(self) -> None:
        for camera in self.bench.cameras:
            camera.hangs.clear()
            camera.fails.clear()
        for device in self._opened:
            device.close()
        assert [camera.holder for camera in self.bench.cameras if camera.holder is not None] == []
        assert self.registered == {}
        self.bench.cameras.clear()


@pytest.fixture
def ribbon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ribbon]:
    monkeypatch.syspath_prepend(str(STAND_IN))
    ribbon = Ribbon(importlib.import_module("picamera2.bench"))
    yield ribbon
    ribbon.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in {"picamera2", "libcamera"}]:
        del sys.modules[name]


def frame_of(device: VideoDevice) -> RawFrame:
    frame = device.read(2 * SECOND)
    assert frame is not None
    return frame


def pixels_of(frame: RawFrame) -> Any:
    lines = np.frombuffer(frame.data, np.uint8).reshape(frame.height, frame.stride)
    return lines[:, : frame.width * 3].reshape(frame.height, frame.width, 3)


def test_a_camera_is_listed_with_what_people_know_it_by(ribbon: Ribbon):
    [source] = LibcameraCameras().sources()
    assert (source.path, source.label, source.unfit) == ("camera 0", "imx708", "")
    assert source.names == (ribbon.module.CSI_ID,)


def test_one_on_usb_is_the_other_model_s_and_stands_behind_those_on_ribbon_cables(ribbon: Ribbon):
    ribbon.bench.cameras.insert(0, ribbon.module.BenchCamera(camera_id=ribbon.module.USB_ID, model="C270"))
    assert [source.label for source in LibcameraCameras().sources()] == ["imx708", "C270"]
    assert ribbon.open().source.label == "imx708"
    with pytest.raises(BusError, match=r'camera 1 \("C270"\) cannot be used .*use the model webcam'):
        ribbon.open("camera 1")


@pytest.mark.parametrize("wanted", ["camera 1", "1", "imx219", "/base/axi/pcie@120000/rp1/i2c@80000/imx219@10"])
def test_the_camera_that_is_meant_is_the_one_that_opens(ribbon: Ribbon, wanted):
    other = ribbon.plug_in(camera_id="/base/axi/pcie@120000/rp1/i2c@80000/imx219@10", model="imx219")
    device = ribbon.open(wanted)

    assert (device.place, device.source.label) == ("camera 1", "imx219")
    assert other.holder is not None
    assert ribbon.camera.holder is None


def test_a_camera_that_is_not_there(ribbon: Ribbon):
    with pytest.raises(BusAbsentError, match=r'^camera 3: there is no such camera. There are: camera 0 "imx708"'):
        ribbon.open("camera 3")
    ribbon.bench.cameras.clear()
    with pytest.raises(
        BusAbsentError,
        match=r"camera 0: .*none at all.*ribbon cable.*camera_auto_detect=1.*rpicam-hello .*usermod -aG video \$USER",
    ):
        ribbon.open("camera 0")


def test_a_camera_in_use_is_told_so_and_trying_again_costs_nothing(ribbon: Ribbon):
    ribbon.camera.holder = "rpicam-hello"
    with pytest.raises(ClaimedError, match=r"^camera 0: another program uses this camera.*fuser -v /dev/media"):
        ribbon.open()
    before, threads = open_descriptors(), threading.active_count()
    for _ in range(20):
        with pytest.raises(ClaimedError):
            ribbon.open()
    assert (open_descriptors(), threading.active_count()) == (before, threads)
    assert ribbon.registered == {}

    ribbon.camera.holder = None
    assert frame_of(ribbon.start()).width == 640


def test_one_that_another_resource_has_goes_on_there(ribbon: Ribbon):
    device = ribbon.start(frame_rate=100)
    with pytest.raises(ClaimedError, match=r"^camera 0: another resource has this camera.* camera_num"):
        ribbon.open("camera 0")
    assert len([frame_of(device) for _ in range(3)]) == 3

    device.close()
    assert frame_of(ribbon.start()).width == 640


def test_another_camera_that_cannot_be_opened_leaves_the_first_one_running(ribbon: Ribbon):
    device = ribbon.start(frame_rate=100)
    ribbon.plug_in(holder="rpicam-hello")
    with pytest.raises(ClaimedError, match=r"^camera 1: another program"):
        ribbon.open("camera 1")

    assert list(ribbon.registered) == [0]
    assert len([frame_of(device) for _ in range(3)]) == 3
    ribbon.bench.cameras[1].holder = None


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        ("Camera(s) not found (Do not forget to disable legacy camera)", BusAbsentError, "none at all"),
        ("Tuning file imx708.json not found", BusError, r"cannot be opened: .*imx708\.json not found\. If rpicam"),
        ("Initialization failed.", BusError, r"cannot be opened: .*Initialization failed.* rpicam-hello"),
    ],
)
def test_what_libcamera_says_is_read_for_what_it_means(ribbon: Ribbon, refusal, kind, words):
    ribbon.camera.holder, ribbon.camera.refusal = "libcamera", refusal
    with pytest.raises(kind, match=f"^camera 0: .*{words}") as caught:
        ribbon.open()
    assert type(caught.value) is kind
    ribbon.camera.holder = None


@pytest.mark.parametrize("alignment", [32, 64])
@pytest.mark.parametrize("size", [(640, 480), (646, 482), (1280, 720)])
def test_frames_are_the_picture_in_blue_green_and_red_with_lines_as_long_as_they_say(ribbon: Ribbon, size, alignment):
    ribbon.bench.alignment = alignment
    device = ribbon.start(width=size[0], height=size[1])
    frame = frame_of(device)

    assert (frame.pixel_format, frame.width, frame.height) == ("BGR3", *size)
    assert (frame.stride % alignment, len(frame.data)) == (0, frame.stride * frame.height)
    assert scene_reader.read(pixels_of(frame)).rotated == 0


def test_a_frame_carries_the_time_of_its_exposure_and_its_number(ribbon: Ribbon):
    device = ribbon.start()
    frames = [frame_of(device) for _ in range(3)]

    for frame in frames:
        seen = scene_reader.read(pixels_of(frame))
        assert seen.taken_ms == frame.taken_ns // 1_000_000 % 2**40
        assert 0 < time.monotonic_ns() - frame.taken_ns < SECOND
    assert [frame.sequence for frame in frames] == [1, 2, 3]


def test_a_frame_that_says_it_comes_from_the_future_is_of_now(ribbon: Ribbon):
    device = ribbon.start(frame_rate=50)
    before = frame_of(device)
    ribbon.camera.clock_ahead_ns = 3600 * SECOND
    frames = [frame_of(device) for _ in range(3)]
    ribbon.camera.clock_ahead_ns = 0
    frames += [frame_of(device) for _ in range(2)]

    assert all(0 <= time.monotonic_ns() - frame.taken_ns < SECOND for frame in frames)
    assert before.sequence < frames[-1].sequence < before.sequence + 20


def test_who_comes_late_gets_the_newest_and_the_camera_never_waits(ribbon: Ribbon):
    device = ribbon.start(frame_rate=100)
    first = frame_of(device)
    time.sleep(0.3)  # the stand-in runs in real time
    late = frame_of(device)

    assert late.sequence - first.sequence == pytest.approx(30, abs=15)
    assert time.monotonic_ns() - late.taken_ns < SECOND // 10
    assert scene_reader.read(pixels_of(late)).frame_number == late.sequence


def test_frames_that_the_sensor_loses_leave_a_gap_in_the_numbers(ribbon: Ribbon):
    device = ribbon.start(frame_rate=50)
    before = frame_of(device)
    ribbon.camera.loses = 3
    frames = [frame_of(device) for _ in range(4)]

    assert frames[-1].sequence >= before.sequence + 4 + 3
    assert [scene_reader.read(pixels_of(frame)).frame_number for frame in frames] == [one.sequence for one in frames]


def test_the_rate_is_the_one_asked_for(ribbon: Ribbon):
    device = ribbon.open()
    assert device.start(Wanted(frame_rate=50)).frame_rate == 50
    frames = [frame_of(device) for _ in range(4)]
    assert frames[3].taken_ns - frames[0].taken_ns == (frames[3].sequence - frames[0].sequence) * 20_000_000


def test_without_a_rate_it_is_30_or_what_the_sensor_can(ribbon: Ribbon):
    device = ribbon.open()
    assert device.start(Wanted()).frame_rate == pytest.approx(30, abs=0.01)
    device.close()
    assert ribbon.open().start(Wanted(width=4608, height=2592)).frame_rate == pytest.approx(14.35, abs=0.01)


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (Wanted(), (640, 480)),
        (Wanted(width=1280), (1280, 720)),
        (Wanted(width=4608), (4608, 2592)),
        (Wanted(height=480), (852, 480)),
        (Wanted(width=64), (64, 64)),
    ],
)
def test_of_a_size_with_one_side_the_other_follows_the_sensor_s_shape(ribbon: Ribbon, wanted, size):
    chosen = ribbon.open().start(wanted)
    assert (chosen.width, chosen.height) == size


def test_a_sensor_of_few_pixels_delivers_those_it_has(ribbon: Ribbon):
    ribbon.camera.resolution = (33, 24)
    device = ribbon.open()
    [mode] = device.modes()
    assert (mode.smallest, mode.largest) == ((32, 24), (32, 24))
    chosen = device.start(Wanted())
    assert (chosen.width, chosen.height) == (32, 24)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(width=641), "has no width_px and height_px 641 x any; it has: 64 x 64 to 4608 x 2592"),
        (Wanted(width=9000, height=9000), "has no width_px and height_px 9000 x 9000"),
        (Wanted(frame_rate=500), "has no frame_rate 500 at this size; it has: 0.00453 to 120"),
        (Wanted(width=4608, height=2592, frame_rate=30), "has no frame_rate 30 .* to 14.35"),
        (Wanted(pixel_format="MJPG"), "has no format MJPG; it has: BGR3"),
    ],
)
def test_what_it_cannot_deliver_is_refused_with_what_it_can(ribbon: Ribbon, wanted, words):
    with pytest.raises(ConfigError, match=f"^camera 0: the camera {words}"):
        ribbon.open().start(wanted)


def test_another_size_than_asked_for_is_refused(ribbon: Ribbon):
    ribbon.camera.adjusted_to = (800, 600)
    with pytest.raises(ConfigError, match="asked for 640 x 480 BGR3 and gives 800 x 600 RGB888"):
        ribbon.start()


def test_where_memory_is_short_the_message_says_so(ribbon: Ribbon):
    ribbon.camera.no_memory = True
    with pytest.raises(BusError, match=r"camera 0: there is not enough memory .*smaller width_px"):
        ribbon.start()


def test_a_camera_that_delivers_nothing_gives_none_when_the_time_is_over(ribbon: Ribbon):
    ribbon.camera.silent = True
    device = ribbon.start()
    began = time.monotonic()
    assert device.read(SECOND // 5) is None
    assert 0.2 <= time.monotonic() - began < 0.2 + AT_ONCE_S


def later(action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(0.1, action)
    timer.start()
    return timer


def test_a_waiting_read_is_woken_at_once_and_so_are_those_to_come(ribbon: Ribbon):
    ribbon.camera.silent = True
    device = ribbon.start()
    timer = later(device.wake)
    began = time.monotonic()
    assert device.read(10 * SECOND) is None
    assert time.monotonic() - began < 0.1 + AT_ONCE_S
    assert device.read(10 * SECOND) is None
    assert time.monotonic() - began < 0.1 + 2 * AT_ONCE_S
    timer.join()


def test_closing_ends_a_waiting_read_and_everything_after_it_is_refused(ribbon: Ribbon):
    ribbon.camera.silent = True
    device = ribbon.start()
    timer = later(device.close)
    with pytest.raises(ClosedError, match=r"^camera 0: the camera was closed"):
        device.read(10 * SECOND)
    timer.join()
    device.close()

    for call in (device.modes, device.controls, lambda: device.set_control("Contrast", 1), lambda: device.read(0)):
        with pytest.raises(ClosedError):
            call()


def test_a_camera_that_was_given_up_comes_back_when_it_is_opened_anew(ribbon: Ribbon):
    device = ribbon.start(frame_rate=50)
    frame_of(device)
    ribbon.camera.silent = True
    while device.read(3 * SECOND // 2) is not None:
        pass
    ribbon.camera.silent = False
    assert device.read(SECOND // 5) is None
    device.close()

    assert frame_of(ribbon.start()).sequence == 1


def test_it_can_be_opened_again_as_soon_as_it_is_closed_and_leaves_nothing(ribbon: Ribbon):
    ribbon.start().close()
    before, threads = open_descriptors(), threading.active_count()
    for _ in range(20):
        device = ribbon.start(frame_rate=100)
        frame_of(device)
        device.close()

    assert (open_descriptors(), threading.active_count()) == (before, threads)


def test_a_library_that_hangs_in_closing_holds_nobody_for_ever(ribbon: Ribbon, monkeypatch):
    monkeypatch.setattr(opening, "LONGEST_TURN_S", 0.2)
    device = ribbon.start()
    ribbon.camera.hangs.set()
    began = time.monotonic()
    device.close()
    assert time.monotonic() - began < device_module.CLOSING_S + AT_ONCE_S

    with pytest.raises(
        BusError, match=r"camera 0: this module still waits for libcamera to open or close a camera.*Restart"
    ):
        ribbon.open("camera 0")
    ribbon.camera.hangs.clear()
    assert frame_of(ribbon.start()).width == 640


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("__init__", "to open or close a camera"),
        ("configure", "to do what another resource wants of this camera"),
        ("set_controls", "to do what another resource wants of this camera"),
        ("start", "to do what another resource wants of this camera"),
    ],
)
def test_a_library_that_hangs_in_opening_is_not_taken_for_another_program(ribbon: Ribbon, monkeypatch, step, words):
    monkeypatch.setattr(opening, "LONGEST_TURN_S", 0.2)
    ribbon.camera.hangs_in = step
    ribbon.camera.hangs.set()
    first = threading.Thread(target=ribbon.start)
    first.start()
    time.sleep(0.3)  # the stand-in hangs in real time
    with pytest.raises(BusTimeoutError, match=rf"^camera 0: this module still waits for libcamera {words}.*Restart"):
        ribbon.open("camera 0")

    ribbon.camera.hangs.clear()
    first.join()


@pytest.mark.parametrize("failing", [["stop"], ["close"], ["stop", "close"]])
def test_closing_that_fails_half_way_lets_the_camera_go_all_the_same(ribbon: Ribbon, failing):
    ribbon.start().close()
    before, threads = open_descriptors(), threading.active_count()
    ribbon.camera.fails |= {step: RuntimeError(f"{step} failed") for step in failing}
    ribbon.start().close()

    assert (open_descriptors(), threading.active_count()) == (before, threads)
    assert (ribbon.camera.holder, ribbon.registered) == (None, {})
    assert frame_of(ribbon.start()).width == 640


@pytest.mark.parametrize("failing", [["camera.release"], ["stop", "camera.stop"]])
def test_a_camera_that_libcamera_keeps_is_told_so_and_had_again_as_soon_as_it_lets_it_go(ribbon: Ribbon, failing):
    ribbon.start().close()
    before, threads = open_descriptors(), threading.active_count()
    ribbon.camera.fails |= {step: RuntimeError(f"{step} failed") for step in failing}
    ribbon.start().close()
    for _ in range(2):
        with pytest.raises(ClaimedError, match=r"^camera 0: this module still holds it, .* not let it go: restart the"):
            ribbon.open()

    ribbon.camera.fails.clear()
    device = ribbon.start()
    assert frame_of(device).width == 640
    device.close()
    assert (open_descriptors(), threading.active_count()) == (before, threads)


def test_one_that_fails_when_it_is_all_but_open_is_let_go(ribbon: Ribbon):
    before, threads = open_descriptors(), threading.active_count()
    ribbon.camera.fails |= {"create_preview_configuration": RuntimeError("no raw mode"), "stop": RuntimeError("no")}
    with pytest.raises(BusError, match=r"camera 0: the camera cannot be opened: .*no raw mode"):
        ribbon.open()

    assert (open_descriptors(), threading.active_count()) == (before, threads)
    assert ribbon.camera.holder is None


def test_a_library_that_would_end_the_program_does_not(ribbon: Ribbon):
    ribbon.camera.fails["__init__"] = SystemExit(3)
    with pytest.raises(BusError, match=r"camera 0: the camera cannot be opened: it wants to end the program .*3"):
        ribbon.open()
    ribbon.camera.fails = {"start": SystemExit(3)}
    with pytest.raises(BusError, match=r"camera 0: the camera cannot be started: it wants to end the program .*3"):
        ribbon.start()


def test_a_frame_that_cannot_be_had_is_an_error_and_no_leak(ribbon: Ribbon):
    device = ribbon.start(frame_rate=100)
    ribbon.camera.broken_buffers = True
    for _ in range(10):
        with pytest.raises(BusError, match=r"camera 0: the camera lost a picture: .*Cannot map the buffer"):
            device.read(SECOND)
    ribbon.camera.broken_buffers = False

    assert frame_of(device).width == 640


def test_controls_have_libcamera_s_names_ranges_and_choices(ribbon: Ribbon):
    there = {control.name: control for control in ribbon.start().controls()}

    assert not there.keys() & {"ScalerCrop", "AfWindows", "ColourGains", "FrameDurationLimits"}
    assert (there["Brightness"].kind, there["Brightness"].minimum, there["Brightness"].default) == ("number", -1, 0)
    assert there["AfMode"].choices == {0: "Manual", 1: "Auto", 2: "Continuous"}
    assert there["NoiseReductionMode"].choices[2] == "HighQuality"
    assert (there["AeEnable"].kind, there["AeEnable"].value) == ("boolean", 1)
    assert there["AwbEnable"].value == 1
    assert [control.inactive for control in (there["ExposureTime"], there["ColourTemperature"])] == [True, True]
    assert (there["ExposureTime"].automatic, there["AeEnable"].automatic) == (("AeEnable", (0,)), None)
    assert not there["LensPosition"].inactive


def test_a_control_acts_on_the_picture_and_says_what_the_camera_made_of_it(ribbon: Ribbon):
    device = ribbon.start(frame_rate=50)
    frame_of(device)
    assert device.set_control("AeEnable", 0) == 0
    # Exposures last whole lines of 26 µs.
    assert device.set_control("ExposureTime", 10_000) == 9984
    assert scene_reader.read(pixels_of(frame_of(device))).brightness == pytest.approx(0.5, abs=0.02)

    assert {control.name: control.value for control in device.controls()}["ExposureTime"] == 9984
    assert device.set_control("ExposureTime", 10_000) == 9984
    assert device.set_control("Contrast", 2) == 2
    assert device.set_control("Contrast", 3) == 3


def test_what_came_while_a_control_took_effect_is_there_to_be_read(ribbon: Ribbon):
    device = ribbon.start(frame_rate=10)
    before = frame_of(device)
    device.set_control("AeEnable", 0)
    worked_s = time.thread_time()
    device.set_control("ExposureTime", 10_000)
    assert time.thread_time() - worked_s < 0.1
    frame = device.read(0)

    assert frame is not None
    assert frame.taken_ns > before.taken_ns
    assert scene_reader.read(pixels_of(frame)).brightness == pytest.approx(0.5, abs=0.02)
    assert time.monotonic_ns() - frame.taken_ns < SECOND // 5


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ExposureTime", 100.5, "ExposureTime must be a whole number, 26 to 220416802, got 100.5"),
        ("ExposureTime", 220416803, "ExposureTime must be 26 to 220416802, got 220416803"),
        ("Contrast", 33, "Contrast must be 0 to 32, got 33"),
        ("AfMode", 3, r'AfMode must be 0 \("Manual"\) or'),
        ("AeEnable", 0.5, r"AeEnable must be 0 \(off\) or 1 \(on\), got 0.5"),
        ("Exposuretime", 100, 'no control "Exposuretime" .*did you mean "ExposureTime"'),
        ("ExposureTime", 100, "ExposureTime has no effect .* set AeEnable to 0 first"),
        ("FrameDurationLimits", 100, 'no control "FrameDurationLimits"'),
    ],
)
def test_what_a_control_cannot_be_set_to_is_refused(ribbon: Ribbon, name, value, words):
    device = ribbon.start()
    with pytest.raises(ArgumentError, match=f"^camera 0: .*{words}"):
        device.set_control(name, value)


def test_no_control_is_lost_between_frames_that_go_back(ribbon: Ribbon):
    ribbon.camera.handing_over_s = 0.004
    device = ribbon.start(frame_rate=100)
    for contrast in range(20):
        device.set_control("Contrast", contrast)
        time.sleep(0.0613)  # some six frames of the stand-in's, which runs in real time
        assert ribbon.camera.applied["Contrast"] == contrast


def test_a_camera_that_was_not_started_delivers_nothing(ribbon: Ribbon):
    with pytest.raises(ArgumentError, match="camera 0: the camera was not started"):
        ribbon.open().read(0)


def test_without_picamera2_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(MissingLibraryError, match=r"sudo apt install -y python3-picamera2 .*see the system's packages"):
        LibcameraCameras().open(None)


def test_so_it_does_where_only_libcamera_is_missing(ribbon: Ribbon, monkeypatch):
    sys.modules.pop("picamera2")
    monkeypatch.setitem(sys.modules, "libcamera", None)
    with pytest.raises(MissingLibraryError, match=r"python3-picamera2 .*what is missing: .*libcamera"):
        LibcameraCameras().sources()


def test_a_picamera2_made_for_another_numpy_is_told_apart(tmp_path: Path, monkeypatch):
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        MissingLibraryError, match=r"for another numpy .*setup\.sh .*simplejpeg>=1\.8.*numpy\.dtype size changed"
    ):
        LibcameraCameras().sources()


@pytest.mark.parametrize(
    "line",
    [
        "raise OSError('libcamera.so.0.3: cannot open shared object file')",
        "raise AttributeError('module numpy has no attribute float')",
        "raise RuntimeError('no platform')",
        "raise SystemExit('unsupported')",
    ],
)
def test_one_that_cannot_be_loaded_for_whatever_reason_is_told_with_how_to_get_it(tmp_path: Path, monkeypatch, line):
    (tmp_path / "picamera2.py").write_text(line)
    monkeypatch.syspath_prepend(str(tmp_path))
    for call in (LibcameraCameras().sources, lambda: LibcameraCameras().open("camera 0")):
        with pytest.raises(
            MissingLibraryError,
            match=r"sudo apt install -y python3-picamera2 .* cannot be loaded: \w+: (lib|mod|no|uns)",
        ):
            call()


def test_a_time_that_counts_suspension_is_told_by_lying_in_the_future(monkeypatch):
    now_ns = time.monotonic_ns()
    assert on_our_clock(now_ns - 5) == now_ns - 5
    assert on_our_clock(now_ns - 3600 * SECOND) == now_ns - 3600 * SECOND
    suspended_ns = 3600 * SECOND
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: time.monotonic_ns() + suspended_ns)
    assert on_our_clock(now_ns + suspended_ns - 5) == pytest.approx(now_ns - 5, abs=SECOND // 100)
