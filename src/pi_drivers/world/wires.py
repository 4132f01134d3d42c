"""The wires on the simulated header, and who pulls on them.

A wire has at most one that drives it: the Pi's pin, or something outside (a sensor's output, an encoder disc).
Otherwise the Pi's pull resistor decides, and without one the wire floats and reads noise. Two drivers on one wire are
a short circuit, which here is an error instead of smoke.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.errors import BusError

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock
    from pi_drivers.world.trace import Trace


@dataclass(frozen=True)
class Pwm:
    """A square wave that began, high, at `start_ns`."""

    period_ns: int
    high_ns: int
    start_ns: int

    @property
    def duty(self) -> float:
        """The high part of the period, 0 to 1."""
        return self.high_ns / self.period_ns

    def level_at(self, now_ns: int) -> bool:
        """The level at a moment."""
        return (now_ns - self.start_ns) % self.period_ns < self.high_ns


Signal = bool | Pwm
"""What drives a wire: a steady level or a square wave."""


def duty_of(signal: Signal) -> float:
    """The mean of a signal: what a motor's inertia makes of it."""
    return signal.duty if isinstance(signal, Pwm) else float(signal)


LevelListener = Callable[[bool, int], None]
SignalListener = Callable[[], None]


class Wire:
    """One wire, of the header or of another chip's output. Used under the clock's lock."""

    def __init__(self, place: int | str, clock: "WorldClock", trace: "Trace") -> None:
        """Args: place: the number of its GPIO, or a name such as `i2c-1 0x40 channel 3`."""
        self.name = f"GPIO{place}" if isinstance(place, int) else place
        self.pull = Pull.NONE
        self._clock = clock
        self._trace = trace
        self._pi: Signal | None = None
        self._outside: bool | None = None
        self._outside_name = ""
        self._noise = random.Random(self.name)  # noqa: S311 - noise on a floating wire, the same in every run
        self._level_listeners: list[LevelListener] = []
        self._signal_listeners: list[SignalListener] = []

    @property
    def signal(self) -> Signal:
        """What is on the wire; a wire nobody drives counts as its pull, else low."""
        for driver in (self._pi, self._outside):
            if driver is not None:
                return driver
        return self.pull is Pull.UP

    @property
    def driven_from_outside(self) -> bool:
        """Whether something outside drives the wire."""
        return self._outside is not None

    def level(self) -> bool:
        """The level a reader sees now."""
        if self._pi is None and self._outside is None and self.pull is Pull.NONE:
            return self._noise.random() < 0.5
        signal = self.signal
        return signal.level_at(self._clock.now_ns()) if isinstance(signal, Pwm) else signal

    def drive_from_pi(self, signal: Signal) -> None:
        """The Pi's pin drives the wire.

        Raises:
            BusError: something outside drives it already.
        """
        if self._outside is not None:
            raise BusError(
                f"{self.name}: two drivers on one wire: the Pi's output and {self._outside_name}. "
                "On a real board this is a short circuit; check which pin the output should be on."
            )
        if signal != self._pi:
            was = self._steady()
            self._pi = signal
            self._trace.note(self.name, signal)
            self._tell(was)

    def release_from_pi(self) -> None:
        """The Pi's pin becomes an input. An output that is merely let go by its user keeps its level."""
        was = self._steady()
        self._pi = None
        self._tell(was)

    def drive_from_outside(self, level: bool | None, name: str) -> None:
        """Something outside drives the wire, or (None) lets go of it.

        Raises:
            BusError: the Pi drives the wire, or something else does.
        """
        if level is not None and self._pi is not None:
            raise BusError(f"{self.name}: two drivers on one wire: the Pi's output and {name}")
        if self._outside is not None and name != self._outside_name:
            raise BusError(f"{self.name}: two drivers on one wire: {self._outside_name} and {name}")
        was = self._steady()
        self._outside = level
        self._outside_name = name
        self._tell(was)

    def set_pull(self, pull: Pull) -> None:
        """The Pi switches its pull resistor."""
        was = self._steady()
        self.pull = pull
        self._tell(was)

    def on_level(self, listener: LevelListener) -> Callable[[], None]:
        """Be told each edge with its time; returns the function that ends it."""
        self._level_listeners.append(listener)
        return lambda: self._level_listeners.remove(listener)

    def on_signal(self, listener: SignalListener) -> Callable[[], None]:
        """Be told that what drives the wire has changed; returns the function that ends it."""
        self._signal_listeners.append(listener)
        return lambda: self._signal_listeners.remove(listener)

    def _steady(self) -> bool | None:
        signal = self.signal
        return None if isinstance(signal, Pwm) else signal

    def _tell(self, was: bool | None) -> None:
        now = self._steady()
        if now is not None and now != was:
            for listener in list(self._level_listeners):
                listener(now, self._clock.now_ns())
        for tell in list(self._signal_listeners):
            tell()
