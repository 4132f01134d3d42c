"""What a motor needs of an encoder, whichever it is: how far, and as of when.

And the other way round: an encoder that cannot see which way the shaft turns needs to know that of its motor.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class EncoderSample(NamedTuple):
    """A position with the moment it belongs to."""

    ticks: int
    """Ticks since the encoder was opened; resetting its position does not touch them, so no motion notices."""
    at_ns: int
    """When the newest tick came, or, where that is not known, when the position was read."""
    zero: int = 0
    """Where the encoder's zero is: its position is `ticks - zero`."""
    known_ns: int | None = None
    """Until when the position is known, of an encoder that is read now and then; None: it is that of this moment."""


class TickEncoder(Protocol):
    """An encoder of this process, read without gRPC."""

    name: str

    def sample(self) -> EncoderSample:
        """The position now, every edge so far counted; or the newest, of an encoder that is read now and then.

        Raises:
            ClosedError: the encoder was closed.
            BusError: it cannot be read.
            StaleReadingError: the newest position is too old.
        """


class DirectionFollower(Protocol):
    """An encoder that counts up or down by what its motor does."""

    def follow_direction(self, direction: Callable[[], int]) -> Callable[[], None]:
        """Ask the motor from now on; returns the function that ends it.

        What waits to be counted is counted with the direction of that moment. So whoever is about to reverse the shaft
        calls `sample` first: then no edge of the way so far is counted the new way.

        Args:
            direction: 1 or -1, the way the shaft is driven or was driven last; 0 while it has never been driven.
        """
