"""The two grounds of the serial suite: the mock, and the real back end on pseudo terminals.

A pseudo terminal is a serial port of the kernel without the wire: what the suite asks of a port it does as a USB
adapter does, down to what happens when the far end is gone. It knows no speed, so bytes arrive at once.
"""

import os
import select
import threading
import time
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from pi_drivers.buses.serial.contract import SerialPort
from pi_drivers.buses.serial.mock import MockSerial
from pi_drivers.buses.serial.real import PySerialPort
from pi_drivers.world.serial_line import Notebook

from .asides import MILLISECOND, SECOND, Aside, ByHand

T = TypeVar("T")

BAUD = 115_200


class SerialGround(ABC):
    """A serial port and its far end."""

    path: str

    @abstractmethod
    def open(self, path: str | None = None, baud: int = BAUD) -> SerialPort:
        """Open this port, or another one."""

    @abstractmethod
    def aside(self, job: Callable[[], T]) -> Aside[T]:
        """Run something on another thread, up to where it blocks."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """The far end sends bytes; they are on their way."""

    @abstractmethod
    def settle(self, duration_ns: int = 30 * MILLISECOND) -> None:
        """Let time pass, at least this long."""

    @abstractmethod
    def now_ns(self) -> int:
        """The time."""

    @abstractmethod
    def heard(self) -> bytes:
        """All that the far end has received."""

    @abstractmethod
    def unplug(self) -> None:
        """Pull the cable."""

    @abstractmethod
    def replug(self) -> None:
        """Put it back."""

    @abstractmethod
    def jam(self, jammed: bool = True) -> None:
        """Nothing leaves the port any more, or it does again."""

    def hears(self, wanted: bytes) -> bool:
        """Whether the far end has received exactly this, in reasonable time."""
        for _ in range(100):
            if self.heard() == wanted:
                break
            self.settle()
        return self.heard() == wanted


class MockSerialGround(ByHand, SerialGround):
    """A line of a simulated Pi, whose time is moved by hand."""

    path = "/dev/ttyUSB0"

    def __init__(self) -> None:
        super().__init__()
        self.line = self.world.serial(self.path)
        self.far_end = Notebook(BAUD)
        self.line.plug_in(self.far_end)

    def open(self, path: str | None = None, baud: int = BAUD) -> SerialPort:
        self.far_end.baud = baud
        return MockSerial(self.world, path or self.path, baud)

    def send(self, data: bytes) -> None:
        with self.world.held():
            self.line.send(data)

    def heard(self) -> bytes:
        return bytes(self.far_end.heard)

    def unplug(self) -> None:
        with self.world.held():
            self.line.unplug()

    def replug(self) -> None:
        with self.world.held():
            self.line.replug()

    def jam(self, jammed: bool = True) -> None:
        with self.world.held():
            self.line.to_far_end.hold(jammed)


class PtySerialGround(SerialGround):
    """A pseudo terminal, with a link to it as udev makes one."""

    def __init__(self, folder: Path) -> None:
        self.by_id = folder / "by-id"
        self.by_id.mkdir(parents=True)
        self.path = str(self.by_id / "usb-Maker_Adapter_A50285BI-if00-port0")
        self._heard = bytearray()
        self._plugged = False
        self._port_side = self._far_side = -1
        self._listener: threading.Thread | None = None
        self._enough = os.eventfd(0)
        self.replug()

    def open(self, path: str | None = None, baud: int = BAUD) -> SerialPort:
        return PySerialPort(path or self.path, baud, by_id=self.by_id)

    def aside(self, job: Callable[[], T]) -> Aside[T]:
        started = Aside(job)
        self.settle()
        return started

    def send(self, data: bytes) -> None:
        os.write(self._far_side, data)

    def settle(self, duration_ns: int = 30 * MILLISECOND) -> None:
        time.sleep(duration_ns / SECOND)

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def heard(self) -> bytes:
        return bytes(self._heard)

    def unplug(self) -> None:
        self._stop_listening()
        self._plugged = False
        for side in (self._far_side, self._port_side):
            os.close(side)

    def replug(self) -> None:
        self._plugged = True
        self._far_side, self._port_side = os.openpty()
        # As it is once opened; before, it would echo.
        tty.setraw(self._port_side)
        link = Path(self.path)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._port_side))
        self._listen()

    def jam(self, jammed: bool = True) -> None:
        if jammed:
            self._stop_listening()
        else:
            self._listen()

    def close(self) -> None:
        """Take everything away."""
        if self._plugged:
            self.unplug()
        os.close(self._enough)

    def _listen(self) -> None:
        self._listener = threading.Thread(target=self._write_down, name="far end", daemon=True)
        self._listener.start()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            os.eventfd_write(self._enough, 1)
            self._listener.join()
            os.eventfd_read(self._enough)
            self._listener = None

    def _write_down(self) -> None:
        while self._enough not in (ready := select.select([self._far_side, self._enough], [], [])[0]):
            if self._far_side in ready:
                self._heard += os.read(self._far_side, 4096)


def serial_ground(kind: str, folder: Path) -> Iterator[SerialGround]:
    """The ground of a kind, mock or pty, for a fixture to yield from."""
    if kind == "mock":
        yield MockSerialGround()
        return
    made = PtySerialGround(folder)
    yield made
    made.close()
