"""The attributes of cameras: what is understood, and what is refused with its path."""

from typing import Any

import pytest

from pi_drivers.buses.video.contract import PIXEL_FORMATS
from pi_drivers.config.attributes import json_schema, parse
from pi_drivers.errors import ConfigError
from pi_drivers.models.camera.webcam import WebcamConfig

LENS = {"width_px": 640, "height_px": 480, "fx": 500.0, "fy": 500.0, "ppx": 320.0, "ppy": 240.0}
VGA = {"width_px": 640, "height_px": 480}


def config(**attributes: Any) -> WebcamConfig:
    return parse(WebcamConfig, attributes, 'camera "front"')


def refusal(attributes: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**attributes)
    return caught.value.message


def test_nothing_has_to_be_said():
    plain = config()

    assert plain.leaves_pictures_alone
    assert (plain.video_path, plain.format, plain.rotate, plain.flip) == (None, None, 0, "none")
    assert (plain.mime_type, plain.jpeg_quality, plain.controls) == ("image/jpeg", 85, {})


def test_what_go_writes_for_nothing_counts_as_nothing():
    zeros = {"width_px": 0, "height_px": 0, "frame_rate": 0, "max_age_ms": 0, "jpeg_quality": 0, "rotate": 0}

    assert config(**zeros, video_path="", format="") == config()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("MJPG", "MJPG"),
        ("mjpeg", "MJPG"),
        ("JPEG", "MJPG"),
        ("yuy2", "YUYV"),
        ("yuyv", "YUYV"),
        ("V422", "YUYV"),
        ("Y422", "UYVY"),
        ("i420", "YU12"),
        ("RGB24", "RGB3"),
        ("bgr24", "BGR3"),
        ("nv12", "NV12"),
        ("Grey", "GREY"),
    ],
)
def test_formats_are_understood_as_other_programs_call_them(said, meant):
    assert config(format=said).format == meant


def test_all_attributes_of_viam_server_s_webcam_are_understood():
    theirs = VGA | {
        "intrinsic_parameters": LENS, "distortion_parameters": {"rk1": 0.1}, "format": "YUY2", "frame_rate": 30,
        "video_path": "usb-Maker_Cam_77-video-index0;video0", "debug": True,
    }  # fmt: skip

    assert config(**theirs).debug is True


def test_the_schema_lists_the_formats_and_lets_other_names_pass():
    choices = json_schema(WebcamConfig)["properties"]["format"]["anyOf"]

    assert choices == [{"enum": list(PIXEL_FORMATS), "type": "string"}, {"type": "string"}, {"type": "null"}]


@pytest.mark.parametrize(("said", "meant"), [(0, "0"), (12, "12"), ("0", "0"), ("/dev/video0", "/dev/video0")])
def test_a_camera_may_be_named_by_a_number(said, meant):
    assert config(video_path=said).video_path == meant


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"video_path": True}, "video_path: must be a path, a name, or a number from 0 to 999, got true"),
        ({"video_path": -1}, "video_path: must be a path, a name, or a number from 0 to 999, got -1"),
        ({"video_path": 1.5}, "video_path: must be a path, a name, or a number from 0 to 999, got 1.5"),
        ({"video_path": ["/dev/video0"]}, "video_path: must be a path, a name, or a number from 0 to 999, got a list"),
        ({"video_path": 1000}, "video_path: must be a path, a name, or a number from 0 to 999, got 1000"),
        ({"video_path": 1e20}, "video_path: must be a path, a name, or a number from 0 to 999, got 1e+20"),
        ({"video_path": "  "}, 'video_path: must be a path, a name, or a number from 0 to 999, got "  "'),
        ({"video_path": ";video0"}, 'video_path: must be a path, a name, or a number from 0 to 999, got ";video0"'),
        ({"video_path": "/dev/\0x"}, r'must be a path, a name, or a number from 0 to 999, got "/dev/\u0000x"'),
        ({"video_path": "x" * 501}, "video_path: must have at most 500 characters"),
        ({"format": "h264"}, 'format: must be one of "MJPG", "YUYV", "UYVY", "NV12", "YU12", "BGR3", "RGB3", "GREY"'),
        ({"format": 5}, "format: must be one of"),
        ({"width_px": 62}, "width_px: must be between 64 and 10000, got 62"),
        ({"width_px": 641}, "width_px: must be a multiple of 2, got 641"),
        ({"height_px": 46}, "height_px: must be between 48 and 10000, got 46"),
        ({"height_px": 480.5}, "height_px: expected a whole number, got 480.5"),
        ({"frame_rate": -1}, "frame_rate: must be between 0.1 and 1000, got -1"),
        ({"frame_rate": 1e-9}, "frame_rate: must be between 0.1 and 1000, got 1e-09"),
        ({"frame_rate": True}, "frame_rate: expected a number, got true"),
        ({"rotate": 45}, "rotate: must be one of 0, 90, 180, 270, got 45"),
        ({"rotate": "90"}, 'rotate: must be one of 0, 90, 180, 270, got "90": a number has no quotes'),
        ({"flip": "horizontaly"}, 'flip: must be one of "none", "horizontal", "vertical", "both", got "horizontaly"'),
        ({"flip": True}, "flip: must be one of"),
        ({"crop": {}}, "- crop.width_px: is required\n- crop.height_px: is required"),
        ({"crop": {"width_px": 3, "height_px": 2}}, "crop.width_px: must be a multiple of 2, got 3"),
        ({"crop": {"width_px": 2, "height_px": 0}}, "crop.height_px: must be between 2 and 10000, got 0"),
        ({"crop": {"x_px": -1, "width_px": 2, "height_px": 2}}, "crop.x_px: must be between 0 and 10000, got -1"),
        ({"crop": [0, 0, 2, 2]}, "crop: expected an object, got a list"),
        ({"mime_type": "image/gif"}, 'mime_type: must be one of "image/jpeg", "image/png", "image/vnd.viam.rgba"'),
        ({"jpeg_quality": 101}, "jpeg_quality: must be between 1 and 100, got 101"),
        ({"max_age_ms": 9}, "max_age_ms: must be between 10 and 3600000, got 9"),
        ({"intrinsic_parameters": LENS | {"fx": 0}}, "intrinsic_parameters.fx: must be above 0, got 0"),
        ({"intrinsic_parameters": {"fx": 1}}, "- intrinsic_parameters.width_px: is required"),
        ({"distortion_parameters": {"rk4": 1}}, 'distortion_parameters.rk4: unknown key (did you mean "rk3"?)'),
        ({"controls": {"gain": [1]}}, "controls.gain: expected true or false or a whole number"),
        ({"controls": ["gain"]}, "controls: expected an object, got a list"),
        ({"widht_px": 640}, 'widht_px: unknown key (did you mean "width_px"?)'),
    ],
)
def test_one_mistake_is_one_line_with_its_path(attributes, problem):
    assert problem in refusal(attributes)


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        (VGA | {"crop": {"x_px": 600, "width_px": 42, "height_px": 2}},
         "crop.width_px: goes beyond the picture: 600 + 42 is more than its 640"),
        (VGA | {"crop": {"y_px": 479, "width_px": 2, "height_px": 2}},
         "crop.height_px: goes beyond the picture: 479 + 2 is more than its 480"),
        (VGA | {"rotate": 90, "intrinsic_parameters": LENS},
         "intrinsic_parameters: are for pictures of 640 x 480, and delivered are 480 x 640: calibrate with"),
        ({"crop": {"width_px": 64, "height_px": 48}, "intrinsic_parameters": LENS},
         "intrinsic_parameters: are for pictures of 640 x 480, and delivered are 64 x 48"),
        ({"crop": {"x_px": 9000, "width_px": 1002, "height_px": 2}},
         "crop.width_px: goes beyond the picture: 9000 + 1002 is more than the 10000 that one may have"),
        ({"width_px": 4608, "height_px": 2592, "mime_type": "image/vnd.viam.rgba"},
         "mime_type: image/vnd.viam.rgba of 4608 x 2592 pixels takes 47.8 MB, and viam-server takes 33.5 MB at most"),
        ({"crop": {"width_px": 4000, "height_px": 3000}, "mime_type": "image/vnd.viam.rgba"},
         "mime_type: image/vnd.viam.rgba of 4000 x 3000 pixels takes 48.0 MB"),
        ({"frame_rate": 20, "max_age_ms": 49},
         "max_age_ms: must not be below the 50 ms between two pictures, got 49: every picture would be too old"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_told(attributes, problem):
    assert refusal(attributes).startswith(f'camera "front": {problem}')


@pytest.mark.parametrize(
    "attributes",
    [
        VGA | {"crop": {"x_px": 600, "y_px": 478, "width_px": 40, "height_px": 2}},
        VGA | {"intrinsic_parameters": LENS, "rotate": 180},
        {"width_px": 480, "height_px": 640, "intrinsic_parameters": LENS, "rotate": 270},
        {"intrinsic_parameters": LENS},
        {"frame_rate": 20, "max_age_ms": 50},
        {"crop": {"x_px": 9000, "width_px": 64, "height_px": 48}},
        {"width_px": 3264, "height_px": 2448, "mime_type": "image/vnd.viam.rgba"},
        {"width_px": 4608, "height_px": 2592, "mime_type": "image/png"},
        {"width_px": 4608, "height_px": 2592, "mime_type": "image/vnd.viam.rgba", "crop": VGA},
        {"frame_rate": 0.1},
    ],
)
def test_what_goes_together_or_is_not_known_yet_is_accepted(attributes):
    assert config(**attributes)


def test_all_mistakes_are_told_at_once():
    message = refusal({
        "rotate": 45, "width_px": 640, "height_px": 481, "frame_rate": 20, "max_age_ms": 40,
        "crop": {"x_px": 639, "width_px": 2, "height_px": 2},
    })  # fmt: skip

    for path in ("rotate", "height_px", "max_age_ms", "crop.width_px"):
        assert f"- {path}: " in message


@pytest.mark.parametrize(
    ("attributes", "rate", "max_age_ms"),
    [({}, 30, 500), ({}, 0, 500), ({}, 6, 500), ({}, 5, 600), ({}, 0.5, 6000), ({"max_age_ms": 70}, 0.5, 70)],
)
def test_a_picture_may_be_half_a_second_old_or_three_intervals_or_what_is_said(attributes, rate, max_age_ms):
    assert config(**attributes).max_age_at(rate) == max_age_ms


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({}, (640, 480)),
        ({"rotate": 90}, (480, 640)),
        ({"rotate": 180}, (640, 480)),
        ({"crop": {"width_px": 100, "height_px": 50}, "rotate": 270}, (50, 100)),
    ],
)
def test_the_size_of_what_is_delivered(attributes, size):
    assert config(**attributes).delivered_size(641, 481) == size
