"""What can go wrong with a serial port, in the words of every back end."""

from collections.abc import Sequence

from pi_drivers.errors import BusAbsentError, BusTimeoutError, ClaimedError, ClosedError


def absent(path: str, others: Sequence[str]) -> BusAbsentError:
    """There is no such port; `others` are those there are."""
    return BusAbsentError(
        f"{path}: there is no such serial port. {what_there_is(others)} The UART on the header's pins 8 and 10 is "
        "/dev/serial0, once it is switched on (sudo raspi-config nonint do_serial_hw 0, then reboot)."
    )


def what_there_is(ports: Sequence[str]) -> str:
    """The ports of a machine, in a sentence."""
    return f"There are: {', '.join(ports)}." if ports else "No USB serial adapter is plugged in."


def in_use(path: str) -> ClaimedError:
    """Somebody else has the port open."""
    return ClaimedError(
        f"{path}: another program uses this serial port. Stop it; if it is the login console, run sudo raspi-config "
        "nonint do_serial_cons 1 and reboot."
    )


def second_reader(path: str) -> ClaimedError:
    """A read began while another one waits."""
    return ClaimedError(f"{path}: somebody else reads from this serial port now; it can have one reader at a time")


def unplugged(path: str) -> BusAbsentError:
    """The port went away while it was open."""
    return BusAbsentError(
        f"{path}: the serial port was unplugged. Check its cable and its power; it is opened again once it is back."
    )


def stalled(path: str) -> BusTimeoutError:
    """What was written does not leave the port."""
    return BusTimeoutError(
        f"{path}: the serial port does not send what is written to it; the rest was dropped. If it is a USB adapter, "
        "plug it out and in again."
    )


def closed(path: str) -> ClosedError:
    """The port was closed."""
    return ClosedError(f"{path}: the serial port was closed")
