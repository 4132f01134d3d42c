"""The chips of the simulated Pi that have a driver in its kernel, and the ways they fail.

Each shows the texts that the real driver writes for the same air, light and power, in the driver's own units. A device
that comes back has another number than before, as in a real kernel.
"""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pi_drivers.buses.iio.contract import HWMON, KernelSensor
from pi_drivers.world.faults import Fuse

Texts = Mapping[str, str]
"""Attributes by name, as the driver writes them."""


class ReadFailure(Exception):  # noqa: N818 - what it is
    """A driver answers with an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass
class KernelDevice:
    """One chip with its driver."""

    name: str
    place: str
    driver: str
    texts: Callable[[], Texts]
    """What its attributes say now."""
    is_hwmon: bool = False


@dataclass
class KernelSensorFaults(Fuse):
    """What is wrong with one device. A transaction is a read of an attribute."""

    timeouts: int = 0
    """So many reads end with ETIMEDOUT, as a DHT22 that missed its start."""
    io_errors: int = 0
    """So many with EIO, as after a wrong checksum."""
    busy: int = 0
    """So many with EAGAIN."""
    no_data: int = 0
    """So many with ENODATA: there is no value."""
    silent: int = 0
    """So many with EREMOTEIO: the chip does not acknowledge."""
    garbage: int = 0
    """So many give a text that no driver writes."""

    def error_now(self) -> int:
        """The errno of this read; 0 when all is well."""
        for kind, number in _ERRORS.items():
            left = getattr(self, kind)
            if left:
                setattr(self, kind, left - 1)
                return number
        return 0


_ERRORS = {
    "timeouts": errno.ETIMEDOUT,
    "io_errors": errno.EIO,
    "busy": errno.EAGAIN,
    "no_data": errno.ENODATA,
    "silent": errno.EREMOTEIO,
}


class KernelSensorShelf:
    """All devices with a driver. Used under the world's lock."""

    def __init__(self) -> None:
        self._devices: dict[str, KernelDevice] = {}
        self._unplugged: dict[str, KernelDevice] = {}
        self._faults: dict[str, KernelSensorFaults] = {}
        self._next = {"iio:device": 0, HWMON: 0}

    def plug_in(self, device: KernelDevice) -> str:
        """Let a driver find a chip, in place of one of this name at its place; returns its number."""
        self.unplug(device.name, device.place)
        self._unplugged.pop(_key(device.name, device.place), None)
        kind = HWMON if device.is_hwmon else "iio:device"
        number = f"{kind}{self._next[kind]}"
        self._next[kind] += 1
        self._devices[number] = device
        return number

    def unplug(self, name: str, place: str) -> None:
        """Take a chip away; its driver lets go of it."""
        for number, device in list(self._devices.items()):
            if (device.name, device.place) == (name, place):
                self._unplugged[_key(name, place)] = self._devices.pop(number)

    def replug(self, name: str, place: str) -> None:
        """Put a chip back; it gets a new number."""
        device = self._unplugged.pop(_key(name, place), None)
        if device is not None:
            self.plug_in(device)

    def known(self) -> list[KernelDevice]:
        """All chips that are or were there."""
        return [*self._devices.values(), *self._unplugged.values()]

    def faults(self, name: str, place: str) -> KernelSensorFaults:
        """The faults of a device, to be set."""
        return self._faults.setdefault(_key(name, place), KernelSensorFaults())

    def listed(self) -> list[KernelSensor]:
        """The devices that are there."""
        return [
            KernelSensor(device.name, device.place, device.driver, number) for number, device in self._devices.items()
        ]

    def texts(self, number: str) -> Texts:
        """All attributes of a device. Raises: KeyError: there is none of that number."""
        device = self._devices[number]
        return {"name": device.name, **device.texts()}

    def read(self, number: str, attribute: str) -> str:
        """One attribute.

        Raises:
            KeyError: no such device or attribute.
            ReadFailure: the driver has an error for an answer.
        """
        device = self._devices[number]
        faults = self.faults(device.name, device.place)
        if faults.due():
            error = faults.error_now()
            if error:
                raise ReadFailure(error)
            if faults.garbage:
                faults.garbage -= 1
                return "\ufffd1e"
        return self.texts(number)[attribute]


def _key(name: str, place: str) -> str:
    return f"{name} {place}"
