"""What a back end for a serial port must do.

A serial port is a pair of wires, one each way, and no more: bytes go out whether or not somebody listens, and nothing
says where a message begins. Framing, checksums and answers that do not come are the business of the drivers. There are
always 8 data bits, no parity, one stop bit and no flow control, which is what everything worth wiring to a Pi speaks.
"""

from abc import ABC, abstractmethod

SLOWEST_BAUD = 50
FASTEST_BAUD = 4_000_000
"""The fastest that Linux has a name for; whether a port can do it shows when it is opened."""

BITS_PER_BYTE = 10
"""On the wire: a start bit, eight data bits, a stop bit."""

WRITE_MARGIN_NS = 200_000_000
"""How much longer than its bytes take on the wire a write may last before it is given up."""

LONGEST_READ_NS = 3_600_000_000_000
"""An hour: who waits longer waits again."""


def byte_ns(baud: int) -> int:
    """How long one byte is on the wire."""
    return BITS_PER_BYTE * 1_000_000_000 // baud


class SerialPort(ABC):
    """One serial port, open for this process alone. What had arrived before it was opened is not delivered.

    One thread reads at a time; any number of threads write, and the data of each goes out in one piece. A reader that
    waits is in nobody's way. `close` may come from any thread.

    Every call raises:
        ClosedError: the port was closed, perhaps while the call was waiting.
        BusAbsentError: the port was unplugged; it fails like this until `reopen` succeeds.
        BusError: anything else the kernel reports.
    """

    @property
    @abstractmethod
    def path(self) -> str:
        """The port as it was named when it was opened."""

    @property
    @abstractmethod
    def baud(self) -> int:
        """Bits per second."""

    @abstractmethod
    def read(self, count: int, timeout_ns: int) -> bytes:
        """Wait for bytes and return those that have arrived, 1 to `count`; none when the time is over.

        Blocking: for a thread that does nothing else. `close` and unplugging end the wait at once.

        Raises:
            ArgumentError: `count` is below 1, or the time is negative or longer than an hour.
            ClaimedError: another thread is reading.
        """

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Hand all of `data` to the kernel, which sends it at its pace.

        Takes microseconds as long as the kernel's buffer has room, so that an actuator may be stopped from any thread,
        the event loop's included; never longer than what is to be sent takes on the wire, and `WRITE_MARGIN_NS`.

        Raises:
            ArgumentError: there is nothing to write.
            BusTimeoutError: what was written does not leave the port. All that is not yet sent is dropped: a command
                that comes out late is worse than none.
        """

    @abstractmethod
    def drop_received(self) -> None:
        """Forget what has arrived and was not read. What is on its way still comes."""

    @abstractmethod
    def reopen(self) -> None:
        """Open the port again after it was unplugged. While it is sound, nothing happens and nothing is lost.

        Raises:
            BusAbsentError, BusPermissionError, ClaimedError: as opening it does.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the port go, so that it can be opened again at once. Idempotent, does not wait for what is being sent."""
