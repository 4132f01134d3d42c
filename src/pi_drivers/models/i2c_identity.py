"""What tells one I2C chip from another: for whoever looks at a bus without knowing what is on it.

An address is no identity: there are 112 of them, and thousands of chips. Some chips have a register that says what they
are, and for others there are bits that cannot be in them. Whoever asks must know what the question does to a chip that
is another one than was thought: to most, reading a register does nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pi_drivers.buses.i2c.contract import I2cBus

Identify = Callable[[I2cBus, int], str | None]
"""Asks what is at an address. Blocking, reads registers only.

Returns:
    The chip's name where it is certain; None where it may be this chip.

Raises:
    WrongChipError: it is another chip.
    BusError: it does not answer.
"""


class I2cIdentity(NamedTuple):
    """What a model says of its chip, beside what its config says of the addresses."""

    name: str
    """What people call it; of several, with an `or` between them: `BME280 or BMP280`."""
    identify: Identify | None = None
    """Asks it; None where that is not possible by reading registers."""
    attributes: Mapping[str, Any] = {}
    """What a config needs beside the place to mean this chip."""
    usual: Sequence[int] = ()
    """Where boards with it have it, if it can be nearly anywhere; it is thought of nowhere else."""
    obeys_any_byte: bool = False
    """It has no registers and takes their numbers for commands: where it may be, nobody else is asked for."""
