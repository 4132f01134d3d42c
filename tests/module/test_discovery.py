"""The discovery service in a module process, as viam-server adds and removes it."""

import pytest
from viam.components.sensor.client import SensorClient
from viam.services.discovery import DiscoveryClient

from tests.module.fake_viam_server import component, service
from tests.module.test_resources import refused

MOCK = {"backend": "mock"}
FIND = service("discovery", "discovery", "find", MOCK)
NAME = "rdk:service:discovery/find"


@pytest.fixture
async def server(machine):
    return await machine(env={"PYTHONDEVMODE": "1"})


async def test_it_is_validated_added_asked_and_removed_as_a_service(server):
    await server.configure(component("sensor", "sht31", "air", MOCK))
    await server.configure(FIND)
    find = server.direct(DiscoveryClient, "find")
    found = {config.name: config for config in await find.discover_resources()}
    assert found["air"].model == "bramble:pi-drivers:sht31"
    assert found["pi"].api == "rdk:component:board"
    assert (await find.get_status())["connected"] >= 3
    assert "temperature_c" in await server.direct(SensorClient, "air").get_readings()
    await server.remove(NAME)
    assert await refused(server.direct(DiscoveryClient, "find").discover_resources())
    status, _ = await server.stop()
    assert status == 0
    assert "Traceback" not in server.child.output


async def test_it_may_have_the_name_of_a_component(server):
    await server.configure(component("sensor", "sht31", "find", MOCK))
    await server.configure(FIND)
    assert "temperature_c" in await server.direct(SensorClient, "find").get_readings()
    assert await server.direct(DiscoveryClient, "find").discover_resources(extra={"kind": "machine"})
    await server.remove(NAME)
    assert "temperature_c" in await server.direct(SensorClient, "find").get_readings()


async def test_as_a_component_there_is_no_such_model(server):
    wrong = component("discovery", "discovery", "find", MOCK)
    status, message = await refused(server.add(wrong))
    assert status.name == "NOT_FOUND"
    assert "'rdk:component:discovery'" in message
