"""The encoder disc on a shaft: it turns motion into edges on one wire or two, each at its exact time."""

import math
from typing import TYPE_CHECKING

from pi_drivers.world.mechanics import ANGLE_RESOLUTION_REV, SECOND, Shaft
from pi_drivers.world.wires import Wire

if TYPE_CHECKING:
    from pi_drivers.world.clock import Timer, WorldClock


class Disc:
    """A quadrature encoder disc: two wires a quarter cycle apart, B ahead of A when the shaft turns forward.

    A disc with slots and a single light barrier is one without B.

    Its edges are events of the world, each at its exact time, so a level read between two of them is right as well.
    """

    # Levels (a, b) of the four quarters of a cycle, in the order of forward rotation.
    QUARTERS = ((False, False), (False, True), (True, True), (True, False))

    def __init__(self, shaft: Shaft, a: Wire, b: Wire | None, cycles_per_rev: float, clock: "WorldClock") -> None:
        self.shaft = shaft
        self.cycles_per_rev = cycles_per_rev
        self.ticks_per_cycle = 2
        """How many ticks whoever reads the disc makes of a cycle."""
        self._clock = clock
        self._wires = (a,) if b is None else (a, b)
        self._name = f"the encoder disc on shaft {shaft.name}"
        self._quarter = 0
        self._origin_rev = shaft.angle_rev()
        self._next: Timer | None = None
        self._plugged = True
        self._forget_shaft = shaft.on_change(self._plan)
        self._show()

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires it is on."""
        return self._wires

    def remove(self) -> None:
        """Take the disc off its wires and its shaft."""
        self.unplug()
        self._forget_shaft()
        if self._next is not None:
            self._next.cancel()

    def set_resolution(self, cycles_per_rev: float) -> None:
        """Use a disc with another number of cycles from here on."""
        self._origin_rev = self.shaft.angle_rev()
        self._quarter = self._quarter % 4
        self._origin_rev -= self._quarter / (4 * cycles_per_rev)
        self.cycles_per_rev = cycles_per_rev
        self._plan()

    def follow_ticks(self, ticks_per_rev: float) -> None:
        """Use a disc that gives a driver so many ticks in a turn, where it counts as many in a cycle as now."""
        self.set_resolution(ticks_per_rev / self.ticks_per_cycle)

    def move_to(self, shaft: Shaft) -> None:
        """Sit on another shaft from here on, as it is turned now."""
        self._forget_shaft()
        self.shaft = shaft
        self._forget_shaft = shaft.on_change(self._plan)
        self.set_resolution(self.cycles_per_rev)

    def unplug(self) -> None:
        """Pull the encoder's cable: its wires are left to the pull resistors."""
        self._plugged = False
        for wire in self._wires:
            wire.drive_from_outside(None, self._name)

    def plug(self) -> None:
        """Put the cable back."""
        self._plugged = True
        self._show()

    def _show(self) -> None:
        if self._plugged:
            for wire, level in zip(self._wires, self.QUARTERS[self._quarter % 4], strict=False):
                wire.drive_from_outside(level, self._name)

    def _edge_angle(self, step: int) -> float:
        boundary = self._quarter + (1 if step > 0 else 0)
        return self._origin_rev + boundary / (4 * self.cycles_per_rev)

    def _plan(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        plans = [(self._due_s(step), step) for step in (1, -1)]
        due = min(((seconds, step) for seconds, step in plans if seconds is not None), default=None)
        if due is not None:
            seconds, step = due
            when_ns = self.shaft.since_ns + math.ceil(seconds * SECOND)
            self._next = self._clock.at(when_ns, lambda: self._cross(step))

    def _due_s(self, step: int) -> float | None:
        angle = self._edge_angle(step)
        beyond = (self.shaft.angle_rev() - angle) * step
        if beyond > 2 * ANGLE_RESOLUTION_REV:
            return 0.0  # the shaft was turned at once
        return self.shaft.seconds_until(angle) if self.shaft.heads(step) else None

    def _cross(self, step: int) -> None:
        self._quarter += step
        self._show()
        self._plan()
