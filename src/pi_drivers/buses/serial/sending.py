"""When what was written to a port must have left it.

The kernel takes a small packet at once, also for a port that has stopped sending: a USB adapter that hangs would
swallow the commands for a motor for a minute before its buffer is full. At a known speed it is known when the last byte
must be out; if something still waits after that, the port is stuck.
"""

from pi_drivers.buses.serial.contract import WRITE_MARGIN_NS, byte_ns


class Sending:
    """The time table of the bytes that go out of one port. Used under the lock of its writers."""

    def __init__(self, baud: int) -> None:
        self._byte_ns = byte_ns(baud)
        self._sent_ns = 0

    def begin(self, count: int, now_ns: int) -> int:
        """Take so many bytes into the table; returns when the kernel must have taken the last of them."""
        self._sent_ns = max(now_ns, self._sent_ns) + count * self._byte_ns
        return self._sent_ns + WRITE_MARGIN_NS

    def stuck(self, waiting: int, now_ns: int) -> bool:
        """Whether bytes still wait that should be out by now."""
        return waiting > 0 and now_ns > self._sent_ns + WRITE_MARGIN_NS

    def dropped(self, now_ns: int) -> None:
        """Nothing waits any more."""
        self._sent_ns = now_ns
