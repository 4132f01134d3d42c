"""Chips on the simulated SPI buses, and the ways they fail.

SPI has no acknowledgement. A chip that is gone leaves its data line to whatever pulls at it, and what a chip that lost
bits sends looks like data.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from pi_drivers.world.faults import PlaceFaults


class SpiDevice(ABC):
    """One chip's side of an SPI bus. Called under the world's lock."""

    @abstractmethod
    def transfer(self, data: bytes) -> bytes:
        """Take what is clocked in while the chip is selected, and give as many bytes back."""

    def lose_power(self) -> None:  # noqa: B027 - most chips keep nothing that a driver would miss
        """Its plug was pulled: it forgets what it was told."""


@dataclass
class SpiFaults(PlaceFaults):
    """What is wrong with one place on a bus. Unplugged, the line from the chip rests where it is pulled."""

    corrupt_byte: int = -1
    stuck: int = 0
    """So many transfers come back as if the chip had not heard that it was selected."""


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
        return faults.spoiled(device.transfer(data))

    def _lose_power(self, chip_select: int) -> None:
        if chip_select in self._devices:
            self._devices[chip_select].lose_power()
