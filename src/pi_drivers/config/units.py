"""The units of attributes and readings, from their names: `ramp_ms` is in milliseconds.

One table, so that a page, the JSON schema and a reading say the same. Names that predate this module, because Viam's
own models have them, carry no suffix and stand in a table of their own.
"""

from collections.abc import Mapping
from typing import Any

BY_SUFFIX: Mapping[str, str] = {
    # A longer suffix stands before one that it ends with.
    "ticks_per_s": "ticks/s",
    "rpm_per_s": "rpm/s",
    "deg_per_s": "°/s",
    "m_per_s2": "m/s²",
    "m_per_s": "m/s",
    "m_s": "m/s",
    "ms": "ms",
    "us": "µs",
    "usec": "µs",
    "hz": "Hz",
    "mhz": "MHz",
    "rpm": "rpm",
    "deg": "°",
    "degs": "°",
    "ohms": "Ω",
    "amps": "A",
    "a": "A",
    "mv": "mV",
    "v": "V",
    "w": "W",
    "hpa": "hPa",
    "px": "px",
    "m": "m",
    "c": "°C",
    "lux": "lx",
    "pct": "%",
    "rev": "turns",
    "revs": "turns",
    "ticks": "ticks",
    "dbm": "dBm",
    "s": "s",
    "mib": "MiB",
    "gib": "GiB",
}

BY_NAME: Mapping[str, str] = {
    "accel_range": "g",
    "amps": "A",
    "angular_velocity": "°/s",
    "baud_rate": "bit/s",
    "distance": "m",
    "frame_rate": "1/s",
    "fx": "px",
    "fy": "px",
    "gyro_range": "°/s",
    "linear_acceleration": "m/s²",
    "linear_velocity": "m/s",
    "max": "°",
    "min": "°",
    "ppx": "px",
    "ppy": "px",
    "pwm_freq": "Hz",
    "rotate": "°",
    "samples_per_sec": "1/s",
    "serial_baud_rate": "bit/s",
    "shunt_resistance": "Ω",
    "theta": "°",
    "ticks_per_cycle": "ticks",
    "ticks_per_rotation": "ticks",
    "volts": "V",
    "vref": "V",
    "watts": "W",
    # Viam's word for a share of the full power, from 0 to 1.
    "max_power_pct": "",
    "min_power_pct": "",
}


def unit_of(name: str) -> str:
    """The unit of a number by its attribute's or reading's name; empty where it has none."""
    if name in BY_NAME:
        return BY_NAME[name]
    for suffix, unit in BY_SUFFIX.items():
        if name == suffix or name.endswith(f"_{suffix}"):
            return unit
    return ""


def with_units(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema in which every number whose name says its unit has it under `unit`."""
    marked = {**schema, "properties": {name: _marked(name, entry) for name, entry in schema["properties"].items()}}
    if "$defs" in schema:
        marked["$defs"] = {
            name: with_units(part) if "properties" in part else part for name, part in schema["$defs"].items()
        }
    return marked


def is_number(entry: Mapping[str, Any]) -> bool:
    """Whether what a schema describes may be a number."""
    kinds = [choice.get("type") for choice in entry.get("anyOf", [entry])]
    return "number" in kinds or "integer" in kinds


def _marked(name: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    unit = unit_of(name)
    return {**entry, "unit": unit} if unit and is_number(entry) else entry
