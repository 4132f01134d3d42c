"""What the kernel's sensors measure, and how their units become those of readings.

Source: the kernel's Documentation/ABI/testing/sysfs-bus-iio and Documentation/hwmon/sysfs-interface.rst. Most units are
thousandths; the pressure is in kilopascals, the magnetic field in gauss, a turn in radians, and the power is in
milliwatts in one of the two and in microwatts in the other.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """Something that is measured."""

    name: str
    """The beginning of a reading's key."""
    unit: str
    """The end of a reading's key; empty for what has none."""
    times: float = 1.0
    over: float = 1.0
    """From the kernel's unit to that of the reading. A number over 1000 is rounded right; times 0.001 it is not."""
    has_bare_counts: bool = False
    """Whether counts without a scale mean something: more is more."""


IIO = {
    "accel": Quantity("acceleration", "m_per_s2"),
    "altvoltage": Quantity("alternating_voltage", "v", over=1e3),
    "angl": Quantity("angle", "deg", times=180 / math.pi),
    "anglvel": Quantity("angular_velocity", "deg_per_s", times=180 / math.pi),
    "capacitance": Quantity("capacitance", "nf"),
    "colortemp": Quantity("colour_temperature", "k"),
    "concentration": Quantity("concentration", "pct"),
    "count": Quantity("count", "", has_bare_counts=True),
    "current": Quantity("current", "a", over=1e3),
    "distance": Quantity("distance", "m"),
    "electricalconductivity": Quantity("conductivity", "s_per_m"),
    "energy": Quantity("energy", "j"),
    "gravity": Quantity("gravity", "m_per_s2"),
    "humidityrelative": Quantity("relative_humidity", "pct", over=1e3),
    "illuminance": Quantity("illuminance", "lux"),
    "incli": Quantity("inclination", "deg"),
    "intensity": Quantity("intensity", "", has_bare_counts=True),
    "magn": Quantity("magnetic_field", "ut", times=100),
    "massconcentration": Quantity("mass_concentration", "ug_per_m3"),
    "ph": Quantity("ph", ""),
    "positionrelative": Quantity("relative_position", "pct", over=1e3),
    "power": Quantity("power", "w", over=1e3),
    "pressure": Quantity("pressure", "hpa", times=10),
    "proximity": Quantity("proximity", "", has_bare_counts=True),
    "resistance": Quantity("resistance", "ohm"),
    "steps": Quantity("steps", ""),
    "temp": Quantity("temperature", "c", over=1e3),
    "uvindex": Quantity("uv_index", ""),
    "velocity": Quantity("velocity", "m_per_s"),
    "voltage": Quantity("voltage", "v", over=1e3),
}
"""By the type in an attribute's name: in_TYPE0_raw."""

HWMON = {
    "curr": Quantity("current", "a", over=1e3),
    "energy": Quantity("energy", "j", over=1e6),
    "fan": Quantity("fan", "rpm"),
    "humidity": Quantity("relative_humidity", "pct", over=1e3),
    "in": Quantity("voltage", "v", over=1e3),
    "power": Quantity("power", "w", over=1e6),
    "temp": Quantity("temperature", "c", over=1e3),
}
"""By the type in an attribute's name: TYPE1_input."""
