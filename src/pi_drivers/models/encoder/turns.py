"""Counting the turns of an encoder that tells the angle within one.

Between two readings a shaft is taken to have gone the shorter way round. That is right as long as it turns less than
half a turn from one to the next. Nobody can tell when it was not; what can be told is when it may have been more.
"""

from pi_drivers.host.contract import SECOND

SPARE_SPEED = 1.0
"""Turns per second that a shaft is taken to be capable of while nobody looks, even one that stood still before."""


class TurnCounter:
    """A continuous count from angles. The count goes up with the angle."""

    def __init__(self, per_turn: int) -> None:
        """Args: per_turn: the steps of one turn."""
        self._per_turn = per_turn
        self._at_ns: int | None = None
        self._speed = 0.0
        self.count = 0
        self.uncertain = 0
        """How often the shaft may have gone further than half a turn unseen: the turns are not known since."""

    def start(self, count: int, at_ns: int | None = None) -> None:
        """Begin with a count that was true at this time, or, without one, is true from the next angle on."""
        self.count = count
        self._at_ns = at_ns

    def take(self, angle: int, at_ns: int) -> bool:
        """Take the angle of a moment, in steps; returns whether the turns are as certain as before."""
        if self._at_ns is None:
            self.count, self._at_ns = angle, at_ns
            return True
        per_turn = self._per_turn
        moved = (angle - self.count + per_turn // 2) % per_turn - per_turn // 2
        elapsed_s = max(at_ns - self._at_ns, 1) / SECOND
        certain = max(abs(self._speed), SPARE_SPEED * per_turn) * elapsed_s <= per_turn / 2
        self.uncertain += not certain
        self._speed = moved / elapsed_s
        self._at_ns = at_ns
        self.count += moved
        return certain


class Steady:
    """Keeps the least step of noise from looking like motion.

    Where an angle lies between two steps, noise makes it read now the one and now the other, and a shaft that is jammed
    seems to move. So one single step back is taken for noise; two are believed.
    """

    def __init__(self) -> None:
        self._value: int | None = None
        self._way = 1

    def take(self, value: int) -> int:
        """The next value; returns the steady one."""
        held = self._value
        if held is None or abs(value - held) > 1 or (value - held) * self._way > 0:
            self._way = 1 if held is None or value >= held else -1
            self._value = held = value
        return held
