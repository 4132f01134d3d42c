"""A switch that a shaft presses in part of its turn: the home switch of a stepper, a limit switch of an axis."""

import math
from typing import TYPE_CHECKING

from pi_drivers.world.mechanics import ANGLE_RESOLUTION_REV, SECOND, Shaft
from pi_drivers.world.wires import Wire

if TYPE_CHECKING:
    from pi_drivers.world.clock import Timer, WorldClock


BEYOND_REV = 1e-6
"""By how much a shaft that turns back is past an edge, when it has passed it: finer than any step."""


class TurnSwitch:
    """Active while the shaft is between two angles of each turn, from the one, inclusive, up to the other.

    Its edges are events of the world at their exact times.
    """

    def __init__(
        self, shaft: Shaft, wire: Wire, window_rev: tuple[float, float], clock: "WorldClock", *, active_low: bool
    ) -> None:
        """Args: shaft: what presses it. wire: what it drives. window_rev: where, in one turn, 0 to 1, ascending."""
        self.shaft = shaft
        self.wire = wire
        self.active_low = active_low
        self._window_rev = window_rev
        self._clock = clock
        self._next: Timer | None = None
        self._forget_shaft = shaft.on_change(self._plan)
        self._plan()

    @property
    def active(self) -> bool:
        """Whether the shaft presses it."""
        begin, end = self._window_rev
        return (self.shaft.angle_rev() - begin + ANGLE_RESOLUTION_REV) % 1.0 < end - begin

    def remove(self) -> None:
        """Take it off its wire and its shaft."""
        self.unplug()
        self._forget_shaft()
        if self._next is not None:
            self._next.cancel()

    def unplug(self) -> None:
        """Pull its cable: the wire is left to the pull resistors."""
        self.wire.drive_from_outside(None, self._name)

    @property
    def _name(self) -> str:
        return f"the switch on shaft {self.shaft.name}"

    def _plan(self) -> None:
        self.wire.drive_from_outside(self.active is not self.active_low, self._name)
        if self._next is not None:
            self._next.cancel()
            self._next = None
        # Where it goes on to the next edge, it is asked again there.
        due = [moment for moment in map(self._due_s, (1, -1)) if moment is not None]
        if due:
            when_ns = self.shaft.since_ns + math.ceil(min(due) * SECOND - 0.5)
            self._next = self._clock.at(max(when_ns, self._clock.now_ns() + 1), self._plan)

    def _due_s(self, direction: int) -> float | None:
        if not self.shaft.heads(direction):
            return None
        angle = self.shaft.angle_rev()
        beyond = 0.0 if direction > 0 else BEYOND_REV
        ahead = min(self._distance(edge - beyond, angle, direction) for edge in self._window_rev)
        return self.shaft.seconds_until(angle + direction * ahead)

    @staticmethod
    def _distance(edge: float, angle: float, direction: int) -> float:
        """Revolutions from an angle to an edge ahead; one that is just being passed lies a turn ahead."""
        distance = ((edge - angle) * direction) % 1.0
        return distance if distance > ANGLE_RESOLUTION_REV else 1.0
