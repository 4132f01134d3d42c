"""Counted pulses on a real line: packets that lgpio's thread sends, and the count of those it has sent.

lgpio keeps a queue of packets for each line and goes from one to the next without a gap. It tells how many are left,
not how far it is with the first: so pulses are counted by packets that are over. Behind the last one always stands an
endless low level, which lgpio replaces by the next packet (0.2.2, lgGpio.c, xSetAsPwm): a queue that runs dry is a
pause and nothing worse.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager

from pi_drivers.buses.gpio.contract import LOOKAHEAD_US, PulseProgress, PulseRun, Pulses, PulseSource
from pi_drivers.buses.gpio.ranges import check_pulses

LOGGER = logging.getLogger(__name__)

QUEUE = 10
"""Entries of pulses that lgpio keeps for one line (LG_TX_BUF)."""

LOW = None
"""Stands for the endless low level in a line's queue."""

Put = Callable[[Pulses | None], None]


class Train(PulseRun):
    """The counted pulses of one line. All but `progress` is called with the pulser's lock held."""

    def __init__(
        self, offset: int, source: PulseSource, lock: AbstractContextManager[object], *, behind_level: bool
    ) -> None:
        """Nothing is sent yet.

        Args:
            offset: the line.
            source: what to send.
            lock: the pulser's.
            behind_level: lgpio repeats a steady level on this line, and the pulses come behind it.
        """
        self._offset = offset
        self._source = source
        self._lock = lock
        self._queue: deque[Pulses | None] = deque([LOW] if behind_level else [])
        self._sent = 0
        self._unsure = 0
        self._exhausted = False
        self.look: Callable[[], None] = lambda: None
        """Brings the count up to now."""

    def progress(self) -> PulseProgress:
        with self._lock:
            self.look()
            return PulseProgress(self._sent, self._unsure, running=not self.over)

    @property
    def over(self) -> bool:
        """Whether everything was sent, or cut off."""
        return self._exhausted and not any(self._queue)

    def fill(self, put: Put) -> None:
        """Queue what is to be sent soon; `put` hands an entry to lgpio."""
        added = False
        while self._wants_more() and (pulses := self._next()) is not None:
            # Here lgpio takes an endless entry that waits at the end of its queue away again.
            if len(self._queue) > 1 and self._queue[-1] is LOW:
                self._queue.pop()
            put(pulses)
            self._queue.append(pulses)
            added = True
        if added:
            put(LOW)
            self._queue.append(LOW)

    def left(self, entries: int) -> None:
        """So many entries are left; those before them are over."""
        while len(self._queue) > max(entries, 1):
            self._sent += _pulses_in(self._queue.popleft())

    def cut(self) -> None:
        """What is not sent yet never will be."""
        if self._queue:
            self._unsure = _pulses_in(self._queue[0])
        self._queue.clear()
        self._exhausted = True

    def _wants_more(self) -> bool:
        waiting_us = sum((each.high_us + each.low_us) * each.number for each in self._queue if each is not None)
        # Room for the low level behind the last one.
        return not self._exhausted and waiting_us < LOOKAHEAD_US and len(self._queue) < QUEUE - 1

    def _next(self) -> Pulses | None:
        try:
            pulses = self._source.next_pulses()
            if pulses is not None:
                check_pulses(self._offset, pulses)
                return pulses
        except Exception:
            LOGGER.exception("GPIO%d: its counted pulses end early", self._offset)
        self._exhausted = True
        return None


def _pulses_in(entry: Pulses | None) -> int:
    return entry.number if entry is not None and entry.high_us else 0
