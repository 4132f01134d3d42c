"""A simulated Pi whose time is moved by hand, for what is generated: it answers the same on every computer, at once."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from pi_drivers import host as hosts
from pi_drivers.host.mock import MockHost
from pi_drivers.runtime.kept_state import memory_of_its_own
from pi_drivers.world.clock import HandClock
from pi_drivers.world.hand_driven import HandDrivenLoop
from pi_drivers.world.world import World

T = TypeVar("T")


def run_by_hand(robot: Coroutine[Any, Any, T]) -> T:
    """Run something on a mock of its own, which remembers nothing of what ran before it."""
    clock = HandClock()
    unheard = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            memory_of_its_own(),
            hosts.installed(MockHost(World(clock))),
            asyncio.Runner(loop_factory=lambda: HandDrivenLoop(clock)) as runner,
        ):
            return runner.run(robot)
    finally:
        logging.disable(unheard)
