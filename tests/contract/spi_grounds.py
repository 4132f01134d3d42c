"""What the SPI suite needs from the ground it runs on, and what its grounds have in common."""

from abc import ABC, abstractmethod
from contextlib import ExitStack

from pi_drivers.buses.spi.contract import SpiChip
from pi_drivers.buses.spi.mock import MockSpi
from pi_drivers.buses.spi.real import SpidevChip
from pi_drivers.world.world import World

from .grounds import Ground
from .spi_chips import CHIPS

SPEED_HZ = 1_000_000


class SpiGround(Ground, ABC):
    """An SPI bus whose data lines a jumper joins at the first chip select."""

    bus: int = 0
    chip_select: int = 0
    """Where what is sent comes back."""
    other_chip_select: int = 1
    """Where a shift register of one byte is. Needs `Facility.FAULTS`."""
    absent_chip_select: int = 9
    """One that the bus does not have."""

    @abstractmethod
    def open(self, chip_select: int | None = None, *, speed_hz: int = SPEED_HZ, mode: int = 0) -> SpiChip:
        """Open this chip select, or another one."""

    def fresh(self) -> None:
        """Bring the bus to where a test begins: its two chips, nothing wrong with them, nobody else's handles."""

    def unplug(self, chip_select: int) -> None:
        """Take a chip off the bus. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def replug(self, chip_select: int) -> None:
        """Put the same chip back. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def stuck(self, chip_select: int) -> None:
        """The chip does not hear that it is selected, once. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def corrupt(self, chip_select: int) -> None:
        """One bit of the next transfer is wrong. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def rest(self, *, high: bool) -> None:
        """Where the line from the chips is pulled. Needs `Facility.FAULTS`."""
        raise NotImplementedError


class KernelSpiGround(SpiGround):
    """A bus of this machine's kernel. What a test opened is closed before the next and in the end."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened

    def fresh(self) -> None:
        self._opened.close()

    def open(self, chip_select: int | None = None, *, speed_hz: int = SPEED_HZ, mode: int = 0) -> SpiChip:
        chip_select = self.chip_select if chip_select is None else chip_select
        chip = SpidevChip(self.bus, chip_select, speed_hz=speed_hz, mode=mode)
        self._opened.callback(chip.close)
        return chip


class MockSpiGround(SpiGround):
    """Bus 0 of a simulated Pi."""

    def fresh(self) -> None:
        self.world = World.by_hand()
        self._segment = self.world.spi(self.bus)
        for chip_select, chip in ((self.chip_select, "jumper"), (self.other_chip_select, "register")):
            self._segment.plug_in(chip_select, CHIPS[chip](self.world, chip_select))

    def open(self, chip_select: int | None = None, *, speed_hz: int = SPEED_HZ, mode: int = 0) -> SpiChip:
        chip_select = self.chip_select if chip_select is None else chip_select
        return MockSpi(self.world, self.bus, chip_select, speed_hz=speed_hz, mode=mode)

    def unplug(self, chip_select: int) -> None:
        self._segment.faults(chip_select).unplugged = True

    def replug(self, chip_select: int) -> None:
        self._segment.faults(chip_select).unplugged = False

    def stuck(self, chip_select: int) -> None:
        self._segment.faults(chip_select).stuck = 1

    def corrupt(self, chip_select: int) -> None:
        self._segment.faults(chip_select).corrupt_reads = 1

    def rest(self, *, high: bool) -> None:
        self._segment.rests_high = high
