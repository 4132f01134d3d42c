r"""Counting an encoder of one line: its edges say how far, and nothing says which way.

    I  ____/~~~~~~~~\________/~~~~~~~~\____      the same in both directions

The way is somebody else's knowledge: each edge gets the direction that is in force when it is taken.
"""

from collections.abc import Sequence

from pi_drivers.buses.gpio.contract import EdgeEvent


class SinglePhaseCounter:
    """The count of one line."""

    def __init__(self, *, both: bool) -> None:
        """Args: both: rising and falling edges are ticks, not the rising ones alone."""
        self._both = both
        self._level = False
        self.ticks = 0
        self.edges = 0
        """Edges taken, in either direction, legal or not."""
        self.illegal = 0
        """Edges to the level that the line had already: a glitch, or an edge in between that is missing."""
        self.last_edge_ns: int | None = None
        """When the newest counted edge happened."""

    def seed(self, level: bool) -> None:
        """Take the level the line has now; the count stays."""
        self._level = level

    def take(self, events: Sequence[EdgeEvent], direction: int) -> None:
        """Count edges, oldest first, by 1 or -1 each."""
        self.edges += len(events)
        for _, rising, timestamp_ns, _ in events:
            if rising is self._level:
                self.illegal += 1
            elif rising or self._both:
                self.ticks += direction
                self.last_edge_ns = timestamp_ns
            self._level = rising
