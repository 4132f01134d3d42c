"""The played camera does what a camera of uvcvideo does, to OpenCV and to plain calls alike."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.v4l2_player.pictures import write_frames
from tests.v4l2_player.player import PlayedCamera

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc, which compiles the player")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    for pixel_format in ("MJPG", "YUYV"):
        write_frames(folder, pixel_format, 640, 480)
    return folder


@pytest.fixture
def camera(tmp_path: Path, frames: Path) -> PlayedCamera:
    return PlayedCamera(tmp_path, frames, rates=(100, 30))


def seen_by(reader: str, camera: PlayedCamera) -> Any:
    return json.loads(camera.run(sys.executable, "-m", "tests.v4l2_player.readers", reader, limit_s=20))


def test_opencv_reads_its_pictures_in_their_order_until_it_is_unplugged(camera: PlayedCamera):
    seen = seen_by("opencv_pictures", camera)
    assert seen == {
        # OpenCV throws a new stream's first picture away.
        "seen": {"MJPG": [1, 2, 3], "YUYV": [1, 2, 3]},
        "brightness": 33,
        "at the end": False,
    }
    assert camera.opened == 1
    assert camera.cpu_ns > 0


def test_each_fault_strikes_one_frame_and_the_next_is_whole(camera: PlayedCamera):
    assert seen_by("faults", camera) == {
        "error": [0.5, True],
        "half": [0.5, False],
        "empty": [0, False],
        "garbage": [1.0, False],
        "eio": "EIO",
        "after them": True,
    }


def test_frames_without_a_free_buffer_are_lost_and_leave_a_gap(camera: PlayedCamera):
    seen = seen_by("lost_frames", camera)
    first, second, third, fourth = seen["numbers"]
    assert (first, second) == (0, 1)
    assert fourth > third > 10
    assert camera.dropped >= fourth - 3
    assert seen["stamps"] == sorted(seen["stamps"])
    assert 0 < seen["now"] - seen["stamps"][-1] < 5


def test_a_second_program_waits_until_the_first_has_closed_and_unmapped_it(camera: PlayedCamera):
    assert seen_by("two_programs", camera) == ["EBUSY", "EBUSY", ""]


def test_controls_are_clamped_to_their_range_and_refused_while_automatic(camera: PlayedCamera):
    assert seen_by("controls", camera) == {
        "automatic": "EACCES",
        "no such entry": ["EINVAL", "ERANGE"],
        "manual": [1, 40],
        "too much": 5000,
        "off the step": [0, 3000],
        "unknown": "EINVAL",
    }


def test_a_poll_that_waits_hears_of_the_unplugging_and_only_a_new_open_helps(camera: PlayedCamera):
    assert seen_by("unplugged", camera) == {"polled": True, "answers": ["ENODEV", "ENODEV"], "back": True}


def test_one_that_does_not_run_is_gone_too_and_cannot_be_opened(camera: PlayedCamera):
    assert seen_by("idle_when_unplugged", camera) == ["", "ENODEV", "ENODEV"]


def test_it_comes_back_under_another_number_and_the_same_name(camera: PlayedCamera):
    camera.unplug()
    assert not camera.by_id.exists()
    camera.plug_in(3)
    assert camera.by_id.resolve() == camera.dev / "video3"
    seen_by("faults", camera)
    assert camera.opened == 1
