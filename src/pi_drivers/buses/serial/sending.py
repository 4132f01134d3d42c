"""When what was written to a port must have left it.

The kernel takes a small packet at once, also for a port that has stopped sending: a USB adapter that hangs would
swallow the commands for a motor for a minute before its buffer is full. At a known speed it is known when each byte
must be out; if one still waits after that, the port is stuck, however often something was written meanwhile.
"""

from collections import deque

from pi_drivers.buses.serial.contract import WRITE_MARGIN_NS, byte_ns


class Sending:
    """The time table of the bytes that go out of one port. Used under the lock of its writers."""

    def __init__(self, baud: int) -> None:
        self._byte_ns = byte_ns(baud)
        self._is_new = True
        self._written = 0
        self._sent_ns = 0
        self._due: deque[tuple[int, int]] = deque()
        """For each write that may not be out yet: the bytes written up to its end, and when it must be out."""

    def begin(self, count: int, now_ns: int) -> int:
        """Take so many bytes into the table; returns when the kernel must have taken the last of them."""
        self._sent_ns = max(now_ns, self._sent_ns) + count * self._byte_ns
        self._written += count
        self._due.append((self._written, self._sent_ns))
        return self._sent_ns + WRITE_MARGIN_NS

    def stuck(self, waiting: int, now_ns: int) -> bool:
        """Whether bytes still wait that should be out by now."""
        if self._is_new:
            # What waits when a port has just been opened is of the one before, and has its time like any other.
            self._is_new = False
            self.begin(waiting, now_ns)
        sent = self._written - waiting
        while self._due and self._due[0][0] <= sent:
            self._due.popleft()
        return bool(self._due) and now_ns > self._due[0][1] + WRITE_MARGIN_NS

    def dropped(self, now_ns: int) -> None:
        """Nothing waits any more."""
        self._sent_ns = now_ns
        self._due.clear()
