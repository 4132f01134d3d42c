"""Every number a user writes or reads has its unit, or is known to have none."""

from collections.abc import Iterator
from typing import Any

import pytest

from pi_drivers import registry
from pi_drivers.config.attributes import json_schema
from pi_drivers.config.units import is_number, unit_of

UNITLESS = {
    # counts, and which one of several
    "address", "average", "camera_num", "channel", "chip_select", "i2c_addr", "i2c_bus", "microsteps", "motor_channel",
    "pin", "samples", "sensor_pin", "serial_address", "spi_bus", "video_path",
    # factors, shares and settings of a chip
    "controller_ramp_value", "d", "filter", "gain", "i", "jpeg_quality", "max_power_pct", "min_power_pct",
    "oversampling_humidity", "oversampling_pressure", "oversampling_temperature", "p", "pwm_resolution", "ramp_rate",
    "rk1", "rk2", "rk3", "sensitivity", "tp1", "tp2",
    # in what the user says
    "offset", "scale",
}  # fmt: skip


def numbers(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every numeric attribute of a schema, those of objects within included."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, entry in part.get("properties", {}).items():
            if is_number(entry):
                yield name, entry


@pytest.mark.parametrize("name", registry.MODELS)
def test_every_numeric_attribute_says_its_unit_or_is_known_to_have_none(name):
    found = dict(numbers(json_schema(registry.load(name).CONFIG)))

    assert {attribute for attribute, entry in found.items() if "unit" not in entry} <= UNITLESS
    assert [attribute for attribute, entry in found.items() if "unit" in entry and attribute in UNITLESS] == []


def test_only_attributes_that_there_are_pass_for_unitless():
    known = {name for model in registry.MODELS for name, _ in numbers(json_schema(registry.load(model).CONFIG))}

    assert known >= UNITLESS


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("ramp_ms", "ms"),
        ("acceleration_rpm_per_s", "rpm/s"),
        ("speed_deg_per_s", "°/s"),
        ("rpm", "rpm"),
        ("temperature_c", "°C"),
        ("relative_humidity_pct", "%"),
        ("ticks_per_s", "ticks/s"),
        ("max_power_pct", ""),
        ("chip", ""),
        ("ms", "ms"),
        ("terms", ""),
    ],
)
def test_a_name_says_its_unit(name, unit):
    assert unit_of(name) == unit
