"""What can go wrong with the kernel's sensors, in the words of every back end."""

import errno
import os

from pi_drivers.buses.iio.contract import KernelSensor
from pi_drivers.errors import (
    BusError,
    BusPermissionError,
    BusTimeoutError,
    DriverError,
    NoAnswerError,
    NotFoundError,
)

SILENT = frozenset({errno.EREMOTEIO, errno.ENXIO})
"""What I2C drivers say of a chip that does not acknowledge."""
NO_VALUE = frozenset({errno.ENODATA, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT, errno.ERANGE})


def gone(device: KernelSensor) -> NoAnswerError:
    """The device was there and is not any more."""
    return NoAnswerError(f"kernel sensor {device}: it is gone. Was it unplugged, or its driver unloaded?")


def failed(device: KernelSensor, attribute: str, number: int) -> DriverError:
    """What a driver's answer to reading means."""
    where = f"kernel sensor {device}: {attribute}"
    if number == errno.ENODEV:
        return gone(device)
    if number in SILENT:
        return NoAnswerError(f"{where}: the chip does not answer its driver. Is it wired and powered?")
    if number == errno.ETIMEDOUT:
        return BusTimeoutError(f"{where}: its driver waited in vain for an answer. Check its wiring and its pull-up.")
    if number in (errno.EACCES, errno.EPERM):
        return BusPermissionError(f"{where}: this user may not read it. Look for a udev rule, or join its group.")
    if number in NO_VALUE:
        return NotFoundError(f"{where}: there is no value ({os.strerror(number)})")
    return BusError(
        f"{where}: its driver could not read it ({os.strerror(number)}). If it happens often, check the wiring."
    )
