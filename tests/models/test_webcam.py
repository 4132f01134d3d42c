"""The webcam on the simulated Pi, through gRPC."""

from typing import Any

import cv2
import numpy as np
import pytest

from pi_drivers.host.contract import SECOND
from tests import scene_reader
from tests.models.conftest import Bench


def decoded(image: Any) -> Any:
    return cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)


async def test_the_picture_is_of_the_moment_it_says(bench: Bench):
    camera = await bench.make("webcam", "front", video_path="/dev/video0")
    client = await bench.client(camera)
    await bench.wait(1.0)

    images, metadata = await client.get_images()

    [image] = images
    assert (image.name, image.mime_type) == ("color", "image/jpeg")
    assert (image.width, image.height) == (640, 480)
    seen = scene_reader.read(decoded(image))
    age_ms = bench.host.now_ns() / 1e6 - seen.taken_ms
    assert 0 < age_ms < 60
    print(age_ms, metadata, await client.get_status(), await client.do_command({"command":"controls"}))
