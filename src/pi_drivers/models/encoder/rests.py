"""How often to look at the queue of an encoder's edges.

The kernel keeps 1024 edges for us. A look costs more than all the edges it finds, so the fewer the better; but what
does not fit the queue is lost, and a shaft may speed up while nobody looks.
"""

from pi_drivers.host.contract import MILLISECOND, SECOND

FIRST_NS = 10 * MILLISECOND
"""After the first edge since the shaft stood still: nobody knows yet how fast it will go."""
SHORTEST_NS = 1 * MILLISECOND
LONGEST_NS = 150 * MILLISECOND
WANTED_EDGES = 128
"""An eighth of the queue: at eight times the present pace nothing is lost."""
MOST_EDGES = 512
"""Half of the queue, at the fastest pace that this encoder has ever had: it may come back at once."""


class Rests:
    """The rests between looks, in ns, from how many edges came in the last one."""

    def __init__(self) -> None:
        self._fastest = 1

    def after(self, rest_ns: int, edges: int) -> int:
        """The next rest, after one of `rest_ns` in which so many edges came, at least one."""
        self._fastest = max(self._fastest, edges * SECOND // rest_ns)
        longest_ns = min(4 * rest_ns, LONGEST_NS, MOST_EDGES * SECOND // self._fastest)
        return max(SHORTEST_NS, min(rest_ns * WANTED_EDGES // edges, longest_ns))
