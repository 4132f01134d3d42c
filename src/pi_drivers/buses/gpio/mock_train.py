"""Counted pulses on a simulated wire. As on hardware, they are planned ahead, and counted by packets that are over."""

import logging
from collections import deque
from collections.abc import Callable

from pi_drivers.buses.gpio.contract import LOOKAHEAD_US, PulseProgress, PulseRun, Pulses, PulseSource
from pi_drivers.buses.gpio.ranges import check_pulses
from pi_drivers.world.clock import Timer, WorldClock

LOGGER = logging.getLogger(__name__)


class MockTrain(PulseRun):
    """The counted pulses of one line. All but `progress` is called with the clock's lock held."""

    def __init__(self, clock: WorldClock, source: PulseSource, offset: int, send: Callable[[int, int], None]) -> None:
        """Nothing is sent yet.

        Args:
            clock: the world's.
            source: what to send.
            offset: the line, for messages.
            send: puts a wave on the wire, by its period and the high part of it in nanoseconds.
        """
        self._clock = clock
        self._source = source
        self._offset = offset
        self._send = send
        self._queue: deque[Pulses] = deque()
        self._sent = 0
        self._unsure = 0
        self._exhausted = False
        self._end: Timer | None = None

    def progress(self) -> PulseProgress:
        with self._clock.lock:
            self._clock.catch_up()
            return PulseProgress(self._sent, self._unsure, running=bool(self._queue))

    def start(self) -> None:
        """Send the first packet."""
        self._fill()
        self._send_first()

    def cut(self) -> None:
        """What is not sent yet never will be. Which pulse of a packet it was, lgpio would not tell either."""
        if self._end is not None:
            self._end.cancel()
        if self._queue:
            self._unsure = _pulses_in(self._queue[0])
        self._queue.clear()
        self._exhausted = True

    def _fill(self) -> None:
        while not self._exhausted and sum(map(_duration_us, self._queue)) < LOOKAHEAD_US:
            pulses = self._next()
            if pulses is None:
                self._exhausted = True
            else:
                self._queue.append(pulses)

    def _next(self) -> Pulses | None:
        try:
            pulses = self._source.next_pulses()
            if pulses is not None:
                check_pulses(self._offset, pulses)
        except Exception:
            LOGGER.exception("GPIO%d: its counted pulses end early", self._offset)
            return None
        return pulses

    def _send_first(self) -> None:
        if not self._queue:
            self._send(LOW_NS, 0)
            return
        pulses = self._queue[0]
        self._send((pulses.high_us + pulses.low_us) * 1000, pulses.high_us * 1000)
        self._end = self._clock.at(self._clock.now_ns() + _duration_us(pulses) * 1000, self._first_is_over)

    def _first_is_over(self) -> None:
        self._sent += _pulses_in(self._queue.popleft())
        self._fill()
        self._send_first()


LOW_NS = 1_000_000


def _duration_us(pulses: Pulses) -> int:
    return (pulses.high_us + pulses.low_us) * pulses.number


def _pulses_in(pulses: Pulses) -> int:
    return pulses.number if pulses.high_us else 0
