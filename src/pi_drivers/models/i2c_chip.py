"""What all models of I2C chips share: their attributes, their claim, their bus, their twin on the mock.

Most chips have no checksum over what they send. What cannot be checked is read twice, and used when both agree.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol

from viam.utils import ValueTypes

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import CorruptDataError
from pi_drivers.host.contract import SharedBus
from pi_drivers.host.i2c_lines import claim_chip
from pi_drivers.models.base import HardwareModel
from pi_drivers.world.devices import I2cDevice

TRIES = 4
"""How often something is read until two readings in a row agree."""

BY_KERNEL = "the kernel's"
"""As what a chip is shared that a driver of the kernel talks to: all may read what it shows."""

_KERNEL_PLACE = re.compile(r"([0-9]{1,3})-00([0-7][0-9a-f])")


class I2cSettings(Protocol):
    """The attributes that say where a chip is."""

    @property
    def i2c_bus(self) -> int:
        """The number of its bus."""

    @property
    def i2c_addr(self) -> int:
        """Its address."""


def place_of(bus: int, address: int) -> str:
    """A chip's place as messages and claims have it: `i2c-1 0x44`."""
    return f"i2c-{bus} 0x{address:02x}"


def place_from_kernel(text: str) -> tuple[int, int] | None:
    """The bus and the address of a chip that the kernel calls `1-0076`; None for other places."""
    found = _KERNEL_PLACE.fullmatch(text)
    return (int(found[1]), int(found[2], 16)) if found else None


def place_status(bus: int, address: int) -> dict[str, ValueTypes]:
    """A chip's place as `get_status` has it."""
    return {"i2c_bus": bus, "i2c_addr": f"0x{address:02x}"}


def join_i2c(
    model: HardwareModel[Any],
    settings: I2cSettings,
    use: str,
    twin: Callable[[Any], I2cDevice] | None,
    *,
    shared_as: str | None = None,
) -> SharedBus[I2cBus]:
    """Claim the chip's address and the pins of its bus, and take part in it, until the model closes.

    Args:
        model: whose chip it is.
        settings: where it is.
        use: what the address is for, in the message to the next who wants it.
        twin: makes the chip's other side in a world; on the mock it is plugged in where nothing is yet. None: the
            model plugs it in itself.
        shared_as: the chip, if several resources may use it: those that name the same share it. None: it is its own.

    Raises:
        ClaimedError: another resource holds the address, or a pin of the bus; the message names it.
        BusAbsentError, BusPermissionError, MissingLibraryError: as opening the bus does.
    """
    bus, address = settings.i2c_bus, settings.i2c_addr
    claim_address(model, settings, use, shared_as=shared_as)
    world: Any = getattr(model.host, "world", None)
    if world is not None and twin is not None:
        with world.held():
            world.i2c(bus).plug_in_if_free(address, twin(world))
    shared = model.host.i2c(bus)
    model.lifecycle.push("leave the bus", shared.leave)
    return shared


def claim_address(model: HardwareModel[Any], settings: I2cSettings, use: str, *, shared_as: str | None = None) -> None:
    """Claim the chip's address and the pins of its bus, until the model closes: for those who join by themselves.

    Arguments and errors are those of `join_i2c`.
    """
    bus, place = settings.i2c_bus, place_of(settings.i2c_bus, settings.i2c_addr)
    give_back = claim_chip(model.host.claims, bus, place, model.holder(use), shared_as=shared_as)
    model.lifecycle.push("give back the address", give_back)


def read_agreed(bus: I2cBus, address: int, register: int, count: int) -> bytes:
    """Read registers until two readings in a row agree. Blocking. Raises: as `agreed` does."""
    where, what = place_of(bus.number, address), f"readings of register 0x{register:02x}"
    return agreed(lambda: bus.read_register(address, register, count), where, what)


def agreed(read: Callable[[], bytes], where: str, what: str = "readings") -> bytes:
    """Read until two readings in a row agree: for data that has no checksum. Blocking.

    It may change meanwhile, when the chip puts a new measurement there, but not all the time.

    Args:
        read: reads once.
        where: the chip's place, for the message.
        what: what is read, for the message.

    Raises:
        CorruptDataError: they do not agree; none is used.
        NoAnswerError, BusError: as reading does.
    """
    last = read()
    for _ in range(TRIES - 1):
        again = read()
        if again == last:
            return last
        last = again
    raise CorruptDataError(
        f"{where}: {TRIES} {what} in a row do not agree; none is used. If it happens often, shorten the cable or slow "
        "the bus down."
    )
