"""The real back end for cameras where the kernel refuses: what it makes of it, and that nothing is left open.

Also which of the many video devices of a machine are cameras. A stand-in takes the place of the kernel's side.
"""

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.contract import VideoMode, Wanted
from pi_drivers.buses.video.real import V4l2Cameras
from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    BusPermissionError,
    ClaimedError,
    ConfigError,
    DriverError,
)
from tests.conftest import open_descriptors

from .video_stand_in import Node, StandInForV4l2

SECOND = 1_000_000_000


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandInForV4l2:
    (tmp_path / "dev").mkdir()
    made = StandInForV4l2(tmp_path / "sys", tmp_path / "dev")
    monkeypatch.setattr("fcntl.ioctl", made.ioctl)
    return made


@pytest.fixture
def cameras(kernel: StandInForV4l2, tmp_path: Path) -> V4l2Cameras:
    return V4l2Cameras(tmp_path / "sys", tmp_path / "dev")


@pytest.fixture
def webcam(kernel: StandInForV4l2) -> Node:
    kernel.plug_in("video0", node := Node())
    return node


@pytest.fixture(autouse=True)
def nothing_stays_open_or_mapped() -> Iterator[None]:
    before = open_descriptors()
    yield
    assert open_descriptors() <= before
    assert "/dev/video" not in Path("/proc/self/maps").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (Node(), ""),
        (Node(device_caps=v4l2.CAP_META_CAPTURE | v4l2.CAP_STREAMING), "it gives data about pictures only"),
        (Node(device_caps=v4l2.CAP_VIDEO_CAPTURE_MPLANE | v4l2.CAP_STREAMING), "its pictures come in several planes"),
        (Node(device_caps=v4l2.CAP_STREAMING), "it takes no pictures"),
        (Node(device_caps=v4l2.CAP_VIDEO_CAPTURE), "it cannot share its buffers"),
        (Node("unicam"), "it gives the raw pictures of a CSI camera, so use the model csi-camera"),
        (Node("rp1-cfe"), "it gives the raw pictures of a CSI camera, so use the model csi-camera"),
        (Node("bcm2835-codec"), "it works on pictures and takes none"),
        (Node("bcm2835-isp"), "it works on pictures and takes none"),
        (Node("rpi-hevc-dec"), "it works on pictures and takes none"),
        (Node("pispbe"), "it works on pictures and takes none"),
    ],
)
def test_what_is_no_camera_is_listed_with_the_reason_and_refused(
    kernel: StandInForV4l2, cameras: V4l2Cameras, node: Node, why: str
):
    kernel.plug_in("video3", node, label="Something")
    (source,) = cameras.sources()
    assert source.unfit.startswith(why)
    assert bool(source.unfit) == bool(why)
    assert (source.label, source.driver) == ("Something", node.driver)

    if why:
        with pytest.raises(BusError, match=rf'video3 \("Something"\) cannot be used as a camera: {why}'):
            cameras.open("Something")
    else:
        cameras.open("Something").close()


@pytest.mark.parametrize("driver", ["bcm2835-codec", "rp1-cfe"])
def test_a_device_whose_driver_tells_enough_is_not_even_opened(
    kernel: StandInForV4l2, cameras: V4l2Cameras, driver: str
):
    kernel.plug_in("video0", Node(), in_sysfs=True)
    kernel.plug_in("video10", Node(driver), in_sysfs=True)

    assert [bool(source.unfit) for source in cameras.sources()] == [False, True]
    assert kernel.asked == {"video0"}


def test_cameras_are_listed_by_number_with_the_names_that_stay(
    kernel: StandInForV4l2, cameras: V4l2Cameras, tmp_path: Path
):
    kernel.plug_in("video10", Node(), label="Second", links=("by-id/usb-Second-video-index0", "by-path/pci-2"))
    kernel.plug_in("video9", Node(), label="First")
    (tmp_path / "sys/class/video4linux/v4l-subdev0").mkdir()

    assert [(source.path, source.label, source.names) for source in cameras.sources()] == [
        (str(tmp_path / "dev/video9"), "First", ()),
        (str(tmp_path / "dev/video10"), "Second", ("usb-Second-video-index0", "pci-2")),
    ]


def test_the_first_that_is_fit_and_free_is_taken_when_none_is_named(kernel: StandInForV4l2, cameras: V4l2Cameras):
    kernel.plug_in("video0", Node("rp1-cfe"))
    kernel.plug_in("video1", Node())
    kernel.plug_in("video2", Node())
    first = cameras.open(None)
    second = cameras.open(None, {first.place})

    assert [Path(camera.place).name for camera in (first, second)] == ["video1", "video2"]
    first.close()
    second.close()


def test_a_link_of_the_users_own_leads_to_its_camera(kernel: StandInForV4l2, cameras: V4l2Cameras, tmp_path: Path):
    kernel.plug_in("video0", Node())
    kernel.plug_in("video1", Node())
    (tmp_path / "dev/front_camera").symlink_to("video1")
    camera = cameras.open(str(tmp_path / "dev/front_camera"))

    assert Path(camera.place).name == "video1"
    camera.close()


def test_without_any_camera_the_error_says_what_to_check(cameras: V4l2Cameras):
    assert cameras.sources() == []
    for wanted in (None, "/dev/video0", "/dev/null"):
        with pytest.raises(BusAbsentError, match="None is plugged in: check its cable, and what dmesg says of it"):
            cameras.open(wanted)


def test_a_file_that_is_no_camera_is_told_so(kernel: StandInForV4l2, cameras: V4l2Cameras):
    kernel.plug_in("video0", Node())
    kernel.nodes.clear()
    with pytest.raises(BusError, match="video0 is not a camera"):
        cameras.open("A Camera")


def test_a_user_who_may_not_is_told_the_group(webcam: Node, cameras: V4l2Cameras, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: object, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("os.open", refuse)
    (source,) = cameras.sources()
    assert "sudo usermod -aG video $USER" in source.unfit
    with pytest.raises(BusError, match=r"sudo usermod -aG video \$USER"):
        cameras.open("A Camera")


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


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.EACCES, ArgumentError, "exposure_absolute has no effect as the camera's other controls are now"),
        (errno.EBUSY, ClaimedError, "exposure_absolute cannot be changed while the camera runs"),
        (errno.ERANGE, ArgumentError, "refuses 50 for exposure_absolute, though it says that it can have 0 to 100"),
        (errno.EIO, BusError, "the camera failed to set its exposure_absolute"),
        (errno.ENODEV, BusAbsentError, "was unplugged"),
    ],
)
def test_a_control_that_cannot_be_set_says_why(
    webcam: Node, cameras: V4l2Cameras, kernel: StandInForV4l2, number: int, kind: type[DriverError], says: str
):
    camera = cameras.open(None)
    kernel.refuse[v4l2.S_EXT_CTRLS] = number
    with pytest.raises(kind, match=says) as caught:
        camera.set_control("exposure_absolute", 50)
    assert type(caught.value) is kind
    kernel.refuse.clear()

    assert camera.set_control("exposure_absolute", 50) == 50
    camera.close()


def test_controls_that_are_locked_or_that_nobody_can_read_are_told_apart(
    webcam: Node, cameras: V4l2Cameras, kernel: StandInForV4l2
):
    camera = cameras.open(None)
    webcam.flags = v4l2.CONTROL_READ_ONLY
    assert [control.read_only for control in camera.controls()] == [True]
    with pytest.raises(ArgumentError, match="exposure_absolute can be read only"):
        camera.set_control("exposure_absolute", 5)

    webcam.flags = v4l2.CONTROL_DISABLED
    assert camera.controls() == []
    webcam.flags = 0
    kernel.refuse[v4l2.G_EXT_CTRLS] = errno.EIO
    assert camera.controls() == []
    camera.close()
