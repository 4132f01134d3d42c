"""The pins of the header that an I2C bus takes: its chips share them, and nobody else gets them meanwhile."""

import pytest

from pi_drivers.errors import ClaimedError
from pi_drivers.host.claims import Claims, Holder
from pi_drivers.host.i2c_lines import claim_chip

ONE = Holder('sensor "one"', "sensor")
OTHER = Holder('sensor "other"', "sensor")
LAMP = Holder('board "pi"', "pin")


def test_chips_share_the_pins_of_their_bus_and_the_last_one_gives_them_back():
    claims = Claims()
    give_back = claim_chip(claims, 1, "i2c-1 0x44", ONE)
    give_back_other = claim_chip(claims, 1, "i2c-1 0x45", OTHER)
    assert set(claims.listing()) == {"i2c-1 0x44", "i2c-1 0x45", "GPIO2 (pin 3)", "GPIO3 (pin 5)"}
    give_back()
    give_back()
    assert set(claims.listing()) == {"i2c-1 0x45", "GPIO2 (pin 3)", "GPIO3 (pin 5)"}
    give_back_other()
    assert claims.listing() == {}


@pytest.mark.parametrize(
    ("bus", "pin"),
    [(0, "GPIO0 (pin 27)"), (0, "GPIO1 (pin 28)"), (1, "GPIO2 (pin 3)"), (1, "GPIO3 (pin 5)")],
)
def test_a_lamp_gets_no_pin_of_a_bus_in_use_and_the_bus_none_of_a_lamp(bus: int, pin: str):
    claims = Claims()
    give_back = claim_chip(claims, bus, f"i2c-{bus} 0x44", ONE)
    with pytest.raises(ClaimedError, match=rf'is held by sensor "one" \(pin of I2C bus {bus}\), so board "pi"'):
        claims.take(pin, LAMP)
    give_back()

    claims.take(pin, LAMP)
    with pytest.raises(ClaimedError, match=rf'held by board "pi" \(pin\), so sensor "one" .* pin of I2C bus {bus}'):
        claim_chip(claims, bus, f"i2c-{bus} 0x44", ONE)
    assert set(claims.listing()) == {pin}


def test_where_config_txt_puts_a_bus_is_not_known_so_it_takes_no_pins():
    claims = Claims()
    claim_chip(claims, 3, "i2c-3 0x44", ONE)
    assert set(claims.listing()) == {"i2c-3 0x44"}
