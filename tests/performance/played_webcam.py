"""The module with the played camera as its machine's only one, for cameras.py to start as viam-server starts it.

usage (by cameras.py only): python -m tests.performance.played_webcam SYS DEV SOCKET --log-level=LEVEL
"""

import sys
from pathlib import Path

from pi_drivers import host
from pi_drivers.buses.video.contract import Cameras
from pi_drivers.host.real import RealHost
from pi_drivers.module import main


class PlayedHost(RealHost):
    """This machine, but for its cameras."""

    def __init__(self, sys_folder: Path, dev: Path) -> None:
        super().__init__()
        self._folders = sys_folder, dev

    @property
    def cameras(self) -> Cameras:
        from pi_drivers.buses.video.real import V4l2Cameras

        return V4l2Cameras(*self._folders)


if __name__ == "__main__":
    host.install(PlayedHost(Path(sys.argv[1]), Path(sys.argv[2])))
    sys.exit(main(sys.argv[3:]))
