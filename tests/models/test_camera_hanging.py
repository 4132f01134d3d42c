"""A camera whose library or driver does not come back: whoever builds it is told, in time, and what it hangs in."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest

from pi_drivers.buses.video.contract import Cameras, Chosen, RawFrame, VideoDevice, VideoSource, Wanted
from pi_drivers.errors import BusTimeoutError
from pi_drivers.world.clock import Bell
from pi_drivers.world.world import World
from tests.models.conftest import Bench

FOR_EVER_NS = 10**18
LONGEST_S = 60
"""Of robot time."""


class HangingCameras(Cameras):
    """The cameras of a machine, one call of which hangs until the end of the test."""

    def __init__(self, cameras: Cameras, world: World) -> None:
        self._cameras = cameras
        self._world = world
        self._end = Bell()
        self.step = "open"

    def hang_in(self, step: str) -> None:
        if self.step == step:
            self._world.clock.sleep(FOR_EVER_NS, self._end)

    def come_back(self) -> None:
        self.step = ""
        with self._world.held():
            self._end.ring()

    def sources(self) -> Sequence[VideoSource]:
        return self._cameras.sources()

    def open(self, wanted: str | None, taken: Collection[str] = ()) -> VideoDevice:
        self.hang_in("open")
        device = self._cameras.open(wanted, taken)
        start, read = device.start, device.read

        def slow_start(wanted: Wanted) -> Chosen:
            self.hang_in("start")
            return start(wanted)

        def slow_read(timeout_ns: int) -> RawFrame | None:
            self.hang_in("read")
            return read(timeout_ns)

        device.start, device.read = slow_start, slow_read  # type: ignore[method-assign]
        return device


@pytest.fixture
def cameras(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingCameras]:
    cameras = HangingCameras(bench.host.csi_cameras, bench.world)
    monkeypatch.setattr(type(bench.host), "csi_cameras", cameras)
    yield cameras
    cameras.come_back()


async def refusal(bench: Bench, **attributes: Any) -> tuple[str, float]:
    """What is said of a camera that does not come up, and after how many seconds."""
    began_ns = bench.host.now_ns()
    with pytest.raises(BusTimeoutError) as caught:
        async with asyncio.timeout(LONGEST_S):
            await bench.make("csi-camera", "front", **attributes)
    return caught.value.message, (bench.host.now_ns() - began_ns) / 1e9


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("open", "its camera has not come up for 10 s: opening it seems to hang. Restart the module"),
        ("start", "camera 0 has not come up for 10 s: setting it up seems to hang. Restart the module"),
        ("read", "camera 0 has not come up for 10 s: waiting for its first picture seems to hang. Restart the module"),
    ],
)
async def test_whoever_builds_a_camera_that_hangs_is_told_where_after_ten_seconds(
    bench: Bench, cameras: HangingCameras, step, words
):
    cameras.step = step
    message, after_s = await refusal(bench)
    assert words in message
    assert after_s == pytest.approx(10.1, abs=0.2)
    cameras.come_back()


async def test_a_slow_camera_has_three_of_its_intervals_more(bench: Bench, cameras: HangingCameras):
    message, after_s = await refusal(bench, frame_rate=0.5)
    assert "for 16 s: opening it" in message
    assert after_s == pytest.approx(16, abs=0.1)
    cameras.come_back()


async def test_one_that_comes_back_after_it_was_given_up_is_let_go(bench: Bench, cameras: HangingCameras):
    cameras.step = "start"
    await refusal(bench)
    await bench.newest.close()
    cameras.come_back()
    await bench.wait(1)

    client = await bench.client(await bench.make("csi-camera", "front"))
    assert (await client.get_status())["place"] == "camera 0"
