"""What comes out of a serial port while nothing in it can be read: silence, noise, or lines in another form.

Noise is what a wrong speed looks like. Speeds and devices are changed while somebody listens, so what came long ago
must not be held against what comes now.
"""

from dataclasses import dataclass

LONGEST_LINE = 1024
"""Bytes. NMEA allows 82, and some receivers send more."""
LATELY = 256
"""Bytes. What came before that many counts half, and so on."""
ENOUGH_TO_JUDGE = 24
"""So many bytes must have come before they are judged."""
ODD_SHARE = 0.2
"""Text has hardly any bytes beyond ASCII; between unequal speeds a good part of them is."""
TEXT = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))


@dataclass
class Arrivals:
    """What has come since the last line that could be read. Written by the port's thread, read by anybody."""

    since_ns: int
    last_ns: int
    """When the last byte came; if none did, `since_ns`."""
    received: int = 0
    judged: float = 0.0
    """How many of them count, those of long ago for less."""
    odd: float = 0.0
    """How many of those are no plain text."""
    unfit_at: int | None = None
    """How many bytes had come when the last unfit line had."""

    @property
    def is_no_text(self) -> bool:
        """Whether what came lately cannot have been sent like that."""
        return self.judged >= ENOUGH_TO_JUDGE and self.odd >= ODD_SHARE * self.judged

    @property
    def is_unfit(self) -> bool:
        """Whether lines came lately."""
        return self.unfit_at is not None and self.received - self.unfit_at <= LONGEST_LINE

    def take(self, data: bytes, now_ns: int) -> None:
        """These bytes have come by now."""
        for start in range(0, len(data), LATELY):
            part = data[start : start + LATELY]
            kept = 0.5 ** (len(part) / LATELY)
            self.judged = self.judged * kept + len(part)
            self.odd = self.odd * kept + sum(byte not in TEXT for byte in part)
        if data:
            self.received += len(data)
            self.last_ns = now_ns
