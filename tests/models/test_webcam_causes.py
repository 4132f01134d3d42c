"""What a webcam says of why there is no picture: told once, with the name once, and with what to do about it."""

import logging
from dataclasses import replace

import pytest
from grpclib import GRPCError, Status

from pi_drivers.buses.video.contract import BY_ID
from pi_drivers.errors import BusAbsentError, ConfigError
from pi_drivers.models.camera import picture as picture_module
from pi_drivers.world.cameras import CameraTwin
from tests.models.conftest import Bench
from tests.models.webcams import (
    PLACE,
    SECOND,
    SMALL,
    answer_within,
    only,
    plug_in,
    plug_in_again,
    plug_in_plain,
    refusal_of,
    seen_by,
    twin_of,
    unplug,
    used_elsewhere,
    webcam,
)

BEYOND = {"crop": {"x_px": 100, "width_px": 100, "height_px": 100}}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


async def test_what_is_in_the_way_of_the_first_picture_is_told_by_who_builds_it_and_not_by_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
):
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0))
    with pytest.raises(ConfigError, match=r'^camera "front": crop\.width_px: goes beyond the picture') as caught:
        await bench.make("webcam", "front", **BEYOND)
    await bench.wait(30)

    assert caught.value.message.count('camera "front"') == 1
    assert warnings(caplog) == []


async def test_a_cause_has_the_name_once(bench: Bench):
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0))
    with pytest.raises(ConfigError):
        await bench.make("webcam", "front", **BEYOND)
    _, message = await refusal_of(await bench.client(bench.newest))

    assert message.startswith('camera "front": no picture yet: crop.width_px: goes beyond the picture')


async def test_after_its_first_picture_the_log_tells_once_what_is_in_the_way(
    bench: Bench, caplog: pytest.LogCaptureFixture
):
    await webcam(bench)
    unplug(bench)
    await bench.wait(30)

    [line] = warnings(caplog)
    assert line.startswith('camera "front": no pictures: /dev/video0: the camera was unplugged')


async def test_that_it_was_unplugged_is_not_forgotten_because_another_camera_is_held(bench: Bench):
    plug_in(bench)
    client = await webcam(bench, max_age_ms=60_000)
    other = "/dev/video5"
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0), path=other)
    await bench.make("webcam", "rear", video_path=other)
    unplug(bench)
    await bench.wait(5)
    _, message = await refusal_of(client)

    assert "/dev/video0: the camera was unplugged. Check its cable" in message
    assert '/dev/video5 is held by camera "rear"' in message
    plug_in_again(bench)
    await answer_within(bench, client, 2)


async def test_that_it_was_unplugged_is_not_forgotten_because_another_program_has_the_only_other(bench: Bench):
    plug_in(bench)
    client = await webcam(bench)
    used_elsewhere(bench, plug_in_plain(bench, only("MJPG", 160, 120, 10.0), path="/dev/video5"))
    unplug(bench)
    await bench.wait(5)
    _, message = await refusal_of(client)

    assert "/dev/video0: the camera was unplugged. Check its cable" in message
    assert "/dev/video5: another program uses this camera" in message


async def test_that_it_was_unplugged_is_over_when_it_is_back_and_another_program_has_it(bench: Bench):
    client = await webcam(bench)
    unplug(bench)
    await bench.wait(1)
    plug_in_again(bench)
    used_elsewhere(bench, twin_of(bench))
    await bench.wait(5)

    _, message = await refusal_of(client)
    assert "old: /dev/video0: another program uses this camera" in message


@pytest.mark.parametrize("number", [1, "1", "video1", "/dev/video1"])
async def test_a_number_that_no_camera_has_is_written_as_a_path_and_a_name_that_stays_is_recommended(
    bench: Bench, number: object
):
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0), path="/dev/video4", label="Maker Cam")
    client = await webcam(bench, video_path=number)
    with bench.world.held():
        bench.world.cameras.replug_elsewhere(twin_of(bench, "/dev/video1"))
    await bench.wait(3)
    _, message = await refusal_of(client)

    assert "/dev/video1: there is no such camera. There are: /dev/video0" in message
    assert '/dev/video4 "Maker Cam"' in message
    assert message.endswith("Numbers change when cameras are plugged in anew; a name below /dev/v4l/by-id stays.")


async def test_a_name_that_no_camera_has_is_told_without_a_word_of_numbers(bench: Bench):
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0), path="/dev/video4")
    twin = plug_in(bench, BY_ID + "usb-Maker_Cam_77-video-index0")
    with bench.world.held():
        twin.unplug()
    with pytest.raises(BusAbsentError, match="usb-Maker_Cam_77-video-index0: there is no such camera") as caught:
        await bench.make("webcam", "front", video_path=BY_ID + "usb-Maker_Cam_77-video-index0")

    assert "Numbers" not in caught.value.message


async def test_a_silence_is_told_with_how_long_it_lasts_and_what_to_look_at(bench: Bench):
    client = await webcam(bench)
    await bench.wait(1.03)
    with bench.world.held():
        twin_of(bench).faults.silent = True
    await bench.wait(0.9)
    _, message = await refusal_of(client)

    assert message.endswith("nothing comes from /dev/video0, for 0.9 s now. Check its cable and its power.")


async def test_pictures_that_are_old_when_they_come_are_not_called_silence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    twin: CameraTwin = plug_in(bench)
    draw = twin.frame
    monkeypatch.setattr(
        twin, "frame", lambda exposure: replace(draw(exposure), taken_ns=exposure.taken_ns - 3 * SECOND)
    )
    client = await webcam(bench)
    await bench.wait(1)
    _, message = await refusal_of(client)

    assert "pictures come from /dev/video0, but they are 3.0 s old when they come" in message
    assert "nothing comes" not in message


@pytest.mark.parametrize("mime_type", ["image/png", "image/vnd.viam.rgba"])
async def test_a_picture_that_is_too_large_to_be_sent_is_an_error_that_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, mime_type: str
):
    client = await webcam(bench, mime_type=mime_type)
    await seen_by(client)
    monkeypatch.setattr(picture_module, "LARGEST_PICTURE", 5000)
    await bench.wait(0.2)
    status, message = await refusal_of(client)

    assert status is Status.INVALID_ARGUMENT
    assert f'camera "front": this picture, as {mime_type}, takes 0.' in message
    assert "choose smaller pictures" in message


async def test_one_that_is_known_to_be_too_large_is_refused_when_the_camera_is_opened(bench: Bench):
    plug_in_plain(bench, only("YUYV", 4608, 2592, 1.0))
    with pytest.raises(ConfigError, match=r"mime_type: image/vnd.viam.rgba of 4608 x 2592 pixels takes 47\.8 MB"):
        await bench.make("webcam", "front", mime_type="image/vnd.viam.rgba")


async def test_of_many_choices_the_largest_are_told_too(bench: Bench):
    plug_in_plain(bench, only("MJPG", 160, 120, *map(float, range(1, 21))))
    said = r"it has: 1, 2, 3, 4, 5, 6, 7, 8, … \(8 more\), 17, 18, 19, 20$"
    with pytest.raises(ConfigError, match=said):
        await bench.make("webcam", "front", frame_rate=200)


async def test_no_controls_are_told_as_what_they_are(bench: Bench):
    with pytest.raises(GRPCError, match='"controls" is empty: name at least one') as caught:
        await (await webcam(bench)).do_command({"command": "set_controls", "controls": {}})

    assert caught.value.status is Status.INVALID_ARGUMENT


async def test_a_slash_too_many_makes_no_other_camera(bench: Bench):
    client = await webcam(bench, video_path="/dev//video3")
    assert (await client.get_status())["place"] == "/dev/video3"
    with pytest.raises(Exception, match='held by camera "front"'):
        await bench.make("webcam", "rear", video_path=3, **SMALL)
    assert PLACE not in bench.host.claims.listing()
