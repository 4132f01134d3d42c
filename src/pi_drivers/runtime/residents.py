"""The resources that live in this module: constructed once, served, closed exactly once, come what may.

The SDK drops a resource it has constructed when the deadline has passed, when the name is taken or when the
log level is unknown, and lets two lifecycle calls of one resource run into each other. What was dropped
still holds its pins.
"""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakValueDictionary

import viam.logging
from grpclib import Status
from grpclib.metadata import Deadline
from viam.errors import DuplicateResourceError, ResourceNotFoundError, ViamGRPCError
from viam.proto.app.robot import ComponentConfig
from viam.proto.common import ResourceName
from viam.resource.base import ResourceBase
from viam.resource.manager import ResourceManager
from viam.resource.registry import Registry
from viam.resource.types import API, Model, ResourceCreator

from pi_drivers.errors import NotFoundError
from pi_drivers.runtime.arguments import level_of
from pi_drivers.runtime.closing import Resident, close_all, close_one, stop_one
from pi_drivers.runtime.faults import bug_of
from pi_drivers.runtime.lifecycle import CLOSE_BUDGET_S

LOGGER = logging.getLogger(__name__)

STOP_BUDGET_S = 1.0
"""How long the `stop` of one resource may take before it is closed all the same."""

EACH_CLOSE_S = CLOSE_BUDGET_S + 0.1
"""How long one resource may take to close: a little more than our own drivers allow themselves."""

ALL_CLOSE_S = 1.8
"""How long all resources together may take; the guard ends the process after 2.5 s."""

FINISH_BUDGET_S = 0.2
"""How long a removal that was under way when the module was stopped may take to finish."""

ANSWER_MARGIN_S = 0.05
"""An Add that has less time left than this is taken back: its answer would come too late to be believed."""

Found = Mapping[ResourceName, ResourceBase]
Find = Callable[[str, Sequence[str]], Awaitable[Found]]


class Residents:
    """Everything that lives in this module. Used on the event loop only.

    The calls for one resource run one after the other; those for different resources run beside each other.

    Args:
        served: the SDK's table of what is served.
        find: finds what a resource depends on, by the dependent's name and the full names of its
            dependencies.
    """

    def __init__(self, served: ResourceManager, find: Find) -> None:
        self._served = served
        self._find = find
        self._residents: dict[str, Resident] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._uninterruptible: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def refuse_when_closed(self) -> None:
        """Let nobody in any more.

        Raises:
            ViamGRPCError: UNAVAILABLE, `close` was called.
        """
        if self._is_closed:
            raise ViamGRPCError("the module is stopping", Status.UNAVAILABLE)

    async def add(self, config: ComponentConfig, dependencies: Sequence[str], deadline: Deadline | None = None) -> None:
        """Construct a resource and serve it; either it is served afterwards, or nothing of it is left.

        Raises:
            ViamGRPCError: with the status that says why not.
        """
        async with self._alone(name_of(config)):
            await self._add(config, dependencies, deadline)

    async def rebuild(self, config: ComponentConfig, dependencies: Sequence[str]) -> None:
        """Close a resource and construct it anew; one that is not there is constructed.

        Raises:
            ViamGRPCError: as `add`; the old one is gone then.
        """
        await self._uninterrupted(self._rebuild(config, dependencies))

    async def remove(self, name: str) -> None:
        """Stop a resource and close it; it is gone then, whatever its driver did about it.

        Raises:
            NotFoundError: there is no resource of that full name.
        """
        await self._uninterrupted(self._remove(name))

    async def close(self) -> int:
        """Close everything, dependents before what they depend on, and take nothing new in. Never raises.

        Returns:
            How many there were.
        """
        self._is_closed = True
        residents, self._residents = self._residents, {}
        self._served.resources.clear()
        await close_all(residents, each_s=EACH_CLOSE_S, total_s=ALL_CLOSE_S)
        if self._uninterruptible:
            await asyncio.wait(set(self._uninterruptible), timeout=FINISH_BUDGET_S)
        return len(residents)

    async def _add(
        self, config: ComponentConfig, dependencies: Sequence[str], deadline: Deadline | None = None
    ) -> None:
        name = name_of(config)
        if name in self._residents:
            raise ViamGRPCError(f"{name} is there already; remove it before adding it again", Status.ALREADY_EXISTS)
        create = _creator_of(config)
        found = await self._find(name, dependencies)
        self.refuse_when_closed()
        with _clear_errors(name):
            resource = create(config, found)
        self._residents[name] = Resident(resource, frozenset(dependencies))
        try:
            with _clear_errors(name):
                await _become_ready(resource)
            self._serve(name, resource, config, deadline)
        except BaseException:  # a cancellation as well: nobody else knows of the resource
            if self._residents.pop(name, None) is not None:
                await self._uninterrupted(close_one(name, resource, EACH_CLOSE_S))
            raise

    def _serve(self, name: str, resource: ResourceBase, config: ComponentConfig, deadline: Deadline | None) -> None:
        self.refuse_when_closed()
        if deadline is not None and deadline.time_remaining() < ANSWER_MARGIN_S:
            raise ViamGRPCError(
                f"{name} was made too late for viam-server and is closed again", Status.DEADLINE_EXCEEDED
            )
        _set_log_level(name, resource, config.log_configuration.level)
        try:
            self._served.register(resource)
        except DuplicateResourceError as error:
            raise ViamGRPCError(f"{name}: another resource has that name already", Status.ALREADY_EXISTS) from error

    async def _rebuild(self, config: ComponentConfig, dependencies: Sequence[str]) -> None:
        name = name_of(config)
        async with self._alone(name):
            if name in self._residents:
                await self._expel(name)
            await self._add(config, dependencies)

    async def _remove(self, name: str) -> None:
        async with self._alone(name):
            if name not in self._residents:
                raise NotFoundError(f"{name} is not in this module")
            await self._expel(name)

    async def _expel(self, name: str) -> None:
        """Out of the table first: no new call reaches a resource that is closing."""
        resource = self._residents.pop(name).resource
        for key in [key for key, value in self._served.resources.items() if value is resource]:
            del self._served.resources[key]
        await stop_one(name, resource, STOP_BUDGET_S)
        await close_one(name, resource, EACH_CLOSE_S)

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            self.refuse_when_closed()
            yield

    async def _uninterrupted(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to the end even if the caller gives up meanwhile: a half closed resource helps nobody."""
        task = asyncio.get_running_loop().create_task(work)
        self._uninterruptible.add(task)
        task.add_done_callback(self._uninterruptible.discard)
        await asyncio.shield(task)


async def _become_ready(resource: ResourceBase) -> None:
    """Wait for the first contact with the hardware, where the model has such a thing."""
    ready = getattr(resource, "ready", None)
    if inspect.iscoroutinefunction(ready):
        await ready()


@contextmanager
def _clear_errors(name: str) -> Iterator[None]:
    """Say in the log why a resource could not be made, and make a bug an error that a caller can read."""
    try:
        yield
    except ViamGRPCError as error:
        LOGGER.warning("%s could not be created: %s", name, error.message)
        if isinstance(error, TimeoutError):
            # The SDK takes one for a call that took too long, and drops its text.
            raise ViamGRPCError(error.message, error.grpc_code) from error
        raise
    except Exception as error:
        LOGGER.exception("%s could not be created, by a mistake in its driver", name)
        raise bug_of(error) from error


def _set_log_level(name: str, resource: ResourceBase, level_name: str) -> None:
    if not level_name:
        return
    level, complaint = level_of(level_name)
    if complaint is not None:
        LOGGER.warning("%s: %s", name, complaint)
    viam.logging.update_log_level(resource.logger, level)


def not_found(config: ComponentConfig) -> NotFoundError:
    """The error for a model this module does not have."""
    return NotFoundError(f"this module has no model {config.model!r} of the API {config.api!r}")


def _creator_of(config: ComponentConfig) -> ResourceCreator:
    try:
        return Registry.lookup_resource_creator(API.from_string(config.api), Model.from_string(config.model))
    except (ResourceNotFoundError, ValueError) as error:
        raise not_found(config) from error


def name_of(config: ComponentConfig) -> str:
    """The full name of the resource a config is for, for example `rdk:component:motor/left`."""
    return f"{config.api}/{config.name}"
