"""The camera on the simulated Pi's ribbon cable, through gRPC."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import BusAbsentError, ClaimedError, ConfigError
from tests import scene_reader
from tests.models.conftest import Bench

LENS = {"width_px": 640, "height_px": 480, "fx": 500.5, "fy": 501.5, "ppx": 319.5, "ppy": 239.5}


def pixels_of(image: Any) -> Any:
    return cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)


async def picture_of(client: Any) -> Any:
    [image], _ = await client.get_images()
    return pixels_of(image)


def shape_of(picture: Any) -> tuple[int, int]:
    height, width = picture.shape[:2]
    return width, height


async def test_the_picture_is_of_the_moment_it_says(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front"))
    await bench.wait(1)
    [image], metadata = await client.get_images(filter_source_names=["color"])

    seen = scene_reader.read(pixels_of(image))
    assert (image.name, image.mime_type, image.width, image.height) == ("color", "image/jpeg", 640, 480)
    assert 0 <= bench.host.now_ns() / 1e6 - seen.taken_ms < 60
    assert metadata.captured_at.ToNanoseconds() > 0
    assert (seen.rotated, seen.flipped) == (0, False)


async def test_size_and_frame_rate_are_those_asked_for(bench: Bench):
    camera = await bench.make("csi-camera", "front", width_px=1280, height_px=720, frame_rate=12.5)
    client = await bench.client(camera)
    assert shape_of(await picture_of(client)) == (1280, 720)
    assert (await client.get_properties()).frame_rate == 12.5
    first = scene_reader.read(await picture_of(client))
    await bench.wait(2)
    later = scene_reader.read(await picture_of(client))

    assert (later.taken_ms - first.taken_ms) / (later.frame_number - first.frame_number) == pytest.approx(80, abs=0.1)
    status = await client.get_status()
    assert (status["place"], status["label"], status["format"]) == ("camera 0", "imx708", "BGR3")
    assert (status["width_px"], status["height_px"], status["frame_rate"]) == (1280, 720, 12.5)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"width_px": 1280}, (1280, 720)),
        ({"width_px": 4608, "crop": {"width_px": 640, "height_px": 2592}}, (640, 2592)),
        ({"height_px": 864}, (1536, 864)),
    ],
)
async def test_with_one_side_of_the_size_the_other_follows_the_sensor_s_shape(bench: Bench, attributes, size):
    client = await bench.client(await bench.make("csi-camera", "front", **attributes))
    assert shape_of(await picture_of(client)) == size


async def test_a_picture_that_says_it_comes_from_the_future_does_not_stop_the_film(bench: Bench, monkeypatch):
    client = await bench.client(await bench.make("csi-camera", "front"))
    twin = bench.world.csi_cameras.named("camera 0")
    draw, hour_ns = twin.frame, 3_600_000_000_000
    monkeypatch.setattr(twin, "frame", lambda one: replace(draw(one), taken_ns=one.taken_ns + hour_ns))
    await bench.wait(0.2)
    monkeypatch.undo()
    await bench.wait(1)

    seen = scene_reader.read(await picture_of(client))
    assert 0 <= bench.host.now_ns() / 1e6 - seen.taken_ms < 60


async def test_without_a_word_on_it_a_large_picture_comes_as_fast_as_the_sensor_can(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front", width_px=4608, height_px=2592))
    assert (await client.get_properties()).frame_rate == 14


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"frame_rate": 200}, "^camera 0: the camera has no frame_rate 200 at 640 x 480 .*it has: 1, 2, 5, "),
        ({"width_px": 4608, "height_px": 2592, "frame_rate": 30}, r"no frame_rate 30 at 4608 x 2592 .*it has: .*, 14$"),
        ({"width_px": 5000}, "has no width_px and height_px 5000 x any; it has: 64 x 64 to .*4608 x 2592"),
        (
            {"crop": {"x_px": 10, "width_px": 640, "height_px": 480}},
            r"crop\.width_px: goes beyond the picture: 10 \+ 640",
        ),
        ({"controls": {"Brigtness": 0.5}}, r'no control "Brigtness" \(did you mean "Brightness"'),
        ({"controls": {"Brightness": 1.5}}, "Brightness must be -1 to 1, got 1.5"),
        ({"controls": {"ExposureTime": 5000}}, "ExposureTime has no effect .* set AeEnable to 0 first"),
        ({"controls": {"AfMode": "Always"}}, r'AfMode must be 0 \("Manual"\) or 1 \("Auto"\) or 2 \("Continuous"\)'),
    ],
)
async def test_what_the_camera_cannot_do_is_refused_with_what_it_can(bench: Bench, attributes, words):
    with pytest.raises(ConfigError, match=words):
        await bench.make("csi-camera", "front", **attributes)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"camera_num": 8}, "camera_num: must be at least 0 and below 8, got 8"),
        ({"camera_num": -1}, "camera_num: must be at least 0 and below 8, got -1"),
        ({"camera_num": "0"}, 'camera_num: expected a whole number, got "0"'),
        ({"camara_num": 1}, 'camara_num: .*did you mean "camera_num"'),
        ({"width_px": 641}, "width_px: .*multiple of 2"),
        ({"height_px": 48}, "height_px: must be between 64 and 10000, got 48"),
        ({"format": "MJPG"}, "format: unknown"),
    ],
)
async def test_a_config_that_cannot_be_meant_is_refused(bench: Bench, attributes, words):
    with pytest.raises(ConfigError, match=words):
        await bench.make("csi-camera", "front", **attributes)


async def test_two_cameras_are_told_apart_by_their_numbers_and_one_is_one_resource_s(bench: Bench):
    await bench.make("csi-camera", "front")
    rear = await bench.client(await bench.make("csi-camera", "rear", camera_num=1))
    assert (await rear.get_status())["place"] == "camera 1"

    with pytest.raises(ClaimedError, match=r'camera 1.*"rear"'):
        await bench.make("csi-camera", "again", camera_num=1)


async def test_what_becomes_of_the_picture_is_said_in_the_config(bench: Bench):
    crop = {"x_px": 0, "y_px": 240, "width_px": 640, "height_px": 240}
    turned = await bench.client(await bench.make("csi-camera", "front", rotate=90, flip="horizontal"))
    cut = await bench.client(await bench.make("csi-camera", "rear", camera_num=1, crop=crop, mime_type="image/png"))

    seen = scene_reader.read(await picture_of(turned))
    assert shape_of(await picture_of(turned)) == (480, 640)
    assert (seen.rotated, seen.flipped) == (90, True)
    [image], _ = await cut.get_images()
    assert (image.mime_type, image.width, image.height) == ("image/png", 640, 240)


async def test_a_lower_quality_makes_smaller_pictures(bench: Bench):
    good = await bench.client(await bench.make("csi-camera", "front"))
    bad = await bench.client(await bench.make("csi-camera", "rear", camera_num=1, jpeg_quality=20))

    [poor], _ = await bad.get_images()
    [rich], _ = await good.get_images()
    assert len(poor.data) < 0.75 * len(rich.data)


async def test_lens_and_distortion_are_handed_on(bench: Bench):
    camera = await bench.make(
        "csi-camera", "front", intrinsic_parameters=LENS, distortion_parameters={"rk1": 0.1, "tp2": -0.2}
    )
    properties = await (await bench.client(camera)).get_properties()

    lens = properties.intrinsic_parameters
    assert (lens.width_px, lens.height_px, lens.focal_x_px, lens.center_y_px) == (640, 480, 500.5, 239.5)
    assert list(properties.distortion_parameters.parameters) == [0.1, 0, 0, 0, -0.2]
    assert (properties.supports_pcd, list(properties.mime_types)) == (False, ["image/jpeg"])


async def test_controls_of_the_config_act_on_the_picture_and_switches_go_before_what_they_switch(bench: Bench):
    controls = {"ExposureTime": 7850, "AnalogueGain": 1, "AeEnable": False, "Contrast": 1.5}
    client = await bench.client(await bench.make("csi-camera", "front", controls=controls))
    await bench.wait(0.5)
    assert scene_reader.read(await picture_of(client)).brightness == pytest.approx(0.5, abs=0.05)

    there = await client.do_command({"command": "controls"})
    assert there["ExposureTime"]["value"] == 7850
    assert there["AeEnable"] == {"kind": "boolean", "value": False, "default": True, "range": "0 (off) or 1 (on)"}
    assert there["Contrast"]["range"] == "0 to 32"


async def test_controls_can_be_set_and_are_read_back(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front"))
    wanted = {"Brightness": -0.5, "AfMode": "continuous"}
    answer = await client.do_command({"command": "set_controls", "controls": wanted})
    assert answer == {"Brightness": -0.5, "AfMode": 2}
    await bench.wait(0.5)
    assert scene_reader.read(await picture_of(client)).brightness == pytest.approx(0.5, abs=0.05)

    with pytest.raises(GRPCError, match=r"LensPosition has no effect .* set AfMode to 0 first") as caught:
        await client.do_command({"command": "set_controls", "controls": {"LensPosition": 2}})
    assert caught.value.status is Status.INVALID_ARGUMENT


async def test_of_controls_one_of_which_would_have_no_effect_none_is_set(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front"))
    before = await client.do_command({"command": "controls"})
    with pytest.raises(GRPCError, match=r"ExposureTime has no effect .* set AeEnable to 0 first"):
        await client.do_command(
            {"command": "set_controls", "controls": {"AwbEnable": False, "Brightness": 0.5, "ExposureTime": 5000}}
        )

    assert await client.do_command({"command": "controls"}) == before


async def test_the_modes_are_those_of_the_sensor(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front"))
    modes = (await client.do_command({"command": "modes"}))["modes"]

    assert [(mode["largest_px"], mode["frame_rates"][0]) for mode in modes] == [
        ([1536, 864], 120), ([2304, 1296], 50), ([4608, 2592], 14),
    ]  # fmt: skip


async def test_a_picture_that_is_too_old_is_none(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front", max_age_ms=200))
    bench.world.csi_cameras.named("camera 0").faults.silent = True
    await bench.wait(0.3)

    with pytest.raises(GRPCError, match=r"last good picture is 0\.3\d* s old") as caught:
        await client.get_images()
    assert caught.value.status is Status.UNAVAILABLE


async def test_a_ribbon_cable_that_came_loose_and_is_in_again(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front"))
    twin = bench.world.csi_cameras.named("camera 0")
    twin.faults.silent = True
    await bench.wait(4)
    with pytest.raises(GRPCError, match=r"camera 0: the camera has delivered nothing for .*Check its ribbon cable"):
        await client.get_images()

    twin.faults.silent = False
    await bench.wait(2)
    assert scene_reader.read(await picture_of(client)).rotated == 0


async def test_without_a_camera_the_message_says_so(bench: Bench):
    first = await bench.make("csi-camera", "front")
    await first.close()
    bench.world.csi_cameras.named("camera 0").unplug()

    with pytest.raises(BusAbsentError, match=r"^camera 0: there is no such camera"):
        await bench.make("csi-camera", "front")


async def test_it_sees_no_depth(bench: Bench):
    client = await bench.client(await bench.make("csi-camera", "front"))
    with pytest.raises(GRPCError, match="GetPointCloud Unimplemented") as caught:
        await client.get_point_cloud()
    assert caught.value.status is Status.UNIMPLEMENTED


async def test_it_can_be_built_again_at_once(bench: Bench):
    for _ in range(3):
        camera = await bench.make("csi-camera", "front")
        await camera.close()
    client = await bench.client(await bench.make("csi-camera", "front"))

    assert scene_reader.read(await picture_of(client)).frame_number < 3
