"""The values an SPI bus takes, checked in one place for every back end, before anything is opened or sent."""

from pi_drivers.buses.spi.contract import FASTEST_HZ, LONGEST_TRANSFER, MODES, SLOWEST_HZ
from pi_drivers.errors import ArgumentError

HEADER_PLACES = ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2))
"""Bus and chip select of all that the header of every Pi has."""


def place_of(bus: int, chip_select: int) -> str:
    """A chip's place as messages and claims have it: `spi-0 1` for the chip of /dev/spidev0.1."""
    return f"spi-{bus} {chip_select}"


def check_settings(bus: int, chip_select: int, speed_hz: int, mode: int) -> None:
    """Raises: ArgumentError: a clock that no Pi can make, or no SPI mode."""
    where = place_of(bus, chip_select)
    if not SLOWEST_HZ <= speed_hz <= FASTEST_HZ:
        raise ArgumentError(f"{where}: the clock is {SLOWEST_HZ} to {FASTEST_HZ} Hz, got {speed_hz}")
    if mode not in MODES:
        raise ArgumentError(f"{where}: the SPI mode is 0, 1, 2 or 3, got {mode}")


def check_length(bus: int, chip_select: int, count: int) -> None:
    """Raises: ArgumentError: nothing, or too much, to move in one transfer."""
    if not 1 <= count <= LONGEST_TRANSFER:
        raise ArgumentError(
            f"{place_of(bus, chip_select)}: a transfer takes 1 to {LONGEST_TRANSFER} bytes, got {count}"
        )
