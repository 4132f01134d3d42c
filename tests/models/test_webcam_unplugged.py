"""A webcam that is unplugged: an error at once that says so, and pictures again by themselves once it is back."""

import logging

import pytest
from grpclib import GRPCError, Status

from tests.models.conftest import Bench
from tests.models.webcams import (
    PLACE,
    SLOWEST_MS,
    SMALL,
    age_ms,
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

BY_ID = "usb-Maker_Cam_77-video-index0"


async def test_a_camera_that_is_unplugged_says_so_within_a_second_and_is_back_within_two(bench: Bench, caplog):
    client = await webcam(bench)
    await bench.wait(1)
    unplug(bench)
    await bench.wait(0.6)
    status, message = await refusal_of(client)
    assert status is Status.UNAVAILABLE
    assert "old: /dev/video0: the camera was unplugged. Check its cable" in message
    assert "place" not in await client.get_status()

    await bench.wait(30)
    assert "/dev/video0: the camera was unplugged" in (await refusal_of(client))[1]
    plug_in_again(bench)
    await answer_within(bench, client, 2)
    await bench.wait(1)
    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert len(lines) == 2
    assert "was unplugged" in lines[0]
    assert lines[1] == 'camera "front": pictures come again'


@pytest.mark.parametrize("exposed_ago", [0.03, 0.5, 0.97])
async def test_however_slow_the_camera_and_however_old_its_pictures_may_be_it_is_told_within_a_second(
    bench: Bench, exposed_ago
):
    client = await webcam(bench, frame_rate=1, max_age_ms=60_000)
    await bench.wait(exposed_ago - age_ms(bench, await seen_by(client)) / 1000 + 1)
    unplug(bench)
    await bench.wait(1)
    assert "/dev/video0: the camera was unplugged" in (await refusal_of(client))[1]

    plug_in_again(bench)
    await answer_within(bench, client, 3)


async def test_a_slow_camera_s_pictures_may_be_as_old_as_the_config_says_while_it_is_there(bench: Bench):
    client = await webcam(bench, frame_rate=1, max_age_ms=60_000)
    last = await seen_by(client)
    with bench.world.held():
        twin_of(bench).faults.silent = True
    await bench.wait(4)
    assert await seen_by(client) == last


async def test_while_it_is_unplugged_its_controls_are_refused_with_the_same_cause(bench: Bench):
    client = await webcam(bench)
    unplug(bench)
    await bench.wait(5)
    for _ in range(3):
        with pytest.raises(GRPCError, match="the camera was unplugged") as caught:
            await client.do_command({"command": "controls"})
        assert caught.value.status is Status.FAILED_PRECONDITION


@pytest.mark.parametrize("name", [BY_ID, "/dev/v4l/by-id/" + BY_ID, "Maker Cam", None])
async def test_a_camera_that_comes_back_with_another_number_is_found_by_what_does_not_change(bench: Bench, name):
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0), label="Maker Cam", names=(BY_ID,))
    client = await webcam(bench, video_path=name)
    await bench.wait(1)
    with bench.world.held():
        bench.world.cameras.replug_elsewhere(twin_of(bench))

    await answer_within(bench, client, 2)
    await bench.wait(1)
    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1
    assert (await client.get_status())["place"] == "/dev/video1"
    assert list(bench.host.claims.listing()) == ["/dev/video1"]


async def test_by_its_old_number_it_is_not_found_and_the_error_says_where_it_is(bench: Bench):
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0), label="Maker Cam", names=(BY_ID,))
    client = await webcam(bench, video_path=PLACE)
    await bench.wait(1)
    with bench.world.held():
        bench.world.cameras.replug_elsewhere(twin_of(bench))
    await bench.wait(5)

    _, message = await refusal_of(client)
    assert "/dev/video0: the camera was unplugged" in message
    assert f'There are: /dev/video1 "Maker Cam" ({BY_ID})' in message


async def test_another_camera_under_the_old_number_is_taken_as_the_config_says(bench: Bench):
    """A number means whatever is there: who wants this very camera uses its name."""
    client = await webcam(bench, video_path=PLACE)
    await bench.wait(1)
    unplug(bench)
    plug_in_plain(bench, only("MJPG", 160, 120, 10.0), label="Other Cam")

    await answer_within(bench, client, 2)
    await bench.wait(1)
    assert (await client.get_status())["label"] == "Other Cam"


async def test_what_the_config_sets_is_set_again_on_a_camera_that_is_back(bench: Bench):
    client = await webcam(bench, controls={"brightness": -32})
    assert (await seen_by(client)).brightness == pytest.approx(0.75, abs=0.02)
    unplug(bench)
    await bench.wait(1)
    plug_in_again(bench)
    await bench.wait(2)

    assert (await seen_by(client)).brightness == pytest.approx(0.75, abs=0.02)


async def test_a_camera_can_be_unplugged_again_and_again(bench: Bench):
    client = await webcam(bench)
    for _ in range(20):
        unplug(bench)
        await bench.wait(0.7)
        plug_in_again(bench)
        await answer_within(bench, client, 2)
        await bench.wait(0.6)
        assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1

    assert (await client.get_status())["openings"] == 21


async def test_a_camera_that_is_gone_before_it_starts_is_found_when_it_is_back(bench: Bench):
    twin = plug_in(bench)
    start = twin.start
    with bench.world.held():
        twin.start = lambda chosen: (twin.unplug(), start(chosen))[1]  # type: ignore[method-assign,func-returns-value]
    with pytest.raises(Exception, match=r"unplugged|no such camera"):
        await bench.make("webcam", "front", video_path=PLACE, **SMALL)
    with bench.world.held():
        twin.start = start  # type: ignore[method-assign]
        twin.plug_in()

    await answer_within(bench, await bench.client(bench.newest), 2)


async def test_a_camera_taken_by_another_program_while_it_was_unplugged_is_told(bench: Bench):
    client = await webcam(bench)
    unplug(bench)
    await bench.wait(1)
    plug_in_again(bench)
    elsewhere = used_elsewhere(bench, twin_of(bench))
    await bench.wait(5)
    _, message = await refusal_of(client)
    assert "/dev/video0: another program uses this camera. Stop it; fuser -v /dev/video0" in message
    assert "unplugged" not in message

    with bench.world.held():
        twin_of(bench).stop(elsewhere)
    await answer_within(bench, client, 2)
