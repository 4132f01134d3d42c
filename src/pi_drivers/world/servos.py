"""Servos on the simulated wires: a horn that follows its pulses at its own speed, and takes every pulse at its word.

A servo looks at each pulse by itself. One that was cut short, or that changed its width half way, is a pulse for
another angle, and the horn sets off for it. Such odd pulses are noted here, for a driver must not send any.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi_drivers.world.wires import Pwm, Wire

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock

SEEN_NS = (400_000, 2_700_000)
"""Pulses of other widths are noise to a servo."""


@dataclass(frozen=True)
class ServoKind:
    """A servo: what its pulses mean, and how fast it is."""

    angle_of: Callable[[int], float]
    """The angle in degrees for a pulse in µs."""
    slew_deg_per_s: float = 500.0


class ServoHorn:
    """A servo on a wire. Used under the clock's lock."""

    def __init__(self, wire: Wire, kind: ServoKind, clock: "WorldClock", start_deg: float = 45.0) -> None:
        """Args: start_deg: where it stands before anybody has moved it; no driver can know."""
        self.kind = kind
        self.odd_pulses: list[int] = []
        """Widths, in µs, of pulses that were cut or changed while they were high."""
        self.pulse_us = 0
        """The pulse it follows; 0 while it is limp."""
        self._clock = clock
        self._wire = wire
        self._seen = wire.signal
        self._angle = self._target = start_deg
        self._since_ns = clock.now_ns()
        wire.on_signal(self._look)
        self._look()

    @property
    def limp(self) -> bool:
        """Whether it gets no pulses, and a hand can turn it."""
        return self.pulse_us == 0

    def angle_deg(self) -> float:
        """Where the horn is."""
        way = self.kind.slew_deg_per_s * (self._clock.now_ns() - self._since_ns) / 1e9
        missing = self._target - self._angle
        return self._target if abs(missing) <= way else self._angle + (way if missing > 0 else -way)

    def _look(self) -> None:
        before, now = self._seen, self._wire.signal
        self._seen = now
        if isinstance(before, Pwm):
            self._note_if_odd(before, now)
        width_ns = now.high_ns if isinstance(now, Pwm) else 0
        self._follow(round(width_ns / 1000) if SEEN_NS[0] <= width_ns <= SEEN_NS[1] else 0)

    def _note_if_odd(self, before: Pwm, now: "bool | Pwm") -> None:
        now_ns = self._clock.now_ns()
        high_for_ns = (now_ns - before.start_ns) % before.period_ns
        same_pulse = isinstance(now, Pwm) and now.high_ns == before.high_ns
        if 0 < high_for_ns < before.high_ns and not same_pulse:
            self.odd_pulses.append(round(high_for_ns / 1000))
            if high_for_ns >= SEEN_NS[0]:
                self._follow(round(high_for_ns / 1000))

    def _follow(self, pulse_us: int) -> None:
        self._angle = self.angle_deg()
        self._since_ns = self._clock.now_ns()
        self.pulse_us = pulse_us
        self._target = self.kind.angle_of(pulse_us) if pulse_us else self._angle
