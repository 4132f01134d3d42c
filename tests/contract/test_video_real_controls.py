"""The controls of real cameras that do not answer for them, or refuse them.

A stand-in takes the place of the kernel's side.
"""

import errno
import os
from typing import Any

import pytest

from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.real import V4l2Cameras
from pi_drivers.errors import ArgumentError, BusAbsentError, BusError, ClaimedError, DriverError

from .video_stand_in import Node, StandInForV4l2

EXPOSURE, BRIGHTNESS, GAIN, HUE, ZOOM = 0x9A0902, 0x980900, 0x980913, 0x980903, 0x9A090D


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


@pytest.mark.parametrize(
    "silent", [(BRIGHTNESS,), (HUE,), (GAIN,), (EXPOSURE,), (ZOOM,), (GAIN, EXPOSURE), (BRIGHTNESS, HUE, ZOOM)]
)
def test_a_control_that_does_not_answer_hides_none_of_the_others(
    webcam: Node, cameras: V4l2Cameras, silent: tuple[int, ...]
):
    webcam.controls = (BRIGHTNESS, HUE, GAIN, EXPOSURE, ZOOM)
    webcam.silent_controls = silent
    camera = cameras.open(None)
    answering = [f"control_{number:x}" for number in webcam.controls if number not in silent]

    assert [control.name for control in camera.controls()] == answering
    assert camera.set_control(answering[-1], 7) == 7
    camera.close()


def test_a_camera_none_of_whose_controls_answers_has_failed(webcam: Node, cameras: V4l2Cameras, kernel: StandInForV4l2):
    webcam.silent_controls = webcam.controls
    camera = cameras.open(None)
    with pytest.raises(BusError, match="failed to list its controls: it does not answer"):
        camera.controls()
    kernel.refuse[v4l2.QUERYCAP] = errno.ENODEV
    with pytest.raises(BusAbsentError, match="was unplugged"):
        camera.controls()
    camera.close()


def test_a_camera_that_keeps_silent_for_its_whole_time_is_not_asked_again_and_again(
    webcam: Node, cameras: V4l2Cameras, kernel: StandInForV4l2, monkeypatch: pytest.MonkeyPatch
):
    camera = cameras.open(None)
    asked: list[int] = []
    answer = kernel.ioctl

    def answer_late(descriptor: int, request: int, argument: Any) -> int:
        if request == v4l2.QUERY_EXT_CTRL:
            asked.append(argument.id)
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        return answer(descriptor, request, argument)

    monkeypatch.setattr("fcntl.ioctl", answer_late)
    with pytest.raises(BusError, match="failed to list its controls: it does not answer"):
        camera.controls()
    assert len(asked) == 1
    camera.close()
