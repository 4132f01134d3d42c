"""What all models of SPI chips share: their claim on a chip select and the pins of its bus, their twin on the mock."""

from collections.abc import Callable
from typing import Any

from pi_drivers.host.spi_buses import SharedSpi
from pi_drivers.host.spi_lines import claim_chip_select
from pi_drivers.models.base import HardwareModel
from pi_drivers.world.spi import SpiDevice


def join_spi(
    model: HardwareModel[Any],
    bus: int,
    chip_select: int,
    *,
    use: str,
    chip: str,
    twin: Callable[[Any], SpiDevice],
    speed_hz: int,
    mode: int = 0,
) -> SharedSpi:
    """Claim a chip select and the pins of its bus, and take part in it, until the model closes.

    Args:
        model: whose chip it is.
        bus: the number of the bus.
        chip_select: its number on the bus.
        use: what the chip is for, in the message to the next who wants its place.
        chip: which one it is, such as `mcp3008`. Resources that name the same chip share it.
        twin: makes the chip's other side in a world; on the mock it is plugged in where nothing is yet.
        speed_hz: the chip's clock at most.
        mode: the chip's SPI mode.

    Raises:
        ClaimedError: another resource has a pin of the bus, or another chip in this place; the message names it.
        BusAbsentError, BusPermissionError: as opening the bus does.
    """
    give_back = claim_chip_select(model.host.claims, bus, chip_select, model.holder(use), chip)
    model.lifecycle.push("give back the chip select", give_back)
    world: Any = getattr(model.host, "world", None)
    if world is not None:
        with world.held():
            world.spi(bus).plug_in_if_free(chip_select, twin(world))
    shared = model.host.spi(bus, chip_select, speed_hz=speed_hz, mode=mode)
    model.lifecycle.push("leave the bus", shared.leave)
    return shared
