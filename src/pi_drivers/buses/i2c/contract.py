"""What a back end for the I2C bus must do.

Drivers of chips are plain synchronous code on these calls and run on the bus's worker thread, one whole reading at a
time. Addresses are the 7-bit ones of the datasheets (0x44), never shifted. Every failure arrives as one of the errors
below, with bus and address in its message.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

FIRST_ADDRESS = 0x08
LAST_ADDRESS = 0x77
"""The 7-bit addresses a chip may have; the others are reserved by the I2C specification (UM10204, 3.1.12)."""

BLOCK_LIMIT = 32
"""The most bytes SMBus moves to or from a register in one transaction."""


class I2cBus(ABC):
    """One I2C bus. Blocking: called on worker threads. Several may use it at once, whose transfers do not mix.

    All transfers raise:
        NoAnswerError: nobody acknowledged (NACK).
        BusTimeoutError: a line is held low or the chip stretches the clock without end.
        BusError: anything else the controller reports.
        ArgumentError: an address outside 0x08-0x77, or a length out of range; nothing was sent.
    """

    @property
    @abstractmethod
    def number(self) -> int:
        """The bus number: 1 for /dev/i2c-1."""

    @abstractmethod
    def write(self, address: int, data: bytes) -> None:
        """Send 1 to 8192 bytes to a chip, with START before and STOP after."""

    @abstractmethod
    def read(self, address: int, count: int) -> bytes:
        """Read exactly `count` bytes from a chip, 1 to 8192."""

    @abstractmethod
    def write_register(self, address: int, register: int, data: bytes) -> None:
        """Write 1 to 32 bytes from an 8-bit register on."""

    @abstractmethod
    def read_register(self, address: int, register: int, count: int) -> bytes:
        """Read 1 to 32 bytes from an 8-bit register on, with a repeated START between."""

    @abstractmethod
    def probe(self, address: int) -> bool:
        """Whether a chip acknowledges this address. A bus that hangs raises instead of answering False."""

    @abstractmethod
    def keep_write(self, address: int, data: bytes) -> Callable[[], None]:
        """Have this written to a chip if this process dies, so that what it drives is made safe.

        Returns the function that takes it off the list again (idempotent). Nothing is written now.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the bus go. Idempotent."""
