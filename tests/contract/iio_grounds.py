"""The grounds of the kernel's own sensors: the mock world, and a tree of files as the kernel shows it.

The tree is laid out as sysfs does it: the folders of classes and buses have links to the devices, whose place in the
tree says where they are, and a link from there to the driver.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from pi_drivers.buses.iio.contract import HWMON, KernelSensor, KernelSensors
from pi_drivers.buses.iio.mock import MockKernelSensors
from pi_drivers.buses.iio.real import SysfsKernelSensors
from pi_drivers.world.kernel_sensors import KernelDevice
from pi_drivers.world.world import World


class KernelSensorsGround(ABC):
    """A machine with drivers for sensors."""

    @abstractmethod
    def open(self) -> KernelSensors:
        """What is tested."""

    @abstractmethod
    def plug_in(self, name: str, place: str, driver: str, texts: Mapping[str, str], *, hwmon: bool = False) -> None:
        """Let a driver find a chip; it gets the next number."""

    @abstractmethod
    def unplug(self, name: str) -> None:
        """Take the chip of this name away."""

    def device(self, name: str) -> KernelSensor:
        """The device of this name."""
        return next(device for device in self.open().devices() if device.name == name)


class MockKernelSensorsGround(KernelSensorsGround):
    """The simulated Pi."""

    def __init__(self) -> None:
        self.world = World.by_hand()
        self.shelf = self.world.kernel_sensors

    def open(self) -> KernelSensors:
        return MockKernelSensors(self.world)

    def plug_in(self, name: str, place: str, driver: str, texts: Mapping[str, str], *, hwmon: bool = False) -> None:
        self.shelf.plug_in(KernelDevice(name, place, driver, lambda: texts, is_hwmon=hwmon))

    def unplug(self, name: str) -> None:
        self.shelf.unplug(name, self.device(name).place)


class SysfsKernelSensorsGround(KernelSensorsGround):
    """A tree of files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._next = {"iio:device": 0, HWMON: 0}
        for folder in ("bus/iio/devices", "class/hwmon", "devices"):
            (root / folder).mkdir(parents=True)

    def open(self) -> KernelSensors:
        return SysfsKernelSensors(self.root)

    def plug_in(self, name: str, place: str, driver: str, texts: Mapping[str, str], *, hwmon: bool = False) -> None:
        kind = HWMON if hwmon else "iio:device"
        number = f"{kind}{self._next[kind]}"
        self._next[kind] += 1
        self.put(number, name, f"devices/platform/soc/fe804000.i2c/i2c-1/{place}", driver, texts)

    def put(self, number: str, name: str, parent: str, driver: str, texts: Mapping[str, str]) -> Path:
        """Make a device with this number below this folder; returns its own."""
        above = self.root / parent / HWMON if number.startswith(HWMON) else self.root / parent
        folder = above / number
        (folder / "power").mkdir(parents=True)
        for attribute, text in {"name": name, **texts}.items():
            (folder / attribute).write_text(f"{text}\n", encoding="utf-8")
        if driver and not (self.root / parent / "driver").exists():
            (self.root / "bus" / "drivers" / driver).mkdir(parents=True, exist_ok=True)
            (self.root / parent / "driver").symlink_to(self.root / "bus" / "drivers" / driver)
        self.link(number).symlink_to(folder)
        return folder

    def unplug(self, name: str) -> None:
        number = self.device(name).number
        folder = self.link(number).resolve()
        for entry in folder.iterdir():
            entry.rmdir() if entry.is_dir() else entry.unlink()
        self.link(number).unlink()
        folder.rmdir()

    def link(self, number: str) -> Path:
        """The link to a device, among all of its kind."""
        return self.root / ("class/hwmon" if number.startswith(HWMON) else "bus/iio/devices") / number
