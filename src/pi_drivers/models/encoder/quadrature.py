r"""Counting a quadrature encoder: two lines a quarter cycle apart, four edges a cycle, their order is the direction.

The count goes up when B leads A, as in viam-server's built-in `incremental` encoder:

    A  ____/~~~~~~~~\________/~~~~~~~~\____
    B  /~~~~~~~~\________/~~~~~~~~\________      forward: +1 at every edge

Of any edge, only which line it is on and whether it rises is used, so a level is never guessed: an edge to a level
the line has already means that the one in between is missing. It is counted as illegal, and the position stays where it
is known to be.
"""

from collections.abc import Sequence

from pi_drivers.buses.gpio.contract import EdgeEvent

EDGES_PER_CYCLE = 4


class QuadratureCounter:
    """The count of one encoder, in quarter cycles."""

    def __init__(self, line_a: int) -> None:
        """Args: line_a: what `EdgeEvent.offset` says for A; every other line is B."""
        self._line_a = line_a
        self._a = False
        self._b = False
        self.quarters = 0
        self.edges = 0
        """Edges taken, in either direction, legal or not."""
        self.illegal = 0
        """Edges that cannot follow what was before them: a glitch, or a lost edge."""
        self.last_edge_ns: int | None = None
        """When the newest counted edge happened."""

    def seed(self, a: bool, b: bool) -> None:
        """Take the levels the lines have now; the count stays."""
        self._a = a
        self._b = b

    def take(self, events: Sequence[EdgeEvent]) -> None:
        """Count edges, oldest first. The loop is the hot path: at speed it runs some thousand times a second."""
        a, b, quarters, illegal = self._a, self._b, self.quarters, self.illegal
        line_a = self._line_a
        self.edges += len(events)
        timestamp_ns = self.last_edge_ns
        for line, rising, timestamp_ns, _ in events:  # noqa: B007 - the last timestamp is used below
            if line == line_a:
                if rising is a:
                    illegal += 1
                    continue
                # A changes: forward when it becomes what B is already.
                quarters += 1 if rising is b else -1
                a = rising
            else:
                if rising is b:
                    illegal += 1
                    continue
                # B changes: forward when it leaves what A still is.
                quarters += 1 if rising is not a else -1
                b = rising
        self._a, self._b, self.quarters, self.illegal = a, b, quarters, illegal
        self.last_edge_ns = timestamp_ns

    def levels(self) -> tuple[bool, bool]:
        """The levels of A and B after the edges taken so far."""
        return (self._a, self._b)
