"""Chips on the simulated buses, and the ways they fail.

A device answers transactions as the chip's datasheet says, including the unfriendly parts: it does not acknowledge
while it converts, and hands out junk when it is read too early. Faults are laid over any device from outside.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from pi_drivers.world.faults import PlaceFaults


class Nack(Exception):  # noqa: N818 - the bus's own word
    """The device does not acknowledge."""


class BusHang(Exception):  # noqa: N818 - what it is
    """The device holds a line low and nothing moves any more."""


class I2cDevice(ABC):
    """One chip's side of an I2C bus. Called under the world's lock."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Take a write transaction. An empty one only asks for the address to be acknowledged.

        Raises:
            Nack: the chip does not acknowledge it now.
        """

    @abstractmethod
    def read(self, count: int) -> bytes:
        """Answer a read transaction with exactly `count` bytes.

        Raises:
            Nack: the chip does not acknowledge it now.
        """

    def lose_power(self) -> None:  # noqa: B027 - most chips keep nothing that a driver would miss
        """Its plug was pulled: it forgets what it was told, and drives nothing any more."""


class RegisterFile(I2cDevice):
    """A chip with 8-bit registers and an address pointer that moves on by itself."""

    def __init__(self, registers: dict[int, int] | None = None) -> None:
        self.registers = bytearray(256)
        for register, value in (registers or {}).items():
            self.registers[register] = value
        self._pointer = 0

    def write(self, data: bytes) -> None:
        if data:
            self._pointer = data[0]
            for value in data[1:]:
                self.registers[self._pointer] = value
                self._pointer = (self._pointer + 1) % 256

    def read(self, count: int) -> bytes:
        answer = bytes(self.registers[(self._pointer + i) % 256] for i in range(count))
        self._pointer = (self._pointer + count) % 256
        return answer


@dataclass
class I2cFaults(PlaceFaults):
    """What is wrong with one place on a bus. Unplugged, every transaction is a NACK."""

    nacks: int = 0
    """So many transactions are not acknowledged, then all is well."""
    hangs: int = 0
    """So many transactions hang the bus until the controller gives up."""
    _due: bool = True

    def before(self) -> None:
        """Let a transaction fail if a fault says so.

        Raises:
            Nack, BusHang: it does.
        """
        self._due = self.due()
        if self.unplugged:
            raise Nack
        if not self._due:
            return
        if self.hangs:
            self.hangs -= 1
            raise BusHang
        if self.nacks:
            self.nacks -= 1
            raise Nack

    def after_read(self, data: bytes) -> bytes:
        """Spoil what was read if a fault says so."""
        return self.spoiled(data) if self._due else data


class I2cSegment:
    """The wires of one simulated I2C bus."""

    def __init__(self) -> None:
        self._devices: dict[int, I2cDevice] = {}
        self._faults: dict[int, I2cFaults] = {}

    def plug_in(self, address: int, device: I2cDevice) -> None:
        """Put a chip on the bus, in place of what was at its address."""
        self._devices[address] = device

    def plug_in_if_free(self, address: int, device: I2cDevice) -> None:
        """Put a chip on the bus unless one, of whatever kind, is at its address already."""
        self._devices.setdefault(address, device)

    def device(self, address: int) -> I2cDevice | None:
        """The chip at an address, however faulty."""
        return self._devices.get(address)

    @property
    def addresses(self) -> list[int]:
        """Where chips are, however faulty."""
        return sorted(self._devices)

    def faults(self, address: int) -> I2cFaults:
        """The faults at an address, to be set; they stay with the place, not with the chip."""
        return self._faults.setdefault(address, I2cFaults(pulled=lambda: self._lose_power(address)))

    def write(self, address: int, data: bytes) -> None:
        """One write transaction.

        Raises:
            Nack, BusHang: as the device and its faults have it.
        """
        self.faults(address).before()
        self._require(address).write(data)

    def read(self, address: int, count: int) -> bytes:
        """One read transaction. Raises as `write` does."""
        faults = self.faults(address)
        faults.before()
        # A chip that has no more to say lets go of the data line, and the pull-up resistor makes ones of it.
        return faults.after_read(self._require(address).read(count)[:count].ljust(count, b"\xff"))

    def _lose_power(self, address: int) -> None:
        if address in self._devices:
            self._devices[address].lose_power()

    def _require(self, address: int) -> I2cDevice:
        device = self._devices.get(address)
        if device is None:
            raise Nack
        return device
