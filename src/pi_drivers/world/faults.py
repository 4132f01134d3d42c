"""When the faults of a place on a simulated bus begin: what the faults of all buses have in common."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Fuse:
    """Lets transactions pass before the faults of a place have their turn."""

    skip: int = 0
    """So many transactions pass unharmed."""
    at_end: Callable[[], None] | None = None
    """Called once, before the first transaction that is not skipped: whatever else may happen at that moment."""

    def due(self) -> bool:
        """One more transaction begins: whether faults touch it."""
        if self.skip:
            self.skip -= 1
            return False
        if self.at_end is not None:
            action, self.at_end = self.at_end, None
            action()
        return True


def flipped(data: bytes, index: int, bits: int) -> bytes:
    """The data with some bits of one byte inverted; the index counts on from the beginning where it is too large."""
    index %= len(data)
    return data[:index] + bytes([data[index] ^ bits]) + data[index + 1 :]
