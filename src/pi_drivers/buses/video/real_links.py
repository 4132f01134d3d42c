"""Links of a user's own to cameras, as udev rules make them: /dev/front_camera.

What a config names can be anything: a pipe, a folder, the next link in a circle. Nothing is opened to find that out, so
nobody waits for it.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from pi_drivers.buses.video import answers
from pi_drivers.buses.video.contract import VideoSource, plain_name

DEVICE = re.compile(r"video[0-9]+")


def led_to(wanted: str | None, sources: Sequence[VideoSource]) -> str | None:
    """The path of the camera to which a link leads; else what was wanted.

    Args:
        wanted: as the config has it.
        sources: those that are there.

    Raises:
        BusAbsentError: the link leads to no camera, or the path is something else's; the message says what it is.
    """
    path = "" if wanted is None else plain_name(wanted)
    is_other = path.startswith("/") and not any(source.answers_to(path) for source in sources)
    if wanted is None or not is_other or not os.path.lexists(path):
        return wanted
    target = os.path.realpath(path)
    if any(source.path == target for source in sources):
        return target
    if Path(path).is_symlink():
        raise answers.misleading(wanted, _where(target), sources)
    if DEVICE.fullmatch(Path(path).name):
        return wanted  # one that was unplugged, where nobody clears the device files away
    raise answers.no_camera(wanted, sources)


def _where(target: str) -> str:
    if not os.path.lexists(target):
        return f"to {target}, which is not there: is it unplugged?"
    return "in a circle" if Path(target).is_symlink() else f"to {target}, which is no camera"
