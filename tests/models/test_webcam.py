"""The webcam on the simulated Pi, through gRPC: which camera, which picture, how old."""

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.media.video import CameraMimeType, NamedImage

from pi_drivers.buses.video.contract import BY_ID, BY_PATH
from pi_drivers.errors import BusAbsentError, ClaimedError, ConfigError
from pi_drivers.models.camera import picture as picture_module
from tests import scene_reader
from tests.models.conftest import Bench
from tests.models.webcams import (
    MILLISECOND,
    PLACE,
    SLOWEST_MS,
    SMALL,
    Film,
    age_ms,
    image_of,
    make_unfit,
    only,
    pixels_of,
    plug_in,
    plug_in_plain,
    seen_by,
    used_elsewhere,
    webcam,
)
from tests.test_imports import HEAVY, loaded_after

LENS = {"width_px": 120, "height_px": 160, "fx": 500.5, "fy": 501.5, "ppx": 60.25, "ppy": 80.75}


async def test_the_picture_is_of_the_moment_it_says(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    client = await webcam(bench)
    await bench.wait(1.234)
    wall_ns = 1_750_000_000_987_654_321
    monkeypatch.setattr(time, "time_ns", lambda: wall_ns)
    [image], metadata = await client.get_images()

    seen = scene_reader.read(pixels_of(image))
    assert (image.name, image.mime_type) == ("color", "image/jpeg")
    assert (image.width, image.height) == (160, 120)
    assert (seen.rotated, seen.flipped) == (0, False)
    told_age_ns = wall_ns - metadata.captured_at.ToNanoseconds()
    taken_ns = bench.host.now_ns() - told_age_ns
    assert taken_ns // MILLISECOND == seen.taken_ms
    assert 0 < told_age_ns <= SLOWEST_MS * MILLISECOND


async def test_it_is_always_the_newest_there_is_whenever_and_however_often_it_is_asked(bench: Bench):
    client = await webcam(bench)
    before = 0
    for waited_ms in (0, 1, 30, 99, 100, 101, 333, 5, 2000, 77, 10):
        await bench.wait(waited_ms / 1000)
        seen = await seen_by(client)
        assert age_ms(bench, seen) <= SLOWEST_MS + 1
        assert seen.taken_ms >= before
        before = seen.taken_ms


async def test_nobody_has_to_ask_for_pictures_to_stay_new(bench: Bench):
    client = await webcam(bench)
    await bench.wait(60)

    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1
    status = await client.get_status()
    assert status["frames"] == pytest.approx(600, abs=2)
    assert (status["lost_frames"], status["unfit_frames"], status["failures"], status["openings"]) == (0, 0, 0, 1)
    assert 0 < status["frame_age_ms"] <= SLOWEST_MS


NAMES = [
    PLACE,
    "video0",
    "0",
    0,
    "usb-Maker_Cam_77-video-index0",
    BY_ID + "usb-Maker_Cam_77-video-index0",
    BY_PATH + "platform-usb-1.2-video-index0",
    "platform-usb-1.2-video-index0",
    "usb-Maker_Cam_77-video-index0;video0",
    "Maker Cam",
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_camera_is_found_by_any_of_its_names(bench: Bench, name):
    plug_in_plain(bench, only("MJPG", 320, 240, 10), path="/dev/video2", label="Another Cam")
    names = ("usb-Maker_Cam_77-video-index0", "platform-usb-1.2-video-index0")
    plug_in_plain(bench, only("MJPG", 160, 120, 10), label="Maker Cam", names=names)
    client = await webcam(bench, video_path=name)

    status = await client.get_status()
    assert (status["place"], status["label"]) == (PLACE, "Maker Cam")
    assert (await seen_by(client)).taken_ms > 0


async def test_what_a_config_names_is_there_on_the_mock_under_that_name(bench: Bench):
    client = await webcam(bench, video_path="usb-046d_HD_Pro_Webcam_C920-video-index0")

    assert (await client.get_status())["place"] == PLACE
    [source] = bench.host.cameras.sources()
    assert source.names == ("usb-046d_HD_Pro_Webcam_C920-video-index0",)


@pytest.mark.parametrize("attributes", [{}, {"video_path": ""}, {"video_path": None}])
async def test_without_a_name_the_first_that_is_usable_and_free_is_taken(bench: Bench, attributes):
    for number in range(3):
        plug_in_plain(bench, only("MJPG", 160, 120, 10), path=f"/dev/video{number}", label=f"Cam {number}")
    make_unfit(bench, bench.world.cameras.twins[0], "it delivers no pictures")
    first = await bench.make("webcam", "first", **attributes)
    second = await bench.make("webcam", "second", **attributes)

    assert [(await camera.get_status())["place"] for camera in (first, second)] == ["/dev/video1", "/dev/video2"]


async def test_two_that_are_built_at_once_without_a_name_get_one_each(bench: Bench):
    made = await asyncio.gather(*(bench.make("webcam", name, **SMALL) for name in ("one", "other")))

    assert {(await camera.get_status())["place"] for camera in made} == {"/dev/video0", "/dev/video1"}


async def test_a_camera_that_cannot_be_used_says_why(bench: Bench):
    twin = plug_in_plain(bench, only("MJPG", 160, 120, 10))
    make_unfit(bench, twin, "it delivers no pictures")
    with pytest.raises(Exception, match=r'/dev/video0 \("Plain Camera"\) cannot be used as a camera: it delivers no'):
        await webcam(bench, video_path=PLACE)


async def test_the_second_one_on_a_camera_is_told_who_has_it(bench: Bench):
    first = await webcam(bench, video_path=PLACE)
    with pytest.raises(ClaimedError, match=r'^/dev/video0 is held by camera "front" \(camera\), so camera "rear"'):
        await bench.make("webcam", "rear", video_path="0")

    await bench.wait(3)
    assert age_ms(bench, await seen_by(first)) <= SLOWEST_MS + 1
    assert (await first.get_status())["openings"] == 1


async def test_the_second_one_gets_the_camera_when_the_first_is_gone(bench: Bench):
    first = await bench.make("webcam", "front", **SMALL)
    with pytest.raises(ClaimedError):
        await bench.make("webcam", "rear", video_path=PLACE, **SMALL)
    rear = await bench.client(bench.newest)
    await first.close()
    await bench.wait(1.5)

    assert age_ms(bench, await seen_by(rear)) <= SLOWEST_MS + 1


async def test_another_program_that_has_the_camera_is_told_and_waited_for(bench: Bench):
    twin = plug_in(bench)
    elsewhere = used_elsewhere(bench, twin)
    with pytest.raises(ClaimedError, match=r"^/dev/video0: another program uses this camera.*fuser -v /dev/video0"):
        await bench.make("webcam", "front", video_path=PLACE, **SMALL)
    client = await bench.client(bench.newest)
    with pytest.raises(GRPCError, match="no picture yet: /dev/video0: another program"):
        await client.get_images()

    with bench.world.held():
        twin.stop(elsewhere)
    await bench.wait(2)
    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1


async def test_a_camera_that_another_lets_go_in_a_moment_is_no_error(bench: Bench):
    twin = plug_in(bench)
    elsewhere = used_elsewhere(bench, twin)
    with bench.world.held():
        bench.world.clock.at(bench.host.now_ns() + 500 * MILLISECOND, lambda: twin.stop(elsewhere))

    assert (await seen_by(await webcam(bench, video_path=PLACE))).taken_ms > 500


async def test_without_a_name_a_camera_that_another_program_uses_is_passed_over(bench: Bench):
    used_elsewhere(bench, plug_in(bench))
    plug_in(bench, "/dev/video4")

    assert (await (await webcam(bench)).get_status())["place"] == "/dev/video4"


@pytest.mark.parametrize("used", [1, 3, 5])
async def test_however_many_are_used_by_other_programs_the_one_that_is_free_is_found(bench: Bench, used):
    for number in range(used):
        used_elsewhere(bench, plug_in(bench, f"/dev/video{number}"))
    plug_in(bench, f"/dev/video{used}")
    status = await (await bench.make("webcam", "front", **SMALL)).get_status()

    assert (status["place"], status["failures"]) == (f"/dev/video{used}", 0)


async def test_where_all_are_used_by_other_programs_that_is_told_and_the_first_to_be_free_is_taken(bench: Bench):
    used = [used_elsewhere(bench, plug_in(bench, f"/dev/video{number}")) for number in range(4)]
    make_unfit(bench, plug_in(bench, "/dev/video4"), "it delivers no pictures")
    with pytest.raises(ClaimedError, match="another program uses this camera"):
        await bench.make("webcam", "front", **SMALL)
    client = await bench.client(bench.newest)
    assert (await client.get_status())["failures"] == 3

    with bench.world.held():
        bench.world.cameras.named("/dev/video2").stop(used[2])
    await bench.wait(2)
    assert (await client.get_status())["place"] == "/dev/video2"


async def test_a_camera_that_is_missing_is_named_with_those_that_are_there(bench: Bench):
    missing = plug_in(bench, "/dev/video3")
    plug_in_plain(bench, only("MJPG", 160, 120, 10), label="Other Cam")
    with bench.world.held():
        missing.unplug()
    there = r'/dev/video0 "Other Cam" \(usb-Other_Cam-video-index0\)'
    with pytest.raises(BusAbsentError, match=f"^/dev/video3: there is no such camera. There are: {there}"):
        await bench.make("webcam", "front", video_path="/dev/video3", **SMALL)
    client = await bench.client(bench.newest)

    with bench.world.held():
        missing.plug_in()
    await bench.wait(2)
    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1


async def test_size_rate_and_format_are_those_asked_for(bench: Bench):
    client = await webcam(bench, width_px=320, height_px=240, frame_rate=15, format="yuy2")
    first = await seen_by(client)
    await bench.wait(2)
    later = await seen_by(client)

    image = await image_of(client)
    assert (image.width, image.height) == (320, 240)
    interval_ms = (later.taken_ms - first.taken_ms) / (later.frame_number - first.frame_number)
    assert interval_ms == pytest.approx(1000 / 15, abs=0.1)
    status = await client.get_status()
    assert (status["format"], status["width_px"], status["height_px"], status["frame_rate"]) == ("YUYV", 320, 240, 15)


FEW = (
    only("YUYV", 320, 240, 10.0, 5.0),
    only("MJPG", 320, 240, 30.0, 10.0),
    only("MJPG", 1280, 720, 60.0, 29.97),
)


@pytest.mark.parametrize(
    ("attributes", "refusal"),
    [
        ({"width_px": 800}, "no width_px and height_px 800 x any; it has: 320 x 240, 1280 x 720"),
        ({"width_px": 320, "height_px": 200}, "no width_px and height_px 320 x 200; it has: 320 x 240, 1280 x 720"),
        ({"format": "YUYV", "width_px": 1280}, "no width_px and height_px 1280 x any; it has: 320 x 240"),
        ({"format": "NV12"}, "no format NV12; it has: YUYV, MJPG"),
        ({"frame_rate": 25}, "no frame_rate 25 at 320 x 240 in any format; it has: 5, 10, 30"),
        ({"frame_rate": 25, "format": "MJPG"}, "no frame_rate 25 at 320 x 240 in MJPG; it has: 10, 30"),
        ({"crop": {"x_px": 200, "width_px": 200, "height_px": 20}}, "crop.width_px: goes beyond .* more than its 320"),
        ({"intrinsic_parameters": LENS}, "for pictures of 120 x 160, and delivered are 320 x 240: calibrate"),
        ({"max_age_ms": 30}, "max_age_ms: must not be below the 33.3333 ms between two pictures, got 30"),
    ],
)
async def test_what_the_camera_cannot_do_is_refused_with_what_it_can(bench: Bench, attributes, refusal):
    plug_in_plain(bench, *FEW)
    with pytest.raises(ConfigError, match=refusal):
        await bench.make("webcam", "front", **attributes)
    client = await bench.client(bench.newest)
    with pytest.raises(GRPCError, match=refusal) as caught:
        await client.get_images()
    assert caught.value.status is Status.UNAVAILABLE


@pytest.mark.parametrize(
    ("attributes", "chosen"),
    [
        ({}, ("MJPG", 320, 240, 30)),
        ({"frame_rate": 5}, ("YUYV", 320, 240, 5)),
        ({"format": "YUYV"}, ("YUYV", 320, 240, 10)),
        ({"width_px": 1280}, ("MJPG", 1280, 720, 29.97)),
        ({"height_px": 720, "frame_rate": 30}, ("MJPG", 1280, 720, 29.97)),
        ({"height_px": 720, "frame_rate": 60}, ("MJPG", 1280, 720, 60)),
    ],
)
async def test_what_is_not_said_is_chosen(bench: Bench, attributes, chosen):
    plug_in_plain(bench, *FEW)
    status = await (await bench.make("webcam", "front", **attributes)).get_status()

    assert (status["format"], status["width_px"], status["height_px"], status["frame_rate"]) == chosen


async def test_properties_are_true(bench: Bench):
    distortion = {"rk1": 0.1, "rk2": 0.2, "rk3": 0.3, "tp1": 0.4, "tp2": 0.5}
    lens = {"intrinsic_parameters": LENS, "distortion_parameters": distortion}
    properties = await (await webcam(bench, rotate=90, **lens)).get_properties()

    found = properties.intrinsic_parameters
    assert (found.width_px, found.height_px) == (120, 160)
    assert (found.focal_x_px, found.focal_y_px, found.center_x_px, found.center_y_px) == (500.5, 501.5, 60.25, 80.75)
    assert properties.distortion_parameters.model == "brown_conrady"
    assert list(properties.distortion_parameters.parameters) == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert (properties.frame_rate, list(properties.mime_types), properties.supports_pcd) == (10, ["image/jpeg"], False)


async def test_what_is_not_known_of_the_lens_is_not_told(bench: Bench):
    properties = await (await webcam(bench, mime_type="image/png")).get_properties()

    assert not properties.HasField("intrinsic_parameters")
    assert not properties.HasField("distortion_parameters")
    assert list(properties.mime_types) == ["image/png"]


@pytest.mark.parametrize("names", [None, [], ["color"], ["color", "color"]])
async def test_its_one_source_is_given_once(bench: Bench, names):
    images, _ = await (await webcam(bench)).get_images(filter_source_names=names)

    assert [image.name for image in images] == ["color"]


@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/png", "image/vnd.viam.rgba"])
async def test_an_image_is_what_the_sdk_makes_of_the_same_bytes(bench: Bench, mime_type):
    camera = await bench.make("webcam", "front", mime_type=mime_type, **SMALL)
    [image], _ = await camera.get_images()
    theirs = NamedImage(image.name, image.data, CameraMimeType.from_string(mime_type))

    assert isinstance(image, NamedImage)
    assert vars(image) == vars(theirs)
    assert type(image.mime_type) is type(theirs.mime_type)
    assert (image.width, image.height) == (160, 120)


@pytest.mark.parametrize("names", [["depth"], ["color", "Color"], [""]])
async def test_a_source_that_it_does_not_have_is_refused(bench: Bench, names):
    with pytest.raises(GRPCError, match=r'camera "front" has no image source .*; it has: "color"') as caught:
        await (await webcam(bench)).get_images(filter_source_names=names)

    assert caught.value.status is Status.INVALID_ARGUMENT


async def test_it_sees_no_depth_and_knows_no_geometries(bench: Bench):
    client = await webcam(bench)
    with pytest.raises(GRPCError, match='camera "front" has no depth') as caught:
        await client.get_point_cloud()

    assert caught.value.status is Status.UNIMPLEMENTED
    assert await client.get_geometries() == []


async def test_the_modes_of_the_camera_are_listed(bench: Bench):
    plug_in_plain(bench, *FEW[:2])
    client = await bench.client(await bench.make("webcam", "front"))

    assert (await client.do_command({"command": "modes"}))["modes"] == [
        {"format": "YUYV", "width_px": 320, "height_px": 240, "frame_rates": [10, 5]},
        {"format": "MJPG", "width_px": 320, "height_px": 240, "frame_rates": [30, 10]},
    ]


async def test_of_a_camera_that_can_have_any_frame_rate_between_two_the_modes_say_so(bench: Bench):
    plug_in_plain(bench, replace(only("MJPG", 320, 240, 60.0, 30.0), rate_range=(5.0, 60.0)))
    client = await bench.client(await bench.make("webcam", "front", frame_rate=12))

    [mode] = (await client.do_command({"command": "modes"}))["modes"]
    assert (mode["frame_rates"], mode["any_frame_rate_between"]) == ([60, 30], [5, 60])
    assert (await client.get_properties()).frame_rate == 12


async def test_four_clients_at_once_cost_one_encoding_and_nobody_none(bench: Bench):
    client = await webcam(bench, rotate=90)
    await bench.wait(5.03)  # the next frame is 70 ms away
    assert (await client.get_status())["transcoded"] == 0

    answers = await asyncio.gather(*(client.get_images() for _ in range(4)))
    assert len({images[0].data for images, _ in answers}) == 1
    await client.get_images()
    assert (await client.get_status())["transcoded"] == 1
    await bench.wait(0.1)
    await client.get_images()
    assert (await client.get_status())["transcoded"] == 2


async def test_pictures_are_made_on_a_thread_of_their_own_and_frames_are_read_on_another(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    threads: dict[str, set[str]] = {}

    def watch(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*args: Any) -> Any:
            threads.setdefault(name, set()).add(threading.current_thread().name)
            return original(*args)

        monkeypatch.setattr(owner, name, watched)

    for name in ("pixels_of", "transformed", "encoded"):
        watch(picture_module, name)
    watch(plug_in(bench), "frame")
    client = await webcam(bench, flip="both")
    await client.get_images()

    transcoding = {'bus camera "front": pictures'}
    assert threads == {
        "frame": {'bus camera "front": frames'},
        "pixels_of": transcoding,
        "transformed": transcoding,
        "encoded": transcoding,
    }


async def test_the_bytes_are_the_camera_s_own_where_nothing_is_to_be_changed(bench: Bench):
    film = Film(plug_in(bench))
    client = await webcam(bench)
    for _ in range(5):
        image = await image_of(client)
        assert image.data == film.sent[-1].data
        await bench.wait(0.13)  # never when the next one is just coming
    assert (await client.get_status())["transcoded"] == 0


async def test_opencv_is_loaded_by_a_camera_and_not_by_its_config():
    making = (
        "from google.protobuf.struct_pb2 import Struct; from viam.proto.app.robot import ComponentConfig; "
        "from pi_drivers import registry; attributes = Struct(); attributes.update({'backend': 'mock', 'rotate': 90}); "
        "config = ComponentConfig(name='front', attributes=attributes); model = registry.load('webcam'); "
        "model.validate_config(config)"
    )
    building = (
        f"{making}; import asyncio\n"
        "async def build():\n"
        "    camera = model.new(config, {}); await camera.ready(); await camera.get_images(); await camera.close()\n"
        "asyncio.run(build())\n"
        "0"
    )
    assert not loaded_after(making) & HEAVY
    assert {"cv2", "numpy"} <= loaded_after(building)
