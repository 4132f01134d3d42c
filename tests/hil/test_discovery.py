"""The discovery service on a real kernel: its buses, chips that a program outside plays, its drivers, a USB camera."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from viam.components.sensor.client import SensorClient
from viam.services.discovery import DiscoveryClient
from viam.utils import struct_to_dict

from tests.hil.kernel_drivers import kernel_driver
from tests.hil.machine import configured
from tests.hil.outside_chips import OutsideChips
from tests.module.fake_viam_server import FakeViamServer, component, service

if TYPE_CHECKING:
    from tests.hil.played_camera import PlayedCamera

pytestmark = pytest.mark.asyncio(loop_scope="module")

Found = dict[tuple[str, ...], dict[str, Any]]


@pytest_asyncio.fixture(loop_scope="module")
async def find(server: FakeViamServer) -> AsyncIterator[DiscoveryClient]:
    """A client of the service."""
    async with configured(server, service("discovery", "discovery", "find")):
        yield server.direct(DiscoveryClient, "find")


@pytest.fixture
def chips(player: OutsideChips) -> OutsideChips:
    """The bus with three chips on it."""
    player.tell("clear")
    for word in ("bme280@0x76", "sht31@0x44", "bh1750@0x23"):
        player.tell(f"plug {word}")
    return player


async def on_bus(find: DiscoveryClient, bus: int) -> dict[str, tuple[str, str]]:
    """What is at the addresses of a bus: in words, and the models it is taken for."""
    answer: Any = await find.do_command({"command": "inventory", "kind": "i2c"})
    return {
        one["place"].partition(" ")[2]: (
            one["what"],
            " ".join(entry["model"].rpartition(":")[2] for entry in one["components"]),
        )
        for one in answer["connected"]
        if one["place"].startswith(f"i2c-{bus} ")
    }


async def test_chips_are_found_and_asked_what_they_are(find: DiscoveryClient, chips: OutsideChips):
    assert await on_bus(find, chips.bus) == {
        "0x23": ("probably a BH1750", "bh1750"),
        "0x44": ("probably an SHT31", "sht31"),
        "0x76": ("a BME280: its registers say so", "bme280"),
    }


async def test_what_is_found_works_as_it_is_told(server: FakeViamServer, find: DiscoveryClient, chips: OutsideChips):
    for found in await find.discover_resources(extra={"kind": "i2c"}):
        attributes = struct_to_dict(found.attributes)
        if attributes["i2c_bus"] == chips.bus:
            config = component("sensor", found.model, found.name, attributes)
            async with configured(server, config):
                assert await server.client(SensorClient, found.name).get_readings()
                assert f'sensor "{found.name}" uses it' in str(await on_bus(find, chips.bus))


async def test_a_chip_that_is_unplugged_is_gone(find: DiscoveryClient, chips: OutsideChips):
    chips.tell("unplug 0x44")
    assert set(await on_bus(find, chips.bus)) == {"0x23", "0x76"}


async def test_a_bus_that_hangs_is_a_trouble(find: DiscoveryClient, chips: OutsideChips):
    chips.tell("hang 0x50 1")
    answer: Any = await find.do_command({"command": "inventory"})
    assert any(trouble.startswith(f"i2c-{chips.bus} 0x50: ") for trouble in answer["troubles"])
    assert any(one["place"] == f"i2c-{chips.bus} 0x23" for one in answer["connected"])


async def test_a_chip_with_a_driver_in_the_kernel_is_its_sensor(find: DiscoveryClient, chips: OutsideChips):
    with kernel_driver(chips.bus, "bme280", 0x76):
        found = {config.name: config for config in await find.discover_resources()}
        assert struct_to_dict(found["bme280"].attributes) == {"device": "bme280", "place": f"{chips.bus}-0076"}
        assert (await on_bus(find, chips.bus))["0x76"] == ("the driver bmp280 of the Linux kernel uses it", "")
    assert (await on_bus(find, chips.bus))["0x76"][1] == "bme280"


async def test_a_usb_camera_is_found_by_its_name(find: DiscoveryClient, usb_camera: "PlayedCamera"):
    answer: Any = await find.do_command({"command": "inventory", "kind": "usb-camera"})
    entries = [entry for one in answer["connected"] for entry in one["components"]]
    assert entries
    assert {entry["model"] for entry in entries} == {"bramble:pi-drivers:webcam"}
    assert all(entry["attributes"]["video_path"].startswith("/dev/") for entry in entries)


async def test_what_this_machine_does_not_have_is_a_trouble_each(find: DiscoveryClient):
    for kind, beginning in (("1-wire", "1-Wire: this machine has no 1-Wire bus"), ("csi-camera", "CSI cameras need")):
        answer: Any = await find.do_command({"command": "inventory", "kind": kind})
        assert answer["connected"] == []
        assert answer["troubles"][0].startswith(beginning)
