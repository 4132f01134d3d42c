"""The chips that SPI is tried on, each under a word by which a test plugs it in.

The twins of the converters that the simulated Pi has are among them, so that they can be put before the kernel's own
driver; the others are the plainest things that give bytes back.
"""

from collections.abc import Callable, Mapping

from pi_drivers.world.spi import SpiDevice
from pi_drivers.world.world import World


class Jumper(SpiDevice):
    """No chip, but a wire from MOSI to MISO: what is sent comes back in the same moment."""

    def transfer(self, data: bytes) -> bytes:
        return data


class ShiftRegister(SpiDevice):
    """One byte long: each byte that is clocked in pushes out the one before it (74HC595, from Q7' on MISO)."""

    def __init__(self) -> None:
        self._held = 0

    def transfer(self, data: bytes) -> bytes:
        answer = bytes([self._held, *data[:-1]])
        self._held = data[-1]
        return answer

    def lose_power(self) -> None:
        self._held = 0


def _converter(chip: str) -> Callable[[World, int], SpiDevice]:
    def make(world: World, chip_select: int) -> SpiDevice:
        from pi_drivers.models.adc.mcp3xxx import FRAMINGS, twin_on

        return twin_on(world, 0, chip_select, FRAMINGS[chip], vref=3.3)

    return make


CHIPS: Mapping[str, Callable[[World, int], SpiDevice]] = {
    "jumper": lambda world, chip_select: Jumper(),
    "register": lambda world, chip_select: ShiftRegister(),
    "mcp3002": _converter("mcp3002"),
    "mcp3004": _converter("mcp3004"),
    "mcp3008": _converter("mcp3008"),
    "mcp3208": _converter("mcp3208"),
}
"""Each made for a world and a chip select of its bus 0."""
