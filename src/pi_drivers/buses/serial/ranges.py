"""The values a serial port takes, checked in one place for every back end, before anything is opened or sent."""

from pi_drivers.buses.serial.contract import FASTEST_BAUD, LONGEST_READ_NS, SLOWEST_BAUD
from pi_drivers.errors import ArgumentError

LONGEST_PATH = 4095
"""Linux takes no longer ones (PATH_MAX)."""


def check_port(path: str, baud: int) -> None:
    """Raises: ArgumentError: the path cannot name a port, or the speed is none that a port can have."""
    if not path.startswith("/") or "\0" in path or len(path.encode(errors="replace")) > LONGEST_PATH:
        raise ArgumentError(
            f"{path[:60]!r} cannot be a serial port: write its whole path, for example /dev/serial0 or "
            "/dev/serial/by-id/usb-…"
        )
    if not SLOWEST_BAUD <= baud <= FASTEST_BAUD:
        raise ArgumentError(f"{path}: the baud rate must be {SLOWEST_BAUD} to {FASTEST_BAUD}, got {baud}")


def check_read(path: str, count: int, timeout_ns: int) -> None:
    """Raises: ArgumentError: nothing to read, or a wait that is none."""
    if count < 1:
        raise ArgumentError(f"{path}: a read takes 1 byte or more, got {count}")
    if not 0 <= timeout_ns <= LONGEST_READ_NS:
        raise ArgumentError(f"{path}: a read waits 0 to {LONGEST_READ_NS} ns, got {timeout_ns}")


def check_write(path: str, data: bytes) -> None:
    """Raises: ArgumentError: there is nothing to write."""
    if not data:
        raise ArgumentError(f"{path}: there is nothing to write")
