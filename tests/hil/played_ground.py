"""The played USB camera as the ground of the video suite: the real back end on the kernel's own driver, with somebody
beside it who can silence the camera and pull it out.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pi_drivers.buses.video.contract import Wanted
from tests.contract.grounds import MILLISECOND
from tests.contract.video_grounds import KernelVideoGround
from tests.hil.played_camera import BARE, LABEL, VGA, PlayedCamera, await_gone, pictures, played_camera

LAST_PICTURE_NS = 200 * MILLISECOND
"""A camera that falls silent ends the picture that it is sending, and that takes some time to come here."""


class PlayedVideoGround(KernelVideoGround):
    """The USB camera that a program plays."""

    label = LABEL
    wanted = Wanted(*VGA, 15.0)
    other = Wanted(*BARE, 30.0)
    control = "brightness"

    def __init__(self, camera: PlayedCamera) -> None:
        super().__init__()
        self._camera = camera

    def fresh(self) -> None:
        self._camera.tell("clear")
        for mode in (VGA, BARE):
            self._camera.show(mode, pictures(mode))
        self.replug()

    def silence(self, silent: bool = True) -> None:
        self._camera.tell("silent" if silent else "go")
        if silent:
            self.settle(LAST_PICTURE_NS)

    def unplug(self) -> None:
        self._camera.unplug()
        await_gone(self.path)

    def replug(self) -> None:
        self.path = self._camera.plug_in()


@contextmanager
def played_ground() -> Iterator[PlayedVideoGround]:
    """Play the camera until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="pi-drivers-pictures-") as folder, played_camera(Path(folder)) as camera:
        yield PlayedVideoGround(camera)
