"""Where something can be plugged into a machine: I2C buses, chip selects, a 1-Wire bus, serial ports.

Drivers are told by their config where their hardware is, and need none of this. It is for whoever looks at what there
is. Nothing is opened: the kernel's files tell it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple


class SerialOutlet(NamedTuple):
    """A serial port."""

    path: str
    """The name that it keeps, where it has one: `/dev/serial/by-id/usb-...`, `/dev/serial0`."""
    what: str
    """What its names tell of it."""


class Outlets(ABC):
    """Those of one machine. They read small files: not on the event loop."""

    @abstractmethod
    def i2c_buses(self) -> list[int]:
        """The numbers of the I2C buses that a user's chips are on: not those of screens and cameras."""

    @abstractmethod
    def i2c_drivers(self, bus: int) -> Mapping[int, str]:
        """The addresses of a bus that drivers of the kernel hold, with the drivers' names."""

    @abstractmethod
    def spi_chip_selects(self) -> list[tuple[int, int]]:
        """Bus and chip select of all that programs may use."""

    @abstractmethod
    def has_onewire(self) -> bool:
        """Whether there is a 1-Wire bus."""

    @abstractmethod
    def serial_ports(self) -> list[SerialOutlet]:
        """The serial ports, but for the kernel's console and the Bluetooth chip's."""
