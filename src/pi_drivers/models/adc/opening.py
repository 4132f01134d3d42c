"""From attributes to a converter that can be asked: the claim, the bus, and the twin on the mock.

All resources that name the same chip in the same place, with the same reference, share it.
"""

from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from pi_drivers.config.buses import chip_select_index
from pi_drivers.host.contract import Host
from pi_drivers.models.adc.ads1115 import Ads1115, Ads1115Twin
from pi_drivers.models.adc.attributes import AdcWiring
from pi_drivers.models.adc.contract import Adc, Turns
from pi_drivers.models.adc.mcp3xxx import FRAMINGS, Framing, Mcp3xxx, twin_on
from pi_drivers.models.base import HardwareModel
from pi_drivers.models.i2c_chip import join_i2c
from pi_drivers.models.spi_chip import join_spi

_TURNS: WeakKeyDictionary[Host, WeakValueDictionary[str, Turns]] = WeakKeyDictionary()
"""For each machine, by the chip's place; they are there as long as somebody uses the chip."""


def open_adc(model: HardwareModel[Any], wiring: AdcWiring) -> Adc:
    """Claim a converter and take part in its bus, until the model closes.

    Args:
        model: who wants it.
        wiring: which chip, and where.

    Raises:
        ClaimedError: another resource has its place as another chip or with another reference, or has a pin of its
            bus; the message names it.
        BusAbsentError, BusPermissionError, MissingLibraryError: as opening the bus does.
    """
    turns = _TURNS.setdefault(model.host, WeakValueDictionary()).setdefault(wiring.place, Turns())
    if wiring.chip in FRAMINGS:
        return _open_mcp(model, wiring, FRAMINGS[wiring.chip], turns)
    use = wiring.used_as
    shared = join_i2c(model, wiring, use, lambda world: Ads1115Twin(world, wiring.place), shared_as=use)
    return Adc(model.host, Ads1115(shared.bus, wiring.i2c_addr), shared.worker.run, turns)


def _open_mcp(model: HardwareModel[Any], wiring: AdcWiring, framing: Framing, turns: Turns) -> Adc:
    bus, chip_select = wiring.spi_bus, chip_select_index(wiring.spi_bus, wiring.chip_select)
    shared = join_spi(
        model,
        bus,
        chip_select,
        use=wiring.used_as,
        chip=wiring.used_as,
        twin=lambda world: twin_on(world, bus, chip_select, framing, wiring.vref),
        speed_hz=framing.speed_hz,
    )
    return Adc(model.host, Mcp3xxx(shared.bus, framing), shared.worker.run, turns)
