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


@dataclass
class PlaceFaults(Fuse):
    """What can be wrong with the place of a chip on any bus with chips."""

    pulled: Callable[[], None] = lambda: None
    """Called when the plug is pulled."""
    corrupt_reads: int = 0
    """So many reads arrive with one bit flipped, each with another one."""
    corrupt_byte: int = 0
    """Which byte of a read it is in; of a shorter one, counted on from its beginning."""
    _unplugged: bool = False

    @property
    def unplugged(self) -> bool:
        """Nobody there."""
        return self._unplugged

    @unplugged.setter
    def unplugged(self, unplugged: bool) -> None:
        self._unplugged = unplugged
        if unplugged:
            self.pulled()

    def spoiled(self, data: bytes) -> bytes:
        """What arrives of an answer that faults may touch."""
        if not self.corrupt_reads or not data:
            return data
        # Noise is never twice the same.
        wrong_bit = 1 << (self.corrupt_reads + 3) % 8
        self.corrupt_reads -= 1
        return flipped(data, self.corrupt_byte, wrong_bit)


def flipped(data: bytes, index: int, bits: int) -> bytes:
    """The data with some bits of one byte inverted; the index counts on from the beginning where it is too large."""
    index %= len(data)
    return data[:index] + bytes([data[index] ^ bits]) + data[index + 1 :]
