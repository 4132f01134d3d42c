"""What is known of the pulses on one pin: how many there were, how fast they come, how long the last one was.

Everything goes by the kernel's time stamps, and nothing is told across a gap: where edges were lost, the rate begins
anew and a pulse is not whole.
"""

from collections import deque
from collections.abc import Sequence

from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.host.contract import SECOND

MOST_RISES = 10_000
"""Rises that are kept: with more of them in a window, its newest part is the better mean."""


class PulseRecord:
    """The record of one pin. A pulse begins with a rise: where the pin goes active."""

    def __init__(self, window_ns: int, silence_ns: int) -> None:
        """Args: window_ns: over how long a rate is the mean. silence_ns: without a rise for so long the rate is 0."""
        self._window_ns = window_ns
        self._silence_ns = silence_ns
        self._rises: deque[int] = deque(maxlen=MOST_RISES)
        self._risen_ns: int | None = None
        """When the pulse began that is not over; None where its beginning is not known."""
        self._last_rise_seen_ns = 0
        self.count = 0
        """Rises so far."""
        self.width_ns: int | None = None
        """The last whole pulse's."""
        self.pulse_seen_ns = 0
        """When that pulse was taken in, by the host's clock."""

    def take(self, events: Sequence[EdgeEvent], now_ns: int, *, gap: bool = False) -> None:
        """Take in edges.

        Args:
            events: oldest first.
            now_ns: the time on the host's clock, which is not always the edges' own.
            gap: some were lost since the last time, before these or among them: they count, and tell nothing else.
        """
        if gap:
            self.count += sum(event.rising for event in events)
            self._rises.clear()
            self._risen_ns = None
            return
        for event in events:
            if event.rising:
                self._rise(event.timestamp_ns, now_ns)
            else:
                self._fall(event.timestamp_ns, now_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Rises per second; never more than the time since the last one allows, and 0 when that is too long."""
        silent_ns = now_ns - self._last_rise_seen_ns
        if len(self._rises) < 2 or silent_ns > self._silence_ns:
            return 0.0
        rate = (len(self._rises) - 1) * SECOND / (self._rises[-1] - self._rises[0])
        return min(rate, SECOND / silent_ns) if silent_ns > 0 else rate

    def _rise(self, at_ns: int, now_ns: int) -> None:
        self.count += 1
        self._risen_ns = at_ns
        self._last_rise_seen_ns = now_ns
        # Behind a silence, or where the time does not go on, a new rate begins.
        if self._rises and not 0 < at_ns - self._rises[-1] <= self._silence_ns:
            self._rises.clear()
        self._rises.append(at_ns)
        # One from before the window stays, so that slow pulses have an interval, too.
        while len(self._rises) > 2 and self._rises[1] <= at_ns - self._window_ns:
            self._rises.popleft()

    def _fall(self, at_ns: int, now_ns: int) -> None:
        if self._risen_ns is not None and at_ns > self._risen_ns:
            self.width_ns = at_ns - self._risen_ns
            self.pulse_seen_ns = now_ns
        self._risen_ns = None
