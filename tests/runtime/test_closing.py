"""The order of closing, and its budgets."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from viam.resource.base import ResourceBase

from pi_drivers.runtime.closing import Resident, close_all, stop_one, waves_of


class Thing:
    """A resource that notes when it closes."""

    def __init__(self, name: str, api: str, notes: list[str], how: Any = None) -> None:
        self.API = SimpleNamespace(resource_subtype=api)
        self._name = name
        self._notes = notes
        self._how = how

    async def close(self) -> None:
        self._notes.append(self._name)
        if self._how is not None:
            await self._how()


def resident(name: str, *dependencies: str, notes: list[str] | None = None, how: Any = None) -> Resident:
    thing = Thing(name, name.rpartition(" ")[2], [] if notes is None else notes, how)
    return Resident(cast("ResourceBase", thing), frozenset(dependencies))


@pytest.mark.parametrize(
    ("machine", "waves"),
    [
        ({}, []),
        ({"a sensor": [], "a motor": []}, [["a motor"], ["a sensor"]]),
        ({"a board": [], "a motor": ["a board"], "a base": ["a motor"]}, [["a base"], ["a motor"], ["a board"]]),
        (
            {"a board": [], "a camera": ["a motor"], "a motor": ["a board"], "b motor": ["a board"]},
            [["b motor"], ["a camera"], ["a motor"], ["a board"]],
        ),
        ({"a encoder": ["a motor"], "a motor": ["a encoder"]}, [["a motor"], ["a encoder"]]),
        ({"a motor": ["somewhere else"]}, [["a motor"]]),
    ],
    ids=["nothing", "actuators first", "a chain", "branches", "a circle", "a dependency elsewhere"],
)
def test_dependents_come_before_what_they_depend_on(machine, waves):
    residents = {name: resident(name, *dependencies) for name, dependencies in machine.items()}
    assert waves_of(residents) == waves


async def test_every_resource_begins_to_close_even_when_no_time_is_left():
    notes: list[str] = []

    async def hang() -> None:
        await asyncio.Event().wait()

    residents = {
        "a motor": resident("a motor", "a board", notes=notes, how=hang),
        "a board": resident("a board", notes=notes, how=hang),
    }
    await asyncio.wait_for(close_all(residents, each_s=0, total_s=0), 1)
    assert notes == ["a motor", "a board"]


async def test_one_that_raises_is_logged_and_the_next_one_closes(caplog):
    notes: list[str] = []

    async def fail() -> None:
        raise OSError("the bus is gone")

    residents = {
        "a motor": resident("a motor", "a board", notes=notes, how=fail),
        "a board": resident("a board", notes=notes),
    }
    await close_all(residents, each_s=1, total_s=1)
    assert notes == ["a motor", "a board"]
    assert "a motor: close failed" in caplog.text
    assert "the bus is gone" in caplog.text


async def test_a_plain_stop_is_as_good_as_an_async_one(caplog):
    stops: list[str] = []
    await stop_one("plain", cast("ResourceBase", SimpleNamespace(stop=lambda: stops.append("plain"))), 1)
    await stop_one("none", cast("ResourceBase", SimpleNamespace()), 1)
    await stop_one("broken", cast("ResourceBase", SimpleNamespace(stop=lambda: stops[9])), 1)
    assert stops == ["plain"]
    assert "broken: stop failed" in caplog.text
