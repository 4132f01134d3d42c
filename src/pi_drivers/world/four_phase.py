"""Stepper motors whose four coils are switched one by one: the rotor follows the coils, or it does not.

As the others, they tell nobody. A pattern that pulls both ways, or comes too soon behind the one before, is counted as
lost; one with current through both halves of a winding, which only makes heat, as impossible.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pi_drivers.world.mechanics import SECOND
from pi_drivers.world.steppers import SteppedShaft, StepperKind, enabled
from pi_drivers.world.wires import Wire, duty_of

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock


class FourPhaseStepper:
    """A stepper whose four coils are switched one by one: the rotor is drawn to where the coils with current pull."""

    PULLS: Mapping[Sequence[bool], int] = {
        (True, False, False, False): 0, (True, True, False, False): 1, (False, True, False, False): 2,
        (False, True, True, False): 3, (False, False, True, False): 4, (False, False, True, True): 5,
        (False, False, False, True): 6, (True, False, False, True): 7,
    }  # fmt: skip
    """Half steps, eight in an electrical turn, by coils a to d."""

    def __init__(self, shaft: SteppedShaft, kind: StepperKind, inputs: Mapping[str, Wire], clock: "WorldClock") -> None:
        """Args: shaft: what it turns. kind: the motor. inputs: a, b, c, d, enable_high, enable_low."""
        self.shaft = shaft
        self.kind = kind
        self.lost = 0
        """Patterns that the rotor could not follow, or that do not say which way."""
        self.impossible = 0
        """Patterns with current through both halves of a winding."""
        self._clock = clock
        self._inputs = dict(inputs)
        self._rest: int | None = None
        """The half step the rotor has reached, 0 to 7; None until it is drawn somewhere for the first time."""
        self._newly_drawn = False
        self._drawn = 0
        """Half steps from there to where it is drawn now."""
        self._since_ns = clock.now_ns()
        self._unlisten = [wire.on_signal(self._update) for wire in inputs.values()]

    @property
    def wires(self) -> list[Wire]:
        """The wires it is on."""
        return list(self._inputs.values())

    def remove(self) -> None:
        """Take it off its wires; the shaft stays where it is."""
        for unlisten in self._unlisten:
            unlisten()

    def jam(self, jammed: bool = True) -> None:
        """Block the shaft, or let go of it: the steps meanwhile are lost."""
        self._arrive()
        self.shaft.jam(jammed)

    def _update(self) -> None:
        self._arrive()
        levels = tuple(duty_of(self._inputs[name].signal) == 1.0 for name in "abcd")
        if not any(levels) or not enabled(self._inputs):
            return
        pull = self.PULLS.get(levels)
        if pull is None:
            self.impossible += 1
        elif self._rest is None:
            self._rest, self._newly_drawn = pull, True
        elif self.shaft.jammed:
            self.lost += 1
        else:
            self._draw(pull - self._rest)

    def _draw(self, way: int) -> None:
        way = (way + 4) % 8 - 4
        if way == -4:  # straight across: neither way is the shorter one
            self.lost += 1
            return
        self._drawn = way
        self._turn(way)

    def _arrive(self) -> None:
        """The coils are about to change: the rotor has come to where it was drawn, or there was no time for it."""
        now_ns = self._clock.now_ns()
        shortest_ns = abs(self._drawn) / 2 * SECOND / self.kind.pull_out_hz
        lasted_ns, self._since_ns = now_ns - self._since_ns, now_ns
        if lasted_ns == 0 and self._newly_drawn:
            self._rest = None  # coils that come on one after the other find the rotor where the last one draws it
        self._newly_drawn = False
        if self._rest is None or self._drawn == 0:
            return
        if lasted_ns >= shortest_ns:
            self._rest = (self._rest + self._drawn) % 8
        else:
            # In no time at all the coils only passed through a pattern on the way to the next.
            self.lost += lasted_ns > 0
            self._turn(-self._drawn)
        self._drawn = 0

    def _turn(self, half_steps: int) -> None:
        half_step_rev = self.kind.step_rev * self.kind.steps_per_full_step / 2
        self.shaft.stride(None, half_steps * half_step_rev)
