"""The two grounds of the 1-Wire suite: the mock, and the real back end on files that read as the kernel's do.

The files of /sys/bus/w1 are made in a temporary folder, with the two lines that w1_slave_show of drivers/w1/slaves/
w1_therm.c prints: what was read, and the last good bytes.
"""

from abc import ABC, abstractmethod
from pathlib import Path

from pi_drivers.buses.onewire.contract import OneWireBus, crc8
from pi_drivers.buses.onewire.mock import MockOneWire
from pi_drivers.buses.onewire.real import SysfsOneWire
from pi_drivers.world.clock import HandClock
from pi_drivers.world.onewire import POWER_ON, Thermometer
from pi_drivers.world.world import World


class OneWireGround(ABC):
    """A 1-Wire line and what hangs on it."""

    @abstractmethod
    def open(self) -> OneWireBus:
        """Open the bus."""

    @abstractmethod
    def switch_on(self) -> None:
        """Load the overlay: the kernel drives the line."""

    @abstractmethod
    def plug_in(self, sensor_id: str, measures: bytes = POWER_ON) -> None:
        """Put a sensor on the line that measures these eight bytes."""

    @abstractmethod
    def unplug(self, sensor_id: str) -> None:
        """Take a sensor off the line; the kernel has not noticed yet."""

    @abstractmethod
    def forget(self, sensor_id: str) -> None:
        """Let the kernel notice that a sensor is gone."""

    @abstractmethod
    def corrupt(self, sensor_id: str) -> None:
        """The next read of a sensor arrives with a bit flipped."""

    @abstractmethod
    def hold_low(self) -> None:
        """Short the line to ground."""


class MockOneWireGround(OneWireGround):
    """The simulated Pi."""

    def __init__(self) -> None:
        self.world = World.by_hand()
        self.line = self.world.onewire

    @property
    def clock(self) -> HandClock:
        assert isinstance(self.world.clock, HandClock)
        return self.world.clock

    def open(self) -> OneWireBus:
        return MockOneWire(self.world)

    def switch_on(self) -> None:
        self.line.present = True

    def plug_in(self, sensor_id: str, measures: bytes = POWER_ON) -> None:
        self.line.plug_in(sensor_id, Thermometer(self.clock, measures))

    def unplug(self, sensor_id: str) -> None:
        self.line.unplug(sensor_id)

    def forget(self, sensor_id: str) -> None:
        self.clock.advance(100_000_000_000)

    def corrupt(self, sensor_id: str) -> None:
        self.line.faults(sensor_id).corrupt_reads = 1

    def hold_low(self) -> None:
        self.line.held_low = True


class SysfsOneWireGround(OneWireGround):
    """Folders and links as below /sys: the bus's folder has links to the devices."""

    def __init__(self, folder: Path) -> None:
        self.devices = folder / "bus" / "w1" / "devices"
        self._master = folder / "devices" / "w1_bus_master1"

    def open(self) -> OneWireBus:
        return SysfsOneWire(self.devices)

    def switch_on(self) -> None:
        self._master.mkdir(parents=True)
        self.devices.mkdir(parents=True)
        (self.devices / self._master.name).symlink_to(self._master)

    def plug_in(self, sensor_id: str, measures: bytes = POWER_ON) -> None:
        if not self.devices.exists():
            self.switch_on()
        (self._master / sensor_id).mkdir()
        (self.devices / sensor_id).symlink_to(self._master / sensor_id)
        self.show(sensor_id, measures + bytes([crc8(measures)]))

    def unplug(self, sensor_id: str) -> None:
        self.file(sensor_id).write_text("")

    def forget(self, sensor_id: str) -> None:
        self.file(sensor_id).unlink()
        (self.devices / sensor_id).unlink()
        (self._master / sensor_id).rmdir()

    def corrupt(self, sensor_id: str) -> None:
        good = bytes.fromhex(self.file(sensor_id).read_text().partition(":")[0])
        self.show(sensor_id, bytes([good[0] ^ 0x10]) + good[1:])

    def hold_low(self) -> None:
        for file in self._master.glob("*/w1_slave"):
            self.show(file.parent.name, bytes(9))

    def file(self, sensor_id: str) -> Path:
        """What is read to read a sensor."""
        return self.devices / sensor_id / "w1_slave"

    def show(self, sensor_id: str, read: bytes) -> None:
        """Let the kernel have read these nine bytes."""
        crc = crc8(read[:8])
        verdict = "YES" if crc == read[8] else "NO"
        kept = read if verdict == "YES" else bytes(9)
        millidegrees = int.from_bytes(read[:2], "little", signed=True) * 1000 // 16
        self.file(sensor_id).write_text(
            f"{read.hex(' ')} : crc={crc:02x} {verdict}\n{kept.hex(' ')} t={millidegrees}\n", encoding="ascii"
        )
