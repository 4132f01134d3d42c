"""Pulses that lgpio's C thread times, and a guard around a defect of that thread.

lgpio keeps one list of all lines that send pulses, the newest first. When the newest entry ends, its thread
(0.2.2) skips the rest of the list and sleeps 20 ms: every other line stands still, then hurries to catch up,
so that a stepper loses steps. Should the catching up cross the start of a second, the thread hangs for good,
and a motor is stuck at the level it had.

So an entry never ends by itself here, and the newest is never ended while others are on the list: between
pulses an entry is parked, which means that it repeats the line's steady level, and before the newest must
end, another is put in front of it. Only where all other outputs send counted pulses is there none to put. What
becomes of counted pulses is told in `real_train`.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Any

from pi_drivers.buses.gpio.contract import Pulses, PulseSource
from pi_drivers.buses.gpio.real_train import QUEUE, Train

LOGGER = logging.getLogger(__name__)

PARK_US = 10_000
"""How often a parked line's level is repeated, and so how long new pulses on it may take to begin."""

FEED_S = 0.01
"""How often the queues of counted pulses are looked after: several times in the time they are filled for."""


@dataclass(frozen=True)
class Wave:
    """A square wave without end."""

    high_us: int
    low_us: int

    @property
    def parked(self) -> bool:
        """Whether this is no wave at all, but a steady level."""
        return 0 in (self.high_us, self.low_us)


LOW = Wave(0, PARK_US)
HIGH = Wave(PARK_US, 0)


class Pulser:
    """The pulses of all outputs of a chip. Safe from any thread; calls take microseconds."""

    def __init__(self, library: Any, handle: int) -> None:
        self._lgpio = library
        self._handle = handle
        # Reentrant, for a make-safe in a signal handler may interrupt any call.
        self.lock = threading.RLock()
        self._levels: dict[int, bool] = {}
        self._entries: dict[int, Wave | Train] = {}
        """What stands on lgpio's list, by line; the newest last."""
        self._wake = threading.Condition(self.lock)
        self._feeder: threading.Thread | None = None
        self._closed = False

    def add(self, offset: int, level: bool) -> None:
        """A line became an output, at a level."""
        with self.lock:
            self._levels[offset] = level

    def remove(self, offset: int) -> None:
        """A line is about to be let go: its pulses end, low. A steady level stays."""
        with self.lock:
            running = self._running(offset)
            self._end(offset)
            if running is not None:
                # Also where it is parked: the last pulse before that may not have come to its end.
                self._lgpio.gpio_write(self._handle, offset, int(self._levels[offset]))
            self._levels.pop(offset, None)

    def steady(self, offset: int, level: bool) -> None:
        """Put a line on a level, at once; pulses on it end."""
        with self.lock:
            running = self._running(offset)
            if isinstance(running, Wave) and (running.parked or not level):
                # A wave that is to go low has, from here on, no edge but the falling one.
                self._send(offset, HIGH if level else LOW)
            elif running is not None:
                self._end(offset)
            self._lgpio.gpio_write(self._handle, offset, int(level))
            self._levels[offset] = level

    def fade(self, offset: int) -> None:
        """End a wave at the end of its period, low: no pulse is cut."""
        with self.lock:
            running = self._running(offset)
            if isinstance(running, Wave) and not running.parked:
                self._send(offset, LOW)
            else:
                self.steady(offset, False)

    def send(self, offset: int, wave: Wave) -> None:
        """Begin a wave, or change a running one at the end of its period."""
        with self.lock:
            if isinstance(self._running(offset), Train):
                self.steady(offset, False)  # a wave does not wait for counted pulses
            self._send(offset, wave)
            self._levels[offset] = False

    def run(self, offset: int, source: PulseSource) -> Train:
        """Begin counted pulses; whatever ran on the line ends."""
        with self.lock:
            running = self._running(offset)
            if isinstance(running, Train) or (running is not None and not running.parked):
                self.steady(offset, False)
            self._levels[offset] = False
            train = Train(offset, source, self.lock, behind_level=offset in self._entries)
            train.look = lambda: self._look(offset, train)
            self._feed(offset, train)
            if not train.over:
                self._entries[offset] = train
                self._wake_feeder()
            return train

    def close(self) -> None:
        """End the feeding of counted pulses; all lines were let go before. Idempotent."""
        with self.lock:
            self._closed = True
            self._wake.notify()
        if self._feeder is not None:
            self._feeder.join()

    def _running(self, offset: int) -> Wave | Train | None:
        """What lgpio does with a line now: counted pulses that are over have become a parked level."""
        entry = self._entries.get(offset)
        if isinstance(entry, Train):
            self._look(offset, entry)
            if entry.over:
                entry = self._entries[offset] = LOW
        return entry

    def _look(self, offset: int, train: Train) -> None:
        if self._entries.get(offset) is train:
            train.left(QUEUE - self._lgpio.tx_room(self._handle, offset, self._lgpio.TX_PWM))

    def _feed(self, offset: int, train: Train) -> None:
        train.fill(lambda pulses: self._queue(offset, Pulses(LOW.high_us, LOW.low_us, 0) if pulses is None else pulses))

    def _wake_feeder(self) -> None:
        if self._feeder is None:
            self._feeder = threading.Thread(target=self._feed_all, name="pulses", daemon=True)
            self._feeder.start()
        self._wake.notify()

    def _feed_all(self) -> None:
        """Keep the queues of all counted pulses filled; on a thread of its own, so that no busy loop is a gap."""
        while True:
            with self.lock:
                trains = [(at, entry) for at, entry in self._entries.items() if isinstance(entry, Train)]
                if self._closed:
                    return
                for offset, train in trains:
                    self._feed_safely(offset, train)
                self._wake.wait(FEED_S if trains else None)

    def _feed_safely(self, offset: int, train: Train) -> None:
        try:
            if self._running(offset) is train:
                self._feed(offset, train)
        except self._lgpio.error:
            LOGGER.exception("GPIO%d: its counted pulses end early", offset)
            train.cut()

    def _send(self, offset: int, wave: Wave) -> None:
        """New entries come to the front of lgpio's list; those that are there stay where they are."""
        self._queue(offset, Pulses(wave.high_us, wave.low_us, 0))
        self._entries[offset] = wave

    def _queue(self, offset: int, pulses: Pulses) -> None:
        self._lgpio.tx_pulse(self._handle, offset, pulses.high_us, pulses.low_us, 0, pulses.number)

    def _end(self, offset: int) -> None:
        entry = self._entries.get(offset)
        if entry is None:
            return
        if next(reversed(self._entries)) == offset:
            self._put_another_in_front(offset)
        self._lgpio.tx_pulse(self._handle, offset, 0, 0)
        del self._entries[offset]
        if isinstance(entry, Train):
            entry.cut()

    def _put_another_in_front(self, offset: int) -> None:
        if len(self._entries) == 1:
            return  # there is nobody to be skipped
        others = {other: self._running(other) for other in self._levels if other != offset}
        waves = {other: entry for other, entry in others.items() if isinstance(entry, Wave)}
        idle = [other for other, entry in others.items() if entry is None or (other in waves and waves[other].parked)]
        # An idle line notices nothing, a wave gets a gap of some 20 ms; counted pulses must not be touched.
        chosen = next(iter([*idle, *waves]), None)
        if chosen is not None:
            self._renew(chosen, waves.get(chosen) or (HIGH if self._levels[chosen] else LOW))

    def _renew(self, offset: int, wave: Wave) -> None:
        if offset in self._entries:
            self._lgpio.tx_pulse(self._handle, offset, 0, 0)
            del self._entries[offset]
            self._lgpio.gpio_write(self._handle, offset, int(self._levels[offset]))
        self._send(offset, wave)
