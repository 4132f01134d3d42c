"""The real back end for cameras: which of the many video devices of a machine are cameras, and which one is meant.

A stand-in takes the place of the kernel's side.
"""

import errno
import os
from pathlib import Path

import pytest

from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.real import V4l2Cameras
from pi_drivers.errors import BusAbsentError, BusError, BusPermissionError

from .video_stand_in import Node, StandInForV4l2


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


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dangling", r"is a link that leads to .*/video7, which is not there: is it unplugged\?"),
        ("loop", "is a link that leads in a circle"),
        ("elsewhere", "is a link that leads to /dev/null, which is no camera"),
        ("folder", "is there, but it is no camera"),
        ("pipe", "is there, but it is no camera"),
        ("notes", "is there, but it is no camera"),
        ("link_to_pipe", "is a link that leads to .*/pipe, which is no camera"),
        ("no_such", "there is no such camera"),
        ("video7", "there is no such camera"),
        ("nul\0", "there is no such camera"),
        ("x" * 300, "there is no such camera"),
    ],
)
def test_a_path_to_no_camera_is_told_with_what_it_is_and_never_opened(
    kernel: StandInForV4l2, cameras: V4l2Cameras, tmp_path: Path, name: str, says: str
):
    kernel.plug_in("video0", Node())
    dev = tmp_path / "dev"
    for link, target in (
        ("dangling", "video7"),
        ("loop", "loop"),
        ("elsewhere", "/dev/null"),
        ("link_to_pipe", "pipe"),
    ):
        (dev / link).symlink_to(target)
    (dev / "folder").mkdir()
    (dev / "notes").touch()
    os.mkfifo(dev / "pipe")
    if name == "video7":
        (dev / name).touch()
        (dev / "dangling").unlink()

    with pytest.raises(BusAbsentError, match=rf'{says}.* There are: .*video0 "A Camera"'):
        cameras.open(str(dev / name))


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
    assert source.forbidden
    assert "sudo usermod -aG video $USER" in source.unfit
    for wanted in ("A Camera", source.path, None):
        with pytest.raises(
            BusPermissionError, match=r"this user may not use this camera. Run sudo usermod -aG video \$U"
        ):
            cameras.open(wanted)


def test_of_several_one_that_may_be_opened_is_taken(
    kernel: StandInForV4l2, cameras: V4l2Cameras, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kernel.plug_in("video0", Node())
    kernel.plug_in("video1", Node())
    open_file = os.open

    def refuse_one(path: str, flags: int) -> int:
        if path.endswith("video0"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_file(path, flags)

    monkeypatch.setattr("os.open", refuse_one)
    for wanted in ("A Camera", None):
        camera = cameras.open(wanted)
        assert Path(camera.place).name == "video1"
        camera.close()


@pytest.mark.parametrize("opens", ["open", "eventfd"])
def test_too_many_open_files_are_told_and_none_is_left_open(
    webcam: Node, cameras: V4l2Cameras, monkeypatch: pytest.MonkeyPatch, opens: str
):
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(f"os.{opens}", refuse)
    with pytest.raises(BusError, match=r"too many files open. Restart this program"):
        cameras.open("A Camera")


def test_a_device_is_looked_into_once_while_it_stays_plugged_in(
    kernel: StandInForV4l2, cameras: V4l2Cameras, tmp_path: Path
):
    kernel.plug_in("video0", Node(), in_sysfs=True)
    before = cameras.sources()
    kernel.asked.clear()
    for _ in range(3):
        with pytest.raises(BusAbsentError, match=r'There are: .*video0 "A Camera"'):
            cameras.open("Another Camera")
    assert (cameras.sources(), kernel.asked) == (before, set())

    (tmp_path / "dev/video0").unlink()
    assert [source.unfit for source in cameras.sources()] == ["its device file is missing"]
    (tmp_path / "dev/video0").touch()
    kernel.nodes["video0"].device_caps = v4l2.CAP_META_CAPTURE
    assert [source.unfit for source in cameras.sources()] == ["it gives data about pictures only"]


def test_what_a_program_shows_as_a_camera_is_looked_into_each_time(kernel: StandInForV4l2, cameras: V4l2Cameras):
    kernel.plug_in("video0", node := Node("v4l2 loopback", device_caps=v4l2.CAP_STREAMING))
    assert [source.unfit for source in cameras.sources()] == ["it takes no pictures"]
    node.device_caps |= v4l2.CAP_VIDEO_CAPTURE

    assert [source.unfit for source in cameras.sources()] == [""]


def test_a_link_that_leads_in_a_circle_is_nobodys_name(kernel: StandInForV4l2, cameras: V4l2Cameras, tmp_path: Path):
    kernel.plug_in("video0", Node(), links=("by-id/usb-First-video-index0",))
    loop = tmp_path / "dev/v4l/by-id/usb-Loop"
    loop.symlink_to(loop)

    assert [source.names for source in cameras.sources()] == [("usb-First-video-index0",)]
    cameras.open("usb-First-video-index0").close()


def test_a_camera_that_is_just_going_is_not_there(kernel: StandInForV4l2, cameras: V4l2Cameras, tmp_path: Path):
    kernel.plug_in("video0", Node())
    (tmp_path / "dev/video0").unlink()

    with pytest.raises(BusAbsentError, match="its device file is missing"):
        cameras.open("video0")
