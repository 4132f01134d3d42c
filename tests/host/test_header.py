"""The header's table against the well-known one, and the answer to each name that cannot be a GPIO."""

import pytest

from pi_drivers.errors import ArgumentError
from pi_drivers.host import header

WELL_KNOWN = {
    3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10, 21: 9, 22: 25,
    23: 11, 24: 8, 26: 7, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19, 36: 16, 37: 26, 38: 20, 40: 21,
}  # fmt: skip


def test_every_gpio_of_the_header_is_found_by_position_and_by_each_spelling_of_its_number():
    for position, bcm in WELL_KNOWN.items():
        for name in (
            str(position),
            f"GPIO{bcm}",
            f"gpio{bcm}",
            f"BCM{bcm}",
            f"bcm{bcm}",
            f"io{bcm}",
            f"IO{bcm}",
        ):
            assert header.resolve(name) == bcm, name


def test_the_header_has_forty_positions_and_nothing_but_these_gpios():
    assert [pin.number for pin in header.HEADER] == list(range(1, 41))
    assert {pin.number: pin.bcm for pin in header.HEADER if pin.bcm is not None} == WELL_KNOWN | {
        27: 0,
        28: 1,
    }
    assert [pin.number for pin in header.HEADER if pin.label == "GND"] == [6, 9, 14, 20, 25, 30, 34, 39]
    assert [pin.number for pin in header.HEADER if pin.label == "5V"] == [2, 4]
    assert [pin.number for pin in header.HEADER if pin.label == "3V3"] == [1, 17]


@pytest.mark.parametrize(
    ("name", "bcm"),
    [("sda", 2), ("SCL", 3), ("mosi", 10), ("miso", 9), ("sclk", 11), ("ce0", 8), ("ce1", 7), ("TXD", 14),
     ("rxd", 15), ("clk", 18), (" 11 ", 17)],
)  # fmt: skip
def test_a_pin_is_found_by_the_name_of_its_function(name, bcm):
    assert header.resolve(name) == bcm


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1", "pin 1 is 3.3 V power, not a GPIO"),
        (
            "2",
            "pin 2 is 5 V power, not a GPIO: it cannot be read or switched. If GPIO2 is meant, write",
        ),
        ("34", "pin 34 is ground, not a GPIO: it cannot be read or switched"),
        ("GND", '"GND" is ground, not a GPIO'),
        ("3v3", '"3v3" is 3.3 V power, not a GPIO'),
        ("27", "pin 27 (GPIO0) is reserved for the ID EEPROM"),
        ("GPIO1", "pin 28 (GPIO1) is reserved for the ID EEPROM"),
        ("0", "there is no pin 0: the header has pins 1 to 40"),
        ("41", "there is no pin 41: the header has pins 1 to 40"),
        ("GPIO28", "GPIO28 is not on the header, which has GPIO2 to GPIO27"),
        ("gpoi17", 'unknown pin "gpoi17" (did you mean "GPIO17"?)'),
        ("led", 'unknown pin "led"; write the physical pin ("11")'),
        ("", 'unknown pin ""'),
        ("²", 'unknown pin "²"'),
        ("-3", 'unknown pin "-3"'),
    ],
)
def test_a_name_that_is_no_gpio_is_refused_with_the_reason(name, said):
    with pytest.raises(ArgumentError) as caught:
        header.resolve(name)

    assert str(caught.value).startswith(said)


def test_a_name_of_a_megabyte_is_refused_in_a_short_message():
    with pytest.raises(ArgumentError) as caught:
        header.resolve("x" * 1_000_000)

    assert len(str(caught.value)) < 200


def test_a_line_is_described_with_its_place():
    assert header.describe(17) == "GPIO17 (pin 11)"
    assert header.describe(45) == "GPIO45"
