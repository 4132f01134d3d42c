"""A signal generator on a simulated wire: a door contact, a flow meter, a tachometer, whatever makes pulses."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi_drivers.world.wires import Wire

if TYPE_CHECKING:
    from pi_drivers.world.clock import Timer, WorldClock

SECOND = 1_000_000_000


@dataclass(frozen=True)
class _Pulses:
    start_ns: int
    rate_hz: float
    width_ns: int
    number: int | None

    def rise_ns(self, index: int) -> int:
        """Each from the start, so that no rate drifts."""
        return self.start_ns + round(index * SECOND / self.rate_hz)


class Pulser:
    """Drives one wire. Used under the clock's lock."""

    def __init__(self, wire: Wire, clock: "WorldClock") -> None:
        """Nothing is driven yet."""
        self.wire = wire
        self.used = False
        """Whether it was ever told what to drive."""
        self._clock = clock
        self._name = f"the signal at {wire.name}"
        self._next: Timer | None = None

    def level(self, high: bool | None) -> None:
        """Put a steady level on the wire; None pulls the cable out."""
        self._stop()
        self.wire.drive_from_outside(high, self._name)

    def pulses(self, rate_hz: float, width_us: float | None = None, number: int | None = None) -> None:
        """Send pulses, the first one now.

        Args:
            rate_hz: pulses per second.
            width_us: how long each is high; half of the time when left out.
            number: how many; without end when left out.
        """
        self._stop()
        width_ns = round(SECOND / rate_hz / 2 if width_us is None else width_us * 1000)
        self._rise(_Pulses(self._clock.now_ns(), rate_hz, width_ns, number), 0)

    def bounce(self, high: bool, times: int, gap_us: float) -> None:
        """Change to a level as a worn contact does: back and forth so many times before it stays."""
        self._stop()
        gap_ns = round(gap_us * 1000)
        self._chatter(high, 2 * times, gap_ns)

    def remove(self) -> None:
        """Take it off its wire."""
        self.level(None)

    def _rise(self, pulses: _Pulses, index: int) -> None:
        if index == pulses.number:
            self._next = None
            return
        self.wire.drive_from_outside(True, self._name)
        self._next = self._clock.at(pulses.rise_ns(index) + pulses.width_ns, lambda: self._fall(pulses, index))

    def _fall(self, pulses: _Pulses, index: int) -> None:
        self.wire.drive_from_outside(False, self._name)
        self._next = self._clock.at(pulses.rise_ns(index + 1), lambda: self._rise(pulses, index + 1))

    def _chatter(self, level: bool, left: int, gap_ns: int) -> None:
        self.wire.drive_from_outside(level, self._name)
        if left:
            self._next = self._clock.at(
                self._clock.now_ns() + gap_ns, lambda: self._chatter(not level, left - 1, gap_ns)
            )

    def _stop(self) -> None:
        self.used = True
        if self._next is not None:
            self._next.cancel()
            self._next = None
