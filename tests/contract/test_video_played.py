"""The real back end for cameras with a camera that a library plays to it: what it makes of pictures, delays and faults.

All of its code runs, on this machine's clock and kernel; only the camera is not there.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pi_drivers.buses.video.contract import Control, RawFrame, Wanted
from pi_drivers.errors import ArgumentError, BusAbsentError, BusError, ClaimedError, ClosedError, ConfigError
from tests.v4l2_player.pictures import NUMBERED, write_frames
from tests.v4l2_player.player import LABEL, NAME, PlayedCamera

from .video_child import FarCameras, FarDevice, far_cameras

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the camera is compiled when it is needed: gcc")

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
AT_ONCE_S = 0.3
LONG_NS = 4 * SECOND
FAST = Wanted("MJPG", 640, 480, 100.0)
SLOW = Wanted("MJPG", 640, 480, 20.0)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    write_frames(folder, "MJPG", 640, 480)
    write_frames(folder, "YUYV", 1280, 720)
    return folder


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, frames: Path) -> PlayedCamera:
    return PlayedCamera(tmp_path_factory.mktemp("played"), frames, rates=(100, 20, 5))


@pytest.fixture(scope="module")
def child(played: PlayedCamera) -> Iterator[FarCameras]:
    with far_cameras(played) as made:
        yield made


@pytest.fixture
def cameras(child: FarCameras, played: PlayedCamera) -> Iterator[FarCameras]:
    yield child
    played.fault("none")
    child.rig.close_all()
    if played.path.name != "video0":
        played.unplug()
        played.plug_in(0)


@pytest.fixture
def camera(cameras: FarCameras) -> FarDevice:
    return cameras.open(None)


@pytest.fixture
def running(camera: FarDevice) -> FarDevice:
    camera.start(FAST)
    return camera


def next_of(camera: FarDevice) -> RawFrame:
    frame = camera.read(5 * SECOND)
    assert frame is not None
    return frame


def wait_until(happened: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < ends, "it never happened"
        threading.Event().wait(0.002)


def sent(frames: Path, form: str, sequence: int) -> bytes:
    return (frames / f"{form}-{sequence % NUMBERED}").read_bytes()


def test_pictures_come_byte_for_byte_with_their_number_and_their_moment(running: FarDevice, frames: Path):
    found = [next_of(running) for _ in range(10)]
    for frame in found:
        assert frame.data == sent(frames, "MJPG-640x480", frame.sequence)
        assert (frame.pixel_format, frame.width, frame.height, frame.stride) == ("MJPG", 640, 480, 0)
        assert not frame.broken
        assert 0 <= time.monotonic_ns() - frame.taken_ns < 2 * SECOND
    assert [frame.sequence for frame in found] == sorted({frame.sequence for frame in found})
    assert [frame.taken_ns for frame in found] == sorted({frame.taken_ns for frame in found})


def test_size_form_and_rate_are_set_as_wanted(camera: FarDevice, frames: Path):
    chosen = camera.start(Wanted("YUYV", 1280, 720, 20.0))
    frame = next_of(camera)

    assert (chosen.pixel_format, chosen.width, chosen.height, chosen.frame_rate) == ("YUYV", 1280, 720, 20.0)
    assert (frame.pixel_format, frame.width, frame.height, frame.stride) == ("YUYV", 1280, 720, 2560)
    assert frame.data == sent(frames, "YUYV-1280x720", frame.sequence)
    last = [next_of(camera) for _ in range(4)][-1]
    interval_ns = (last.taken_ns - frame.taken_ns) / (last.sequence - frame.sequence)
    assert interval_ns == pytest.approx(50 * MILLISECOND, rel=0.3)


def test_a_camera_says_what_it_can_deliver(camera: FarDevice):
    modes = camera.modes()

    assert {(mode.pixel_format, mode.largest) for mode in modes} == {
        (form, size) for form in ("MJPG", "YUYV") for size in ((640, 480), (1280, 720))
    }
    assert {mode.frame_rates for mode in modes} == {(100.0, 20.0, 5.0)}
    with pytest.raises(ConfigError, match="no width_px and height_px 800 x 600; it has: 640 x 480, 1280 x 720"):
        camera.start(Wanted(width=800, height=600))


def test_the_newest_of_several_that_wait_is_taken(camera: FarDevice, played: PlayedCamera):
    before = played.filled
    camera.start(SLOW)
    wait_until(lambda: played.filled >= before + 2)

    frame = next_of(camera)
    assert frame.sequence >= 1
    assert next_of(camera).sequence > frame.sequence


def test_pictures_that_waited_while_nobody_looked_are_not_taken_for_new(running: FarDevice, played: PlayedCamera):
    first, lost = next_of(running), played.dropped
    wait_until(lambda: played.dropped >= lost + 3)
    looked_ns = time.monotonic_ns()
    frame = next_of(running)

    assert frame.taken_ns > looked_ns
    assert frame.sequence > first.sequence + 4 + 3


def test_a_camera_that_stands_still_gives_nothing_in_the_time_it_has(running: FarDevice, played: PlayedCamera):
    played.fault("hang")
    wait_until(lambda: running.read(0) is None)
    began_ns = time.monotonic_ns()
    assert running.read(100 * MILLISECOND) is None
    assert 100 * MILLISECOND <= time.monotonic_ns() - began_ns < SECOND

    played.fault("none")
    assert next_of(running).data


def test_waking_ends_a_read_at_once_and_those_to_come(running: FarDevice, played: PlayedCamera):
    played.fault("hang")
    wait_until(lambda: running.read(0) is None)
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(running.read, LONG_NS)
        threading.Event().wait(0.05)
        assert not waiting.done()
        woken = time.monotonic()
        running.wake()
        assert waiting.result(5) is None
    assert running.read(LONG_NS) is None
    assert time.monotonic() - woken < AT_ONCE_S


def test_closing_ends_a_read_at_once_and_lets_the_camera_go(
    cameras: FarCameras, running: FarDevice, played: PlayedCamera
):
    other = cameras.open(None)
    played.fault("hang")
    wait_until(lambda: running.read(0) is None)
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(running.read, LONG_NS)
        threading.Event().wait(0.05)
        closed = time.monotonic()
        running.close()
        with pytest.raises(ClosedError, match="video0: the camera was closed"):
            waiting.result(5)
    assert time.monotonic() - closed < AT_ONCE_S
    running.close()
    played.fault("none")
    other.start(FAST)
    assert next_of(other).data


def test_what_is_closed_says_so_whatever_it_is_asked(running: FarDevice):
    running.close()
    running.wake()
    calls: tuple[Callable[[], object], ...] = (
        running.modes, running.controls, lambda: running.start(FAST), lambda: running.read(0),
        lambda: running.set_control("gain", 1),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(ClosedError, match="the camera was closed"):
            call()


def test_reading_before_starting_is_a_mistake(camera: FarDevice):
    with pytest.raises(ArgumentError, match="the camera was not started"):
        camera.read(0)


def test_a_camera_in_use_is_refused_and_can_be_had_afterwards(cameras: FarCameras, running: FarDevice):
    other = cameras.open(None)
    for _ in range(2):
        with pytest.raises(ClaimedError, match=r"another program uses this camera. .*fuser -v .*video0"):
            other.start(FAST)
    assert next_of(running).data
    running.close()

    other.start(FAST)
    assert next_of(other).data


@pytest.mark.parametrize(
    ("fault", "share", "broken"), [("error", 0.5, True), ("half", 0.5, False), ("empty", 0.0, True)]
)
def test_what_the_camera_or_its_driver_calls_broken_is_marked_so(
    running: FarDevice, played: PlayedCamera, frames: Path, fault: str, share: float, broken: bool
):
    played.fault(fault)
    found: list[RawFrame] = []

    def has_come() -> bool:
        found[:] = [next_of(running)]
        return len(found[0].data) < len(sent(frames, "MJPG-640x480", found[0].sequence))

    wait_until(has_come)
    whole = sent(frames, "MJPG-640x480", found[0].sequence)
    assert found[0].data == whole[: int(len(whole) * share)]
    assert found[0].broken is broken

    played.fault("none")
    wait_until(lambda: not next_of(running).broken)


def test_a_picture_without_compression_that_is_too_short_is_broken(camera: FarDevice, played: PlayedCamera):
    camera.start(Wanted("YUYV", 1280, 720, 20.0))
    assert not next_of(camera).broken
    played.fault("half")
    wait_until(lambda: next_of(camera).broken)


def test_an_error_that_passes_is_told_once(running: FarDevice, played: PlayedCamera):
    next_of(running)
    played.fault("eio", 1)
    with pytest.raises(BusError, match=r"video0: the camera failed to deliver a picture: .*EIO") as caught:
        next_of(running)
    assert type(caught.value) is BusError

    assert next_of(running).data


def test_unplugging_ends_a_read_at_once_and_stays(running: FarDevice, played: PlayedCamera, cameras: FarCameras):
    next_of(running)
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(lambda: [running.read(LONG_NS) for _ in range(100_000)])
        threading.Event().wait(0.05)
        gone = time.monotonic()
        played.fault("gone")
        with pytest.raises(BusAbsentError, match=r"video0: the camera was unplugged. Check its cable"):
            waiting.result(5)
    assert time.monotonic() - gone < 2 * AT_ONCE_S
    for call in (lambda: running.read(0), running.modes, running.controls):
        with pytest.raises(BusAbsentError, match="was unplugged"):
            call()


def test_a_camera_that_comes_back_under_another_number_is_found_by_the_names_that_stay(
    running: FarDevice, played: PlayedCamera, cameras: FarCameras
):
    next_of(running)
    played.unplug()
    with pytest.raises(BusAbsentError, match="was unplugged"):
        running.read(5 * SECOND)
    with pytest.raises(BusAbsentError, match=r"there is no such camera\. None is plugged in"):
        cameras.open(LABEL)
    played.plug_in(1)

    with pytest.raises(BusAbsentError, match="was unplugged"):
        running.read(5 * SECOND)
    running.close()
    for name in (LABEL, NAME, f"/dev/v4l/by-id/{NAME}", str(played.by_id), None):
        again = cameras.open(name)
        assert again.place == str(played.dev / "video1")
        again.start(FAST)
        assert next_of(again).data
        again.close()


def test_nothing_is_left_of_cameras_that_were_closed(cameras: FarCameras, played: PlayedCamera):
    def use(fault: str) -> None:
        camera = cameras.open(None)
        camera.start(FAST)
        next_of(camera)
        played.fault(fault)
        other = cameras.open(None) if fault == "none" else None
        camera.close()
        if other is not None:
            other.close()
        played.fault("none")

    use("none")
    before = cameras.rig.holds()
    for fault in ("none", "hang", "gone", "none", "eio") * 10:
        use(fault)

    assert cameras.rig.holds() == before


def control(camera: FarDevice, name: str) -> Control:
    (found,) = (each for each in camera.controls() if each.name == name)
    return found


def test_controls_are_listed_as_v4l2_ctl_names_them_with_their_ranges(camera: FarDevice):
    assert {each.name for each in camera.controls()} == {
        "brightness", "white_balance_automatic", "gain", "white_balance_temperature", "auto_exposure",
        "exposure_time_absolute", "focus_absolute",
    }  # fmt: skip
    assert control(camera, "brightness") == Control("brightness", "integer", -64, 64, 1, 0, 0)
    assert control(camera, "white_balance_automatic").kind == "boolean"
    menu = control(camera, "auto_exposure")
    assert (menu.kind, dict(menu.choices)) == ("menu", {1: "Manual Mode", 3: "Aperture Priority Mode"})


def test_a_control_is_set_and_read_back_while_the_camera_runs(running: FarDevice):
    for value in (-64, 64, 7):
        assert running.set_control("brightness", value) == value
        assert control(running, "brightness").value == value
    assert running.set_control("focus_absolute", 15) == 15
    assert next_of(running).data


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("brightness", 65, "brightness must be -64 to 64, got 65"),
        ("brightness", 0.5, "brightness must be a whole number, -64 to 64, got 0.5"),
        ("focus_absolute", 7, "focus_absolute must be 0 to 255 in steps of 5, got 7"),
        ("auto_exposure", 0, r'auto_exposure must be 1 \("Manual Mode"\) or 3 \("Aperture Priority Mode"\), got 0'),
        ("white_balance_automatic", 2, r"white_balance_automatic must be 0 \(off\) or 1 \(on\), got 2"),
        ("brigthness", 1, "the camera has no control .*brigthness.*brightness.*it has: auto_exposure, brightness"),
    ],
)
def test_a_value_that_a_control_cannot_have_is_refused_with_its_range(
    camera: FarDevice, name: str, value: float, says: str
):
    with pytest.raises(ArgumentError, match=f"video0: {says}"):
        camera.set_control(name, value)


def test_a_control_that_the_camera_sets_itself_says_which_one_to_set_first(camera: FarDevice):
    camera.set_control("auto_exposure", 3)
    assert control(camera, "exposure_time_absolute").inactive
    assert control(camera, "exposure_time_absolute").automatic == ("auto_exposure", (1, 2))
    assert control(camera, "brightness").automatic is None
    with pytest.raises(ArgumentError, match=r"exposure_time_absolute has no effect .* set auto_exposure to 1 first"):
        camera.set_control("exposure_time_absolute", 100)

    camera.set_control("auto_exposure", 1)
    assert not control(camera, "exposure_time_absolute").inactive
    assert camera.set_control("exposure_time_absolute", 100) == 100
