"""Sensors with a driver in the kernel, on the simulated Pi: found by name, read in units, and how they fail."""

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import (
    BusAbsentError,
    ClaimedError,
    ConfigError,
    NoAnswerError,
    NotFoundError,
    StaleReadingError,
)
from pi_drivers.world.kernel_drivers import device_of
from pi_drivers.world.kernel_sensors import KernelDevice, KernelSensorFaults
from tests.models.conftest import Bench

BME280 = ("bme280", "1-0076")
DHT11 = ("dht11@4", "dht11@4")


def faults(bench: Bench, device: tuple[str, str]) -> KernelSensorFaults:
    return bench.world.kernel_sensors.faults(*device)


async def test_readings_follow_the_air_and_come_without_waiting(bench: Bench):
    bench.world.air.temperature_c = -10.1
    bench.world.air.relative_humidity_pct = 65.3
    client = await bench.client(await bench.make("iio-sensor", "air", device="dht22"))
    assert await client.get_readings() == {
        "temperature_c": pytest.approx(-10.1),
        "relative_humidity_pct": pytest.approx(65.3),
    }
    bench.world.air.temperature_c = 31.5
    await bench.wait(2.1)
    before_ns = bench.host.now_ns()
    assert (await client.get_readings())["temperature_c"] == pytest.approx(31.5)
    assert bench.host.now_ns() == before_ns


@pytest.mark.parametrize(
    ("device", "readings"),
    [
        ("bme280", {"temperature_c": 21, "relative_humidity_pct": 45, "pressure_hpa": 1013.25}),
        ("bmp280", {"temperature_c": 21, "pressure_hpa": 1013.25}),
        ("sht3x", {"temperature_c": 21, "relative_humidity_pct": 45}),
        ("ina219", {"voltage0_v": 0.08, "voltage1_v": 12, "current_a": 0.8, "power_w": 9.6}),
        ("bh1750", {"illuminance_lux": 320}),
        ("mpu6050", {
            **{f"acceleration_{axis}_m_per_s2": 9.807 if axis == "z" else 0 for axis in "xyz"},
            **{f"angular_velocity_{axis}_deg_per_s": 0 for axis in "xyz"},
            "temperature_c": 21,
        }),
        ("cpu_thermal", {"temperature_c": 47}),
        ("something-else", {"temperature_c": 21}),
    ],
)  # fmt: skip
async def test_chips_are_simulated_in_their_drivers_own_units(bench: Bench, device, readings):
    client = await bench.client(await bench.make("iio-sensor", "s", device=device))
    assert await client.get_readings() == {key: pytest.approx(value, abs=0.001) for key, value in readings.items()}


@pytest.mark.parametrize("name", ["humidity-sensor", "dht11", "DHT22", "am2302"])
async def test_a_dht_is_found_by_its_driver_whatever_the_device_tree_calls_it(bench: Bench, name):
    shelf = bench.world.kernel_sensors
    shelf.plug_in(KernelDevice("humidity-sensor", "humidity-sensor", "dht11", lambda: {"in_temp_input": "19900"}))
    assert await (await bench.make("iio-sensor", "air", device=name)).get_readings() == {"temperature_c": 19.9}


async def test_of_several_of_one_name_the_place_says_which_and_the_error_lists_them(bench: Bench):
    shelf = bench.world.kernel_sensors
    shelf.plug_in(KernelDevice("bme280", "1-0076", "bmp280", lambda: {"in_temp_input": "10000"}))
    shelf.plug_in(KernelDevice("bme280", "1-0077", "bmp280", lambda: {"in_temp_input": "20000"}))
    with pytest.raises(ConfigError, match=r'several kernel sensors "bme280"; set place to one of .*1-0076.*1-0077'):
        await bench.make("iio-sensor", "a", device="bme280")
    sensor = await bench.make("iio-sensor", "b", device="bme280", place="1-0077")
    assert await sensor.get_readings() == {"temperature_c": 20.0}


async def test_a_chip_that_is_shown_in_two_ways_is_read_as_a_sensor(bench: Bench):
    shelf = bench.world.kernel_sensors
    shelf.plug_in(KernelDevice("lm75", "1-0048", "lm75", lambda: {"temp1_input": "1"}, is_hwmon=True))
    shelf.plug_in(KernelDevice("lm75", "1-0048", "lm75", lambda: {"in_temp_input": "22500"}))
    assert await (await bench.make("iio-sensor", "s", device="lm75")).get_readings() == {"temperature_c": 22.5}


@pytest.mark.parametrize(
    ("device", "remedy"),
    [
        ("dht22", "put the line dtoverlay=dht11,gpiopin=4 into /boot/firmware/config.txt"),
        ("bme280", "put the line dtoverlay=i2c-sensor,bme280 into"),
        ("ina219", r"echo NAME 0xADDRESS \| sudo tee /sys/bus/i2c/devices/i2c-1/new_device"),
        ("../../../etc", "overlays/README"),
    ],
)
async def test_a_device_that_is_not_there_is_told_with_those_that_are_and_what_to_do(bench: Bench, device, remedy):
    shelf = bench.world.kernel_sensors
    shelf.plug_in(device_of(bench.world, "cpu_thermal"))
    gone = device_of(bench.world, "dht11" if device == "dht22" else device)
    shelf.plug_in(gone)
    shelf.unplug(gone.name, gone.place)
    with pytest.raises(BusAbsentError, match=rf"There are: cpu_thermal \(thermal_zone0\)\. .*{remedy}") as caught:
        await bench.make("iio-sensor", "s", device=device)
    assert f'no sensor "{device}"' in str(caught.value)


async def test_chosen_channels_alone_are_read_by_their_keys_or_the_kernel_s_names(bench: Bench):
    client = await bench.client(
        await bench.make("iio-sensor", "s", device="bme280", channels=["pressure_hpa", "in_temp"])
    )
    assert set(await client.get_readings()) == {"pressure_hpa", "temperature_c"}
    with pytest.raises(ConfigError, match=r"has no channel lux; there are: relative_humidity_pct, pressure_hpa, temp"):
        await bench.make("iio-sensor", "t", device="bme280", channels=["lux"])


async def test_a_device_without_a_channel_says_so(bench: Bench):
    bench.world.kernel_sensors.plug_in(
        KernelDevice("rpi_volt", "soc:firmware", "raspberrypi-hwmon", lambda: {"in0_lcrit_alarm": "0"}, is_hwmon=True)
    )
    with pytest.raises(ConfigError, match=r"rpi_volt .*has no channel that could be read"):
        await bench.make("iio-sensor", "s", device="rpi_volt")


@pytest.mark.parametrize("fault", ["timeouts", "io_errors", "busy", "garbage"])
@pytest.mark.parametrize("skip", [0, 1, 2])
async def test_a_dht_that_misses_its_turn_twice_is_asked_again_within_the_poll(bench: Bench, fault, skip):
    sensor = await bench.make("iio-sensor", "air", device="dht11")
    faults(bench, DHT11).skip = skip
    setattr(faults(bench, DHT11), fault, 2)
    bench.world.air.temperature_c = 30.0
    await bench.wait(8)
    assert (await sensor.get_readings())["temperature_c"] == 30.0
    assert (await sensor.get_status())["failures"] == 0


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("timeouts", "dht11@4: in_.*: its driver waited in vain for an answer"),
        ("io_errors", "dht11@4: in_.*: its driver could not read it"),
        ("no_data", "there is no value"),
        ("silent", "the chip does not answer its driver"),
        ("garbage", "is no number that a driver writes"),
    ],
)
async def test_a_fault_that_lasts_is_told_with_its_cause_and_never_a_value(bench: Bench, fault, cause):
    client = await bench.client(await bench.make("iio-sensor", "air", device="dht11", max_age_ms=3000))
    setattr(faults(bench, DHT11), fault, 1_000_000)
    bench.world.air.temperature_c = 30.0
    await bench.wait(8)
    with pytest.raises(GRPCError, match=rf"the last good reading is \d\.\d s old: .*{cause}") as caught:
        await client.get_readings()
    assert caught.value.status is Status.UNAVAILABLE
    setattr(faults(bench, DHT11), fault, 0)
    await bench.wait(8)
    assert (await client.get_readings())["temperature_c"] == 30.0


async def test_a_chip_pulled_out_is_told_and_found_again_under_its_new_number(bench: Bench):
    client = await bench.client(await bench.make("iio-sensor", "air", device="bme280", max_age_ms=3000))
    assert (await client.get_status())["number"] == "iio:device0"
    bench.world.kernel_sensors.unplug(*BME280)
    await bench.wait(5)
    with pytest.raises(GRPCError, match='the kernel has no sensor "bme280"'):
        await client.get_readings()
    assert (await client.get_status())["waits_for"] == "its device to appear, and to be read"
    bench.world.air.temperature_c = 4.0
    bench.world.kernel_sensors.replug(*BME280)
    await bench.wait(6)
    assert (await client.get_readings())["temperature_c"] == 4.0
    assert (await client.get_status())["number"] == "iio:device1"


async def test_a_chip_that_is_gone_is_told_at_its_next_reading(bench: Bench):
    sensor = await bench.make("iio-sensor", "air", device="bme280")
    bench.world.kernel_sensors.unplug(*BME280)
    with pytest.raises(NoAnswerError, match=r"bme280 \(1-0076\): it is gone"):
        sensor._chip.read()


async def test_a_channel_without_a_value_is_left_out_and_named_in_the_status(bench: Bench):
    texts = {"temp1_input": "20000", "fan1_input": "0", "fan1_fault": "1"}
    bench.world.kernel_sensors.plug_in(KernelDevice("emc2305", "1-002f", "emc2305", lambda: texts, is_hwmon=True))
    sensor = await bench.make("iio-sensor", "s", device="emc2305", poll_interval_ms=500)
    assert await sensor.get_readings() == {"temperature_c": 20.0}
    status = await (await bench.client(sensor)).get_status()
    assert "fan1: its driver says that what is connected is broken" in status["without_value"]["fan_rpm"]
    texts["fan1_fault"] = "0"
    await bench.wait(1)
    assert await sensor.get_readings() == {"temperature_c": 20.0, "fan_rpm": 0}
    assert "without_value" not in await sensor.get_status()


async def test_a_channel_that_was_asked_for_must_have_a_value(bench: Bench):
    texts = {"temp1_input": "20000", "fan1_input": "0", "fan1_fault": "1"}
    bench.world.kernel_sensors.plug_in(KernelDevice("emc2305", "1-002f", "emc2305", lambda: texts, is_hwmon=True))
    with pytest.raises(NotFoundError, match="what is connected is broken"):
        await bench.make("iio-sensor", "s", device="emc2305", channels=["fan_rpm"])


async def test_an_error_that_all_channels_share_is_told_once(bench: Bench):
    texts = {"in_voltage_scale": "0.5", **{f"in_voltage{number}_raw": "100" for number in range(8)}}
    bench.world.kernel_sensors.plug_in(KernelDevice("mcp3008", "spi0.0", "mcp320x", lambda: texts))
    sensor = await bench.make("iio-sensor", "s", device="mcp3008")
    del texts["in_voltage_scale"]
    with pytest.raises(NotFoundError) as caught:
        sensor._chip.read()
    assert str(caught.value).count("it has no attribute in_voltage_scale") == 1


async def test_a_driver_that_takes_its_time_holds_nobody_else_up(bench: Bench):
    await bench.make("iio-sensor", "slow", device="dht11")
    quick = await bench.make("iio-sensor", "quick", device="bme280", poll_interval_ms=100, max_age_ms=300)
    faults(bench, DHT11).timeouts = 1_000_000
    for _ in range(30):
        await bench.wait(0.2)
        assert "pressure_hpa" in await quick.get_readings()
    assert (await quick.get_status())["overruns"] == 0


async def test_status_has_the_device_its_place_and_its_number(bench: Bench):
    status = await (await bench.client(await bench.make("iio-sensor", "s", device="sht3x"))).get_status()
    assert (status["device"], status["place"], status["number"]) == ("sht3x", "1-0044", "hwmon0")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "device: .*"),
        ({"device": 11}, "device"),
        ({"device": "bme280", "channels": []}, "channels"),
        ({"device": "bme280", "channels": ["a", "a"]}, r"channels\[1\]: 'a' is there already"),
        ({"device": "bme280", "chanels": ["a"]}, 'did you mean "channels"'),
        ({"device": "bme280", "place": 76}, "place"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await bench.make("iio-sensor", "s", **attributes)


# The chip that the kernel's driver talks to.


async def test_a_chip_of_the_kernel_is_not_another_model_s_too(bench: Bench):
    kernel = await bench.make("iio-sensor", "kernel", device="bme280")
    with pytest.raises(ClaimedError, match=r'i2c-1 0x76 is held by sensor "kernel" \(sensor of the kernel\)'):
        await bench.make("bme280", "own", i2c_addr="0x76")
    await kernel.close()

    await bench.make("bme280", "own", i2c_addr="0x76")
    with pytest.raises(ClaimedError, match=r'i2c-1 0x76 is held by sensor "own" \(sensor\), so sensor "kernel"'):
        await bench.make("iio-sensor", "kernel", device="bme280")


async def test_who_was_refused_a_chip_reads_it_once_the_other_is_gone(bench: Bench):
    own = await bench.make("bme280", "own", i2c_addr="0x76")
    with pytest.raises(ClaimedError):
        await bench.make("iio-sensor", "kernel", device="bme280")
    kernel = bench._built[-1]
    await bench.wait(5)
    with pytest.raises(StaleReadingError, match='0x76 is held by sensor "own"'):
        await kernel.get_readings()
    await own.close()
    await bench.wait(6)
    assert "pressure_hpa" in await kernel.get_readings()


async def test_two_may_read_what_one_driver_shows(bench: Bench):
    one = await bench.make("iio-sensor", "a", device="bme280", channels=["temperature_c"])
    two = await bench.make("iio-sensor", "b", device="bme280", channels=["pressure_hpa"])
    assert {**await one.get_readings(), **await two.get_readings()}.keys() == {"temperature_c", "pressure_hpa"}


async def test_a_chip_that_comes_back_elsewhere_gives_its_old_address_back(bench: Bench):
    shelf = bench.world.kernel_sensors
    sensor = await bench.make("iio-sensor", "air", device="bme280")
    shelf.unplug(*BME280)
    shelf.plug_in(device_of(bench.world, "bme280", "1-0077"))
    await bench.wait(8)
    assert "temperature_c" in await sensor.get_readings()
    assert [thing for thing in bench.host.claims.listing() if "i2c" in thing] == ["i2c-1 0x77"]
    shelf.unplug("bme280", "1-0077")
    shelf.plug_in(device_of(bench.world, "bme280", "spi0.0"))
    await bench.wait(8)
    assert "temperature_c" in await sensor.get_readings()
    assert bench.host.claims.listing() == {}
