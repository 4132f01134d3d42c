"""A device that prints at the far end of a real serial port: a pseudo terminal, whose cable can be pulled."""

import os
import tty
from pathlib import Path


class OutsideTalker:
    """What it says, it says when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "usb-Maker_Receiver-if00-port0")
        self._far_side = self._port_side = -1
        self.replug()

    def say(self, data: bytes) -> None:
        """Print something."""
        os.write(self._far_side, data)

    def heard(self) -> bytes:
        """What was sent to it; waits for something."""
        return os.read(self._far_side, 4096)

    def replug(self) -> None:
        """Put the cable in."""
        self._far_side, self._port_side = os.openpty()
        tty.setraw(self._port_side)
        Path(self.path).unlink(missing_ok=True)
        Path(self.path).symlink_to(os.ttyname(self._port_side))

    def unplug(self) -> None:
        """Pull the cable."""
        Path(self.path).unlink()
        for side in (self._far_side, self._port_side):
            os.close(side)

    def close(self) -> None:
        """Take everything away."""
        self.unplug()
