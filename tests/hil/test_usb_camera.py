"""The real back end for cameras on the kernel's own driver for USB cameras, with a camera that a program plays: it
sends what it is told to, also what no camera should, and can be pulled out.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest

from pi_drivers.buses.video.contract import RawFrame, Wanted
from pi_drivers.buses.video.real import V4l2Cameras, V4l2Device
from pi_drivers.errors import ArgumentError, BusAbsentError, ClaimedError, ClosedError
from tests.hil.played_camera import (
    BARE,
    HD,
    LABEL,
    NAME,
    VGA,
    PlayedCamera,
    camera_path,
    faulty_pictures_delivered,
    pictures,
)
from tests.hil.usb_camera_descriptors import Mode

FRAME_NS = 1_000_000_000
"""Patience for a frame."""
SILENCE_NS = 300_000_000
"""Without a frame for so long, none is coming: at 30 a second nine are missing."""
HEARD_S = 1.0
CLOSED_S = 0.5
FEW = 5
MANY = 100_000

Opener = Callable[..., V4l2Device]


@pytest.fixture
def camera(usb_camera: PlayedCamera) -> PlayedCamera:
    """Plugged in, with three pictures in each mode."""
    usb_camera.tell("clear")
    for mode in (VGA, HD, BARE):
        usb_camera.show(mode, pictures(mode))
    usb_camera.plug_in()
    return usb_camera


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens the camera and starts it in a mode, and closes it in the end."""
    made: list[V4l2Device] = []

    def open_and_start(mode: Mode = VGA, frame_rate: float | None = None) -> V4l2Device:
        device = V4l2Cameras().open(camera_path())
        assert isinstance(device, V4l2Device)
        made.append(device)
        device.start(Wanted(mode.fourcc, mode.width, mode.height, frame_rate))
        return device

    yield open_and_start
    for device in made:
        device.close()


def next_frame(device: V4l2Device) -> RawFrame:
    frame = device.read(FRAME_NS)
    assert frame is not None, "no frame came"
    return frame


def frames_until(device: V4l2Device, wanted: Callable[[RawFrame], bool]) -> RawFrame:
    """The first that is as wanted."""
    limit = time.monotonic() + HEARD_S
    while not wanted(frame := next_frame(device)):
        assert time.monotonic() < limit, "no such frame came"
    return frame


def test_opencv_gets_the_very_bytes_that_the_camera_sent(camera: PlayedCamera):
    capture = cv2.VideoCapture(camera_path(), cv2.CAP_V4L2)
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    got = [capture.read()[1].tobytes() for _ in range(2 * FEW)]
    capture.release()

    sent = pictures(VGA)
    assert [sent.index(frame) for frame in got] == [(sent.index(got[0]) + later) % 3 for later in range(2 * FEW)]


def test_it_is_listed_by_its_label_and_by_a_name_that_stays(camera: PlayedCamera):
    sources = {source.path: source for source in V4l2Cameras().sources() if source.driver == "uvcvideo"}
    source = sources.pop(camera_path())

    assert (source.label, source.names, source.unfit) == (LABEL, (NAME,), "")
    assert [other.unfit for other in sources.values()] == ["it gives data about pictures only"]


@pytest.mark.parametrize("frame_rate", [30, 15, 5])
@pytest.mark.parametrize("mode", [VGA, HD, BARE], ids=str)
def test_every_mode_arrives_byte_for_byte(camera: PlayedCamera, opened: Opener, mode: Mode, frame_rate: int):
    device = opened(mode, frame_rate)
    frames = [next_frame(device) for _ in range(FEW)]

    assert {frame.data for frame in frames} <= set(pictures(mode))
    assert not any(frame.broken for frame in frames)
    assert camera.seen() == [f"{mode} at {frame_rate}"]
    spacing_s = (frames[-1].taken_ns - frames[0].taken_ns) / 1e9 / (frames[-1].sequence - frames[0].sequence)
    assert spacing_s == pytest.approx(1 / frame_rate, rel=0.3)


@pytest.mark.parametrize(("pause_s", "oldest_s"), [(0.5, 0.3), (1.5, 0)], ids=["some waiting", "all buffers full"])
def test_who_reads_seldom_gets_the_newest(camera: PlayedCamera, opened: Opener, pause_s: float, oldest_s: float):
    device = opened(frame_rate=5)
    next_frame(device)
    time.sleep(pause_s)
    asked_ns = time.monotonic_ns()

    assert (asked_ns - next_frame(device).taken_ns) / 1e9 < oldest_s


@pytest.mark.parametrize("fault", ["half", "garbage"])
def test_compressed_frames_that_are_not_whole_are_delivered_for_others_to_check(
    camera: PlayedCamera, opened: Opener, fault: str
):
    sent = pictures(VGA)
    device = opened()
    camera.tell(f"{fault} {MANY}")
    wrong = frames_until(device, lambda frame: frame.data not in sent)
    camera.tell(f"{fault} 0")
    frames_until(device, lambda frame: frame.data in sent)

    lengths = {len(frame) for frame in sent}
    assert len(wrong.data) in (lengths if fault == "garbage" else {length // 2 for length in lengths})


@pytest.mark.parametrize(("fault", "mode"), [("flagged", VGA), ("flagged", BARE), ("half", BARE)])
def test_what_the_driver_knows_to_be_faulty_never_comes(camera: PlayedCamera, opened: Opener, fault: str, mode: Mode):
    device = opened(mode)
    next_frame(device)
    camera.tell(f"{fault} {MANY}")
    while device.read(SILENCE_NS) is not None:
        pass
    camera.tell(f"{fault} 0")

    assert next_frame(device).data in pictures(mode)


@pytest.mark.parametrize(("fault", "mode"), [("flagged", VGA), ("flagged", BARE), ("half", BARE)])
def test_what_the_driver_marks_as_faulty_is_marked(usb_camera: PlayedCamera, opened: Opener, fault: str, mode: Mode):
    usb_camera.tell("clear")
    usb_camera.show(mode, pictures(mode))
    with faulty_pictures_delivered():
        usb_camera.plug_in()
    device = opened(mode)
    assert not next_frame(device).broken
    usb_camera.tell(f"{fault} {MANY}")
    frames_until(device, lambda frame: frame.broken)
    usb_camera.tell(f"{fault} 0")

    frames_until(device, lambda frame: not frame.broken)


def test_a_camera_that_falls_silent_is_waited_for(camera: PlayedCamera, opened: Opener):
    device = opened()
    next_frame(device)
    camera.tell("silent")
    while device.read(SILENCE_NS) is not None:
        pass
    camera.tell("go")

    assert next_frame(device).data in pictures(VGA)


def test_whoever_waits_for_a_frame_hears_at_once_that_it_was_unplugged(camera: PlayedCamera, opened: Opener):
    device = opened()
    camera.tell("silent")
    while device.read(SILENCE_NS) is not None:
        pass
    with ThreadPoolExecutor(1) as somebody:
        waiting = somebody.submit(device.read, 60 * FRAME_NS)
        camera.unplug()
        with pytest.raises(BusAbsentError, match="the camera was unplugged"):
            waiting.result(HEARD_S)


@pytest.mark.parametrize("held", [False, True], ids=["as the same number", "as another number"])
def test_it_comes_back(camera: PlayedCamera, opened: Opener, held: bool):
    before = camera_path()
    device = opened()
    next_frame(device)
    camera.unplug()
    with pytest.raises(BusAbsentError):
        frames_until(device, lambda _: False)
    if not held:
        device.close()
    after = camera.plug_in()

    assert (after != before) is held
    again = V4l2Cameras().open(NAME)
    assert again.place == after
    again.start(Wanted())
    assert again.read(FRAME_NS) is not None
    again.close()


def test_while_it_runs_nobody_else_can_start_it(camera: PlayedCamera, opened: Opener):
    device = opened()
    with pytest.raises(ClaimedError, match=rf"^{camera_path()}: another program uses this camera"):
        opened()

    assert next_frame(device).data in pictures(VGA)


@pytest.mark.parametrize(("name", "value"), [("brightness", -64), ("contrast", 95), ("gain", 0)])
def test_a_control_is_set_on_the_camera(camera: PlayedCamera, opened: Opener, name: str, value: int):
    device = opened()
    camera.seen()

    assert device.set_control(name, value) == value
    assert camera.seen() == [f"{name} {value}"]
    assert {control.name: control.value for control in device.controls()}[name] == value


def test_controls_have_the_cameras_ranges(camera: PlayedCamera, opened: Opener):
    device = opened()
    there = {control.name: control for control in device.controls()}
    brightness, exposure = there["brightness"], there["exposure_time_absolute"]

    assert (brightness.minimum, brightness.maximum, brightness.default) == (-64, 64, 0)
    assert (exposure.minimum, exposure.maximum, exposure.inactive) == (3, 2047, True)
    assert dict(there["auto_exposure"].choices) == {1: "Manual Mode", 3: "Aperture Priority Mode"}
    with pytest.raises(ArgumentError, match="-64"):
        device.set_control("brightness", 65)


def test_what_is_automatic_can_be_set_once_it_is_manual(camera: PlayedCamera, opened: Opener):
    device = opened()
    with pytest.raises(ArgumentError, match="set white_balance_automatic to 0 first"):
        device.set_control("white_balance_temperature", 3000)
    device.set_control("white_balance_automatic", 0)

    assert device.set_control("white_balance_temperature", 3000) == 3000
    assert camera.seen()[-2:] == ["white_balance_mode 0", "white_balance 3000"]


def test_it_can_be_closed_while_the_camera_does_not_answer(camera: PlayedCamera, opened: Opener):
    device = opened()
    next_frame(device)
    camera.tell("deaf")
    with ThreadPoolExecutor(1) as somebody:
        waiting = somebody.submit(device.set_control, "brightness", 1)
        time.sleep(0.1)
        started = time.monotonic()
        device.close()
        took_s = time.monotonic() - started
        assert not waiting.done()
        camera.unplug()
        with pytest.raises(BusAbsentError, match="the camera was unplugged"):
            waiting.result(HEARD_S)

    assert took_s < CLOSED_S
    with pytest.raises(ClosedError):
        device.read(FRAME_NS)
