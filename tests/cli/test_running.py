"""A machine without viam-server fails and recovers as with it: what can run runs, the rest is tried again."""

import asyncio
from typing import Any

import pytest

from pi_drivers import registry
from pi_drivers.cli.machine import Component, Machine
from pi_drivers.cli.running import RunningMachine
from pi_drivers.errors import NoAnswerError

SENSOR, BOARD = "bramble:pi-drivers:sht31", "bramble:pi-drivers:board"


class Scene:
    """Fake models: the names in `broken` cannot be built; what happens is written down."""

    def __init__(self) -> None:
        self.broken: dict[str, Exception] = {}
        self.silent: dict[str, Exception] = {}
        """Those that can be built, but whose hardware does not answer."""
        self.events: list[str] = []
        self.said: list[str] = []

    def new(self, config: Any, dependencies: Any) -> "FakeResource":
        if config.name in self.broken:
            raise self.broken[config.name]
        given = ",".join(sorted(name.name for name in dependencies))
        self.events.append(f"new {config.name}({given})")
        return FakeResource(config.name, self)

    def machine(self, needs: dict[str, list[str]], wishes: dict[str, list[str]] | None = None) -> RunningMachine:
        by_name = {name: Component(i, name, "sensor", SENSOR, {}) for i, name in enumerate(needs)}
        return RunningMachine(
            Machine(tuple(by_name.values())),
            {by_name[name]: [by_name[other] for other in others] for name, others in needs.items()},
            {one: [by_name[other] for other in (wishes or {}).get(name, [])] for name, one in by_name.items()},
            say=self.said.append,
            admit=lambda resource: self.events.append(f"admit {resource.name}"),
            dismiss=lambda resource: self.events.append(f"dismiss {resource.name}"),
        )


class FakeResource:
    API = registry.api_of("sht31")

    def __init__(self, name: str, scene: Scene) -> None:
        self.name = name
        self._scene = scene

    async def ready(self) -> None:
        if self.name in self._scene.silent:
            raise self._scene.silent[self.name]

    async def close(self) -> None:
        self._scene.events.append(f"close {self.name}")


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene()
    monkeypatch.setattr(registry, "load", lambda _name: scene)
    return scene


def test_dependencies_are_built_first_and_handed_over_and_closed_last(run, scene):
    async def live() -> None:
        running = scene.machine({"motor": ["encoder", "pi"], "encoder": ["pi"], "pi": []})
        await running.build()
        await running.close()

    run(live())

    built = [event for event in scene.events if not event.startswith("admit")]
    assert built == ["new pi()", "new encoder(pi)", "new motor(encoder,pi)", "close motor", "close encoder", "close pi"]


def test_a_component_whose_hardware_does_not_answer_is_closed_and_tried_again(run, scene):
    scene.silent["air"] = NoAnswerError("i2c-1 0x44: no answer")

    async def live() -> None:
        running = scene.machine({"air": []})
        await running.build()
        assert scene.events == ["new air()", "close air"]
        del scene.silent["air"]
        await running.keep_building()
        await running.close()

    run(live())
    assert scene.events == ["new air()", "close air", "new air()", "admit air", "close air"]
    assert "i2c-1 0x44: no answer" in scene.said[0]


def test_one_failure_stops_only_what_needs_it(run, scene):
    scene.broken["encoder"] = NoAnswerError('encoder "encoder": nobody answers')

    async def live() -> list[str]:
        running = scene.machine({"encoder": [], "motor": ["encoder"], "air": []})
        await running.build()
        names = [one.name for one in running.waiting]
        await running.close()
        return names

    assert run(live()) == ["encoder", "motor"]
    assert scene.said == [
        'error: sensor "encoder": encoder "encoder": nobody answers; trying again every 5 s',
        'error: sensor "motor": waits for sensor "encoder"; trying again every 5 s',
        f'sensor "air" is up ({SENSOR})',
    ]


def test_a_failure_is_tried_again_every_five_seconds_and_said_once(run, scene, clock):
    scene.broken["air"] = NoAnswerError("nobody answers")

    async def live() -> Any:
        running = scene.machine({"air": [], "user": ["air"]})
        await running.build()
        start_ns = clock.now_ns()
        building = asyncio.create_task(running.keep_building())
        await asyncio.sleep(14)
        scene.broken.clear()
        await building
        await running.close()
        return (clock.now_ns() - start_ns) / 1e9

    assert run(live()) == pytest.approx(15, abs=0.1)
    assert len([line for line in scene.said if line.startswith('error: sensor "air"')]) == 1
    assert scene.said[-2:] == [f'sensor "air" is up ({SENSOR})', f'sensor "user" is up ({SENSOR})']


def test_a_bug_in_a_driver_is_told_by_its_kind(run, scene):
    scene.broken["air"] = ZeroDivisionError("division by zero")

    async def live() -> None:
        await scene.machine({"air": []}).build()

    run(live())

    assert scene.said == ['error: sensor "air": ZeroDivisionError: division by zero; trying again every 5 s']


def test_what_was_built_without_a_wish_is_built_anew_when_it_comes_true(run, scene):
    scene.broken["encoder"] = NoAnswerError("nobody answers")

    async def live() -> None:
        running = scene.machine({"motor": [], "encoder": []}, wishes={"motor": ["encoder"]})
        await running.build()
        scene.broken.clear()
        await running.build()
        await running.close()

    run(live())

    assert scene.events == [
        "new motor()", "admit motor",
        "new encoder()", "admit encoder", "dismiss motor", "close motor", "new motor(encoder)", "admit motor",
        "close motor", "close encoder",
    ]  # fmt: skip
