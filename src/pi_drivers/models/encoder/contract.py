"""What a motor needs of an encoder, whichever it is: how far, and as of when."""

from typing import NamedTuple, Protocol


class EncoderSample(NamedTuple):
    """A position with the moment it belongs to."""

    ticks: int
    """Ticks since the encoder was opened; resetting its position does not touch them, so no motion notices."""
    at_ns: int
    """When the newest tick came, or, where that is not known, when the position was read."""
    zero: int = 0
    """Where the encoder's zero is: its position is `ticks - zero`."""


class TickEncoder(Protocol):
    """An encoder of this process, read without gRPC."""

    name: str

    def sample(self) -> EncoderSample:
        """The position now, every edge so far counted.

        Raises:
            ClosedError: the encoder was closed.
            BusError: it cannot be read.
        """
