"""The real back end for cameras where the kernel refuses: what it makes of it, and that nothing is left open.

A stand-in takes the place of the kernel's side.
"""

import errno
import time

import pytest

from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.contract import VideoMode, Wanted
from pi_drivers.buses.video.real import V4l2Cameras
from pi_drivers.errors import BusAbsentError, BusError, BusPermissionError, ClaimedError, ConfigError, DriverError

from .video_stand_in import Node, StandInForV4l2

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.EBUSY, ClaimedError, "another program uses this camera. .*fuser -v .*video0"),
        (errno.ENODEV, BusAbsentError, "the camera was unplugged"),
        (errno.EACCES, BusPermissionError, "this user may not use this camera. Run sudo usermod -aG video"),
        (errno.EPROTO, BusError, r"the camera failed to .*\(EPROTO\). If it stays so, plug it out and in again"),
    ],
)
@pytest.mark.parametrize(
    "request_number",
    [v4l2.ENUM_FMT, v4l2.ENUM_FRAMESIZES, v4l2.S_FMT, v4l2.REQBUFS, v4l2.QUERYBUF, v4l2.QBUF, v4l2.STREAMON],
)
def test_a_refusal_half_way_becomes_the_error_it_means_and_nothing_is_left_of_it(
    webcam: Node, cameras: V4l2Cameras, kernel: StandInForV4l2, request_number: int, number: int,
    kind: type[DriverError], says: str,
):  # fmt: skip
    camera = cameras.open(None)
    kernel.refuse[request_number] = number
    with pytest.raises(kind, match=f"video0: {says}") as caught:
        camera.start(Wanted())
    assert type(caught.value) is kind
    assert not webcam.streaming
    if request_number != v4l2.REQBUFS:
        assert webcam.held == 0
    kernel.refuse.clear()

    camera.start(Wanted())
    assert camera.read(SECOND) is not None
    camera.close()
    assert not webcam.streaming
    assert webcam.held == 0


def test_a_usb_bus_that_is_full_is_told_with_what_to_do(webcam: Node, cameras: V4l2Cameras, kernel: StandInForV4l2):
    camera = cameras.open(None)
    kernel.refuse[v4l2.STREAMON] = errno.ENOSPC
    with pytest.raises(BusError, match=r"the USB bus has no room .* MJPG, a smaller size .* into another port"):
        camera.start(Wanted())
    camera.close()


def test_a_camera_that_gives_another_size_than_it_was_asked_for_is_refused(webcam: Node, cameras: V4l2Cameras):
    webcam.adjusts_to = (320, 240)
    camera = cameras.open(None)
    with pytest.raises(ConfigError, match="was asked for 640 x 480 MJPG and gives 320 x 240 MJPG"):
        camera.start(Wanted())
    assert webcam.held == 0
    camera.close()


@pytest.mark.parametrize(("asked", "given"), [(12.0, 12.0), (29.97, 29.97), (None, 30.0), (60.5, 60.0), (5.0, 5.0)])
def test_any_rate_within_a_range_can_be_had(webcam: Node, cameras: V4l2Cameras, asked: float | None, given: float):
    webcam.rate, webcam.rates_between = 30.0, (5.0, 60.0)
    camera = cameras.open(None)
    [mode] = camera.modes()
    assert (mode.rate_range, mode.frame_rates[0], mode.frame_rates[-1]) == ((5.0, 60.0), 60.0, 5.0)

    assert camera.start(Wanted(frame_rate=asked)).frame_rate == pytest.approx(given, rel=1e-3)
    assert webcam.rate == pytest.approx(given, rel=1e-3)
    camera.close()


@pytest.mark.parametrize("asked", [4.0, 70.0])
def test_a_rate_outside_a_range_is_refused_with_the_range(webcam: Node, cameras: V4l2Cameras, asked: float):
    webcam.rate, webcam.rates_between = 30.0, (5.0, 60.0)
    camera = cameras.open(None)
    with pytest.raises(ConfigError, match=f"no frame_rate {asked:g} at 640 x 480 in MJPG; it has: 5 to 60$"):
        camera.start(Wanted(frame_rate=asked))
    camera.close()


@pytest.mark.parametrize(
    ("wanted", "rate"),
    [
        (Wanted(width=320, height=240), 30.0),
        (Wanted(width=320, height=240, frame_rate=50.0), 50.0),
        (Wanted(), 10.0),
    ],
)
def test_the_rates_are_those_of_the_size_that_is_chosen(
    webcam: Node, cameras: V4l2Cameras, wanted: Wanted, rate: float
):
    webcam.rate, webcam.rates_between, webcam.fastest_at_largest = 25.0, (5.0, 60.0), 10.0
    camera = cameras.open(None)

    assert camera.start(wanted).frame_rate == rate
    camera.close()


def test_a_rate_that_other_sizes_have_is_refused(webcam: Node, cameras: V4l2Cameras):
    webcam.rate, webcam.rates_between, webcam.fastest_at_largest = 25.0, (5.0, 60.0), 10.0
    camera = cameras.open(None)
    with pytest.raises(ConfigError, match=r"no frame_rate 30 at 640 x 480 in MJPG; it has: 5 to 10$"):
        camera.start(Wanted(frame_rate=30.0))
    camera.close()


@pytest.mark.parametrize("form", ["MJPG", "YUYV", "NV12", "YU12"])
@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (Wanted(width=1004), (1004, 752)),
        (Wanted(height=482), (642, 482)),
        (Wanted(width=40), (40, 32)),
        (Wanted(width=2592), (2592, 1942)),
        (Wanted(), (640, 480)),
    ],
)
def test_a_side_that_is_not_said_is_even(
    webcam: Node, cameras: V4l2Cameras, form: str, wanted: Wanted, size: tuple[int, int]
):
    webcam.formats, webcam.sizes = (form,), (31, 2593, 1, 31, 1943, 1)
    camera = cameras.open(None)
    chosen = camera.start(wanted)
    camera.close()

    assert (chosen.width, chosen.height) == size


@pytest.mark.parametrize("form", ["NV12", "YU12"])
def test_a_mode_with_an_odd_side_and_colour_at_half_the_size_is_passed_over(
    webcam: Node, cameras: V4l2Cameras, form: str
):
    webcam.formats, webcam.sizes = (form, "GREY"), (640, 640, 0, 481, 481, 0)
    camera = cameras.open(None)

    assert [mode.pixel_format for mode in camera.modes()] == ["GREY"]
    with pytest.raises(ConfigError, match=f"the camera has no format {form}; it has: GREY$"):
        camera.start(Wanted(form))
    assert camera.start(Wanted(width=640)).pixel_format == "GREY"
    camera.close()


@pytest.mark.parametrize("form", ["NV12", "YU12"])
def test_of_a_range_a_size_with_an_odd_side_and_colour_at_half_the_size_is_refused(
    webcam: Node, cameras: V4l2Cameras, form: str
):
    webcam.formats, webcam.sizes = (form,), (64, 640, 16, 49, 481, 1)
    camera = cameras.open(None)
    with pytest.raises(ConfigError, match=r"no width_px and height_px 640 x 481; it has: 64 x 49 to 640 x 481$"):
        camera.start(Wanted(width=640, height=481))
    camera.close()


@pytest.mark.parametrize(
    ("rate", "says"),
    [
        (25.0, "the camera was asked for 12 pictures per second and gives 25. Choose that with frame_rate, or leave"),
        (None, "the camera takes no frame rate and does not tell its own: leave frame_rate out"),
    ],
)
def test_a_camera_that_does_not_take_the_rate_that_was_asked_for_is_refused(
    webcam: Node, cameras: V4l2Cameras, rate: float | None, says: str
):
    webcam.rate = webcam.settles_at = rate
    camera = cameras.open(None)
    with pytest.raises(ConfigError, match=f"video0: {says}"):
        camera.start(Wanted(frame_rate=12.0))
    assert webcam.held == 0

    assert camera.start(Wanted()).frame_rate == (rate or 0.0)
    camera.close()


def test_a_range_of_sizes_is_one_mode_and_jpeg_is_mjpg(kernel: StandInForV4l2, cameras: V4l2Cameras):
    kernel.plug_in("video0", Node(formats=("H264", "JPEG", "GREY")))
    camera = cameras.open(None)

    assert camera.modes() == [VideoMode(form, (64, 48), (640, 480), (16, 12)) for form in ("MJPG", "GREY")]
    assert camera.start(Wanted("MJPG", 320, 240)).pixel_format == "MJPG"
    camera.close()


def test_a_camera_without_memory_for_two_pictures_cannot_run(webcam: Node, cameras: V4l2Cameras):
    webcam.buffers = 1
    camera = cameras.open(None)
    with pytest.raises(BusError, match="got no memory for its pictures"):
        camera.start(Wanted())
    camera.close()


@pytest.mark.parametrize(
    ("back_ns", "flags", "is_believed"),
    [
        (SECOND, v4l2.BUFFER_TIMESTAMP_MONOTONIC, True),
        (SECOND, 0, False),
        (11 * SECOND, v4l2.BUFFER_TIMESTAMP_MONOTONIC, False),
        (-SECOND, v4l2.BUFFER_TIMESTAMP_MONOTONIC, False),
    ],
)
def test_a_moment_that_cannot_be_is_replaced_by_that_of_arrival(
    webcam: Node, cameras: V4l2Cameras, back_ns: int, flags: int, is_believed: bool
):
    began_ns = time.monotonic_ns()
    webcam.stamp_ns, webcam.stamp_flags = began_ns - back_ns, flags
    camera = cameras.open(None)
    camera.start(Wanted())
    frame = camera.read(SECOND)
    camera.close()

    assert frame is not None
    if is_believed:
        assert frame.taken_ns == webcam.stamp_ns // 1000 * 1000
    else:
        assert began_ns <= frame.taken_ns <= time.monotonic_ns()


def test_a_signal_in_the_midst_of_a_request_is_no_error(webcam: Node, cameras: V4l2Cameras, kernel: StandInForV4l2):
    kernel.interrupted = 3
    cameras.open(None).close()
    assert kernel.interrupted == 0
