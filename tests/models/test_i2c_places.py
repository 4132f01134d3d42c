"""Where I2C sensors are: on the bus and at the address that the config says, whichever model it is."""

from typing import Any

import pytest

from tests.models.conftest import Bench

BUS = 3
MODELS: list[tuple[str, dict[str, Any], str]] = [
    ("sht31", {"i2c_addr": "0x45"}, "temperature_c"),
    ("bme280", {"i2c_addr": "0x76"}, "pressure_hpa"),
    ("bh1750", {"i2c_addr": "0x5c"}, "lux"),
    ("ina219", {"i2c_addr": "0x41"}, "volts"),
    ("mpu6050", {"i2c_addr": "0x69"}, "angular_velocity"),
    ("adc", {"i2c_addr": "0x49", "chip": "ads1115", "channels": {"pot": {"channel": 0}}}, "pot"),
]


@pytest.mark.parametrize(("model", "attributes", "key"), MODELS)
async def test_a_sensor_is_on_the_bus_and_at_the_address_of_its_config(bench: Bench, model, attributes, key):
    client = await bench.client(await bench.make(model, "far", i2c_bus=str(BUS), **attributes))
    assert key in await client.get_readings()
    address = attributes["i2c_addr"]
    assert list(bench.host.claims.listing()) == [f"i2c-{BUS} {address}"]
    assert bench.world.i2c(BUS).device(int(address, 0)) is not None
    assert bench.world.i2c(1).device(int(address, 0)) is None
    status = await client.get_status()
    assert (status["i2c_bus"], status["i2c_addr"]) == (BUS, address)
