"""The kernel's sensors of this machine, through the files of /sys.

A device's folder is a link into the tree of devices, where the folders above it say on which bus it is and which driver
serves it. Its number may be another one's a moment later; so it is looked at again after each reading.
"""

import errno
import re
from pathlib import Path

from pi_drivers.buses.iio import answers
from pi_drivers.buses.iio.contract import HWMON, KernelSensor, KernelSensors
from pi_drivers.buses.iio.ranges import check_attribute
from pi_drivers.errors import NotFoundError

NUMBER = re.compile(r"iio:device\d+|hwmon\d+")
OWN_FOLDERS = re.compile(r"iio:device\d+|hwmon\d*")
"""The folders that belong to the device itself; the first one above them is its place."""
NO_PLACES = frozenset({"devices", "virtual"})


class SysfsKernelSensors(KernelSensors):
    """All devices of this machine."""

    def __init__(self, sys: Path = Path("/sys")) -> None:
        self._iio = sys / "bus" / "iio" / "devices"
        self._hwmon = sys / "class" / "hwmon"

    def devices(self) -> list[KernelSensor]:
        links = [*self._iio.glob("iio:device*"), *self._hwmon.glob("hwmon*")]
        found = [self._device(link.name) for link in links if NUMBER.fullmatch(link.name)]
        return sorted((device for device in found if device is not None), key=lambda each: _order(each.number))

    def attributes(self, device: KernelSensor) -> list[str]:
        try:
            return sorted(entry.name for entry in self._folder(device.number).iterdir() if entry.is_file())
        except OSError as error:
            raise answers.gone(device) from error

    def read(self, device: KernelSensor, attribute: str) -> str:
        check_attribute(attribute)
        failure: OSError | None = None
        text = ""
        try:
            text = (self._folder(device.number) / attribute).read_text(encoding="ascii", errors="replace")
        except OSError as error:
            failure = error
        if self._device(device.number) != device:
            raise answers.gone(device) from failure
        if isinstance(failure, FileNotFoundError):
            raise NotFoundError(f"kernel sensor {device}: it has no attribute {attribute}") from failure
        if failure is not None:
            raise answers.failed(device, attribute, failure.errno or errno.EIO) from failure
        return text.rstrip("\n")

    def _device(self, number: str) -> KernelSensor | None:
        """The device of a number; None when there is none any more."""
        folder = self._folder(number)
        try:
            name = (folder / "name").read_text(encoding="utf-8", errors="replace").strip()
            place = folder.resolve(strict=True)
        except OSError:
            return None
        while OWN_FOLDERS.fullmatch(place.name):
            place = place.parent
        driver = (place / "driver").resolve().name if (place / "driver").is_symlink() else ""
        return KernelSensor(name, "" if place.name in NO_PLACES else place.name, driver, number)

    def _folder(self, number: str) -> Path:
        return (self._hwmon if number.startswith(HWMON) else self._iio) / number


def _order(number: str) -> tuple[str, int]:
    digits = number.lstrip("abcdefghijklmnopqrstuvwxyz:")
    return number.removesuffix(digits), int(digits)
