"""Where one epoch of a receiver's sentences ends on the line and the next one begins.

Only GGA and RMC carry the time. Whether a VTG between two of them belongs to the one before or to the one after,
nothing in it says, and receivers have both orders. But they all send an epoch in one go and then pause. How long a
line is silent within an epoch, and how long after it, is learned from the line itself: it differs between 4800 baud
and USB, and between one epoch a second and ten. A process that stood still for a moment sees pauses where there were
none and none where there were; so what is seen now must also be what was seen before.
"""

from collections import deque

REMEMBERED = 5
"""So many epochs are learned from."""
LONGEST_EPOCH = 64
"""Lines. Without any time among them, no more than that are kept in mind."""
CLEARLY = 1.5
"""A pause must be so many times longer than any other gap, or it is not known which of them is the pause."""


class Pauses:
    """The gaps between the lines of one receiver. Used on the event loop."""

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._gaps: deque[int] = deque(maxlen=LONGEST_EPOCH)
        self._is_whole = False
        """Whether the gaps are those of a whole epoch."""
        self._limits: deque[int] = deque(maxlen=REMEMBERED)

    def before(self, at_ns: int) -> bool | None:
        """Take a line that began to arrive now; returns whether a pause was before it, None while that is not known."""
        last_ns, self._last_ns = self._last_ns, at_ns
        if last_ns is None:
            return None
        self._gaps.append(at_ns - last_ns)
        # The shortest of them: to take a gap for a pause leaves something out, the other mistake tells a wrong speed.
        return at_ns - last_ns >= min(self._limits) if self._limits else None

    def epoch_began(self) -> None:
        """The line that was taken last is the first one with a new time."""
        if self._is_whole:
            *_, second, longest = sorted((0, 0, *self._gaps))
            if longest > CLEARLY * second:
                self._limits.append((second + longest) // 2)
        self._is_whole = True
        self._gaps.clear()


class Habits:
    """On which side of its time a receiver sends each kind of sentence. Used on the event loop."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[str]] = {}

    def agree(self, kind: str, side: str) -> bool:
        """Take that one was seen on this side, `before` or `after`; returns whether all of the last ones were."""
        seen = self._seen.setdefault(kind, deque(maxlen=REMEMBERED))
        seen.append(side)
        return set(seen) == {side}
