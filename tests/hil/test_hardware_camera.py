"""The video suite for a wired Pi, tried on a played camera: what is to find faults there must not be faulty itself."""

import re

import pytest

from tests.hil.played_camera import BARE, VGA, PlayedCamera, pictures
from tests.hil.test_hardware_ground import run_suite

SUITE = "test_video.py"
NOBODY = "nobody is there to silence the camera or to pull it out"


@pytest.fixture
def camera(usb_camera: PlayedCamera) -> PlayedCamera:
    """Unplugged, with pictures in two modes."""
    usb_camera.tell("clear")
    for mode in (VGA, BARE):
        usb_camera.show(mode, pictures(mode))
    return usb_camera


def test_the_suite_passes_on_any_usb_camera(camera: PlayedCamera):
    camera.plug_in()
    said = run_suite(SUITE)

    assert re.search("^[0-9]+ passed, [0-9]+ skipped,", said, re.MULTILINE), said
    assert re.findall("^SKIPPED.*[0-9]: (.*)$", said, re.MULTILINE) == [NOBODY], said


def test_where_no_camera_is_plugged_in_its_tests_are_skipped(camera: PlayedCamera):
    said = run_suite("test_it_says_what_it_can_deliver")

    assert "1 skipped" in said
    assert "no USB camera that can be used" in said
