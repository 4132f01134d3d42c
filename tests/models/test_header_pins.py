"""Pins of the header in the hands of a driver: whatever their owner forgets, they end low, listed nowhere and free."""

import logging

from pi_drivers.host.claims import Holder
from pi_drivers.host.mock import MockHost
from pi_drivers.models.board.header_pins import HeaderPins
from pi_drivers.runtime.lifecycle import Lifecycle


async def test_an_output_ends_low_although_its_owner_left_it_high(host: MockHost):
    lifecycle = Lifecycle("valve", logging.getLogger("pi_drivers.test"))
    pin = HeaderPins(host, {}).output("11", Holder("valve", "pin"), lifecycle)
    await pin.write(True)
    assert host.world.wire(17).signal is True
    await lifecycle.close()
    assert host.world.wire(17).signal is False
    assert (host.claims.listing(), host.pins_in_use) == ({}, {})
