"""Stepper motors on the simulated wires: each rising edge of the step input moves a shaft.

A stepper follows or it does not, and tells nobody. What it cannot follow, a start or a pace beyond its torque, steps
without current or against a jam, is lost, and counted here as `lost` for tests to look at. A packet of pulses is one
square wave on the wire, and its edges are reckoned instead of waited for: so ten thousand steps a second cost no more
than ten, and still a disc or a switch on the shaft sees each at its exact time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi_drivers.world.mechanics import SECOND, Shaft
from pi_drivers.world.wires import Pwm, Wire, duty_of

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock

ENDLESS_NS = 1 << 60
"""The time from a single step to the next, which nothing announces."""
ROUNDING = 1e-6
"""The part of a step by which angles may be off: far finer than a step, far coarser than a float's rounding."""


@dataclass(frozen=True)
class StepperKind:
    """A stepper motor with its load and its driver."""

    steps_per_rev: int = 200
    """Steps, as the driver makes them, in a turn."""
    reverse: bool = False
    """A step forward turns the shaft backward."""
    pull_in_hz: float = 2_000.0
    """Full steps per second that it can start with, or speed up by at once."""
    pull_out_hz: float = 20_000.0
    """Full steps per second beyond which it cannot follow at all."""
    full_steps_per_rev: int = 200
    """Full steps in a turn, which the two rates are about."""
    setup_ns: int = 5_000
    """How long direction and enable must stand before a step (DM542 manual; an A4988 needs 200 ns)."""

    @property
    def step_rev(self) -> float:
        """The angle of a step."""
        return (-1 if self.reverse else 1) / self.steps_per_rev

    @property
    def steps_per_full_step(self) -> float:
        """How finely the driver divides a full step."""
        return self.steps_per_rev / self.full_steps_per_rev


@dataclass(frozen=True)
class Stride:
    """Steps that come evenly, from `first_ns` on, each `period_ns` after the one before."""

    first_ns: int
    period_ns: int
    step_rev: float

    def steps_by(self, now_ns: int) -> int:
        """How many have come by a moment.

        That moment counts for the first one only: a wave that ends where its next edge would be has no such edge.
        """
        if now_ns < self.first_ns:
            return 0
        return 1 + max(0, now_ns - self.first_ns - 1) // self.period_ns

    def moment_ns(self, number: int) -> int:
        """When so many have come."""
        return self.first_ns + (number - 1) * self.period_ns + (number > 1)


class SteppedShaft(Shaft):
    """A shaft that goes from step to step: between two of them it stands. Used under the clock's lock."""

    def __init__(self, name: str, clock: "WorldClock") -> None:
        super().__init__(name, clock)
        self._stride: Stride | None = None

    @property
    def jammed(self) -> bool:
        """Whether something blocks it."""
        return self._jammed

    def stride(self, stride: Stride | None, moved_rev: float = 0.0) -> None:
        """From now on go in these steps, or stand; behind a move that was made just now."""
        self._angle_rev = self.angle_rev() + moved_rev
        self._since_ns = self._clock.now_ns()
        self._stride = stride
        self._replan()

    def jam(self, jammed: bool = True) -> None:
        self.stride(None)
        self._jammed = jammed

    def angle_after(self, seconds: float) -> float:
        if self._stride is None:
            return self._angle_rev
        now_ns = self._since_ns + round(seconds * SECOND)
        return self._angle_rev + self._stride.steps_by(now_ns) * self._stride.step_rev

    def seconds_until(self, angle_rev: float) -> float | None:
        stride = self._stride
        if stride is None:
            return None
        number = max(1, math.ceil((angle_rev - self._angle_rev) / stride.step_rev - ROUNDING))
        return (stride.moment_ns(number) - self._since_ns) / SECOND

    def heads(self, direction: int) -> bool:
        return self._stride is not None and self._stride.step_rev * direction > 0

    def speed_rev_s(self) -> float:
        return 0.0 if self._stride is None else self._stride.step_rev * SECOND / self._stride.period_ns

    def _hold_state(self) -> None:
        """Nothing to hold: a stride is a formula of time until the next one."""

    def _replan(self) -> None:
        for moved in list(self._moved):
            moved()


class StepDirStepper:
    """A stepper on a step/dir driver, which steps at each rising edge of its step input."""

    def __init__(self, shaft: SteppedShaft, kind: StepperKind, inputs: Mapping[str, Wire], clock: "WorldClock") -> None:
        """Args: shaft: what it turns. kind: the motor. inputs: step, direction, enable_high, enable_low."""
        self.shaft = shaft
        self.kind = kind
        self.lost = 0
        """Steps that were asked for and not made."""
        self.hasty = 0
        """Steps that came too soon behind a change of direction or enable."""
        self._clock = clock
        self._inputs = dict(inputs)
        self._signal = inputs["step"].signal
        self._set_up_ns = -SECOND
        self._last_ns = -SECOND
        """When it made its last step."""
        self._pace_hz = 0.0
        self._stride: Stride | None = None
        self._follows = False
        """Whether it makes the steps of the stride."""
        self._direction = self._forward()
        self._enabled = self._is_enabled()
        self._unlisten = [wire.on_signal(self._update) for wire in inputs.values()]

    @property
    def wires(self) -> list[Wire]:
        """The wires it is on."""
        return list(self._inputs.values())

    def remove(self) -> None:
        """Take it off its wires; the shaft stays where it is."""
        for unlisten in self._unlisten:
            unlisten()
        self.shaft.stride(None)

    def jam(self, jammed: bool = True) -> None:
        """Block the shaft, or let go of it: the steps meanwhile are lost."""
        self._settle()
        self.shaft.jam(jammed)
        self._begin(self._clock.now_ns())

    def _update(self) -> None:
        self._settle()
        now_ns = self._clock.now_ns()
        direction, enabled = self._forward(), self._is_enabled()
        if (direction, enabled) != (self._direction, self._enabled):
            self._set_up_ns = now_ns
            if direction is not self._direction:
                self._pace_hz = 0.0
        self._direction, self._enabled = direction, enabled
        signal, before = self._inputs["step"].signal, self._signal
        was_high = before.level_at(now_ns - 1) if isinstance(before, Pwm) else before
        self._signal = signal
        if signal is True and not was_high:
            self._begin_stride(Stride(now_ns, ENDLESS_NS, self._step_rev()))
        else:
            # A wave begins with an edge, unless the wire was high already.
            self._begin(now_ns + (signal is not before and was_high))

    def _settle(self) -> None:
        """Count what was lost in the stride that ends now; what was made, the shaft knows."""
        stride, self._stride = self._stride, None
        steps = 0 if stride is None else stride.steps_by(self._clock.now_ns())
        if stride is None or steps == 0:
            return
        if not self._follows:
            self.lost += steps
            return
        # The pace of a single step is the time since the one before.
        alone = steps == 1 and stride.first_ns > self._last_ns
        self._pace_hz = SECOND / (stride.first_ns - self._last_ns if alone else stride.period_ns)
        self._last_ns = stride.moment_ns(steps)

    def _begin(self, from_ns: int) -> None:
        """Go on with the wave on the wire, from its first edge at or behind a moment."""
        signal = self._signal
        if not isinstance(signal, Pwm):
            self.shaft.stride(None)
            return
        number = max(0, -((signal.start_ns - from_ns) // signal.period_ns))
        self._begin_stride(Stride(signal.start_ns + number * signal.period_ns, signal.period_ns, self._step_rev()))

    def _begin_stride(self, stride: Stride) -> None:
        self.hasty += stride.first_ns - self._set_up_ns < self.kind.setup_ns
        self._stride, self._follows = stride, self._can_follow(stride)
        self.shaft.stride(stride if self._follows else None)

    def _can_follow(self, stride: Stride) -> bool:
        """Whether the rotor makes these steps, coming from the pace it has."""
        since_ns = max(1, stride.first_ns - self._last_ns)
        if since_ns > 2 * SECOND / max(self._pace_hz, 1):
            self._pace_hz = SECOND / since_ns  # it has come to rest meanwhile
        shortest_ns = min(stride.period_ns, since_ns)
        finely = self.kind.steps_per_full_step
        fastest_hz = min(self.kind.pull_out_hz, self._pace_hz / finely + self.kind.pull_in_hz) * finely
        return self._enabled and not self.shaft.jammed and SECOND / shortest_ns <= fastest_hz

    def _step_rev(self) -> float:
        return self.kind.step_rev if self._direction else -self.kind.step_rev

    def _forward(self) -> bool:
        return duty_of(self._inputs["direction"].signal) == 1.0

    def _is_enabled(self) -> bool:
        return enabled(self._inputs)


def enabled(inputs: Mapping[str, Wire]) -> bool:
    """Whether the enable inputs, if there are any, let current through."""
    high, low = inputs.get("enable_high"), inputs.get("enable_low")
    return (high is None or duty_of(high.signal) == 1.0) and (low is None or duty_of(low.signal) == 0.0)
