"""A robot of its own for each random sequence of commands: a world, a loop that moves its time, and one actuator."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from viam.proto.app.robot import ComponentConfig
from viam.utils import dict_to_struct

from pi_drivers import host as hosts
from pi_drivers import registry
from pi_drivers.host.mock import MockHost
from pi_drivers.runtime import kept_state
from pi_drivers.world.clock import HandClock
from pi_drivers.world.wires import duty_of
from pi_drivers.world.world import World
from tests.hand_driven import SECOND, HandDrivenLoop

T = TypeVar("T")


class Robot:
    """Components on a simulated Pi whose time passes only while `run` or `wait` is called."""

    def __init__(self) -> None:
        kept_state._in_process.clear()
        clock = HandClock()
        self.world = World(clock)
        self.host = MockHost(self.world)
        hosts.install(self.host)
        self.loop = HandDrivenLoop(clock)
        self.calls: list[asyncio.Task[Any]] = []
        """Calls that somebody made and has not waited for."""
        self._built: dict[str, tuple[str, dict[str, Any], Any]] = {}

    def build(self, model: str, name: str, **attributes: Any) -> Any:
        """Build a component, or build it anew."""
        return self.run(self._build(model, name, attributes))

    def rebuild(self, name: str) -> Any:
        """Take a component away and build it anew, as any change of its config does."""
        model, attributes, old = self._built[name]
        self.run(old.stop() if hasattr(old, "stop") else old.reset_position())
        self.run(old.close())
        return self.run(self._build(model, name, attributes))

    def call(self, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin a call and let it get under way."""
        task = self.loop.create_task(call)
        self.calls.append(task)
        self.wait(0.0001)
        return task

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Make a call and wait for its end."""
        return self.loop.run_until_complete(call)

    def wait(self, seconds: float) -> None:
        """Let robot time pass."""
        self.run(self.host.wait(round(seconds * SECOND)))

    def duties(self, *offsets: int) -> tuple[float, ...]:
        """The share of time each wire is driven high."""
        return tuple(duty_of(self.world.wire(offset).signal) for offset in offsets)

    def close(self) -> None:
        """Close everything and see that nothing is left."""
        for _, _, component in reversed(list(self._built.values())):
            self.run(component.close())
        self.wait(1)
        self.run(self._end_calls())
        left = [task.get_name() for task in asyncio.all_tasks(self.loop)]
        self.loop.close()
        assert left == []
        assert self.host.claims.listing() == {}

    async def _build(self, model: str, name: str, attributes: dict[str, Any]) -> Any:
        config = ComponentConfig(name=name, attributes=dict_to_struct({"backend": "mock"} | attributes))
        component: Any = registry.load(model).new(config, {})
        self._built[name] = (model, attributes, component)
        await component.ready()
        return component

    async def _end_calls(self) -> None:
        for call in self.calls:
            assert call.done(), "a call outlives its component"
        await asyncio.gather(*self.calls, return_exceptions=True)
