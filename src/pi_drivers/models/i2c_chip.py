"""What all models of I2C chips share: their attributes, their claim, their bus, their twin on the mock.

Most chips have no checksum over what they send. What cannot be checked is read twice, and used when both agree.
"""

from collections.abc import Callable
from typing import Any, Protocol

from viam.utils import ValueTypes

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import CorruptDataError
from pi_drivers.host.contract import SharedBus
from pi_drivers.models.base import HardwareModel
from pi_drivers.world.devices import I2cDevice

TRIES = 4
"""How often something is read until two readings in a row agree."""


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


def place_status(bus: int, address: int) -> dict[str, ValueTypes]:
    """A chip's place as `get_status` has it."""
    return {"i2c_bus": bus, "i2c_addr": f"0x{address:02x}"}


def join_i2c(
    model: HardwareModel[Any],
    settings: I2cSettings,
    use: str,
    twin: Callable[[Any], I2cDevice],
    *,
    shared_as: str | None = None,
) -> SharedBus[I2cBus]:
    """Claim the chip's address and take part in its bus, until the model closes.

    Args:
        model: whose chip it is.
        settings: where it is.
        use: what the address is for, in the message to the next who wants it.
        twin: makes the chip's other side in a world; on the mock it is plugged in where nothing is yet.
        shared_as: the chip, if several resources may use it: those that name the same share it. None: it is its own.

    Raises:
        ClaimedError: another resource holds the address; the message names it.
        BusAbsentError, BusPermissionError, MissingLibraryError: as opening the bus does.
    """
    bus, address = settings.i2c_bus, settings.i2c_addr
    world: Any = getattr(model.host, "world", None)
    if world is not None:
        with world.held():
            world.i2c(bus).plug_in_if_free(address, twin(world))
    give_back = model.host.claims.take(place_of(bus, address), model.holder(use), shared_as=shared_as)
    model.lifecycle.push("give back the address", give_back)
    shared = model.host.i2c(bus)
    model.lifecycle.push("leave the bus", shared.leave)
    return shared


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
