"""The contract of the kernel's own sensors, on the mock and on a tree of files as the kernel shows it."""

import errno
import os
from pathlib import Path

import pytest

from pi_drivers.buses.iio import answers
from pi_drivers.buses.iio.contract import KernelSensor, KernelSensors
from pi_drivers.errors import (
    ArgumentError,
    BusError,
    BusPermissionError,
    BusTimeoutError,
    NoAnswerError,
    NotFoundError,
)
from tests.conftest import open_descriptors

from .iio_grounds import KernelSensorsGround, MockKernelSensorsGround, SysfsKernelSensorsGround

# As drivers/iio/pressure/bmp280-core.c, drivers/iio/humidity/dht11.c and drivers/hwmon/sht3x.c write them.
BME280 = {"in_temp_input": "21340", "in_pressure_input": "101.325000000", "in_humidityrelative_input": "45123"}
DHT11 = {"in_temp_input": "-10100", "in_humidityrelative_input": "65300"}
SHT3X = {"temp1_input": "20875", "humidity1_input": "44170"}


@pytest.fixture(params=["mock", "sysfs"])
def ground(request, tmp_path) -> KernelSensorsGround:
    made = MockKernelSensorsGround() if request.param == "mock" else SysfsKernelSensorsGround(tmp_path)
    made.plug_in("bme280", "1-0076", "bmp280", BME280)
    made.plug_in("dht11@4", "dht11@4", "dht11", DHT11)
    made.plug_in("sht3x", "1-0044", "sht3x", SHT3X, hwmon=True)
    return made


@pytest.fixture
def sensors(ground: KernelSensorsGround) -> KernelSensors:
    return ground.open()


def test_all_devices_are_found_with_what_stays_the_same_and_their_number(sensors: KernelSensors):
    found = sensors.devices()
    assert sorted(found, key=lambda device: device.name) == [
        KernelSensor("bme280", "1-0076", "bmp280", "iio:device0"),
        KernelSensor("dht11@4", "dht11@4", "dht11", "iio:device1"),
        KernelSensor("sht3x", "1-0044", "sht3x", "hwmon0"),
    ]
    assert [device.is_hwmon for device in found if device.name == "sht3x"] == [True]


def test_attributes_are_listed_and_read_without_the_line_s_end(ground: KernelSensorsGround, sensors: KernelSensors):
    device = ground.device("dht11@4")
    assert sensors.attributes(device) == ["in_humidityrelative_input", "in_temp_input", "name"]
    assert sensors.read(device, "in_temp_input") == "-10100"
    assert sensors.read(ground.device("sht3x"), "humidity1_input") == "44170"


def test_an_attribute_that_does_not_exist_is_not_found(ground: KernelSensorsGround, sensors: KernelSensors):
    with pytest.raises(NotFoundError, match=r"^kernel sensor bme280 \(1-0076\): it has no attribute in_temp_raw"):
        sensors.read(ground.device("bme280"), "in_temp_raw")


@pytest.mark.parametrize(
    "attribute", ["", "..", "../iio:device1/in_temp_input", "/etc/passwd", "in temp", "name\n", "a/b"]
)
def test_what_cannot_be_an_attribute_is_refused(ground: KernelSensorsGround, sensors: KernelSensors, attribute):
    with pytest.raises(ArgumentError, match="no attribute of a sensor"):
        sensors.read(ground.device("bme280"), attribute)


def test_a_device_that_is_gone_is_no_answer(ground: KernelSensorsGround, sensors: KernelSensors):
    device = ground.device("bme280")
    ground.unplug("bme280")
    assert "bme280" not in [each.name for each in sensors.devices()]
    for call in (lambda: sensors.read(device, "in_temp_input"), lambda: sensors.attributes(device)):
        with pytest.raises(NoAnswerError, match=r"^kernel sensor bme280 \(1-0076\): it is gone"):
            call()


def test_a_device_that_comes_back_has_another_number(ground: KernelSensorsGround, sensors: KernelSensors):
    before = ground.device("bme280")
    ground.unplug("bme280")
    ground.plug_in("bme280", "1-0076", "bmp280", BME280)
    after = ground.device("bme280")
    assert (after.name, after.place) == (before.name, before.place)
    assert after.number != before.number
    with pytest.raises(NoAnswerError):
        sensors.read(before, "in_temp_input")
    assert sensors.read(after, "in_temp_input") == "21340"


def test_a_machine_without_sensors_has_none(tmp_path):
    for ground in (MockKernelSensorsGround(), SysfsKernelSensorsGround(tmp_path)):
        assert ground.open().devices() == []


def test_devices_can_be_read_for_ever(ground: KernelSensorsGround, sensors: KernelSensors):
    device = ground.device("bme280")
    before = open_descriptors()
    for _ in range(100):
        sensors.read(device, "in_pressure_input")
        sensors.devices()
    assert open_descriptors() <= before


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ETIMEDOUT, BusTimeoutError, "waited in vain"),
        (errno.EIO, BusError, "could not read it"),
        (errno.EAGAIN, BusError, "could not read it"),
        (errno.EBUSY, BusError, "could not read it"),
        (errno.EREMOTEIO, NoAnswerError, "the chip does not answer its driver"),
        (errno.ENXIO, NoAnswerError, "the chip does not answer its driver"),
        (errno.ENODEV, NoAnswerError, "it is gone"),
        (errno.ENODATA, NotFoundError, "there is no value"),
        (errno.EINVAL, NotFoundError, "there is no value"),
        (errno.EACCES, BusPermissionError, "may not read it"),
    ],
)
def test_what_a_driver_answers_is_explained(tmp_path, monkeypatch, number, kind, words):
    ground = SysfsKernelSensorsGround(tmp_path)
    ground.plug_in("dht11@4", "dht11@4", "dht11", DHT11)
    device, sensors, read_text = ground.device("dht11@4"), ground.open(), Path.read_text

    def fail(path: Path, **options: str) -> str:
        if path.name == "in_temp_input":
            raise OSError(number, os.strerror(number), str(path))
        return read_text(path, **options)

    monkeypatch.setattr(Path, "read_text", fail)
    with pytest.raises(kind, match=f"^kernel sensor dht11@4: .*{words}") as caught:
        sensors.read(device, "in_temp_input")
    assert type(caught.value) is type(answers.failed(device, "in_temp_input", number))


def test_a_number_that_another_device_got_meanwhile_is_not_read_for_the_old_one(tmp_path):
    ground = SysfsKernelSensorsGround(tmp_path)
    ground.plug_in("bme280", "1-0076", "bmp280", BME280)
    old = ground.device("bme280")
    ground.unplug("bme280")
    ground.put("iio:device0", "dht11@4", "devices/platform/dht11@4", "dht11", DHT11)
    with pytest.raises(NoAnswerError, match="it is gone"):
        ground.open().read(old, "in_temp_input")


def test_a_place_is_the_folder_above_those_of_the_device_itself(tmp_path):
    ground = SysfsKernelSensorsGround(tmp_path)
    # /sys/class/hwmon/hwmon0 of a Pi leads to .../virtual/thermal/thermal_zone0/hwmon0.
    ground.put("hwmon0", "cpu_thermal", "devices/virtual/thermal/thermal_zone0", "", {"temp1_input": "48750"})
    ground.put("iio:device10", "foo", "devices", "", {"in_voltage0_raw": "73"})
    ground.put("iio:device9", "mcp3008", "devices/platform/soc/fe204000.spi/spi0/spi0.0", "mcp320x", {})
    assert ground.open().devices() == [
        KernelSensor("cpu_thermal", "thermal_zone0", "", "hwmon0"),
        KernelSensor("mcp3008", "spi0.0", "mcp320x", "iio:device9"),
        KernelSensor("foo", "", "", "iio:device10"),
    ]


def test_what_is_no_device_among_the_links_is_passed_over(tmp_path):
    ground = SysfsKernelSensorsGround(tmp_path)
    (tmp_path / "bus/iio/devices/iio_sysfs_trigger").mkdir()
    (tmp_path / "bus/iio/devices/iio:device7").symlink_to(tmp_path / "nowhere")
    assert ground.open().devices() == []
