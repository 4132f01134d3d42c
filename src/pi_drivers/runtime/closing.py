"""Closing resources that may not want to close: in the right order, each with a budget.

Nothing in here waits for a close that does not come back: it is told to end and left behind. Everything
that was told to close gets at least the synchronous part of its close, even when no time is left, and that
part is where drivers stop their motors.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from viam.resource.base import ResourceBase

LOGGER = logging.getLogger(__name__)

ACTUATORS = frozenset({"arm", "base", "gantry", "gripper", "motor", "servo", "switch"})
"""The APIs whose resources move things: they are closed first where the order is free."""


@dataclass
class Resident:
    """A resource that lives in this module.

    Attributes:
        resource: the resource itself.
        dependencies: the full names of what it was given, which must outlive it.
    """

    resource: ResourceBase
    dependencies: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_actuator(self) -> bool:
        """Whether it moves something."""
        return self.resource.API.resource_subtype in ACTUATORS


def waves_of(residents: Mapping[str, Resident]) -> list[list[str]]:
    """The order to close in: each wave can be closed at once, when the one before it is done.

    A resource comes after everything that depends on it. Of those that nothing depends on any more,
    actuators make a wave of their own first. A circle of dependencies is cut at its actuators, or anywhere.
    """
    left = dict(residents)
    waves = []
    while left:
        needed = {dependency for resident in left.values() for dependency in resident.dependencies}
        free = [name for name in left if name not in needed] or list(left)
        wave = [name for name in free if left[name].is_actuator] or free
        waves.append(wave)
        for name in wave:
            del left[name]
    return waves


async def close_all(residents: Mapping[str, Resident], *, each_s: float, total_s: float) -> None:
    """Close every resource in the order of `waves_of`. Never raises; waits no longer than `total_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + total_s
    for wave in waves_of(residents):
        budget_s = max(0.0, min(each_s, deadline - loop.time()))
        await asyncio.gather(*(close_one(name, residents[name].resource, budget_s) for name in wave))


async def close_one(name: str, resource: ResourceBase, budget_s: float) -> None:
    """Close one resource. What it raises is logged; after `budget_s` seconds it is left behind."""
    await within(f"{name}: close", resource.close(), budget_s)  # type: ignore[no-untyped-call]


async def stop_one(name: str, resource: ResourceBase, budget_s: float) -> None:
    """Stop a resource that has a `stop`, async or plain, with the same care as `close_one`."""
    stop = getattr(resource, "stop", None)
    if not callable(stop):
        return
    try:
        stopping = stop()
    except Exception:
        LOGGER.exception("%s: stop failed", name)
        return
    if inspect.isawaitable(stopping):
        await within(f"{name}: stop", stopping, budget_s)


async def within(what: str, work: Awaitable[object], budget_s: float) -> None:
    """Run `work` to its end, but wait `budget_s` seconds at most; then it is cancelled and left to itself.

    It is started in any case. Cancelling the waiter does not cancel the work. What the work raises is logged.
    """
    task = asyncio.ensure_future(_finish(what, work))
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    await asyncio.sleep(0)  # its synchronous beginning runs now, whatever the budget
    _, late = await asyncio.wait({task}, timeout=budget_s)
    if late:
        LOGGER.error("%s did not return within %.1f s; it is left behind", what, budget_s)
        task.cancel()


async def _finish(what: str, work: Awaitable[object]) -> None:
    try:
        await work
    except Exception:
        LOGGER.exception("%s failed", what)


_RUNNING: set[asyncio.Future[None]] = set()
"""Keeps the work alive: the event loop holds its tasks by weak references only."""
