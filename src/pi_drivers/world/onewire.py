"""The simulated Pi's 1-Wire line, the sensors on it, and the ways they fail.

The bus is off, as on a Pi whose config.txt has no overlay for it, until something is plugged in. The kernel's list of
sensors goes by what its searches found: a sensor that was unplugged stays on it for a while.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi_drivers.buses.onewire.contract import CONVERSION_NS, SCRATCHPAD_BYTES, crc8
from pi_drivers.world.faults import Fuse

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock

FORGOTTEN_NS = 100_000_000_000
"""Ten searches, ten seconds apart (drivers/w1/w1.c, slave_ttl and timeout)."""

POWER_ON = bytes.fromhex("50 05 4b 46 7f ff 0c 10")
"""What a DS18B20 wakes up with, before its checksum: +85 °C (DS18B20 datasheet, figure 9)."""


class OneWireDevice(ABC):
    """One sensor's side of the line. Called under the world's lock."""

    @abstractmethod
    def power_up(self) -> None:
        """It had no power and has it again: what it measured is forgotten."""

    @abstractmethod
    def convert(self) -> None:
        """Begin a conversion."""

    @abstractmethod
    def scratchpad(self) -> bytes:
        """What it answers now: eight bytes and their checksum."""


class Thermometer(OneWireDevice):
    """A sensor that measures the bytes it is told to measure."""

    def __init__(self, clock: "WorldClock", measures: bytes = POWER_ON) -> None:
        self.measures = measures
        """The eight bytes of the next conversion."""
        self.conversion_ns = CONVERSION_NS
        self._clock = clock
        self._known = POWER_ON
        self._coming: tuple[int, bytes] | None = None

    def power_up(self) -> None:
        self._known = POWER_ON
        self._coming = None

    def convert(self) -> None:
        self._coming = (self._clock.now_ns() + self.conversion_ns, self.measures)

    def scratchpad(self) -> bytes:
        if self._coming is not None and self._coming[0] <= self._clock.now_ns():
            self._known = self._coming[1]
            self._coming = None
        return self._known + bytes([crc8(self._known)])


@dataclass
class OneWireFaults(Fuse):
    """What is wrong with one sensor. Its transactions are commands to convert, and reads of its scratchpad."""

    corrupt_reads: int = 0
    """So many reads arrive with one bit flipped."""
    resets: int = 0
    """So many conversions end with the sensor losing its power for a moment."""


class OneWireLine:
    """The data line and what hangs on it. Used under the world's lock."""

    def __init__(self, clock: "WorldClock") -> None:
        self.present = False
        """Whether the kernel drives the line at all: `dtoverlay=w1-gpio`."""
        self.held_low = False
        """Whether a short circuit holds the line."""
        self._clock = clock
        self._devices: dict[str, OneWireDevice] = {}
        self._faults: dict[str, OneWireFaults] = {}
        self._unplugged: dict[str, int] = {}

    def plug_in(self, sensor_id: str, device: OneWireDevice) -> None:
        """Put a sensor on the line, in place of what had its number; it counts as there since boot."""
        self.present = True
        self._devices[sensor_id] = device
        self._unplugged.pop(sensor_id, None)

    def plug_in_if_free(self, sensor_id: str, device: OneWireDevice) -> None:
        """Put a sensor on the line unless one, of whatever kind, belongs there already."""
        if sensor_id not in self._devices:
            self.plug_in(sensor_id, device)

    def device(self, sensor_id: str) -> OneWireDevice | None:
        """The sensor of a number, however faulty."""
        return self._devices.get(sensor_id)

    def faults(self, sensor_id: str) -> OneWireFaults:
        """The faults of a sensor, to be set."""
        return self._faults.setdefault(sensor_id, OneWireFaults())

    def unplug(self, sensor_id: str) -> None:
        """Take a sensor off the line."""
        self._unplugged.setdefault(sensor_id, self._clock.now_ns())

    def replug(self, sensor_id: str) -> None:
        """Put a sensor back; it wakes up."""
        if self._unplugged.pop(sensor_id, None) is not None and sensor_id in self._devices:
            self._devices[sensor_id].power_up()

    @property
    def known(self) -> list[str]:
        """All sensors that are or were on the line."""
        return sorted(self._devices)

    def listed(self) -> list[str]:
        """The sensors that the kernel believes to be there."""
        now_ns = self._clock.now_ns()
        return sorted(name for name in self._devices if now_ns - self._unplugged.get(name, now_ns) < FORGOTTEN_NS)

    def convert(self, sensor_id: str) -> None:
        """Tell a sensor to begin."""
        self.faults(sensor_id).due()
        device = self._reachable(sensor_id)
        if device is not None:
            device.convert()

    def scratchpad(self, sensor_id: str) -> bytes:
        """What arrives when a sensor is asked for its scratchpad: nine bytes, right or wrong."""
        faults = self.faults(sensor_id)
        due = faults.due()
        if self.held_low:
            return bytes(SCRATCHPAD_BYTES)
        device = self._reachable(sensor_id)
        if device is None:
            return b"\xff" * SCRATCHPAD_BYTES  # the pull-up resistor alone
        if faults.resets and due:
            faults.resets -= 1
            device.power_up()
        data = device.scratchpad()
        if faults.corrupt_reads and due:
            faults.corrupt_reads -= 1
            data = bytes([data[0] ^ 0x10]) + data[1:]
        return data

    def _reachable(self, sensor_id: str) -> OneWireDevice | None:
        return None if self.held_low or sensor_id in self._unplugged else self._devices.get(sensor_id)
