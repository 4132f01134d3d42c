"""What a decoder makes of JPEGs that look whole and are not."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pi_drivers.buses.video.contract import RawFrame
from pi_drivers.models.camera.jpeg import examine
from pi_drivers.models.camera.pixels import pixels_of
from pi_drivers.world.scene import Scene


def a_frame() -> RawFrame:
    picture = Scene().picture(1_000_000_000, 640, 480, 30)
    noise = np.random.default_rng(1).integers(0, 20, picture.shape, dtype=np.uint8)
    data = cv2.imencode(".jpg", cv2.add(picture, noise), [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return RawFrame(data, "MJPG", 640, 480, 0, 1_000_000_000, 30)


def test_a_whole_jpeg_has_the_pixels_that_opencv_finds():
    frame = a_frame()

    found = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_COLOR)

    assert np.array_equal(pixels_of(frame), np.asarray(found))


def test_one_that_lost_a_piece_is_none(capfd: pytest.CaptureFixture[str]):
    frame = a_frame()
    middle = len(frame.data) // 2
    torn = replace(frame, data=frame.data[:middle] + frame.data[middle + 8000 :])
    examine(torn.data)  # its markers do not betray it

    with pytest.raises(ValueError, match=r"premature end|extraneous bytes"):
        pixels_of(torn)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("left", [1, 3, 16])
def test_a_few_bytes_left_over_are_the_habit_of_some_cameras(left: int):
    frame = a_frame()
    padded = replace(frame, data=frame.data[:-2] + b"\x55" * left + frame.data[-2:])

    assert np.array_equal(pixels_of(padded), pixels_of(frame))


def test_many_bytes_left_over_are_a_picture_out_of_step():
    frame = a_frame()

    with pytest.raises(ValueError, match="198 extraneous bytes"):
        pixels_of(replace(frame, data=frame.data[:-2] + b"\x55" * 200 + frame.data[-2:]))


def test_bytes_that_some_cameras_leave_between_segments_are_in_nobodys_way():
    frame = a_frame()
    strayed = replace(frame, data=frame.data[:20] + b"\x00\x12\x34" + frame.data[20:])
    examine(strayed.data)

    assert np.array_equal(pixels_of(strayed), pixels_of(frame))


def test_a_few_bytes_left_over_before_a_restart_marker_are_a_lost_piece():
    picture = Scene().picture(1_000_000_000, 640, 480, 30)
    noise = np.random.default_rng(1).integers(0, 20, picture.shape, dtype=np.uint8)
    settings = [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_RST_INTERVAL, 4]
    data = cv2.imencode(".jpg", cv2.add(picture, noise), settings)[1].tobytes()
    marker = data.index(b"\xff\xd3", data.index(b"\xff\xda"))
    frame = replace(a_frame(), data=data[:marker] + b"\x55" * 8 + data[marker:])

    pixels_of(replace(frame, data=data))
    with pytest.raises(ValueError, match="extraneous bytes before marker 0xd3"):
        pixels_of(frame)
