"""How bytes travel on a serial wire: one after the other, each at its time, and as garbage between unequal speeds.

The line rests high. A byte is a low start bit, eight data bits beginning with the lowest, and a high stop bit. The
receiver waits for the start bit's edge and then looks at the middle of each bit by its own clock: that is all the two
ends know of each other.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from pi_drivers.buses.serial.contract import BITS_PER_BYTE, byte_ns

if TYPE_CHECKING:
    from pi_drivers.world.clock import Timer, WorldClock

TOLERANCE = 0.03
"""How far the two speeds may be apart before bits are taken for their neighbours."""


def as_heard(byte: int, sent_baud: int, heard_baud: int) -> bytes:
    """What a receiver makes of one byte: itself, if the two ends agree on the speed."""
    if abs(sent_baud - heard_baud) <= TOLERANCE * heard_baud:
        return bytes([byte])
    levels = [False, *(bool(byte >> bit & 1) for bit in range(8)), True]
    bit_time = sent_baud / heard_baud  # the receiver's, in bits of the sender
    heard = []
    at = 0.0
    while (start := _next_fall(levels, at)) is not None:
        samples = (_level(levels, start + (bit + 1.5) * bit_time) for bit in range(8))
        heard.append(sum(level << bit for bit, level in enumerate(samples)))
        at = start + (BITS_PER_BYTE - 0.5) * bit_time
    return bytes(heard)


def _level(levels: list[bool], at: float) -> bool:
    return levels[int(at)] if at < len(levels) else True


def _next_fall(levels: list[bool], at: float) -> int | None:
    """When the next start bit seems to begin, for a receiver that looks again from `at` on."""
    falls = (bit for bit, level in enumerate(levels) if not level and (bit == 0 or levels[bit - 1]))
    return next((bit for bit in falls if bit >= at), None)


class SerialWire:
    """One direction of a serial line. Used under the clock's lock."""

    def __init__(self, clock: "WorldClock", arrive: Callable[[int, int], None]) -> None:
        """An idle wire.

        Args:
            clock: of the world.
            arrive: called with each byte and the speed it was sent at, when its stop bit is over.
        """
        self._clock = clock
        self._arrive = arrive
        self._queue: deque[tuple[int, int]] = deque()
        self._next: Timer | None = None
        self._held = False

    @property
    def waiting(self) -> int:
        """How many bytes have not arrived yet."""
        return len(self._queue)

    def send(self, data: bytes, baud: int) -> None:
        """Send bytes behind those that wait already."""
        self._queue.extend((byte, baud) for byte in data)
        self._go_on()

    def hold(self, held: bool) -> None:
        """Let nothing more through, or let it go on."""
        self._held = held
        self._go_on()

    def drop(self) -> None:
        """Forget the bytes that wait."""
        self._queue.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _go_on(self) -> None:
        if self._queue and self._next is None and not self._held:
            _, baud = self._queue[0]
            self._next = self._clock.at(self._clock.now_ns() + byte_ns(baud), self._arrived)

    def _arrived(self) -> None:
        self._next = None
        if not self._held:
            self._arrive(*self._queue.popleft())
            self._go_on()
