"""Cameras last as long as a robot runs: what they use in an hour or in 200 rebuilds does not grow."""

import asyncio
import gc
import threading
from typing import Any

import pytest

from pi_drivers import registry
from tests.conftest import open_descriptors
from tests.models.conftest import Bench
from tests.models.webcams import age_ms, nothing_is_left, seen_by

WEBCAM = {"width_px": 64, "height_px": 48}
CSI = {"width_px": 64, "height_px": 64}
ON_THE_WAY_MS = 20


@pytest.mark.parametrize(("model", "size"), [("webcam", WEBCAM), ("csi-camera", CSI)])
async def test_a_camera_is_rebuilt_200_times_at_once_and_leaves_nothing(bench: Bench, model, size):
    descriptors = open_descriptors()
    for number in range(200):
        config = bench.config(model, "front", size | {"frame_rate": 10, "rotate": 90 * (number % 4)})
        camera: Any = registry.load(model).new(config, {})
        await camera.ready()
        images, _ = await camera.get_images()
        assert images[0].data
        status = await camera.get_status()
        assert (status["openings"], status["failures"]) == (1, 0)
        await camera.close()
        assert nothing_is_left(bench)
    gc.collect()

    assert open_descriptors() <= descriptors
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


@pytest.mark.parametrize(
    ("model", "attributes", "transcoded"),
    [
        pytest.param("webcam", WEBCAM | {"rotate": 90, "format": "BGR3"}, 65, id="a webcam"),
        pytest.param("webcam", WEBCAM, 0, id="a webcam whose JPEGs are handed on"),
        pytest.param("csi-camera", CSI, 65, id="a camera on the ribbon cable"),
    ],
)
async def test_an_hour_leaves_nothing_behind(bench: Bench, model, attributes, transcoded):
    client = await bench.client(await bench.make(model, "front", frame_rate=2, **attributes))

    async def minutes(count: int) -> tuple[int, int, int, int]:
        for _ in range(count):
            await bench.wait(60)
            assert age_ms(bench, await seen_by(client)) <= 500 + ON_THE_WAY_MS + 1
        gc.collect()
        return len(gc.get_objects()), len(asyncio.all_tasks()), threading.active_count(), open_descriptors()

    before = await minutes(5)
    after = await minutes(60)

    assert after[1:] == before[1:]
    assert after[0] - before[0] < 100
    status = await client.get_status()
    assert status["frames"] == pytest.approx(65 * 60 * 2, abs=3)
    assert (status["lost_frames"], status["failures"], status["transcoded"]) == (0, 0, transcoded)
