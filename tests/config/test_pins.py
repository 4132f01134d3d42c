"""Pins in attributes are checked against the header only where they mean the header."""

from pi_drivers.config.pins import header_pin_problems


def found(pins: dict[str, str | None], board: str | None = None) -> list[str]:
    return [str(problem) for problem in header_pin_problems(pins, board)]


def test_different_pins_of_the_header_are_fine():
    assert found({"pins.a": "11", "pins.b": "sda", "pins.pwm": None}) == []


def test_two_names_of_one_pin_are_a_duplicate():
    assert found({"pins.a": "11", "pins.b": "gpio17"}) == [
        'pins.b: "gpio17" is GPIO17 (pin 11), which pins.a uses as "11"; every pin needs its own'
    ]


def test_every_impossible_pin_is_reported():
    said = found({"pins.a": "6", "pins.b": "28", "pins.pwm": "nonsense"})

    assert [line.partition(":")[0] for line in said] == ["pins.a", "pins.b", "pins.pwm"]
    assert "pin 6 is ground" in said[0]
    assert "ID EEPROM" in said[1]


def test_on_a_named_board_only_equal_names_are_duplicates():
    assert found({"pins.a": "11", "pins.b": "GPIO17", "pins.pwm": "6"}, board="esp32") == []
    assert found({"pins.a": "left", "pins.b": "left"}, board="esp32") == [
        'pins.b: "left" is used by pins.a already; every pin needs its own'
    ]
