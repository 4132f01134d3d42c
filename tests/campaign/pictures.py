"""Pictures of cameras as readings: what is to be seen in one, and how far its age and its timestamp are off.

A picture that is not whole has none of the readings that must be there, so it counts as a wrong answer.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pi_drivers.host.contract import MILLISECOND
from pi_drivers.world.scene import TIME_BYTES
from tests import scene_reader

TIME_WRAPS_MS = 1 << 8 * TIME_BYTES
"""The time in a picture begins anew after so long. A late one may have been taken before the world's time began."""


async def look_at_picture(camera: Any) -> Mapping[str, Any]:
    """Ask a camera for a picture and read it.

    Returns:
        `disc_x` and `disc_y` (where the disc is in the scene, in parts of the picture), `rotated` (degrees clockwise),
        `too_old_ms` (by how much it is older than the camera's `max_age_ms`) and `stamp_off_ms` (by how much the age
        that its timestamp says is another than the one in the picture); or `damage`, in words.
    """
    before_ns = time.time_ns()
    [image], metadata = await camera.get_images()
    after_ns = time.time_ns()
    try:
        seen = _read(image.data)
    except scene_reader.UnreadableError as error:
        return {"damage": str(error)}
    if seen.target is None:
        return {"damage": "the disc is not there"}
    age_ms = (camera.host.now_ns() / MILLISECOND - seen.taken_ms) % TIME_WRAPS_MS
    stamp_ns = metadata.captured_at.ToNanoseconds()
    youngest_ms, oldest_ms = (before_ns - stamp_ns) / MILLISECOND, (after_ns - stamp_ns) / MILLISECOND
    return {
        "disc_x": seen.target[0],
        "disc_y": seen.target[1],
        "rotated": seen.rotated,
        "too_old_ms": max(0.0, age_ms - camera.settings.max_age_ms),
        "stamp_off_ms": max(0.0, youngest_ms - age_ms, age_ms - oldest_ms),
    }


@lru_cache(maxsize=4)
def _read(data: bytes) -> scene_reader.Seen:
    """Clients ask more often than pictures come, and reading one takes longer than all the rest of the case."""
    return scene_reader.read(scene_reader.decoded(data))
