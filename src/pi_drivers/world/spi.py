"""Chips on the simulated SPI buses, and the ways they fail.

SPI has no acknowledgement. A chip that is gone leaves its data line to whatever pulls at it, and what a chip that lost
bits sends looks like data.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from pi_drivers.world.faults import Fuse, flipped


class SpiDevice(ABC):
    """One chip's side of an SPI bus. Called under the world's lock."""

    @abstractmethod
    def transfer(self, data: bytes) -> bytes:
        """Take what is clocked in while the chip is selected, and give as many bytes back."""

    def lose_power(self) -> None:  # noqa: B027 - most chips keep nothing that a driver would miss
        """Its plug was pulled: it forgets what it was told."""


@dataclass
class SpiFaults(Fuse):
    """What is wrong with one place on a bus."""

    pulled: Callable[[], None] = lambda: None
    """Called when the plug is pulled."""
    corrupt_reads: int = 0
    """So many transfers come back with one bit flipped, each with another one."""
    corrupt_byte: int = -1
    """Which byte of a transfer it is in."""
    stuck: int = 0
    """So many transfers come back as if the chip had not heard that it was selected."""
    _unplugged: bool = False

    @property
    def unplugged(self) -> bool:
        """Nobody there: the line from the chip rests where it is pulled."""
        return self._unplugged

    @unplugged.setter
    def unplugged(self, unplugged: bool) -> None:
        self._unplugged = unplugged
        if unplugged:
            self.pulled()


class SpiSegment:
    """The wires of one simulated SPI bus."""

    def __init__(self) -> None:
        self.rests_high = False
        """Where the line from the chips rests: a Pi pulls it down unless config.txt has `gpio=9=pu`."""
        self._devices: dict[int, SpiDevice] = {}
        self._faults: dict[int, SpiFaults] = {}

    def plug_in(self, chip_select: int, device: SpiDevice) -> None:
        """Put a chip on a chip select, in place of what was there."""
        self._devices[chip_select] = device

    def plug_in_if_free(self, chip_select: int, device: SpiDevice) -> None:
        """Put a chip on a chip select unless one, of whatever kind, is there already."""
        self._devices.setdefault(chip_select, device)

    def device(self, chip_select: int) -> SpiDevice | None:
        """The chip on a chip select, however faulty."""
        return self._devices.get(chip_select)

    @property
    def chip_selects(self) -> list[int]:
        """Where chips are, however faulty."""
        return sorted(self._devices)

    def faults(self, chip_select: int) -> SpiFaults:
        """The faults of a place, to be set; they stay with the place, not with the chip."""
        return self._faults.setdefault(chip_select, SpiFaults(pulled=lambda: self._lose_power(chip_select)))

    def transfer(self, chip_select: int, data: bytes) -> bytes:
        """One transfer."""
        faults, device = self.faults(chip_select), self._devices.get(chip_select)
        nobody = bytes([0xFF if self.rests_high else 0x00]) * len(data)
        due = faults.due()
        if device is None or faults.unplugged:
            return nobody
        if not due:
            return device.transfer(data)
        if faults.stuck:
            faults.stuck -= 1
            return nobody
        answer = device.transfer(data)
        if faults.corrupt_reads and answer:
            wrong_bit = 1 << (faults.corrupt_reads + 3) % 8  # noise is never twice the same
            faults.corrupt_reads -= 1
            answer = flipped(answer, faults.corrupt_byte, wrong_bit)
        return answer

    def _lose_power(self, chip_select: int) -> None:
        if chip_select in self._devices:
            self._devices[chip_select].lose_power()
