"""SPI buses and chip selects in attributes, in all the ways that configs have them."""

from collections.abc import Iterator

import pytest

from pi_drivers.config.attributes import Attributes, Problem, json_schema, parse
from pi_drivers.config.buses import (
    ChipSelect,
    SpiBusNumber,
    chip_select_field,
    chip_select_index,
    chip_select_problems,
    spi_bus_field,
)
from pi_drivers.errors import ConfigError

ON_BUS_0 = '0 ("24", "GPIO8"), 1 ("26", "GPIO7")'


class SpiConfig(Attributes):
    """A chip on SPI."""

    spi_bus: SpiBusNumber = spi_bus_field()
    chip_select: ChipSelect = chip_select_field()

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from chip_select_problems(self.spi_bus, self.chip_select)


def place(**attributes: object) -> tuple[int, int]:
    config = parse(SpiConfig, attributes, "chip")
    return config.spi_bus, chip_select_index(config.spi_bus, config.chip_select)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, (0, 0)),
        ({"spi_bus": 1}, (1, 0)),
        ({"spi_bus": "0"}, (0, 0)),
        ({"spi_bus": "1"}, (1, 0)),
        ({"spi_bus": "main"}, (0, 0)),
        ({"spi_bus": "aux"}, (1, 0)),
        ({"chip_select": 1}, (0, 1)),
        ({"chip_select": 1.0}, (0, 1)),
        ({"chip_select": "1"}, (0, 1)),
        ({"chip_select": "CE1"}, (0, 1)),
        ({"chip_select": "24"}, (0, 0)),
        ({"chip_select": "26"}, (0, 1)),
        ({"chip_select": "GPIO7"}, (0, 1)),
        ({"chip_select": "io8"}, (0, 0)),
        ({"spi_bus": 1, "chip_select": 2}, (1, 2)),
        ({"spi_bus": "aux", "chip_select": "12"}, (1, 0)),
        ({"spi_bus": 1, "chip_select": "36"}, (1, 2)),
    ],
)
def test_all_ways_to_write_a_place(attributes, expected):
    assert place(**attributes) == expected


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"spi_bus": 2}, "chip: spi_bus: must be between 0 and 1, got 2"),
        ({"spi_bus": "second"}, 'chip: spi_bus: expected a whole number, got "second"'),
        ({"spi_bus": True}, "chip: spi_bus: expected a whole number, got true"),
        ({"chip_select": True}, "chip: chip_select: expected a string, got true"),
        ({"chip_select": 24}, 'chip: chip_select: is 0, 1 or 2, got 24; a pin is written as a string: "24"'),
        ({"chip_select": 2}, f'chip: chip_select: SPI bus 0 has no chip select "ce2"; it has {ON_BUS_0}'),
        ({"chip_select": "12"}, f'chip: chip_select: SPI bus 0 has no chip select "12"; it has {ON_BUS_0}'),
    ],
)
def test_what_is_no_place_is_a_problem_with_its_path(attributes, problem):
    with pytest.raises(ConfigError) as caught:
        place(**attributes)
    assert caught.value.message == problem


def test_a_broken_bus_hides_no_other_mistake_and_makes_none():
    with pytest.raises(ConfigError) as caught:
        place(spi_bus="x", chip_select="12")
    assert caught.value.message == 'chip: spi_bus: expected a whole number, got "x"'


def test_the_schema_takes_numbers_and_texts():
    properties = json_schema(SpiConfig)["properties"]
    for name in ("spi_bus", "chip_select"):
        assert {kind["type"] for kind in properties[name]["anyOf"]} == {"integer", "string"}
