"""What is connected to a simulated Pi, as a program hears of it that asks the discovery service."""

import asyncio
import logging
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.proto.app.robot import ComponentConfig
from viam.utils import struct_to_dict

from pi_drivers import registry
from pi_drivers.errors import BusPermissionError, ClosedError
from pi_drivers.host.outlets import SerialOutlet
from pi_drivers.models.adc.ads1115 import Ads1115Twin
from pi_drivers.models.board.pca9685_twin import Pca9685Twin
from pi_drivers.models.discovery import i2c_candidates
from pi_drivers.models.discovery import inventory as inventories
from pi_drivers.models.discovery.i2c_candidates import candidates
from pi_drivers.models.discovery.inventory import KINDS
from pi_drivers.models.power_sensor.ina219_twin import Ina219Twin
from pi_drivers.models.sensor.bh1750 import Bh1750Twin
from pi_drivers.models.sensor.bme280_twin import Bme280Twin
from pi_drivers.models.sensor.ds18b20 import Ds18b20Twin
from pi_drivers.models.sensor.sht31 import Sht31Twin
from pi_drivers.world.devices import I2cDevice, RegisterFile
from pi_drivers.world.kernel_drivers import device_of
from pi_drivers.world.kernel_sensors import KernelDevice
from pi_drivers.world.serial_line import Notebook
from tests.models.conftest import Bench

THERMOMETER = "28-000005e2fdc3"


class Listener(I2cDevice):
    """A chip that has no registers and writes down every byte it is sent."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.heard.append(data)

    def read(self, count: int) -> bytes:
        self.heard.append(b"read")
        return bytes(count)


async def found_by(bench: Bench, **extra: Any) -> dict[str, ComponentConfig]:
    """What a client of a discovery service of its own is told, by name."""
    service = await bench.make("discovery", f"find{len(bench._built)}")
    configs = await (await bench.client(service)).discover_resources(extra=extra)
    await service.close()
    names = [config.name for config in configs]
    assert len(names) == len(set(names))
    return {config.name: config for config in configs}


async def told(bench: Bench, kind: str) -> tuple[dict[str, str], list[str]]:
    """What the command `inventory` says of one kind: what is at each place, and the troubles."""
    service = await bench.make("discovery", f"find{len(bench._built)}")
    answer: Any = await (await bench.client(service)).do_command({"command": "inventory", "kind": kind})
    await service.close()
    return {one["place"]: one["what"] for one in answer["connected"]}, answer["troubles"]


def plug_everything_in(bench: Bench) -> None:
    world = bench.world
    for address, twin in {0x23: Bh1750Twin(world), 0x44: Sht31Twin(world), 0x76: Bme280Twin(world)}.items():
        world.i2c(1).plug_in(address, twin)
    world.i2c(3).plug_in(0x48, Ads1115Twin(world, "i2c-3 0x48"))
    world.onewire.plug_in(THERMOMETER, Ds18b20Twin(world))
    world.serial("/dev/ttyUSB0").plug_in(Notebook())
    world.kernel_sensors.plug_in(device_of(world, "dht11"))
    bench.host.pwm.overlays.add(18)


async def test_what_is_plugged_in_can_be_pasted_into_a_machine_config_and_works(bench: Bench):
    plug_everything_in(bench)
    found = await found_by(bench)
    assert {name: str(config.model).rpartition(":")[2] for name, config in found.items()} == {
        "pi": "board",
        "pi-health": "pi-health",
        "bh1750-23": "bh1750",
        "sht31-44": "sht31",
        "bme280-76": "bme280",
        "ads1115-48-bus3": "adc",
        "ds18b20-fdc3": "ds18b20",
        "serial-sensor": "serial-sensor",
        "dht11-4": "iio-sensor",
        "servo-gpio18": "servo",
    }
    for name, config in found.items():
        model = str(config.model).rpartition(":")[2]
        assert config.api == str(registry.api_of(model))
        await bench.make(model, name, **struct_to_dict(config.attributes))


async def test_cameras_are_found_by_names_that_they_keep(bench: Bench):
    for name in ("front", "rear"):
        await (await bench.make("webcam", name, video_path=f"usb-{name}-video-index0")).close()
    await (await bench.make("csi-camera", "eye")).close()
    found = await found_by(bench)
    assert {name: struct_to_dict(found[name].attributes) for name in ("webcam", "webcam-2", "csi-camera")} == {
        "webcam": {"video_path": "/dev/v4l/by-id/usb-front-video-index0", "backend": "mock"},
        "webcam-2": {"video_path": "/dev/v4l/by-id/usb-rear-video-index0", "backend": "mock"},
        "csi-camera": {"camera_num": 0, "backend": "mock"},
    }


@pytest.mark.parametrize(
    ("address", "chip", "what", "models"),
    [
        (0x40, "Ina219Twin", "an INA219: its registers say so", ["ina219"]),
        (0x40, "Pca9685Twin", "a PCA9685: its registers say so", ["pca9685"]),
        (0x41, RegisterFile(), "probably an INA219", ["ina219"]),
        (0x76, RegisterFile({0xD0: 0x60}), "a BME280: its registers say so", ["bme280"]),
        (0x77, RegisterFile({0xD0: 0x58}), "a BMP280: its registers say so", ["bme280"]),
        (0x77, RegisterFile({0xD0: 0x61}), "a chip that is not known here", []),
        (0x69, RegisterFile({0x75: 0x71}), "an MPU-9250: its registers say so", ["mpu6050"]),
        (0x68, RegisterFile(), "probably a DS3231", []),
        (0x48, RegisterFile(), "probably an ADS1115 or an INA219", ["adc", "ina219"]),
        (0x48, "Ads1115Twin", "an ADS1115: its registers say so", ["adc"]),
        (0x44, "Sht31Twin", "probably an SHT31", ["sht31"]),
        (0x36, RegisterFile(), "probably an AS5600", ["as5600"]),
        (0x36, RegisterFile({0x0C: 0xF0}), "a chip that is not known here", []),
        (0x3C, RegisterFile(), "probably an SSD1306", []),
        (0x11, RegisterFile(), "a chip that is not known here", []),
    ],
)
async def test_a_chip_is_asked_what_it_is_where_it_has_something_to_say(bench: Bench, address, chip, what, models):
    place = f"i2c-1 0x{address:02x}"
    world = bench.world
    twins: dict[str, Any] = {
        "Ina219Twin": lambda: Ina219Twin(world, place, 0.1),
        "Pca9685Twin": lambda: Pca9685Twin(world, place),
        "Ads1115Twin": lambda: Ads1115Twin(world, place),
        "Sht31Twin": lambda: Sht31Twin(world),
    }
    world.i2c(1).plug_in(address, twins[chip]() if isinstance(chip, str) else chip)
    assert await told(bench, "i2c") == ({place: what}, [])
    found = await found_by(bench, kind="i2c")
    assert [str(config.model).rpartition(":")[2] for config in found.values()] == models


async def test_where_any_byte_is_a_command_nothing_is_asked(bench: Bench, monkeypatch):
    hat = next(one for one in candidates() if one.model == "pca9685")
    known = [one for one in candidates() if one is not hat]
    everywhere = hat._replace(addresses=frozenset(range(0x40, 0x70)))
    monkeypatch.setattr(i2c_candidates, "candidates", lambda: [*known, everywhere])
    listener = Listener()
    bench.world.i2c(1).plug_in(0x5C, listener)
    assert await told(bench, "i2c") == ({"i2c-1 0x5c": "probably a BH1750 or a PCA9685"}, [])
    assert set(listener.heard) == {b""}


async def test_no_register_of_any_chip_is_written(bench: Bench):
    written: list[bytes] = []

    class Recorded(RegisterFile):
        def write(self, data: bytes) -> None:
            written.append(data)
            super().write(data)

    for address in (0x36, 0x40, 0x44, 0x48, 0x68, 0x76):
        bench.world.i2c(1).plug_in(address, Recorded())
    await told(bench, "i2c")
    assert written
    assert max(map(len, written)) == 1


async def test_a_number_that_resets_another_chip_is_not_sent_to_one(bench: Bench):
    sent: list[bytes] = []

    class Humidity(RegisterFile):
        def write(self, data: bytes) -> None:
            sent.append(data)
            super().write(data)

    bench.world.i2c(1).plug_in(0x40, Humidity({0x01: 0xFF}))
    assert await told(bench, "i2c") == ({"i2c-1 0x40": "probably an INA219"}, [])
    assert b"\x01" in sent
    assert b"\xfe" not in sent


async def test_what_a_component_uses_is_left_alone_and_told_under_its_own_name(bench: Bench):
    plug_everything_in(bench)
    air = await bench.make("sht31", "air", i2c_addr="0x44", poll_interval_ms=500)
    await bench.make("ds18b20", "tank", sensor_id=THERMOMETER)
    await bench.make("serial-sensor", "printer", serial_path="/dev/ttyUSB0")
    await bench.make("iio-sensor", "cellar", device="dht11")
    await bench.make("adc", "inputs", channels={"a": {"channel": 0}})
    await bench.make("webcam", "front")
    await bench.make("board", "header")
    found = await found_by(bench)
    assert {"air", "tank", "printer", "cellar", "inputs", "front", "header"} <= set(found)
    assert not {"sht31-44", "ds18b20-fdc3", "serial-sensor", "dht11-4", "webcam", "pi"} & set(found)
    assert struct_to_dict(found["air"].attributes) == {"backend": "mock", "i2c_addr": "0x44", "poll_interval_ms": 500}
    assert found["air"].model == "bramble:pi-drivers:sht31"
    places, _ = await told(bench, "i2c")
    assert places["i2c-1 0x44"] == 'sensor "air" uses it (sensor)'
    assert (await air.get_status())["failures"] == 0


async def test_a_sensor_that_measures_just_now_is_found_all_the_same(bench: Bench):
    air = await bench.make("sht31", "air", poll_interval_ms=100)
    bench.world.i2c(1).write(0x44, bytes([0x24, 0x00]))  # deaf for 15 ms
    places, _ = await told(bench, "i2c")
    assert places == {"i2c-1 0x44": 'sensor "air" uses it (sensor)'}
    await air.close()


async def test_a_name_that_a_component_has_is_given_to_nobody_else(bench: Bench):
    await bench.make("pi-health", "sht31-44")
    bench.world.i2c(1).plug_in(0x44, Sht31Twin(bench.world))
    assert "sht31-44-2" in await found_by(bench, kind="i2c")


async def test_a_chip_with_a_driver_in_the_kernel_is_left_to_it(bench: Bench):
    bench.world.kernel_sensors.plug_in(device_of(bench.world, "bme280"))
    bench.world.i2c(1).plug_in(0x76, Bme280Twin(bench.world))
    found = await found_by(bench)
    assert struct_to_dict(found["bme280"].attributes) == {"device": "bme280", "place": "1-0076", "backend": "mock"}
    assert "bme280-76" not in found
    places, _ = await told(bench, "i2c")
    assert places == {"i2c-1 0x76": "the driver bmp280 of the Linux kernel uses it"}


async def test_what_the_pi_has_for_itself_is_not_told(bench: Bench):
    bench.world.kernel_sensors.plug_in(device_of(bench.world, "cpu_thermal"))
    bench.world.kernel_sensors.plug_in(KernelDevice("rpi_volt", "rpi_volt@0", "rpi_volt", dict, is_hwmon=True))
    assert await told(bench, "kernel-sensor") == ({}, [])


async def test_a_satellite_receiver_is_known_by_its_name_on_usb(bench: Bench, monkeypatch):
    path = "/dev/serial/by-id/usb-u-blox_7_-_GPS_GNSS_Receiver-if00"
    outlets = type(bench.host.outlets)
    monkeypatch.setattr(outlets, "serial_ports", lambda self: [SerialOutlet(path, path.rpartition("/")[2])])
    found = await found_by(bench, kind="serial")
    assert list(found) == ["gps", "serial-sensor"]
    assert struct_to_dict(found["gps"].attributes)["serial_path"] == path


async def test_what_is_unplugged_is_found_no_more(bench: Bench):
    plug_everything_in(bench)
    await bench.wait(1)
    bench.world.i2c(1).faults(0x44).unplugged = True
    bench.world.serial("/dev/ttyUSB0").unplug()
    found = await found_by(bench)
    assert not {"sht31-44", "serial-sensor"} & set(found)
    assert "bme280-76" in found


async def test_a_bus_that_hangs_is_a_trouble_and_hides_neither_its_own_chips_nor_other_buses(bench: Bench):
    plug_everything_in(bench)
    bench.world.i2c(1).faults(0x76).hangs = 1_000
    service = await bench.make("discovery", "find")
    found = {config.name for config in await (await bench.client(service)).discover_resources()}
    assert {"ads1115-48-bus3", "ds18b20-fdc3", "pi"} <= found
    (trouble,) = (await service.get_status())["troubles"]
    assert trouble.startswith("i2c-1 0x76: the bus hangs")
    assert {"bh1750-23", "sht31-44"} <= found


async def test_a_look_that_does_not_end_is_given_up_and_everything_else_is_told(bench: Bench, monkeypatch):
    plug_everything_in(bench)

    def hang(self: object) -> list[SerialOutlet]:
        bench.world.clock.sleep(60_000_000_000)
        return []

    monkeypatch.setattr(type(bench.host.outlets), "serial_ports", hang)
    before_ns = bench.host.now_ns()
    service = await bench.make("discovery", "find")
    found = {config.name for config in await service.discover_resources()}
    assert bench.host.now_ns() - before_ns < 6_000_000_000
    assert {"sht31-44", "ds18b20-fdc3"} <= found
    assert (await service.get_status())["troubles"] == ["serial: no end of it after 5 s, so it was given up"]
    await bench.wait(60)


async def test_a_mistake_in_one_look_is_a_trouble_of_that_one(bench: Bench, monkeypatch, caplog):
    bench.world.i2c(1).plug_in(0x44, Sht31Twin(bench.world))

    def fail(self: object) -> list[SerialOutlet]:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(type(bench.host.outlets), "serial_ports", fail)
    service = await bench.make("discovery", "find")
    assert "sht31-44" in {config.name for config in await service.discover_resources()}
    assert "serial: ZeroDivisionError: a mistake" in (await service.get_status())["troubles"]


async def test_a_bus_that_may_not_be_used_says_what_to_do(bench: Bench, monkeypatch):
    def refuse(number: int) -> Any:
        raise BusPermissionError(f"i2c-{number}: /dev/i2c-{number}: this user may not use it")

    monkeypatch.setattr(bench.host, "open_i2c", refuse)
    assert await told(bench, "i2c") == ({}, ["i2c-1: /dev/i2c-1: this user may not use it"])


async def test_a_bus_that_is_not_there_says_what_to_do(bench: Bench, monkeypatch):
    monkeypatch.setattr(type(bench.host.outlets), "i2c_buses", lambda self: [])
    places, (trouble,) = await told(bench, "i2c")
    assert (places, trouble) == (
        {},
        "I2C: no bus of the header is switched on: sudo raspi-config nonint do_i2c 0",
    )
    assert (await told(bench, "1-wire"))[1][0].startswith("1-Wire: this machine has no 1-Wire bus. Put the line")


async def test_a_bus_without_pull_up_resistors_is_no_bus_full_of_chips(bench: Bench):
    for address in range(0x08, 0x78):
        bench.world.i2c(1).plug_in(address, RegisterFile())
    places, (trouble,) = await told(bench, "i2c")
    assert places == {}
    assert trouble.startswith("i2c-1: 112 of 112 addresses seem to answer")
    assert "no pull-up resistor" in trouble


async def test_a_camera_that_is_in_use_is_told_and_not_touched(bench: Bench):
    front = await bench.make("webcam", "front")
    client = await bench.client(front)
    for _ in range(3):
        assert set(await found_by(bench, kind="usb-camera")) == {"front"}
        await bench.wait(0.2)
        images, _ = await client.get_images()
        assert images


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"kind": "i2s"}, 'kind: there is no "i2s" (did you mean "i2c"?); there are: machine, i2c'),
        ({"kind": 3}, "kind: there is no 3.0; there are: machine"),
        ({"bus": 1}, '"bus" is not known here; there is "kind", one of: machine, i2c'),
    ],
)
async def test_what_cannot_be_asked_for_says_what_can(bench: Bench, extra, said):
    client = await bench.client(await bench.make("discovery", "find"))
    with pytest.raises(GRPCError) as caught:
        await client.discover_resources(extra=extra)
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert said in str(caught.value.message)


async def test_those_who_ask_at_once_share_one_look_which_goes_on_when_one_of_them_gives_up(bench: Bench, monkeypatch):
    looks = []
    look = inventories._LOOKS["spi"]

    async def counted(host: Any) -> Any:
        looks.append(host)
        await host.wait(100_000_000)
        return await look.look(host)

    monkeypatch.setattr(inventories, "_LOOKS", {"spi": look._replace(look=counted)})
    service = await bench.make("discovery", "find")
    asking = [asyncio.create_task(service.discover_resources()) for _ in range(3)]
    await bench.wait(0.05)
    asking[0].cancel()
    assert [await one for one in asking[1:]] == [[], []]
    assert len(looks) == 1
    await service.discover_resources()
    assert len(looks) == 2


async def test_closing_ends_a_look_and_nothing_of_it_is_left(bench: Bench):
    bench.world.i2c(1).faults(0x44).hangs = 1
    service = await bench.make("discovery", "find")
    asking = asyncio.create_task(service.discover_resources())
    await asyncio.sleep(0)
    await service.close()
    with pytest.raises(ClosedError, match='discovery "find" was closed'):
        await asking
    await bench.wait(2)
    assert bench.host._i2c == {}
    with pytest.raises(ClosedError):
        await service.discover_resources()


async def test_the_buses_are_closed_again(bench: Bench):
    plug_everything_in(bench)
    await found_by(bench)
    assert bench.host._i2c == {}
    assert bench.host._onewire is None
    assert bench.host.claims.listing() == {}


async def test_troubles_are_in_the_log_and_in_the_status(bench: Bench, caplog):
    service = await bench.make("discovery", "find")
    service.logger.setLevel(logging.WARNING)  # the demo has all resources log errors only, from then on
    client = await bench.client(service)
    assert await client.get_status() == {"backend": "mock", "closed": False, "looking": False}
    await client.discover_resources(extra={"kind": "1-wire"})
    assert any("this machine has no 1-Wire bus" in record.getMessage() for record in caplog.records)
    status = await client.get_status()
    assert status["connected"] == 0
    assert status["troubles"][0].startswith("1-Wire: this machine has no 1-Wire bus")


async def test_help_lists_what_there_is(bench: Bench):
    client = await bench.client(await bench.make("discovery", "find"))
    entry: Any = (await client.do_command({"command": "help"}))["inventory"]
    assert entry["example"] == {"command": "inventory", "kind": "machine"}
    assert all(kind in entry["does"] for kind in KINDS)


def test_every_model_of_an_i2c_chip_is_thought_of_where_its_config_takes_it():
    known = {one.model: one.addresses for one in candidates()}
    assert known["sht31"] == {0x44, 0x45}
    assert known["bme280"] == {0x76, 0x77}
    assert known["adc"] == {0x48, 0x49, 0x4A, 0x4B}
    assert known["ina219"] == set(range(0x40, 0x50))
    assert {name for name in registry.MODELS if "i2c_addr" in registry.load(name).CONFIG.model_fields} == set(known)


def test_a_model_is_known_by_its_class():
    assert registry.name_of(registry.load("sht31")) == "sht31"
    assert registry.name_of(registry.load("discovery")) == "discovery"
    assert registry.name_of(RegisterFile) is None
