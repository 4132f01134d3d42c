"""Pulses that lgpio's C thread times, and a guard around a defect of that thread.

lgpio keeps one list of all lines that send pulses, the newest first. When the newest entry ends, its thread
(0.2.2) skips the rest of the list and sleeps 20 ms: every other line stands still, then hurries to catch up,
so that a stepper loses steps. Should the catching up cross the start of a second, the thread hangs for good,
and a motor is stuck at the level it had.

So an entry never ends by itself here, and the newest is never ended while others are on the list: between
pulses an entry is parked, which means that it repeats the line's steady level, and before the newest must
end, another is put in front of it. Only where all other outputs send counted pulses is there none to put.
"""

import threading
from dataclasses import dataclass
from typing import Any

PARK_US = 10_000
"""How often a parked line's level is repeated, and so how long new pulses on it may take to begin."""

QUEUE = 10
"""Entries of pulses that lgpio keeps for one line (LG_TX_BUF)."""


@dataclass(frozen=True)
class Pulses:
    """What a line sends: a square wave without end, or a number of pulses and then low."""

    high_us: int
    low_us: int
    count: int = 0
    """0: without end."""

    @property
    def parked(self) -> bool:
        """Whether this is no pulse at all, but a steady level."""
        return 0 in (self.high_us, self.low_us)


LOW = Pulses(0, PARK_US)
HIGH = Pulses(PARK_US, 0)


class Pulser:
    """The pulses of all outputs of a chip. Safe from any thread; calls take microseconds."""

    def __init__(self, library: Any, handle: int) -> None:
        self._lgpio = library
        self._handle = handle
        # Reentrant, for a make-safe in a signal handler may interrupt any call.
        self.lock = threading.RLock()
        self._levels: dict[int, bool] = {}
        self._entries: dict[int, Pulses] = {}
        """What stands on lgpio's list, by line; the newest last."""

    def add(self, offset: int, level: bool) -> None:
        """A line became an output, at a level."""
        with self.lock:
            self._levels[offset] = level

    def remove(self, offset: int) -> None:
        """A line is about to be let go: its pulses end, low. A steady level stays."""
        with self.lock:
            running = self._running(offset)
            self._end(offset)
            if running is not None and not running.parked:
                self._lgpio.gpio_write(self._handle, offset, 0)
            self._levels.pop(offset, None)

    def steady(self, offset: int, level: bool) -> None:
        """Put a line on a level; pulses on it end."""
        with self.lock:
            running = self._running(offset)
            if running is not None:
                if running.parked or not (level or running.count):
                    # A wave that is to go low has, from here on, no edge but the falling one.
                    self._send(offset, HIGH if level else LOW)
                else:
                    self._end(offset)
            self._lgpio.gpio_write(self._handle, offset, int(level))
            self._levels[offset] = level

    def send(self, offset: int, pulses: Pulses) -> None:
        """Begin pulses, or change a running wave at the end of its period."""
        with self.lock:
            running = self._running(offset)
            if running is not None and not running.parked and (running.count or pulses.count):
                self.steady(offset, False)  # counted pulses do not wait for others, nor others for them
            self._send(offset, pulses)
            if pulses.count:
                self._queue(offset, LOW)
            self._levels[offset] = False

    def counting(self, offset: int) -> bool:
        """Whether counted pulses are still going out."""
        with self.lock:
            running = self._running(offset)
            return running is not None and running.count > 0

    def _running(self, offset: int) -> Pulses | None:
        """What lgpio does with a line now: counted pulses that are over have become a parked level."""
        entry = self._entries.get(offset)
        if entry is not None and entry.count:
            room = self._lgpio.tx_room(self._handle, offset, self._lgpio.TX_PWM)
            if room >= QUEUE - 1:
                entry = self._entries[offset] = LOW
        return entry

    def _send(self, offset: int, pulses: Pulses) -> None:
        """New entries come to the front of lgpio's list; those that are there stay where they are."""
        self._queue(offset, pulses)
        self._entries[offset] = pulses

    def _queue(self, offset: int, pulses: Pulses) -> None:
        self._lgpio.tx_pulse(self._handle, offset, pulses.high_us, pulses.low_us, 0, pulses.count)

    def _end(self, offset: int) -> None:
        if offset in self._entries:
            if next(reversed(self._entries)) == offset:
                self._put_another_in_front(offset)
            self._lgpio.tx_pulse(self._handle, offset, 0, 0)
            del self._entries[offset]

    def _put_another_in_front(self, offset: int) -> None:
        if len(self._entries) == 1:
            return  # there is nobody to be skipped
        others = {other: self._running(other) for other in self._levels if other != offset}
        idle = [other for other, pulses in others.items() if pulses is None or pulses.parked]
        waves = [other for other, pulses in others.items() if pulses is not None and not pulses.count]
        # An idle line notices nothing, a wave gets a gap of some 20 ms; counted pulses must not be touched.
        chosen = next(iter(idle or waves), None)
        if chosen is not None:
            self._renew(chosen, others[chosen] or (HIGH if self._levels[chosen] else LOW))

    def _renew(self, offset: int, pulses: Pulses) -> None:
        if offset in self._entries:
            self._lgpio.tx_pulse(self._handle, offset, 0, 0)
            del self._entries[offset]
            self._lgpio.gpio_write(self._handle, offset, int(self._levels[offset]))
        self._send(offset, pulses)
