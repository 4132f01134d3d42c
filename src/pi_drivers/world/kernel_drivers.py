"""What the drivers of some chips write, as the kernel's sources have it, for the air and the light of the world.

A device of another name is a thermometer whose text is a raw count with an offset and a scale.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pi_drivers.world.kernel_sensors import KernelDevice, Texts

if TYPE_CHECKING:
    from pi_drivers.world.world import World

CPU_WARMTH_C = 26.0


def device_of(world: "World", name: str, place: str | None = None) -> KernelDevice:
    """A chip with its driver.

    Args:
        world: what it measures.
        name: as a config has it: `bme280`, `dht11`, `cpu_thermal`.
        place: where it is; None is where such a chip usually is.
    """
    kind = _KINDS.get(name)
    if kind is None:
        return KernelDevice(name, place or f"{name}@0", "", lambda: _counts(world))
    usual_place, driver, is_hwmon, texts = kind
    where = place or usual_place
    # The driver of the DHT11 calls its device as the device tree does (drivers/iio/humidity/dht11.c).
    return KernelDevice(where if driver == "dht11" else name, where, driver, lambda: texts(world), is_hwmon=is_hwmon)


def _dht11(world: "World") -> Texts:
    """Thousandths in steps of a tenth; of a DHT22 as well (drivers/iio/humidity/dht11.c)."""
    return {
        "in_temp_input": str(round(_temperature(world) * 10) * 100),
        "in_humidityrelative_input": str(round(_humidity(world) * 10) * 100),
    }


def _bmp280(world: "World") -> Texts:
    """The pressure in kPa with nine decimals (drivers/iio/pressure/bmp280-core.c, bmp280_read_press)."""
    return {
        "in_temp_input": str(round(_temperature(world) * 100) * 10),
        "in_temp_oversampling_ratio": "2",
        "in_pressure_input": f"{world.air.pressure_hpa / 10:.9f}",
        "in_pressure_oversampling_ratio": "16",
    }


def _bme280(world: "World") -> Texts:
    return {**_bmp280(world), "in_humidityrelative_input": str(round(_humidity(world) * 1000))}


def _sht3x(world: "World") -> Texts:
    return {
        "temp1_input": str(round(_temperature(world) * 1000)),
        "temp1_max": "0",
        "temp1_alarm": "0",
        "humidity1_input": str(round(_humidity(world) * 1000)),
        "humidity1_max": "0",
        "update_interval": "0",
    }


def _ina219(world: "World") -> Texts:
    """The shunt's voltage, the supply's, the current and the power, in mV, mA and µW (drivers/hwmon/ina2xx.c)."""
    supply = world.supply("i2c-1 0x40")
    return {
        "in0_input": str(round(supply.amperes * 0.1 * 1000)),
        "in1_input": str(round(supply.volts * 1000)),
        "curr1_input": str(round(supply.amperes * 1000)),
        "power1_input": str(round(supply.volts * supply.amperes * 1e6)),
        "shunt_resistor": "100000",
        "update_interval": "2",
    }


def _bh1750(world: "World") -> Texts:
    """Counts of 1/1.2 lux (drivers/iio/light/bh1750.c)."""
    return {
        "in_illuminance_raw": str(round(world.light.lux * 1.2)),
        "in_illuminance_scale": "0.833333",
        "integration_time": "0.120000",
    }


def _mpu6050(world: "World") -> Texts:
    """At rest on a table; its thermometer has an offset (drivers/iio/imu/inv_mpu6050)."""
    return {
        **{f"in_accel_{axis}_raw": raw for axis, raw in (("x", "0"), ("y", "0"), ("z", "16385"))},
        "in_accel_scale": "0.000598550",
        **{f"in_anglvel_{axis}_raw": "0" for axis in "xyz"},
        "in_anglvel_scale": "0.001064724",
        "in_temp_raw": str(round(_temperature(world) * 340) - 12421),
        "in_temp_offset": "12421",
        "in_temp_scale": "2.941176",
    }


def _cpu_thermal(world: "World") -> Texts:
    return {"temp1_input": str(round((_temperature(world) + CPU_WARMTH_C) * 1000))}


def _counts(world: "World") -> Texts:
    """A tenth of a degree each, from -40 °C on."""
    return {
        "in_temp_raw": str(round((_temperature(world) + 40) * 10)),
        "in_temp_offset": "-400",
        "in_temp_scale": "100",
    }


def _temperature(world: "World") -> float:
    return world.air.temperature_at(world.clock.now_ns())


def _humidity(world: "World") -> float:
    return world.air.relative_humidity_at(world.clock.now_ns())


_KINDS: dict[str, tuple[str, str, bool, Callable[["World"], Texts]]] = {
    # name: usual place, driver, whether it is one of hwmon, what it writes
    "dht11": ("dht11@4", "dht11", False, _dht11),
    "bmp280": ("1-0076", "bmp280", False, _bmp280),
    "bme280": ("1-0076", "bmp280", False, _bme280),
    "sht3x": ("1-0044", "sht3x", True, _sht3x),
    "ina219": ("1-0040", "ina2xx", True, _ina219),
    "bh1750": ("1-0023", "bh1750", False, _bh1750),
    "mpu6050": ("1-0068", "inv-mpu6050-i2c", False, _mpu6050),
    "cpu_thermal": ("thermal_zone0", "", True, _cpu_thermal),
}
