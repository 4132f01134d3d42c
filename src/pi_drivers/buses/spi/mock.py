"""The simulated Pi's SPI buses, standing on the world's chips.

Each transfer takes the time its bits need, so a bus can be busy here as well.
"""

from pi_drivers.buses.spi.contract import SpiChip
from pi_drivers.buses.spi.ranges import HEADER_PLACES, check_length, check_settings, place_of
from pi_drivers.errors import BusAbsentError, ClosedError
from pi_drivers.world.world import World

SECOND = 1_000_000_000


class MockSpi(SpiChip):
    """One chip select of a simulated bus."""

    def __init__(self, world: World, bus: int, chip_select: int, *, speed_hz: int, mode: int) -> None:
        """Select nobody yet.

        Raises:
            BusAbsentError: there is no such bus, or no such chip select on it.
            ArgumentError: a speed or a mode out of range.
        """
        check_settings(bus, chip_select, speed_hz, mode)
        self._place = (bus, chip_select)
        if self._place not in HEADER_PLACES:
            there = ", ".join(place_of(*place) for place in HEADER_PLACES)
            raise BusAbsentError(f"{place_of(*self._place)}: this machine has no such chip select; it has {there}")
        self._world = world
        self._speed_hz = speed_hz
        self._mode = mode
        self._closed = False

    @property
    def bus(self) -> int:
        return self._place[0]

    @property
    def chip_select(self) -> int:
        return self._place[1]

    @property
    def speed_hz(self) -> int:
        return self._speed_hz

    @property
    def mode(self) -> int:
        return self._mode

    def transfer(self, data: bytes) -> bytes:
        bus, chip_select = self._place
        check_length(bus, chip_select, len(data))
        if self._closed:
            raise ClosedError(f"{place_of(bus, chip_select)}: the chip select was closed")
        self._world.clock.sleep(len(data) * 8 * SECOND // self._speed_hz)
        with self._world.held():
            return self._world.spi(bus).transfer(chip_select, data)

    def close(self) -> None:
        self._closed = True
