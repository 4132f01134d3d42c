"""Which pins of the header an SPI bus takes, so that nobody else is given them while it is in use.

The firmware hands these pins to the SPI block. A motor on GPIO10 would fight with the block over it, and would be heard
by every chip on the bus.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import NamedTuple

from pi_drivers.buses.spi.ranges import place_of
from pi_drivers.errors import ArgumentError
from pi_drivers.host import header
from pi_drivers.host.claims import Claims, Holder


class SpiLines(NamedTuple):
    """The lines of one bus, by BCM number."""

    mosi: int
    miso: int
    sclk: int
    chip_selects: tuple[int, ...]
    """CE0 first."""


LINES: Mapping[int, SpiLines] = {
    0: SpiLines(mosi=10, miso=9, sclk=11, chip_selects=(8, 7)),
    1: SpiLines(mosi=20, miso=19, sclk=21, chip_selects=(18, 17, 16)),
}
"""The two buses that every Pi's header has, where `dtoverlay=spi0-2cs` and `spi1-3cs` put them."""


def index_on(bus: int, chip_select: str) -> int:
    """The number of a chip select on its bus.

    Args:
        bus: 0 or 1.
        chip_select: `ce1`, or a pin of the header in any of its names: `26`, `GPIO7`, `io7`.

    Raises:
        ArgumentError: the bus has no such chip select, or the pin is none; with what the bus has.
    """
    pins = LINES[bus].chip_selects
    names = [f"ce{index}" for index in range(len(pins))]
    name = chip_select.strip().lower()
    if name in names:
        return names.index(name)
    pin = None if name.startswith("ce") else _bcm(name)  # "ce0" is a pin of bus 0 to the header
    if pin not in pins:
        there = ", ".join(f'{index} ("{_position(each)}", "GPIO{each}")' for index, each in enumerate(pins))
        raise ArgumentError(f'SPI bus {bus} has no chip select "{chip_select}"; it has {there}')
    return pins.index(pin)


def claim_chip_select(claims: Claims, bus: int, chip_select: int, holder: Holder, chip: str) -> Callable[[], None]:
    """Claim a chip select and the pins of its bus; returns the function that gives all of it back (idempotent).

    Args:
        claims: the machine's.
        bus: its number.
        chip_select: its number on the bus.
        holder: who wants it, and what for.
        chip: what is there. All who say the same share the chip select; the bus is shared by all of its chips.

    Raises:
        ClaimedError: a pin is used for something else, or the chip select for another chip.
    """
    with ExitStack() as taken:
        taken.callback(claims.take(place_of(bus, chip_select), holder, shared_as=chip))
        for pin, shared_as in pins_of(bus, chip_select).items():
            use = Holder(holder.name, f"pin of SPI bus {bus}")
            taken.callback(claims.take(header.describe(pin), use, shared_as=shared_as))
        return taken.pop_all().close


def pins_of(bus: int, chip_select: int) -> dict[int, str]:
    """The pins that a chip takes, by BCM number, each with the word by which those share it who may.

    None are known of a bus, or of a chip select, that not every Pi's header has.
    """
    lines = LINES.get(bus)
    if lines is None or chip_select >= len(lines.chip_selects):
        return {}
    of_all = dict.fromkeys((lines.mosi, lines.miso, lines.sclk), f"spi-{bus}")
    return of_all | {lines.chip_selects[chip_select]: place_of(bus, chip_select)}


def _bcm(name: str) -> int | None:
    try:
        return header.resolve(name)
    except ArgumentError:
        return None


def _position(bcm: int) -> int:
    return next(pin.number for pin in header.HEADER if pin.bcm == bcm)
