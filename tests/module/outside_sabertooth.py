"""Sabertooths at the far end of a real serial port: a pseudo terminal, and on its other side the twin in real time."""

import os
import select
import threading
import tty
from pathlib import Path

from pi_drivers.models.motor.sabertooth_twin import SabertoothTwin
from pi_drivers.world.clock import PacedClock
from pi_drivers.world.world import World


class OutsideSabertooth:
    """One with address 128, at the end of a cable that can be pulled."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "usb-Maker_Adapter_A50285BI-if00-port0")
        self._world = World(PacedClock())
        self._twin = SabertoothTwin(self._world.clock, 9600)
        self._board = self._twin.board(128)
        self._port_side = self._far_side = -1
        self._listener = threading.Thread()
        self._enough = os.eventfd(0)
        self.replug()

    @property
    def powers(self) -> tuple[int, int]:
        """What its two motors have now."""
        with self._world.held():
            return self._board.powers[1], self._board.powers[2]

    @property
    def timeouts(self) -> int:
        """How often it has stopped motors by itself."""
        with self._world.held():
            return self._board.timeouts

    @property
    def broken(self) -> int:
        """Packets that were none."""
        return self._twin.reader.broken

    def replug(self) -> None:
        """Put the cable in."""
        self._far_side, self._port_side = os.openpty()
        tty.setraw(self._port_side)
        Path(self.path).unlink(missing_ok=True)
        Path(self.path).symlink_to(os.ttyname(self._port_side))
        self._listener = threading.Thread(target=self._listen, name="far end", daemon=True)
        self._listener.start()

    def unplug(self) -> None:
        """Pull the cable."""
        os.eventfd_write(self._enough, 1)
        self._listener.join()
        os.eventfd_read(self._enough)
        for side in (self._far_side, self._port_side):
            os.close(side)

    def close(self) -> None:
        """Take everything away."""
        self.unplug()
        os.close(self._enough)

    def _listen(self) -> None:
        while self._enough not in (ready := select.select([self._far_side, self._enough], [], [])[0]):
            if self._far_side in ready:
                data = os.read(self._far_side, 4096)
                with self._world.held():
                    self._twin.received(data)
