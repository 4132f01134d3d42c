"""The Pi's own I2C buses, through Linux's /dev/i2c-N and smbus2.

Whole messages go out as plain I2C transfers, register accesses as SMBus block calls: on the wire they look
the same, and the SMBus ones also work on controllers, and on the kernel's simulated chips, that know nothing
else. What the kernel answers is turned into our errors in one place, with bus, address and a remedy in the
message.
"""

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.i2c.ranges import check_address, check_block, check_count, check_register
from pi_drivers.errors import (
    BusAbsentError,
    BusError,
    BusPermissionError,
    BusTimeoutError,
    ClaimedError,
    ClosedError,
    DriverError,
    MissingLibraryError,
    NoAnswerError,
)
from pi_drivers.runtime.keeper import BytesToChip, Keep, keep_nothing

if TYPE_CHECKING:
    from smbus2 import SMBus

T = TypeVar("T")

SYSFS_DEVICES = Path("/sys/bus/i2c/devices")

# The errno of a missing acknowledgement is up to the controller: i2c-bcm2835 and i2c-designware (Pi 5) say
# EREMOTEIO, bit-banged buses ENXIO, some others EIO, the kernel's simulated bus ENODEV.
NO_ANSWER = frozenset({errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ENODEV})

QUICK_WRITE_HARMS = frozenset({*range(0x30, 0x38), *range(0x50, 0x60)})
"""Where EEPROMs sit: a write without data can corrupt some, so they are asked by reading a byte."""


class SmbusI2c(I2cBus):
    """One I2C bus of this machine. Blocking; may be called from any thread."""

    def __init__(self, number: int, *, keep: Keep = keep_nothing) -> None:
        """Open the bus; `keep` sees to it that chips are made safe when this process dies.

        Raises:
            BusAbsentError, BusPermissionError, MissingLibraryError: each says what to do.
        """
        self._number = number
        self._keep = keep
        # An SMBus transfer goes to the address that was set last: nobody may come between the two.
        self._lock = threading.Lock()
        self._bus: SMBus | None = _open(number)

    @property
    def number(self) -> int:
        return self._number

    def write(self, address: int, data: bytes) -> None:
        from smbus2 import i2c_msg

        check_address(self._number, address)
        check_count(self._number, address, len(data))
        self._transfer(address, lambda bus: bus.i2c_rdwr(i2c_msg.write(address, data)))

    def read(self, address: int, count: int) -> bytes:
        from smbus2 import i2c_msg

        check_address(self._number, address)
        check_count(self._number, address, count)
        message = i2c_msg.read(address, count)
        self._transfer(address, lambda bus: bus.i2c_rdwr(message))
        return bytes(message)

    def write_register(self, address: int, register: int, data: bytes) -> None:
        self._check_register(address, register, len(data))
        self._transfer(address, lambda bus: bus.write_i2c_block_data(address, register, list(data)))

    def read_register(self, address: int, register: int, count: int) -> bytes:
        self._check_register(address, register, count)
        data = self._transfer(address, lambda bus: bus.read_i2c_block_data(address, register, count))
        return bytes(data)

    def probe(self, address: int) -> bool:
        """As the contract says; a chip that a kernel driver holds counts as there, and is not disturbed."""
        check_address(self._number, address)
        try:
            self._transfer(address, lambda bus: _ask(bus, address))
        except NoAnswerError:
            return False
        except ClaimedError:
            return True
        return True

    def keep_write(self, address: int, data: bytes) -> Callable[[], None]:
        check_address(self._number, address)
        check_count(self._number, address, len(data))
        return self._keep(BytesToChip(self._number, address, data))

    def close(self) -> None:
        with self._lock:
            if self._bus is not None:
                self._bus.close()
                self._bus = None

    def _check_register(self, address: int, register: int, count: int) -> None:
        check_address(self._number, address)
        check_register(self._number, address, register)
        check_block(self._number, address, count)

    def _transfer(self, address: int, transfer: Callable[["SMBus"], T]) -> T:
        with self._lock:
            if self._bus is None:
                raise ClosedError(f"i2c-{self._number}: the bus was closed")
            self._check_no_kernel_driver(address)
            try:
                return transfer(self._bus)
            except OSError as error:
                raise _transfer_error(self._number, address, error) from error

    def _check_no_kernel_driver(self, address: int) -> None:
        # The kernel refuses SMBus calls to an address that one of its drivers holds, but lets plain transfers
        # through, which would upset that driver. Such a driver may come at any time.
        driver = SYSFS_DEVICES / f"{self._number}-{address:04x}" / "driver"
        if driver.exists():
            raise _held_by_kernel(self._number, address, driver.resolve().name)


def _open(number: int) -> "SMBus":
    try:
        from smbus2 import SMBus
    except ImportError as error:
        raise MissingLibraryError("I2C needs the Python library smbus2: pip install smbus2") from error
    bus = SMBus()
    try:
        bus.open(number)
    except OSError as error:
        bus.close()
        raise _open_error(number, error) from error
    return bus


def _ask(bus: "SMBus", address: int) -> None:
    from smbus2 import I2cFunc

    if address in QUICK_WRITE_HARMS or not bus.funcs & I2cFunc.SMBUS_QUICK:
        bus.read_byte(address)
    else:
        bus.write_quick(address)


def _open_error(number: int, error: OSError) -> DriverError:
    where = f"i2c-{number}: /dev/i2c-{number}"
    if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return BusAbsentError(
            f"{where} does not exist. Switch the bus on (i2c-1: sudo raspi-config nonint do_i2c 0; others: a "
            "dtoverlay in config.txt and a reboot), or choose another bus."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return BusPermissionError(
            f"{where}: this user may not use it. Run sudo usermod -aG i2c $USER and log in again."
        )
    if error.errno == errno.ENOTTY:
        return BusAbsentError(f"{where} is not an I2C bus")
    return BusError(f"{where} cannot be opened: {error.strerror}")


def _held_by_kernel(number: int, address: int, driver: str) -> ClaimedError:
    return ClaimedError(
        f"i2c-{number} 0x{address:02x}: {driver} of the Linux kernel holds this address. Remove its "
        "dtoverlay from config.txt and reboot, or use the chip through the kernel."
    )


def _transfer_error(number: int, address: int, error: OSError) -> DriverError:
    """What the kernel's answer to a transfer means."""
    where = f"i2c-{number} 0x{address:02x}"
    if error.errno in NO_ANSWER:
        return NoAnswerError(f"{where}: no answer (NACK). Is the chip wired and powered, and is this its address?")
    if error.errno == errno.ETIMEDOUT:
        return BusTimeoutError(
            f"{where}: the bus hangs: a line is held low, or the chip stretches the clock without end. "
            "Check the wiring and the pull-up resistors, then power the chips off and on."
        )
    if error.errno == errno.EBUSY:
        return _held_by_kernel(number, address, "a driver")
    if error.errno == errno.EAGAIN:
        return BusError(f"{where}: lost the bus to somebody else. Is there a second controller, or noise on the wires?")
    if error.errno == errno.EOPNOTSUPP:
        return BusError(f"{where}: the controller of this bus cannot do such a transfer (it may be for SMBus only)")
    return BusError(f"{where}: the transfer failed: {error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})")
