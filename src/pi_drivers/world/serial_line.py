"""The simulated Pi's serial ports, and what is plugged into them.

A port is there while something is plugged in, as a USB adapter is. What its far end sends while nobody has the port
open is lost, so that whoever opens it hears the rest of a line first. An open port has the kernel's buffer, which drops
what does not fit. Faults are laid over the line from outside.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pi_drivers.world.clock import Bell
from pi_drivers.world.faults import Fuse
from pi_drivers.world.uart import SerialWire, as_heard

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock

KERNEL_BUFFER = 4096
"""How many bytes the kernel keeps of either direction (N_TTY_BUF_SIZE, UART_XMIT_SIZE)."""


class SerialDevice(ABC):
    """What is at the far end of a serial line. Called under the world's lock."""

    baud: int
    """The speed it speaks and listens at."""

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Take bytes from the Pi, as they arrive."""


class Notebook(SerialDevice):
    """A far end that writes down what it receives and says nothing by itself."""

    def __init__(self, baud: int = 9600) -> None:
        self.baud = baud
        self.heard = bytearray()

    def received(self, data: bytes) -> None:
        self.heard += data


@dataclass
class SerialFaults(Fuse):
    """What is wrong with a line; bytes to the Pi are its transactions."""

    garbage: int = 0
    """So many bytes to the Pi arrive with half of their bits turned over."""
    lost: int = 0
    """So many bytes never arrive."""
    stuck: bool = False
    """Nothing arrives at the Pi."""


@dataclass
class OpenPort:
    """An open port as the kernel has it."""

    baud: int
    received: bytearray = field(default_factory=bytearray)
    overflowed: int = 0
    """How many bytes found no room."""
    hung_up: bool = False
    """Whether it was unplugged: for good, also when the same thing is plugged in again."""
    bell: Bell = field(default_factory=Bell)
    """Rung for whoever waits for bytes."""

    def put(self, data: bytes) -> None:
        """Bytes have arrived."""
        room = KERNEL_BUFFER - len(self.received)
        self.received += data[:room]
        self.overflowed += max(0, len(data) - room)
        self.bell.ring()

    def take(self, count: int) -> bytes:
        """Give out the oldest bytes."""
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def hang_up(self) -> None:
        """The port goes away with all it has."""
        self.hung_up = True
        self.received.clear()
        self.bell.ring()


class SerialLine:
    """One serial port of the Pi and the cable in it. Used under the world's lock."""

    def __init__(self, clock: "WorldClock") -> None:
        self.faults = SerialFaults()
        self.to_far_end = SerialWire(clock, self._arrive_at_far_end)
        self.to_pi = SerialWire(clock, self._arrive_at_pi)
        self._device: SerialDevice | None = None
        self._plugged = False
        self._port: OpenPort | None = None

    @property
    def device(self) -> SerialDevice | None:
        """What belongs to this line, plugged in or not."""
        return self._device

    @property
    def present(self) -> bool:
        """Whether the Pi has such a port now."""
        return self._plugged

    @property
    def in_use(self) -> bool:
        """Whether somebody has the port open."""
        return self._port is not None

    def plug_in(self, device: SerialDevice) -> None:
        """Plug something in, in place of what was there."""
        self.unplug()
        self._device = device
        self._plugged = True

    def plug_in_if_free(self, device: SerialDevice) -> None:
        """Plug something in unless this line has something, of whatever kind, already."""
        if self._device is None:
            self.plug_in(device)

    def unplug(self) -> None:
        """Pull the cable: the port is gone, and with it all that was on its way."""
        self._plugged = False
        self.to_pi.drop()
        self.to_far_end.drop()
        if self._port is not None:
            self._port.hang_up()
            self._port = None

    def replug(self) -> None:
        """Put the cable back."""
        self._plugged = self._device is not None

    def send(self, data: bytes) -> None:
        """The far end sends bytes to the Pi; without a cable they go nowhere."""
        if self._device is not None and self._plugged:
            self.to_pi.send(data, self._device.baud)

    def open(self, baud: int) -> OpenPort:
        """Open the port, which must be there and not in use."""
        self._port = OpenPort(baud)
        return self._port

    def close(self, port: OpenPort) -> None:
        """Close a port; what was written to it goes on being sent."""
        if self._port is port:
            self._port = None

    def _arrive_at_pi(self, byte: int, baud: int) -> None:
        if self._port is None:
            return
        if self.faults.due():
            heard = self._spoiled(byte)
            if heard is None:
                return
            byte = heard
        if self._port is not None:  # the fault may have been that the cable was pulled
            self._port.put(as_heard(byte, baud, self._port.baud))

    def _spoiled(self, byte: int) -> int | None:
        """What a fault leaves of a byte."""
        faults = self.faults
        if faults.stuck:
            return None
        if faults.lost:
            faults.lost -= 1
            return None
        if faults.garbage:
            faults.garbage -= 1
            return byte ^ 0xA5
        return byte

    def _arrive_at_far_end(self, byte: int, baud: int) -> None:
        if self._device is not None:
            self._device.received(as_heard(byte, baud, self._device.baud))
