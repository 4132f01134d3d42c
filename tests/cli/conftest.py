"""A simulated Pi whose time is moved by hand, and a loop that lives in it: a minute of `up` takes milliseconds."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import viam.logging

from pi_drivers import host as hosts
from pi_drivers.cli.commands import main
from pi_drivers.host.mock import MockHost
from pi_drivers.world.clock import HandClock
from pi_drivers.world.world import World
from tests.hand_driven import SECOND, HandDrivenLoop

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def clock() -> Iterator[HandClock]:
    """The clock of a fresh simulated Pi, which takes the place of this process's."""
    clock = HandClock()
    before = dict(hosts._hosts)
    level = viam.logging.LOG_LEVEL
    hosts.install(MockHost(World(clock)))
    yield clock
    _let_workers_go_home(clock)
    viam.logging.setLevel(level)
    hosts._hosts.clear()
    hosts._hosts.update(before)


@pytest.fixture
def run(clock: HandClock) -> Run:
    """Runs a coroutine in robot time."""
    return lambda work: _in_robot_time(clock, work)


@pytest.fixture
def run_up(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs `up` with these arguments in this process, in robot time; returns its exit status."""
    monkeypatch.setattr(asyncio, "run", lambda work: _in_robot_time(clock, work))
    return lambda *arguments: main(["up", *map(str, arguments)])


def _let_workers_go_home(clock: HandClock) -> None:
    """A bus worker that slept when the loop ended wakes up only when the world's time moves on."""
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("bus ")]
    for _ in range(100):
        clock.advance(SECOND)
        for worker in workers:
            worker.join(0.01)
        if not any(worker.is_alive() for worker in workers):
            return


def _in_robot_time(clock: HandClock, work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=lambda: HandDrivenLoop(clock)) as runner:
        return runner.run(work)
