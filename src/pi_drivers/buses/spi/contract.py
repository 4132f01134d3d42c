"""What a back end for the SPI bus must do.

A transfer clocks bytes out and the same number in, with the chip select low from its first bit to its last. Nobody
acknowledges anything: a chip that is not there reads as whatever the line from it rests at, so every driver must find
in the data itself what shows that its chip has spoken.
"""

from abc import ABC, abstractmethod

LONGEST_TRANSFER = 4096
"""Bytes that Linux moves at once (the default of spidev's parameter `bufsiz`)."""

SLOWEST_HZ = 4_000
FASTEST_HZ = 125_000_000
"""What the clock dividers of all models of Pi can make."""

MODES = range(4)
"""Clock polarity and phase, as all datasheets number them: mode 0 rests low and samples on the rise."""


class SpiChip(ABC):
    """One chip select of one SPI bus. Blocking: called on worker threads, one at a time for each bus.

    All transfers raise:
        BusError: what the controller reports.
        ArgumentError: nothing, or too much, to transfer; nothing was sent.
        ClosedError: it was closed.
    """

    @property
    @abstractmethod
    def bus(self) -> int:
        """The bus number: 0 for /dev/spidev0.*."""

    @property
    @abstractmethod
    def chip_select(self) -> int:
        """The number of the chip select: 1 for /dev/spidev0.1."""

    @property
    @abstractmethod
    def speed_hz(self) -> int:
        """The clock at most: the controller takes the next lower one that it can make."""

    @property
    @abstractmethod
    def mode(self) -> int:
        """The SPI mode, 0 to 3."""

    @abstractmethod
    def transfer(self, data: bytes) -> bytes:
        """Send 1 to 4096 bytes and return as many that came back meanwhile, most significant bit first."""

    @abstractmethod
    def close(self) -> None:
        """Let the chip select go. Idempotent."""
