"""Pins of the header in the hands of a driver: whatever their owner forgets, they end low, listed nowhere and free."""

import logging

import pytest

from pi_drivers.host.claims import Holder
from pi_drivers.host.mock import MockHost
from pi_drivers.models.board.header_pins import HeaderPins, PinSettings
from pi_drivers.runtime.lifecycle import Lifecycle


async def test_an_output_ends_low_although_its_owner_left_it_high(host: MockHost):
    lifecycle = Lifecycle("valve", logging.getLogger("pi_drivers.test"))
    pin = HeaderPins(host, {}).output("11", Holder("valve", "pin"), lifecycle)
    await pin.write(True)
    assert host.world.wire(17).signal is True
    await lifecycle.close()
    assert host.world.wire(17).signal is False
    assert (host.claims.listing(), host.pins_in_use) == ({}, {})


@pytest.mark.parametrize("block", ["software", "hardware"])
@pytest.mark.parametrize(("safe_high", "active_low"), [(False, False), (True, False), (False, True), (True, True)])
async def test_an_output_ends_at_its_safe_level(host: MockHost, block, safe_high, active_low):
    if block == "hardware":
        host.pwm.overlays.add(18)
    lifecycle = Lifecycle("enable", logging.getLogger("pi_drivers.test"))
    pins = HeaderPins(host, {"enable": PinSettings(18, active_low=active_low)})
    pin = pins.output("enable", Holder("motor", "pin en_low"), lifecycle, safe_high=safe_high)
    at_rest = safe_high is not active_low
    assert host.world.wire(18).signal is at_rest
    await pin.pwm(0.3, 800)
    await lifecycle.close()
    assert host.world.wire(18).signal is at_rest
