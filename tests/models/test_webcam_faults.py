"""A webcam that is silent or sends what is no picture: it gives no wrong one, and comes back by itself."""

import logging
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import BusTimeoutError, ClaimedError, CorruptDataError
from tests.models.conftest import Bench
from tests.models.webcams import (
    PLACE,
    SECOND,
    SLOWEST_MS,
    SMALL,
    age_ms,
    answer_within,
    only,
    plug_in,
    plug_in_plain,
    refusal_of,
    seen_by,
    twin_of,
    unplug,
    webcam,
)


async def numbers_seen(bench: Bench, client: Any, seconds: float) -> list[int]:
    """The numbers of the frames that a client sees who asks all the time; each of them is whole and recent."""
    numbers = []
    for _ in range(round(seconds / 0.05)):
        seen = await seen_by(client)
        assert age_ms(bench, seen) <= 501
        numbers.append(seen.frame_number)
        await bench.wait(0.05)
    return numbers


async def test_a_picture_older_than_it_may_be_is_an_error_with_its_age_and_its_cause(bench: Bench):
    client = await webcam(bench)
    await bench.wait(1.03)  # the next frame is 70 ms away
    last = await seen_by(client)
    with bench.world.held():
        twin_of(bench).faults.silent = True
    while age_ms(bench, last) < 495:
        assert await seen_by(client) == last
        await bench.wait(0.01)
    await bench.wait(0.02)

    status, message = await refusal_of(client)
    assert status is Status.UNAVAILABLE
    assert message.startswith('camera "front": the last good picture is 0.5 s old: nothing comes from /dev/video0, for')


@pytest.mark.parametrize(("attributes", "limit_ms"), [({"max_age_ms": 200}, 200), ({"frame_rate": 2}, 1500)])
async def test_the_age_is_as_the_config_says_or_three_intervals(bench: Bench, attributes, limit_ms):
    client = await webcam(bench, **attributes)
    assert (await client.get_status())["max_age_ms"] == limit_ms
    last = await seen_by(client)
    with bench.world.held():
        twin_of(bench).faults.silent = True
    await bench.wait((limit_ms - age_ms(bench, last) - 2) / 1000)
    assert await seen_by(client) == last

    await bench.wait(0.004)
    assert "the last good picture is" in (await refusal_of(client))[1]


async def test_a_camera_that_goes_silent_is_started_anew_until_it_is_back(bench: Bench, caplog):
    client = await webcam(bench)
    with bench.world.held():
        twin_of(bench).faults.silent = True
    await bench.wait(3)
    _, message = await refusal_of(client)
    assert "/dev/video0: the camera has delivered nothing for 2." in message
    assert message.endswith("s; it is started anew. Check its cable and its power.")
    await bench.wait(60)
    assert (await client.get_status())["openings"] > 10

    with bench.world.held():
        twin_of(bench).faults.silent = False
    await answer_within(bench, client, 2)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert len(lines) < 12
    assert lines[-1] == 'camera "front": pictures come again'


async def test_a_camera_that_never_delivers_anything_is_told_and_used_once_it_does(bench: Bench):
    twin = plug_in(bench)
    twin.faults.silent = True
    with pytest.raises(BusTimeoutError, match=r"^/dev/video0: the camera has delivered nothing for 2.* its cable"):
        await bench.make("webcam", "front", **SMALL)
    client = await bench.client(bench.newest)
    assert 'camera "front": no picture yet: /dev/video0: the camera has delivered' in (await refusal_of(client))[1]

    with bench.world.held():
        twin.faults.silent = False
    await answer_within(bench, client, 4)


async def test_a_slow_camera_is_not_taken_for_a_silent_one(bench: Bench):
    plug_in_plain(bench, only("MJPG", 160, 120, 0.5))
    client = await bench.client(await bench.make("webcam", "front"))
    for _ in range(30):
        await seen_by(client)
        await bench.wait(1.1)

    assert (await client.get_status())["openings"] == 1


async def test_a_process_that_stood_still_does_not_blame_the_camera(bench: Bench):
    client = await webcam(bench)
    await bench.wait(0.03)  # it waits for its next frame
    bench.world.clock.advance(30 * SECOND)
    await bench.wait(0.3)

    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1
    status = await client.get_status()
    assert (status["openings"], status["failures"]) == (1, 0)


@pytest.mark.parametrize("fault", ["garbage", "half", "broken", "other_size"])
async def test_what_is_no_whole_picture_is_counted_and_never_delivered(bench: Bench, fault):
    client = await webcam(bench)
    with bench.world.held():
        setattr(twin_of(bench).faults, fault, 3)
    numbers = await numbers_seen(bench, client, 1)

    assert sorted(numbers) == numbers
    before, after = next((one, other) for one, other in pairwise(numbers) if other > one + 1)
    assert after == before + 4
    status = await client.get_status()
    assert (status["unfit_frames"], status["lost_frames"], status["failures"]) == (3, 0, 0)


@pytest.mark.parametrize("fault", ["half", "broken", "other_size"])
@pytest.mark.parametrize("pixel_format", ["YUYV", "NV12", "BGR3", "GREY"])
async def test_uncompressed_pictures_that_are_not_whole_are_not_delivered_either(bench: Bench, fault, pixel_format):
    client = await webcam(bench, format=pixel_format, mime_type="image/png")
    with bench.world.held():
        setattr(twin_of(bench).faults, fault, 1000)
    last = (await client.get_images())[0][0].data
    await bench.wait(0.3)
    assert (await client.get_images())[0][0].data == last
    await bench.wait(0.3)

    assert "what comes from /dev/video0 cannot be used: a frame" in (await refusal_of(client))[1]
    assert (await client.get_status())["unfit_frames"] >= 5


async def test_a_picture_that_looks_whole_is_not_delivered_when_its_driver_says_that_it_is_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    twin = plug_in(bench)
    client = await webcam(bench, format="YUYV")
    draw = twin.frame
    monkeypatch.setattr(twin, "frame", lambda exposure: replace(draw(exposure), broken=True))
    last = await seen_by(client)
    await bench.wait(0.3)

    assert await seen_by(client) == last
    assert (await client.get_status())["unfit_frames"] >= 2


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("garbage", "a frame does not begin with FF D8"),
        ("half", "a frame ends in the middle"),
        ("broken", "a frame was not whole when it came from the camera"),
        ("other_size", "a frame is 80 x 60, and the camera was set to 160 x 120"),
    ],
)
async def test_a_camera_that_sends_nothing_else_is_told_so_with_what_is_wrong(bench: Bench, fault, why):
    twin = plug_in(bench)
    setattr(twin.faults, fault, 10_000)
    with pytest.raises(CorruptDataError, match=f"no picture can be used for 2.* s; it is started anew: {why}"):
        await bench.make("webcam", "front", **SMALL)
    client = await bench.client(bench.newest)
    await bench.wait(1)
    status, message = await refusal_of(client)
    assert status is Status.UNAVAILABLE
    assert why in message
    assert (await client.get_status())["why_unfit"] == why

    with bench.world.held():
        setattr(twin.faults, fault, 0)
    await answer_within(bench, client, 4)
    assert "why_unfit" not in await client.get_status()


async def test_frames_that_are_lost_are_counted(bench: Bench):
    client = await webcam(bench)
    with bench.world.held():
        twin_of(bench).faults.lost = 3
    await numbers_seen(bench, client, 1)

    status = await client.get_status()
    assert (status["lost_frames"], status["unfit_frames"], status["failures"]) == (3, 0, 0)


async def test_a_frame_that_was_held_up_does_not_replace_a_newer_one(bench: Bench):
    client = await webcam(bench)
    await bench.wait(1)
    with bench.world.held():
        twin_of(bench).faults.late = 3
    moments = []
    for _ in range(40):
        moments.append((await seen_by(client)).taken_ms)
        await bench.wait(0.03)

    assert moments == sorted(moments)


async def test_a_hiccup_of_the_camera_is_borne_without_an_error(bench: Bench):
    client = await webcam(bench)
    with bench.world.held():
        twin_of(bench).faults.lost = 2
        twin_of(bench).faults.garbage = 1
    await numbers_seen(bench, client, 1)

    assert (await client.get_status())["failures"] == 0


async def test_a_jpeg_that_looks_whole_and_cannot_be_decoded_is_an_error_and_no_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    """Its tables are nonsense: no marker tells of that."""
    twin = plug_in(bench)
    draw = twin.frame

    def nonsense(exposure: Any) -> Any:
        frame = draw(exposure)
        at = frame.data.index(b"\xff\xc4") + 5
        return replace(frame, data=frame.data[:at] + b"\xff" * 16 + frame.data[at + 16 :])

    monkeypatch.setattr(twin, "frame", nonsense)
    client = await webcam(bench, rotate=90)
    status, message = await refusal_of(client)

    assert status is Status.DATA_LOSS
    assert 'camera "front": the newest frame cannot be decoded' in message


async def test_a_bug_in_the_reading_ends_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog):
    twin = plug_in(bench)
    client = await webcam(bench)
    take = twin.take
    nothing: dict[str, int] = {}
    monkeypatch.setattr(twin, "take", lambda running: nothing["bug"])
    await bench.wait(1)
    _, message = await refusal_of(client)
    assert "'bug'" in message
    assert "KeyError" in caplog.text
    with pytest.raises(GRPCError, match="'bug'"):
        await client.do_command({"command": "modes"})

    monkeypatch.setattr(twin, "take", take)
    await answer_within(bench, client, 2)


async def test_a_camera_that_fails_to_close_is_opened_again_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog
):
    twin = plug_in(bench)
    client = await webcam(bench)

    def stuck(_running: Any) -> None:
        monkeypatch.undo()
        raise OSError("it does not let go")

    monkeypatch.setattr(twin, "stop", stuck)
    twin.faults.silent = True
    await bench.wait(2.5)
    with bench.world.held():
        twin.faults.silent = False
        twin.unplug()
        twin.plug_in()

    await answer_within(bench, client, 3)
    assert "closing /dev/video0 failed" in caplog.text


async def test_two_cameras_do_not_disturb_each_other(bench: Bench):
    front = await webcam(bench, video_path=PLACE)
    rear = await bench.client(await bench.make("webcam", "rear", video_path="/dev/video1", **SMALL))
    unplug(bench)
    for _ in range(20):
        await bench.wait(0.1)
        assert age_ms(bench, await seen_by(rear)) <= SLOWEST_MS + 1

    assert "unplugged" in (await refusal_of(front))[1]
    with pytest.raises(ClaimedError, match='held by camera "rear"'):
        await bench.make("webcam", "third", video_path="/dev/video1")
