"""Where I2C sensors are: on the bus and at the address that the config says, whichever model it is."""

import re
from typing import Any

import pytest

from pi_drivers import registry
from pi_drivers.config.attributes import json_schema, parse
from pi_drivers.errors import ClaimedError, ConfigError
from tests.models.conftest import Bench

BUS = 3
LAMP = [{"name": "lamp", "pin": "3", "initial": "low"}]
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


@pytest.mark.parametrize(
    ("model", "attributes"),
    [
        *((model, attributes) for model, attributes, _ in MODELS),
        ("bme280", {}),
        ("as5600", {}),
        ("pca9685", {}),
        ("iio-sensor", {"device": "bme280"}),
    ],
)
async def test_a_chip_on_the_header_and_a_lamp_never_have_the_bus_s_pins_both(bench: Bench, model, attributes):
    chip = await bench.make(model, "chip", **attributes)
    with pytest.raises(ClaimedError, match=r'GPIO2 \(pin 3\) is held by .*"chip" \(pin of I2C bus 1\)'):
        await bench.make("board", "pi", pins=LAMP)
    await chip.close()

    await bench.make("board", "pi", pins=LAMP)
    with pytest.raises(ClaimedError, match=r'GPIO2 \(pin 3\) is held by board "pi" \(pin\), so .*"chip"') as caught:
        await bench.make(model, "chip", **attributes)
    assert caught.value.message.count("GPIO2") == 1


async def test_the_pinout_tells_whose_the_pins_of_the_bus_are(bench: Bench):
    client = await bench.client(await bench.make("board", "pi"))
    await bench.make("sht31", "air")
    await bench.make("bh1750", "light")
    pinout = await client.do_command({"command": "pinout"})
    assert pinout["3"]["held_by"] == pinout["5"]["held_by"] == 'sensor "air" and sensor "light" (pin of I2C bus 1)'


CHOICES: list[tuple[str, tuple[int, ...]]] = [
    ("sht31", (0x44, 0x45)),
    ("bme280", (0x77, 0x76)),
    ("bh1750", (0x23, 0x5C)),
    ("mpu6050", (0x68, 0x69)),
]


@pytest.mark.parametrize(("model", "addresses"), CHOICES)
def test_of_addresses_only_those_that_the_chip_can_have_are_taken_however_they_are_written(model, addresses):
    config_class: Any = registry.load(model).CONFIG
    for address in addresses:
        for text in (address, f"0x{address:02x}", f"0X{address:04X}", f"{address:04d}"):
            assert parse(config_class, {"i2c_addr": text}, "s").i2c_addr == address
    listed = " or ".join(f"0x{address:02x} ({address})" for address in addresses)
    for other in (0x20, max(addresses) + 1):
        for value in (other, f"0x{other:02x}"):
            with pytest.raises(ConfigError) as caught:
                parse(config_class, {"i2c_addr": value}, "s")
            assert caught.value.message == f"s: i2c_addr: the chip has the address {listed}, not 0x{other:02x}"


@pytest.mark.parametrize(("model", "addresses"), CHOICES)
def test_the_schema_has_the_addresses_too(model, addresses):
    numbers, texts = json_schema(registry.load(model).CONFIG)["properties"]["i2c_addr"]["anyOf"]
    assert numbers == {"type": "integer", "enum": list(addresses)}
    for address in addresses:
        for text in (f"0x{address:02x}", f"0X{address:04X}", f"{address:04d}"):
            assert re.search(texts["pattern"], text)
    assert not any(re.search(texts["pattern"], text) for text in ("0x20", "0x777", "32", "x"))
