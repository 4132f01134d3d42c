"""Opening a serial port of this machine, and letting it go.

Opening raises the port's DTR line, which resets an Arduino on the other end. The kernel would lower the line again at
each close; it is told not to, so that a driver can be built anew without resetting what it talks to.
"""

import errno
import fcntl
import os
import stat
import struct
import termios
import threading
from pathlib import Path

from pi_drivers.buses.serial import answers
from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    BusPermissionError,
    DriverError,
    MissingLibraryError,
)

BY_ID = Path("/dev/serial/by-id")
"""Where udev names USB adapters by maker and serial number; these names stay when ttyUSB0 becomes ttyUSB1."""

TCGETS2 = 0x802C542A
TCSETS2 = 0x402C542B
TERMIOS2 = struct.Struct("=4I20s2I")
"""The settings with speeds as numbers (include/uapi/asm-generic/termbits.h): flags for input, output, control and
local, the characters of the line discipline, the speeds of input and output."""

CHARACTER_DEVICES = Path("/sys/dev/char")
"""Every device by its numbers, with a link to its class."""
PSEUDO_TERMINALS = range(136, 144)
TERMINAL_CONTROL = 5
"""Major numbers (Linux, Documentation/admin-guide/devices.txt): /dev/pts/*, which have no class; and /dev/tty,
/dev/ptmx and the console, which stand for others."""

TOLERANCE = 0.03
"""How far two ends of a line may be apart: the middle of the last of ten bits must still be in that bit."""


def open_port(path: str, baud: int, by_id: Path) -> int:
    """Open a port for this process alone, raw, with nothing received yet; returns its descriptor."""
    try:
        import serial
    except ImportError as error:
        raise MissingLibraryError("serial ports need the Python library pyserial: pip install pyserial") from error
    try:
        _check_device(path)
        with serial.Serial(path, baud, exclusive=True) as port:
            _keep_dtr(port.fileno())
            _check_speed(path, baud, actual_baud(port.fileno()))
            # The lock belongs to what both descriptors stand for, so it outlives pyserial's.
            return os.dup(port.fileno())
    except DriverError:
        raise
    except ValueError as error:  # of pyserial, about the speed
        raise _wrong_speed(path, baud, "none near it") from error
    except (OSError, termios.error) as error:
        raise _open_error(path, error, by_id) from error


def let_go(port: int) -> None:
    """Close a descriptor of `open_port`. What was written and is not yet sent goes on being sent."""
    fcntl.flock(port, fcntl.LOCK_UN)
    if _unsent_if_there(port):
        # Until it is sent the kernel holds up who closes, for half a minute if the port is stuck.
        threading.Thread(target=os.close, args=(port,), name="closing a serial port", daemon=True).start()
    else:
        os.close(port)


def unsent(port: int) -> int:
    """How many bytes the kernel has not sent yet."""
    (count,) = struct.unpack("i", fcntl.ioctl(port, termios.TIOCOUTQ, bytes(4)))
    return int(count)


def actual_baud(port: int) -> int:
    """The speed that the kernel made of the one it was asked for."""
    *_, speed = TERMIOS2.unpack(fcntl.ioctl(port, TCGETS2, bytes(TERMIOS2.size)))
    return int(speed)


def _unsent_if_there(port: int) -> int:
    try:
        return unsent(port)
    except OSError:
        return 0


def _check_device(path: str) -> None:
    # Other files would open as well, and some devices act on it: a watchdog begins to count.
    status = Path(path).stat()
    if not stat.S_ISCHR(status.st_mode) or not _is_tty(status.st_rdev):
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def _is_tty(device: int) -> bool:
    """Whether a character device is a terminal line, asked without opening it."""
    if os.major(device) in PSEUDO_TERMINALS or not CHARACTER_DEVICES.is_dir():
        return True
    link = CHARACTER_DEVICES / f"{os.major(device)}:{os.minor(device)}"
    return os.major(device) != TERMINAL_CONTROL and link.resolve().parent.name == "tty"


def _keep_dtr(port: int) -> None:
    in_flags, out_flags, control, *others = TERMIOS2.unpack(fcntl.ioctl(port, TCGETS2, bytes(TERMIOS2.size)))
    fcntl.ioctl(port, TCSETS2, TERMIOS2.pack(in_flags, out_flags, control & ~termios.HUPCL, *others))


def _check_speed(path: str, baud: int, actual: int) -> None:
    if abs(actual - baud) > TOLERANCE * baud:
        raise _wrong_speed(path, baud, str(actual))


def _wrong_speed(path: str, baud: int, instead: str) -> ArgumentError:
    return ArgumentError(f"{path}: this serial port cannot do {baud} baud; what it can do instead is {instead}")


def _open_error(path: str, error: Exception, by_id: Path) -> DriverError:
    """What the kernel's answer to opening means."""
    number = _errno_of(error)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR, errno.ENAMETOOLONG):
        return answers.absent(path, _ports(by_id))
    if number in (errno.EACCES, errno.EPERM):
        return BusPermissionError(
            f"{path}: this user may not use this serial port. Run sudo usermod -aG dialout $USER and log in again; for "
            "the UART on the header also switch its login console off: sudo raspi-config nonint do_serial_cons 1, and "
            "reboot."
        )
    if number in (errno.EBUSY, errno.EWOULDBLOCK):
        return answers.in_use(path)
    if number in (errno.ENOTTY, errno.EISDIR, errno.EINVAL):
        return BusAbsentError(f"{path} is not a serial port. {answers.what_there_is(_ports(by_id))}")
    if number == errno.EIO:
        return BusAbsentError(f"{path}: there is no hardware behind this serial port. Choose another one.")
    return BusError(f"{path}: the serial port cannot be opened: {error}")


def _errno_of(error: BaseException | None) -> int | None:
    # pyserial puts an error of termios into words; the number is in the error behind it.
    while error is not None:
        if error.args and isinstance(error.args[0], int):
            return error.args[0]
        error = error.__context__
    return None


def _ports(by_id: Path) -> list[str]:
    return sorted(str(port) for port in by_id.iterdir()) if by_id.is_dir() else []
