"""Which pins of the header an I2C bus takes, so that nobody else is given them while it is in use.

The firmware hands these pins to the I2C block. A lamp on GPIO2 would hold the data line of every chip on the bus, and
reading the pin alone would take it away from the block.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import NamedTuple

from pi_drivers.host import header
from pi_drivers.host.claims import Claims, Holder


class I2cLines(NamedTuple):
    """The lines of one bus, by BCM number."""

    sda: int
    scl: int


LINES: Mapping[int, I2cLines] = {0: I2cLines(sda=0, scl=1), 1: I2cLines(sda=2, scl=3)}
"""Of the two buses that every Pi's header has. Where the others are is up to config.txt."""


def claim_chip(
    claims: Claims, bus: int, place: str, holder: Holder, *, shared_as: str | None = None
) -> Callable[[], None]:
    """Claim a chip's address and the pins of its bus; returns the function that gives all of it back (idempotent).

    Args:
        claims: the machine's.
        bus: its number.
        place: the chip's, as claims have it: `i2c-1 0x44`.
        holder: who wants it, and what for.
        shared_as: the chip, if several may use it: all who say the same share the address. None: it is its own. The
            pins are shared by all chips of the bus.

    Raises:
        ClaimedError: somebody has the address, or a pin of the bus for something else.
    """
    with ExitStack() as taken:
        taken.callback(claims.take(place, holder, shared_as=shared_as))
        for pin, shared in pins_of(bus).items():
            use = Holder(holder.name, f"pin of I2C bus {bus}")
            taken.callback(claims.take(header.describe(pin), use, shared_as=shared))
        return taken.pop_all().close


def pins_of(bus: int) -> dict[int, str]:
    """The pins of a bus, by BCM number, each with the word by which its chips share it; none where they may vary."""
    return dict.fromkeys(LINES.get(bus, ()), f"i2c-{bus}")
