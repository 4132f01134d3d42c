"""The module as viam-server sees it: the SDK's Module with its edges put right.

The stock module closes nothing on SIGTERM on newer Pythons, closes dependencies before what depends on
them, loses resources it has constructed, and dies of a log level it does not know. On a machine with motors
each of these is a hazard. The parts of the cure stand below `runtime`: `guard`, `residents`, `closing`,
`parent`, `log_forwarding`.
"""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Mapping, Sequence

import viam.logging
from grpclib import Status
from grpclib.metadata import Deadline
from viam.errors import ResourceNotFoundError, ViamGRPCError
from viam.module.module import Module
from viam.proto.app.robot import ComponentConfig
from viam.proto.common import ResourceName
from viam.proto.module import (
    AddResourceRequest,
    ReadyRequest,
    ReadyResponse,
    ReconfigureResourceRequest,
    RemoveResourceRequest,
    ValidateConfigRequest,
    ValidateConfigResponse,
)
from viam.resource.base import ResourceBase
from viam.resource.registry import Registry
from viam.resource.types import API, Model, Validator, resource_name_from_string

from pi_drivers.registry import register_all
from pi_drivers.runtime.arguments import Arguments, parse_address, parse_arguments
from pi_drivers.runtime.directory import DIRECTORY, key_of
from pi_drivers.runtime.faults import bug_of
from pi_drivers.runtime.guard import Guard
from pi_drivers.runtime.parent import ParentConnection
from pi_drivers.runtime.residents import Residents, name_of, not_found
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.runtime.serving import close_server, serve

LOGGER = logging.getLogger(__name__)


class DriverModule(Module):
    """Serves the drivers to viam-server. Used on the event loop, except `request_stop`.

    Args:
        address: a unix socket's path, or host:port.
        log_level: of Python's logging.
        has_parent: whether there is a viam-server to connect to; by default what the environment says.
    """

    def __init__(self, address: str, *, log_level: int = logging.INFO, has_parent: bool | None = None) -> None:
        self._where = parse_address(address)
        super().__init__(address, log_level=log_level, tcp_mode=self._where.path is None)
        viam.logging.setLevel(log_level)
        viam.logging.getLogger("pi_drivers")  # gives our own loggers the SDK's handlers, forwarding included
        self._loop = asyncio.get_running_loop()
        self._has_parent = expects_parent() if has_parent is None else has_parent
        self._parent = ParentConnection(log_level)
        self._residents = Residents(self.server, self._find)
        self._stop_asked = asyncio.Event()
        self._is_announced = False
        self._is_stopping = False

    async def start(self) -> None:
        """Serve until `request_stop`, then close everything. Also closes everything when it is cancelled."""
        try:
            await serve(self.server, self._where, self._residents.refuse_when_closed)
            # What lives now lives as long as the process; the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            await self._stop_asked.wait()
        finally:
            await self.shut_down()

    def request_stop(self, reason: str) -> None:
        """Ask for a stop in good order. Safe to call from any thread; returns at once."""
        self._loop.call_soon_threadsafe(self._ask_to_stop, reason)

    def _ask_to_stop(self, reason: str) -> None:
        LOGGER.info("stopping: %s", reason)
        self._stop_asked.set()

    async def shut_down(self) -> None:
        """Make actuators safe, close every resource, flush the log and hang up. Idempotent, never raises."""
        if self._is_stopping:
            return
        self._is_stopping = True
        SAFETY.make_all_safe("the module stops")
        count = await self._residents.close()
        LOGGER.info("stopped; %d resources were closed", count)
        await self._parent.close()
        close_server(self.server)

    async def stop(self) -> None:
        """The SDK's name for `shut_down`."""
        await self.shut_down()

    async def ready(self, request: ReadyRequest) -> ReadyResponse:
        """Connect back to viam-server and list the models.

        Raises:
            ViamGRPCError: UNAVAILABLE, viam-server cannot be reached where it says it is.
        """
        response = await super().ready(request)
        if not self._is_announced:
            self._is_announced = True
            models = sum(len(handler.models) for handler in response.handlermap.handlers)
            LOGGER.info("ready with %d models at %s", models, self._address)
        return response

    async def validate_config(self, request: ValidateConfigRequest) -> ValidateConfigResponse:
        """Check a configuration and name what it depends on, touching no hardware.

        Raises:
            ConfigError: it is wrong; the message stands alone.
            ViamGRPCError: NOT_FOUND for an unknown model, INTERNAL for a bug in the check.
        """
        config = request.config
        validate = _validator_of(config)
        try:
            required, optional = validate(config)
            return ValidateConfigResponse(dependencies=required, optional_dependencies=optional)
        except ViamGRPCError:
            raise
        except Exception as error:
            LOGGER.exception("%s: its configuration could not be checked", name_of(config))
            raise bug_of(error) from error

    async def add_resource(self, request: AddResourceRequest, *, deadline: Deadline | None = None) -> None:
        """Construct a resource and serve it; either it is served afterwards, or nothing of it is left.

        Raises:
            ViamGRPCError: with the status that says why not: ALREADY_EXISTS, NOT_FOUND (its model, or
                something it depends on), DEADLINE_EXCEEDED, UNAVAILABLE (the module is stopping), INTERNAL
                (a bug in its driver), or whatever the driver itself says.
        """
        await self._residents.add(request.config, request.dependencies, deadline)

    async def reconfigure_resource(self, request: ReconfigureResourceRequest) -> None:
        """Close a resource and construct it anew.

        If that fails the old one is gone, and it can be added again.

        Raises:
            ViamGRPCError: as `add_resource`.
        """
        await self._residents.rebuild(request.config, request.dependencies)

    async def remove_resource(self, request: RemoveResourceRequest) -> None:
        """Stop a resource and close it; it is gone then, whatever its driver did about it.

        Raises:
            ViamGRPCError: INVALID_ARGUMENT, that is no resource name.
            NotFoundError: there is no such resource.
        """
        await self._residents.remove(_text(_parse_name(request.name)))

    async def _find(self, dependent: str, names: Sequence[str]) -> Mapping[ResourceName, ResourceBase]:
        """Dependencies: what lives here as it is, everything else as a client of viam-server."""
        found: dict[ResourceName, ResourceBase] = {}
        elsewhere = []
        for name in map(_parse_name, names):
            resource = DIRECTORY.find(key_of(name))
            if resource is None:
                elsewhere.append(name)
            else:
                found[name] = resource
        if elsewhere:
            found.update(await self._parent.clients_of(dependent, elsewhere))
        return found

    async def _connect_to_parent(self) -> None:
        if self._has_parent:
            await self._parent.connect(self._parent_address or "")
            self.parent = self._parent.robot


def _validator_of(config: ComponentConfig) -> Validator:
    try:
        return Registry.lookup_validator(API.from_string(config.api), Model.from_string(config.model))
    except (ResourceNotFoundError, ValueError) as error:
        raise not_found(config) from error


def _parse_name(text: str) -> ResourceName:
    try:
        return resource_name_from_string(text)
    except ValueError as error:
        raise ViamGRPCError(f"{text!r} is no resource name", Status.INVALID_ARGUMENT) from error


def _text(name: ResourceName) -> str:
    return f"{name.namespace}:{name.type}:{name.subtype}/{name.name}"


def expects_parent() -> bool:
    """Whether viam-server started this process to use it, and not only to list its models."""
    return os.environ.get("VIAM_NO_MODULE_PARENT", "").lower() != "true"


async def run(arguments: Arguments) -> None:
    """Serve as a module until told to stop, or until the parent process is gone."""
    module = DriverModule(arguments.address, log_level=arguments.log_level)
    if arguments.complaint is not None:
        LOGGER.warning(arguments.complaint)
    Guard(module.request_stop, watch_parent=expects_parent()).arm()  # for the rest of the process's life
    await module.start()


def main(argv: Sequence[str] | None = None) -> int:
    """The module's entry point.

    Args:
        argv: what follows the program's name, by default that of this process.

    Returns:
        The exit status.
    """
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
    register_all()
    asyncio.run(run(arguments))
    return 0
