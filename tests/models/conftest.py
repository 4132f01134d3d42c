"""A simulated Pi on the bench: models are built on it, driven through gRPC, and its time is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpclib.testing import ChannelFor
from viam.components.board.client import BoardClient
from viam.components.camera.client import CameraClient
from viam.components.encoder.client import EncoderClient
from viam.components.motor.client import MotorClient
from viam.components.movement_sensor.client import MovementSensorClient
from viam.components.power_sensor.client import PowerSensorClient
from viam.components.sensor.client import SensorClient
from viam.components.servo.client import ServoClient
from viam.proto.app.robot import ComponentConfig
from viam.rpc.server import Server
from viam.services.discovery import DiscoveryClient
from viam.utils import dict_to_struct

from pi_drivers import host as hosts
from pi_drivers import registry
from pi_drivers.host.mock import MockHost
from pi_drivers.world.clock import HandClock
from pi_drivers.world.wires import duty_of
from pi_drivers.world.world import World
from tests.hand_driven import SECOND, HandDrivenLoop

CLIENTS = {
    "camera": CameraClient,
    "discovery": DiscoveryClient,
    "board": BoardClient,
    "encoder": EncoderClient,
    "motor": MotorClient,
    "movement_sensor": MovementSensorClient,
    "power_sensor": PowerSensorClient,
    "sensor": SensorClient,
    "servo": ServoClient,
}

I2C_1_PINS = ("GPIO2 (pin 3)", "GPIO3 (pin 5)")
"""What is claimed together with any address on i2c-1."""

_clock: list[HandClock] = []
"""The clock of the test that runs: its loop and its host share it, whichever is made first."""


def clock_of_this_test() -> HandClock:
    if not _clock:
        _clock.append(HandClock())
    return _clock[0]


def pytest_asyncio_loop_factories(config: Any, item: Any) -> dict[str, Any]:
    """Tests run on a loop that lives in the world's time."""
    return {"hand driven": lambda: HandDrivenLoop(clock_of_this_test())}


@pytest.fixture(autouse=True)
def host() -> Iterator[MockHost]:
    """A simulated Pi that takes the place of this process's, with a world that stands still until moved."""
    before = dict(hosts._hosts)
    host = MockHost(World(clock_of_this_test()))
    hosts.install(host)
    yield host
    _clock.clear()
    hosts._hosts.clear()
    hosts._hosts.update(before)


@pytest.fixture
def world(host: MockHost) -> World:
    """The simulated Pi's surroundings."""
    return host.world


class Bench:
    """Builds models on the simulated Pi and closes them at the end."""

    def __init__(self, host: MockHost) -> None:
        self.host = host
        self.world = host.world
        self.server = Server([])
        self._stack = AsyncExitStack()
        self._channel: Any = None
        self._built: list[Any] = []

    async def make(self, model: str, name: str, dependencies: Any = None, **attributes: Any) -> Any:
        """Validate, build and open a resource on the mock."""
        model_class = registry.load(model)
        config = self.config(model, name, attributes)
        model_class.validate_config(config)
        resource: Any = model_class.new(config, dependencies or {})
        self._built.append(resource)
        await resource.ready()
        return resource

    @property
    def newest(self) -> Any:
        """The resource that was built last, also one that did not become ready."""
        return self._built[-1]

    def config(self, model: str, name: str, attributes: dict[str, Any]) -> ComponentConfig:
        """A resource's config on the mock."""
        return ComponentConfig(name=name, attributes=dict_to_struct({"backend": "mock"} | attributes))

    async def client(self, resource: Any) -> Any:
        """A gRPC client of a resource, as another process would have it."""
        self.server.register(resource)
        if self._channel is None:
            self._channel = await self._stack.enter_async_context(ChannelFor(self._services()))
        return CLIENTS[resource.API.resource_subtype](resource.name, self._channel)

    async def wait(self, seconds: float) -> None:
        """Let robot time pass."""
        await self.host.wait(round(seconds * SECOND))

    def duties(self, *offsets: int) -> tuple[float, ...]:
        """What the Pi drives these wires with: the share of time each is high."""
        return tuple(duty_of(self.world.wire(offset).signal) for offset in offsets)

    async def close(self) -> None:
        """Close everything, newest first, and see that nothing of it is left."""
        for resource in reversed(self._built):
            await resource.close()
        await self._stack.aclose()
        await asyncio.sleep(1)  # robot time: what was told to end has ended
        assert self.host.claims.listing() == {}
        assert self.host.pins_in_use == {}
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert left == []

    def _services(self) -> list[Any]:
        # The SDK keeps its services to itself; the mapping of the server it made has the error handling we test.
        class Mapped:
            def __init__(self, mapping: dict[str, Any]) -> None:
                self._mapping = mapping

            def __mapping__(self) -> dict[str, Any]:
                return self._mapping

        return [Mapped(self.server._server._mapping)]


@pytest.fixture
async def bench(host: MockHost) -> AsyncIterator[Bench]:
    """The bench; nothing may be left on it when the test ends."""
    is_hand_driven = isinstance(asyncio.get_running_loop(), HandDrivenLoop)
    assert is_hand_driven, "a test with a bench is an async function: around others a second lasts a second"
    bench = Bench(host)
    yield bench
    await bench.close()


@pytest.fixture
async def rover_wheel(bench: Bench) -> Any:
    """A motor with an encoder of 400 ticks a turn: `(motor, encoder)`."""
    await bench.make("board", "pi")
    encoder = await bench.make("incremental-encoder", "e1", board="pi", pins={"a": "38", "b": "40"})
    motor = await bench.make(
        "dc-motor",
        "left",
        board="pi",
        pins={"a": "29", "b": "31", "pwm": "32"},
        encoder="e1",
        ticks_per_rotation=400,
        max_rpm=200,
    )
    return motor, encoder
