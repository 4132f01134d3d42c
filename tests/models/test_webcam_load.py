"""A webcam with more to do than it can: that costs pictures, but those that come are true."""

import asyncio
import itertools
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.buses.video.contract import RawFrame
from pi_drivers.buses.video.mock import MockVideo
from pi_drivers.models.camera import picture as picture_module
from pi_drivers.models.camera.webcam import WebcamConfig
from tests.models.conftest import Bench
from tests.models.webcams import MILLISECOND, SECOND, SLOWEST_MS, age_ms, image_of, refusal_of, seen_by, unplug, webcam

COMMAND_MS = 30


def slow_to_make(bench: Bench, monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    """Pictures take so long to be decoded and encoded."""
    original = picture_module.transcode

    def transcode(*args: Any) -> Any:
        bench.world.clock.sleep(milliseconds * MILLISECOND)
        return original(*args)

    monkeypatch.setattr(picture_module, "transcode", transcode)


def transcodings() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "transcode a frame"]


@pytest.mark.parametrize("clients", [1, 2, 4])
async def test_commands_without_a_pause_do_not_keep_pictures_from_coming(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, clients
):
    client = await webcam(bench)
    controls = MockVideo.controls

    def slow(device: MockVideo) -> Any:
        bench.world.clock.sleep(COMMAND_MS * MILLISECOND)
        return controls(device)

    monkeypatch.setattr(MockVideo, "controls", slow)
    answers = 0

    async def insist() -> None:
        nonlocal answers
        while True:
            assert await client.do_command({"command": "controls"})
            answers += 1

    insisting = [asyncio.create_task(insist()) for _ in range(clients)]
    for _ in range(60):
        await bench.wait(0.05)
        assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + clients * COMMAND_MS + 101
    for task in insisting:
        task.cancel()
    await asyncio.wait(insisting)

    assert answers > 15
    assert (await client.get_status())["failures"] == 0


@pytest.mark.parametrize("clients", [1, 2, 5])
async def test_a_machine_that_is_too_slow_makes_fewer_pictures_and_each_of_the_newest_frame(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, clients
):
    client = await webcam(bench, rotate=90, max_age_ms=1000)
    slow_to_make(bench, monkeypatch, 350)
    end_ns = bench.host.now_ns() + 5 * SECOND

    async def ask(number: int) -> None:
        await bench.wait(0.07 * number)
        before = 0
        while bench.host.now_ns() < end_ns:
            seen = await seen_by(client)
            # It may have waited for its turn, but its frame did not.
            assert age_ms(bench, seen) <= 350 + SLOWEST_MS + 1
            assert seen.taken_ms >= before
            before = seen.taken_ms

    await asyncio.gather(*(ask(number) for number in range(clients)))

    assert 10 <= (await client.get_status())["transcoded"] <= 5 / 0.35 + 2


async def test_those_who_ask_while_a_picture_is_made_get_one_together_of_the_frame_that_is_then_the_newest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    client = await webcam(bench, rotate=90, max_age_ms=1000)
    slow_to_make(bench, monkeypatch, 450)
    asking = []
    for _ in range(4):
        asking.append(asyncio.create_task(image_of(client)))
        await bench.wait(0.11)
    first, *others = await asyncio.gather(*asking)

    assert len({image.data for image in others}) == 1
    assert first.data != others[0].data
    assert (await client.get_status())["transcoded"] == 2


async def test_clients_who_go_away_while_they_wait_leave_nothing_and_take_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    client = await webcam(bench, rotate=90, max_age_ms=1000)
    slow_to_make(bench, monkeypatch, 450)
    asking = []
    for _ in range(4):
        asking.append(asyncio.create_task(image_of(client)))
        await bench.wait(0.11)
    *gone, stays = asking
    for task in gone:
        task.cancel()
    await asyncio.wait(gone)
    assert (await stays).data
    assert transcodings() == []

    last = asyncio.create_task(image_of(client))
    await bench.wait(0.1)
    last.cancel()
    await asyncio.wait([last])
    await bench.wait(1)
    assert transcodings() == []
    assert age_ms(bench, await seen_by(client)) <= 450 + SLOWEST_MS + 1
    assert (await client.get_status())["transcoded"] == 4


async def test_a_picture_that_became_too_old_while_it_was_made_is_an_error_that_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    client = await webcam(bench, rotate=90)
    slow_to_make(bench, monkeypatch, 600)
    status, message = await refusal_of(client)

    assert status is Status.UNAVAILABLE
    assert "0.6 s" in message or "0.7 s" in message
    assert "choose smaller ones, or let MJPG pass as it is" in message


async def test_who_waits_for_the_next_picture_of_a_camera_that_is_unplugged_meanwhile_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    client = await webcam(bench, rotate=90, max_age_ms=60_000)
    slow_to_make(bench, monkeypatch, 1500)
    asking = []
    for _ in range(2):
        asking.append(asyncio.create_task(client.get_images()))
        await bench.wait(0.11)
    unplug(bench)
    _, refused = await asyncio.gather(*asking, return_exceptions=True)

    assert isinstance(refused, GRPCError)
    assert "the camera was unplugged" in str(refused.message)


async def test_closing_while_one_picture_is_made_and_another_waits_ends_both(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    client = await webcam(bench, rotate=90)
    slow_to_make(bench, monkeypatch, 300)
    asking = []
    for _ in range(2):
        asking.append(asyncio.create_task(client.get_images()))
        await bench.wait(0.11)
    await bench.newest.close()
    made, refused = await asyncio.gather(*asking, return_exceptions=True)

    assert not isinstance(made, BaseException)
    assert isinstance(refused, GRPCError)
    assert "closed" in str(refused.message)
    assert transcodings() == []


async def test_who_asks_again_at_once_does_not_overtake_those_who_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    moments = itertools.count()

    def transcode(name: str, frame: RawFrame, settings: Any) -> picture_module.Picture:
        bench.world.clock.sleep(20 * MILLISECOND)
        return picture_module.Picture(b"", "", 1, 1, frame.taken_ns)

    monkeypatch.setattr(picture_module, "transcode", transcode)
    worker = bench.host.new_worker("pictures")
    transcoder = picture_module.Transcoder("camera", worker, WebcamConfig(rotate=180))

    def newest() -> RawFrame:
        return RawFrame(b"", "MJPG", 64, 48, 0, next(moments), 0)

    async def asks_on_and_on() -> None:
        while True:
            await transcoder.picture(newest)

    eager = asyncio.create_task(asks_on_and_on())
    try:
        for _ in range(20):
            await bench.wait(0.03)
            before = transcoder.transcoded
            await asyncio.wait_for(transcoder.picture(newest), 1)
            assert transcoder.transcoded - before <= 2
    finally:
        eager.cancel()
        worker.stop()
        await worker.ended()
