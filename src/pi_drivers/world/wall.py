"""What stands in front of an ultrasonic sensor, and the sensor's own side of its two wires.

The sensor is an HC-SR04 and its many relatives: a trigger of 10 µs or more, at its end a burst of eight cycles at
40 kHz, then an echo line that is high until the sound is back. Source: Elecfreaks, HC-SR04 data sheet, page 2; where it
says nothing (how long until the echo line rises, how long it stays high without an echo), as such modules do it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi_drivers.world.faults import Fuse
from pi_drivers.world.wires import Wire

if TYPE_CHECKING:
    from pi_drivers.world.clock import Timer, WorldClock
    from pi_drivers.world.surroundings import Air

SECOND = 1_000_000_000
MICROSECOND = 1_000
SHORTEST_TRIGGER_NS = 10 * MICROSECOND
BURST_NS = 460 * MICROSECOND
"""From the end of the trigger to the rise of the echo line: eight cycles at 40 kHz, and what else it does."""
NO_ECHO_NS = 38_000 * MICROSECOND
"""How long the echo line stays high when nothing comes back."""
REACH_M = 4.5
"""What is farther away sends nothing back that could be heard."""
STUCK_NS = 3 * SECOND
LATE_NS = 55_000 * MICROSECOND
SPIKE_NS = 30 * MICROSECOND


@dataclass
class Wall:
    """What is in front of a sensor."""

    distance_m: float | Callable[[int], float | None] | None = 1.0
    """How far away it is, or was at a time in ns; None for nothing there."""

    def distance_at(self, now_ns: int) -> float | None:
        """How far away it is now; None for nothing there."""
        return self.distance_m(now_ns) if callable(self.distance_m) else self.distance_m


@dataclass
class EchoFaults(Fuse):
    """What is wrong with one ultrasonic sensor. Its transactions are pings."""

    pulled: Callable[[], None] = lambda: None
    """Called when the plug is pulled or put back."""
    missing: int = 0
    """So many are not answered at all."""
    stuck_high: int = 0
    """So many have an echo that does not end for seconds."""
    spikes: int = 0
    """So many have a short pulse before the echo."""
    dropouts: int = 0
    """So many have a short gap in the echo."""
    late: int = 0
    """So many have an echo that comes when nobody waits for it any more, and may run into the next ping."""
    _unplugged: bool = False

    @property
    def unplugged(self) -> bool:
        """Nobody drives the echo line."""
        return self._unplugged

    @unplugged.setter
    def unplugged(self, unplugged: bool) -> None:
        self._unplugged = unplugged
        self.pulled()

    def next(self) -> str | None:
        """The fault of this ping, by its name."""
        if not self.due():
            return None
        for kind in ("missing", "stuck_high", "spikes", "dropouts", "late"):
            left: int = getattr(self, kind)
            if left:
                setattr(self, kind, left - 1)
                return kind
        return None


class UltrasonicTwin:
    """An ultrasonic sensor between its two wires, with a wall in front. Used under the clock's lock."""

    def __init__(self, trigger: Wire, echo: Wire, air: "Air", clock: "WorldClock") -> None:
        """Args: trigger: the wire that makes it ping. echo: the wire it answers on. air: carries the sound."""
        self.wall = Wall()
        self.faults = EchoFaults(pulled=self._plug)
        self.pings = 0
        self.refused = 0
        """Triggers that were too short, or came while it was busy with the one before."""
        self._trigger = trigger
        self._echo = echo
        self._air = air
        self._clock = clock
        self._name = f"the ultrasonic sensor at {echo.name}"
        self._rose_ns: int | None = None
        self._timers: Sequence[Timer] = ()
        self._busy = self._high = False
        self._show(False)
        self._forget_trigger = trigger.on_level(self._look)

    @property
    def wires(self) -> tuple[Wire, Wire]:
        """The wires it is on."""
        return self._trigger, self._echo

    def remove(self) -> None:
        """Take it off its wires."""
        self._forget_trigger()
        self._end()
        self._echo.drive_from_outside(None, self._name)

    def _plug(self) -> None:
        self._end()
        self._show(None if self.faults.unplugged else False)

    def _end(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers, self._busy, self._high = (), False, False

    def _show(self, level: bool | None) -> None:
        self._echo.drive_from_outside(level, self._name)

    def _look(self, level: bool, now_ns: int) -> None:
        if level:
            self._rose_ns = now_ns
            return
        rose_ns, self._rose_ns = self._rose_ns, None
        if rose_ns is None or self.faults.unplugged:
            return
        if self._busy or now_ns - rose_ns < SHORTEST_TRIGGER_NS:
            self.refused += 1
        else:
            self._ping(now_ns)

    def _ping(self, now_ns: int) -> None:
        self.pings += 1
        edges = _edges(self.faults.next(), self._width_ns(now_ns))
        if not edges or self.faults.unplugged:
            return
        self._busy = True
        changes = [self._clock.at(now_ns + after_ns, self._toggle) for after_ns in edges]
        self._timers = [*changes, self._clock.at(now_ns + edges[-1], self._end)]

    def _toggle(self) -> None:
        self._high = not self._high
        self._show(self._high)

    def _width_ns(self, now_ns: int) -> int:
        distance_m = self.wall.distance_at(now_ns)
        if distance_m is None or distance_m > REACH_M:
            return NO_ECHO_NS
        # In an ideal gas the speed goes with the root of the absolute temperature; it is 331.3 m/s at 0 °C.
        speed = 331.3 * math.sqrt(1 + self._air.temperature_at(now_ns) / 273.15)
        return min(NO_ECHO_NS, round(2 * distance_m / speed * SECOND))


def _edges(fault: str | None, width_ns: int) -> list[int]:
    """When the echo line rises and falls by turns, in nanoseconds behind the trigger."""
    middle_ns = BURST_NS + width_ns // 2
    echo = [BURST_NS, BURST_NS + width_ns]
    shapes = {
        "missing": [],
        "stuck_high": [BURST_NS, BURST_NS + STUCK_NS],
        "spikes": [BURST_NS // 2, BURST_NS // 2 + SPIKE_NS, *echo],
        "dropouts": [echo[0], middle_ns, middle_ns + SPIKE_NS, echo[1]],
        "late": [LATE_NS + each for each in echo],
    }
    return echo if fault is None else shapes[fault]
