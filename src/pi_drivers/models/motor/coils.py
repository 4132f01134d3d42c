"""Which coils of a four-phase stepper have current, step by step.

A unipolar motor such as the 28BYJ-48 has two windings with a tap in the middle: a and c are the halves of the one, b
and d those of the other, and a ULN2003 pulls each low by itself. Both halves of a winding at once would cancel out and
only make heat, so a coil is switched off before the next is switched on.
"""

from collections.abc import Iterator, Sequence

from pi_drivers.models.pins import OutputPin

A, B, C, D = (True, False, False, False), (False, True, False, False), (False, False, True, False), (
    False, False, False, True
)  # fmt: skip
Pattern = tuple[bool, ...]
Write = tuple[OutputPin, bool]
"""A pin and the level it is to get."""


def _both(first: Pattern, second: Pattern) -> Pattern:
    return tuple(one or other for one, other in zip(first, second, strict=True))


AB, BC, CD, DA = _both(A, B), _both(B, C), _both(C, D), _both(D, A)

SEQUENCES: dict[str, Sequence[Pattern]] = {
    # Two coils at a time have the most torque; in between, one alone is half a step on ("4-step" and "8-step sequence",
    # 28BYJ-48 datasheet, Kiatronics: with 8 steps 5.625°/64 each).
    "full": (AB, BC, CD, DA),
    "half": (A, AB, B, BC, C, CD, D, DA),
}


class Coils:
    """Four coils and the pattern they are in; says what is to be written. Used on one thread at a time."""

    def __init__(self, pins: Sequence[OutputPin], phases: str, place: int) -> None:
        """Args: pins: a, b, c, d. phases: `full` or `half`. place: the step in the sequence the rotor was left at."""
        self._pins = pins
        self._sequence = SEQUENCES[phases]
        self._place = place % len(self._sequence)
        self._shown: Pattern = ()

    def energise(self) -> Iterator[Write]:
        """Put current on the coils that hold the rotor where it was left."""
        yield from self._show(self._sequence[self._place])

    def step(self, forward: bool) -> Iterator[Write]:
        """Go one step on; until the last write is made, the rotor is where it was or one step on."""
        place = (self._place + (1 if forward else -1)) % len(self._sequence)
        yield from self._show(self._sequence[place])
        self._place = place

    def forget(self) -> None:
        """The coils were switched off from elsewhere."""
        self._shown = ()

    def _show(self, pattern: Pattern) -> Iterator[Write]:
        shown = self._shown or (None,) * len(pattern)
        self._shown = ()  # unknown, should a write fail
        changes = [change for change in zip(self._pins, pattern, shown, strict=True) if change[1] is not change[2]]
        for pin, high, _ in sorted(changes, key=lambda change: change[1]):
            yield pin, high
        self._shown = pattern
