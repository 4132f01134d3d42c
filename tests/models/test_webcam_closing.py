"""A webcam ends at once whatever it is at, and leaves nothing behind."""

import asyncio
import threading
from collections.abc import Iterator
from types import NoneType
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers import registry
from pi_drivers.errors import BusAbsentError, BusTimeoutError, ClosedError
from pi_drivers.models.camera import picture as picture_module
from tests.models.conftest import Bench
from tests.models.webcams import (
    PLACE,
    SECOND,
    SLOWEST_MS,
    SMALL,
    age_ms,
    camera_threads,
    nothing_is_left,
    plug_in,
    seen_by,
    webcam,
)

CLOSE_WITHIN_S = 0.5
OUTCOMES: dict[str, tuple[type, ...]] = {
    "none": (NoneType, ClosedError),
    "silent": (BusTimeoutError, ClosedError),
    "unplugged": (BusAbsentError, ClosedError),
}
"""What one hears who waits for a camera to be ready, by its trouble."""


def new(bench: Bench, **attributes: Any) -> Any:
    """A camera that is still about to open."""
    return registry.load("webcam").new(bench.config("webcam", "front", SMALL | attributes), {})


async def timed_close(bench: Bench, camera: Any) -> float:
    began_ns = bench.host.now_ns()
    await camera.close()
    return (bench.host.now_ns() - began_ns) / SECOND


async def test_closing_lets_the_camera_go_at_once(bench: Bench):
    camera = await bench.make("webcam", "front", **SMALL)
    assert len(camera_threads()) == 2
    assert await timed_close(bench, camera) < CLOSE_WITHIN_S

    assert nothing_is_left(bench)
    await camera.close()
    await asyncio.gather(camera.close(), camera.close())


@pytest.mark.parametrize("fault", ["silent", "garbage", "lost"])
async def test_closing_a_camera_that_delivers_nothing_takes_no_longer(bench: Bench, fault):
    camera = await bench.make("webcam", "front", **SMALL)
    with bench.world.held():
        setattr(bench.world.cameras.named(PLACE).faults, fault, 10_000)
    await bench.wait(1)

    assert await timed_close(bench, camera) < CLOSE_WITHIN_S
    assert nothing_is_left(bench)


async def test_a_read_that_waits_is_woken_by_closing(bench: Bench):
    """Nothing happens in the world meanwhile: the camera's thread must be woken, it does not come round by itself."""
    camera = await bench.make("webcam", "front", **SMALL)
    with bench.world.held():
        bench.world.cameras.named(PLACE).faults.silent = True
    await bench.wait(0.53)

    assert await timed_close(bench, camera) < 0.02


@pytest.mark.parametrize("at_s", [0, 0.001, 0.05, 0.3, 1, 2.1, 5])
@pytest.mark.parametrize("trouble", OUTCOMES)
async def test_closing_while_it_is_being_opened_ends_that_and_whoever_waits_for_it(bench: Bench, at_s, trouble):
    twin = plug_in(bench)
    with bench.world.held():
        twin.faults.silent = trouble == "silent"
        if trouble == "unplugged":
            twin.unplug()
    camera = new(bench)
    ready = asyncio.create_task(camera.ready())
    await bench.wait(at_s)
    assert await timed_close(bench, camera) < CLOSE_WITHIN_S

    assert nothing_is_left(bench)
    [outcome] = await asyncio.wait_for(asyncio.gather(ready, return_exceptions=True), 1)
    assert type(outcome) in OUTCOMES[trouble]
    if at_s <= 0.05 and trouble != "unplugged":
        assert isinstance(outcome, ClosedError)


async def test_what_is_closed_says_so_whatever_it_is_asked(bench: Bench):
    camera = await bench.make("webcam", "front", **SMALL)
    client = await bench.client(camera)
    await camera.close()
    for call in (client.get_images, client.get_properties, lambda: client.do_command({"command": "modes"})):
        with pytest.raises(GRPCError, match='camera "front" was closed') as caught:
            await call()
        assert caught.value.status is Status.UNAVAILABLE
    assert (await client.get_status())["closed"] is True


class Slow:
    """Holds up the making of pictures until it is told to let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self._encoded = picture_module.encoded
        monkeypatch.setattr(picture_module, "encoded", self._wait)

    def _wait(self, *args: Any) -> bytes:
        self.begun.set()
        assert self.may_end.wait(5)
        return self._encoded(*args)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow(monkeypatch)
    yield made
    made.may_end.set()


async def begun(slow: Slow) -> None:
    while not slow.begun.is_set():  # noqa: ASYNC110 - it is set by the thread that makes pictures
        await asyncio.sleep(0)


async def test_while_a_picture_is_made_everything_else_is_answered(bench: Bench, slow: Slow):
    client = await webcam(bench, rotate=90)
    asking = asyncio.create_task(client.get_images())
    await begun(slow)
    assert (await client.get_properties()).frame_rate == 10
    assert (await client.get_status())["transcoded"] == 1
    assert not asking.done()

    slow.may_end.set()
    [image], _ = await asking
    assert image.data


async def test_a_client_who_waits_for_a_picture_while_it_is_closed_gets_it_or_an_error(bench: Bench, slow: Slow):
    camera = await bench.make("webcam", "front", rotate=90, **SMALL)
    client = await bench.client(camera)
    asking = asyncio.create_task(client.get_images())
    await begun(slow)
    closing = asyncio.create_task(camera.close())
    await asyncio.sleep(0)
    slow.may_end.set()
    await closing

    [image], _ = await asking
    assert image.data
    assert nothing_is_left(bench)


async def test_a_client_who_goes_away_takes_nothing_from_the_others(bench: Bench, slow: Slow):
    client = await webcam(bench, rotate=90)
    gone, stays = (asyncio.create_task(client.get_images()) for _ in range(2))
    await begun(slow)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    slow.may_end.set()

    [image], _ = await asyncio.wait_for(stays, 5)
    assert image.data
    assert (await client.get_status())["transcoded"] == 1


async def test_a_client_who_was_the_only_one_and_goes_away_leaves_nothing_that_hangs(bench: Bench, slow: Slow):
    client = await webcam(bench, rotate=90)
    gone = asyncio.create_task(client.get_images())
    await begun(slow)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    slow.may_end.set()
    await bench.wait(0.2)

    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1


async def test_a_camera_that_was_dropped_without_close_is_taken_over(bench: Bench):
    dropped = await bench.make("webcam", "front", **SMALL)
    rebuilt = await bench.make("webcam", "front", **SMALL)
    client = await bench.client(rebuilt)

    assert age_ms(bench, await seen_by(client)) <= SLOWEST_MS + 1
    # Its thread may still have been letting the camera go.
    assert (await rebuilt.get_status())["failures"] <= 1
    with pytest.raises(ClosedError):
        await dropped.get_images()
    assert len(camera_threads()) == 2


async def test_it_can_be_rebuilt_before_it_has_opened_and_leaves_nothing(bench: Bench):
    plug_in(bench)
    for _ in range(50):
        new(bench)
        await asyncio.sleep(0)
    camera = new(bench)
    await camera.ready()
    assert (await camera.get_images())[0]
    await camera.close()
    await bench.wait(0.1)

    assert nothing_is_left(bench)
