"""A camera in a real module process, on the mock world: its pictures on the wire, and its end whatever it is doing."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.board.client import BoardClient
from viam.components.camera.client import CameraClient
from viam.components.sensor.client import SensorClient

from tests import scene_reader
from tests.module.fake_viam_server import FakeViamServer, component

MOCK = {"backend": "mock"}
BOARD = component("board", "board", "pi", MOCK)
SENSOR = component("sensor", "sht31", "air", {**MOCK, "poll_interval_ms": 100})
EYE = "rdk:component:camera/eye"
CLIENTS = 4


def webcam(**attributes: Any) -> Any:
    size = {"width_px": 1280, "height_px": 720, "frame_rate": 10}
    return component("camera", "webcam", "eye", {**MOCK, "video_path": 0, **size, **attributes})


def read(image: Any) -> scene_reader.Seen:
    pixels = scene_reader.decoded(image.data)
    assert (image.height, image.width) == pixels.shape[:2]
    return scene_reader.read(pixels)


async def break_camera(server: FakeViamServer, kind: str) -> None:
    await server.client(BoardClient, "pi").do_command(
        {"command": "fault", "target": "camera /dev/video0", "kind": kind}
    )


class Viewer:
    """A client that asks for one picture after the other, and goes on when it is refused."""

    def __init__(self, server: FakeViamServer) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.refusals: list[GRPCError] = []
        self._camera = server.client(CameraClient, "eye")
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            try:
                [image], _ = await self._camera.get_images(timeout=3)
            except GRPCError as error:
                self.refusals.append(error)
                await asyncio.sleep(0.02)
            else:
                self.sizes.append((image.width or 0, image.height or 0))

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def has_seen(viewers: list[Viewer], size: tuple[int, int]) -> None:
    """Wait until each of them has a picture of that size."""
    async with asyncio.timeout(5):
        while not all(size in viewer.sizes for viewer in viewers):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("tcp", "rotate"), [(False, 0), (True, 180)], ids=["unix, as they come", "tcp, turned"])
async def test_pictures_of_now_come_over_the_wire_beside_a_sensor(machine, tcp, rotate):
    server = await machine(tcp=tcp, env={"PYTHONDEVMODE": "1"})
    await server.configure(SENSOR)
    await server.configure(webcam(rotate=rotate))
    camera, air = server.client(CameraClient, "eye"), server.client(SensorClient, "air")
    numbers = []
    for _ in range(5):
        ([image], metadata), readings = await asyncio.gather(camera.get_images(), air.get_readings())
        now, now_by_host = time.time(), time.monotonic()
        seen = read(image)
        age_by_stamp = now - metadata.captured_at.ToNanoseconds() / 1e9
        age_by_picture = now_by_host - seen.taken_ms / 1e3
        assert (image.width, image.height, seen.rotated) == (1280, 720, rotate)
        assert 0 < age_by_stamp < 0.5
        assert age_by_picture == pytest.approx(age_by_stamp, abs=0.01)
        assert "temperature_c" in readings
        numbers.append(seen.frame_number)
        await asyncio.sleep(0.15)
    assert numbers == sorted(set(numbers))
    status, _ = await server.stop()
    assert status == 0
    assert "Warning" not in server.child.output
    assert "Traceback" not in server.child.output


async def test_the_death_of_the_parent_ends_it_in_the_middle_of_pictures(machine):
    server = await machine(by_launcher=True)
    await server.configure(webcam())
    camera = server.direct(CameraClient, "eye")
    asking = [asyncio.create_task(camera.get_images()) for _ in range(CLIENTS)]
    server.child.kill_parent()
    await asyncio.gather(*asking, return_exceptions=True)
    async with asyncio.timeout(3):
        while _runs(server.child.pid):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_camera_that_is_removed_leaves_nobody_waiting_and_can_be_had_again_at_once(machine):
    server = await machine()
    await server.configure(webcam())
    viewers = [Viewer(server) for _ in range(CLIENTS)]
    await has_seen(viewers, (1280, 720))

    began = time.monotonic()
    await server.remove(EYE)
    assert time.monotonic() - began < 1.0
    async with asyncio.timeout(3):
        while not all(viewer.refusals for viewer in viewers):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    await server.configure(webcam(width_px=640, height_px=480))
    await has_seen(viewers, (640, 480))
    await asyncio.gather(*(viewer.end() for viewer in viewers))
    refused = {error.status for viewer in viewers for error in viewer.refusals}
    assert refused <= {Status.NOT_FOUND, Status.UNAVAILABLE}


@pytest.mark.parametrize("rotate", [0, 90], ids=["as they come", "turned"])
async def test_a_rebuild_while_several_ask_gives_them_the_new_pictures(machine, rotate):
    server = await machine()
    await server.configure(webcam(rotate=rotate))
    viewers = [Viewer(server) for _ in range(CLIENTS)]
    await has_seen(viewers, (720, 1280) if rotate else (1280, 720))

    await server.reconfigure(webcam(width_px=320, height_px=240))
    await has_seen(viewers, (320, 240))

    await asyncio.gather(*(viewer.end() for viewer in viewers))
    refused = {error.status for viewer in viewers for error in viewer.refusals}
    assert refused <= {Status.NOT_FOUND, Status.UNAVAILABLE}
    assert (await server.stop())[0] == 0


@pytest.mark.parametrize("fault", ["silence", "unplug"])
async def test_it_ends_in_time_while_the_camera_is_silent_or_gone(machine, fault):
    server = await machine()
    await server.configure(BOARD)
    await server.configure(webcam())
    await break_camera(server, fault)
    await asyncio.sleep(0.7)
    with pytest.raises(GRPCError, match="unplugged" if fault == "unplug" else "nothing comes from /dev/video0"):
        await server.client(CameraClient, "eye").get_images()
    status, seconds = await server.child.terminate(within_s=3)
    assert status == 0
    assert seconds < 1.0


async def test_it_ends_in_time_while_a_camera_that_is_silent_is_being_added(machine):
    server = await machine()
    await server.configure(BOARD)
    await server.configure(webcam())
    await break_camera(server, "silence")
    adding = asyncio.create_task(server.reconfigure(webcam()))
    await asyncio.sleep(0.3)
    assert not adding.done()
    status, seconds = await server.child.terminate(within_s=3)
    await asyncio.gather(adding, return_exceptions=True)
    assert status == 0
    assert seconds < 1.5
    assert "Task was destroyed" not in server.child.output


async def test_a_machine_without_a_camera_has_no_numpy_and_no_opencv_in_its_memory(machine):
    server = await machine(entry=("-m", "pi_drivers"))
    await server.configure(SENSOR)
    await server.validate(webcam())
    await server.client(SensorClient, "air").get_readings()
    assert _libraries(server.child.pid) == set()
    await server.configure(webcam())
    assert _libraries(server.child.pid) == {"numpy", "cv2"}


def _libraries(pid: int) -> set[str]:
    mapped = Path(f"/proc/{pid}/maps").read_text()
    return {name for name in ("numpy", "cv2") if f"/{name}/" in mapped}


def _runs(pid: int) -> bool:
    try:
        return "test" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
