"""A viam-server for tests: it starts the module, asks it what viam-server asks, and answers what
viam-server answers.

It knows nothing of this package: only the SDK's messages and grpclib, so that both sides of a
misunderstanding cannot stem from the same code.
"""

import asyncio
import contextlib
import socket
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import viam.module.module  # noqa: F401 - registers every API of the SDK
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from grpclib import GRPCError, Status
from grpclib.client import Channel
from grpclib.protocol import H2Protocol
from grpclib.server import Server, Stream
from viam.components.component_base import ComponentBase
from viam.proto.app.robot import ComponentConfig, LogConfiguration
from viam.proto.common import LogEntry, ResourceName
from viam.proto.module import (
    AddResourceRequest,
    ModuleServiceStub,
    ReadyRequest,
    ReadyResponse,
    ReconfigureResourceRequest,
    RemoveResourceRequest,
    ValidateConfigRequest,
)
from viam.proto.robot import (
    LogRequest,
    LogResponse,
    ResourceNamesRequest,
    ResourceNamesResponse,
    SendSessionHeartbeatRequest,
    SendSessionHeartbeatResponse,
    StartSessionRequest,
    StartSessionResponse,
    UnimplementedRobotServiceBase,
)
from viam.resource.manager import ResourceManager
from viam.resource.registry import Registry
from viam.resource.types import resource_name_from_string

from tests.module.child import Child, Start
from tests.module.raw_grpc import Mapped, MixedCodec, either

READY_RETRY_S = 0.2
READY_TIMEOUT_S = 3.0

C = TypeVar("C")


class FakeRobotService(UnimplementedRobotServiceBase):
    """What the module may ask of its parent. The names of the methods are the protocol's."""

    def __init__(self, names: Callable[[], Sequence[ResourceName]], *, takes_batches: bool) -> None:
        self._names = names
        self._takes_batches = takes_batches
        self.logs: list[LogEntry] = []
        self.requests: list[str] = []

    async def ResourceNames(self, stream: Stream[ResourceNamesRequest, ResourceNamesResponse]) -> None:  # noqa: N802
        await stream.recv_message()
        self.requests.append("ResourceNames")
        await stream.send_message(ResourceNamesResponse(resources=self._names()))

    async def Log(self, stream: Stream[LogRequest, LogResponse]) -> None:  # noqa: N802
        request = await stream.recv_message()
        assert request is not None
        self.requests.append("Log")
        if len(request.logs) > 1 and not self._takes_batches:
            raise GRPCError(Status.UNKNOWN, "LogRequest received with multiple logs; batching not yet supported")
        self.logs.extend(request.logs)
        await stream.send_message(LogResponse())

    async def StartSession(self, stream: Stream[StartSessionRequest, StartSessionResponse]) -> None:  # noqa: N802
        await stream.recv_message()
        self.requests.append("StartSession")
        await stream.send_message(StartSessionResponse(id=str(uuid.uuid4()), heartbeat_window=Duration(seconds=2)))

    async def SendSessionHeartbeat(  # noqa: N802
        self, stream: Stream[SendSessionHeartbeatRequest, SendSessionHeartbeatResponse]
    ) -> None:
        await stream.recv_message()
        await stream.send_message(SendSessionHeartbeatResponse())


class FakeViamServer:
    """One machine with one module.

    Args:
        start: how to start the module.
        tcp: whether module and parent talk over TCP instead of unix sockets.
        resources: resources of the machine that live in viam-server, not in the module.
        takes_log_batches: whether Log takes more than one line; viam-server has refused that.
    """

    def __init__(
        self,
        start: Start | None = None,
        *,
        tcp: bool = False,
        resources: Sequence[ComponentBase] = (),
        takes_log_batches: bool = False,
    ) -> None:
        self._start = start or Start()
        self._tcp = tcp
        self._own = ResourceManager(list(resources))
        self._in_module: dict[str, ResourceName] = {}
        self._closing = contextlib.AsyncExitStack()
        self.robot = FakeRobotService(self._names, takes_batches=takes_log_batches)
        self.handlers: Mapping[str, Sequence[str]] = {}

    async def __aenter__(self) -> Self:
        # Not pytest's directory: a unix socket's path has room for 103 characters only.
        self.home = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="viam-")))
        await self._serve()
        address = f"127.0.0.1:{_free_port()}" if self._tcp else str(self.home / "module.sock")
        self.child = await Child.spawn(self._start, address, tcp=self._tcp, home=self.home)
        self._closing.push_async_callback(self.child.clean_up)
        self.module_channel = self._channel(address)
        self._module = ModuleServiceStub(self.module_channel)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._closing.aclose()

    async def _serve(self) -> None:
        services: list[Any] = [self.robot]
        for registration in Registry.REGISTERED_APIS().values():
            service = registration.rpc_service(self._own)
            here = self._is_here(registration.resource_type.API.resource_subtype)
            services.append(
                Mapped({
                    path: either(path, handler, here, lambda: self.module_channel)
                    for path, handler in service.__mapping__().items()
                    if not handler.cardinality.client_streaming
                })
            )  # fmt: skip
        server = self.server = HangingUpServer(services)
        self.address = f"127.0.0.1:{_free_port()}" if self._tcp else str(self.home / "parent.sock")
        if self._tcp:
            await server.start("127.0.0.1", int(self.address.rpartition(":")[2]))
        else:
            await server.start(path=self.address)
        self._closing.push_async_callback(server.hang_up)
        self.channel = self._channel(self.address)

    def _channel(self, address: str) -> Channel:
        host, _, port = address.rpartition(":")
        channel = Channel(host, int(port), codec=MixedCodec()) if host else Channel(path=address, codec=MixedCodec())
        self._closing.callback(channel.close)
        return channel

    def _is_here(self, subtype: str) -> Callable[[str], bool]:
        return lambda name: any(own.subtype == subtype and own.name == name for own in self._own.resources)

    def _names(self) -> list[ResourceName]:
        return [*self._own.resources, *self._in_module.values()]

    async def ready(self, within_s: float = 10.0) -> ReadyResponse:
        """Wait for the module's socket, then ask until it answers, every 200 ms, as viam-server does."""
        request = ReadyRequest(parent_address=self.address)
        async with asyncio.timeout(within_s):
            while not self._listens() and self.child.is_running:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while True:
                with contextlib.suppress(OSError, asyncio.TimeoutError):
                    response: ReadyResponse = await self._module.Ready(request, timeout=READY_TIMEOUT_S)
                    self.handlers = {h.subtype.subtype.subtype: h.models for h in response.handlermap.handlers}
                    return response
                assert self.child.is_running, self.child.output
                await asyncio.sleep(READY_RETRY_S)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_INET if self._tcp else socket.AF_UNIX) as knock:
            host, _, port = self.child.address.rpartition(":")
            return knock.connect_ex((host, int(port)) if self._tcp else self.child.address) == 0

    async def validate(self, config: ComponentConfig) -> tuple[list[str], list[str]]:
        response = await self._module.ValidateConfig(ValidateConfigRequest(config=config), timeout=5)
        return list(response.dependencies), list(response.optional_dependencies)

    async def add(self, config: ComponentConfig, *dependencies: str, timeout: float | None = 10.0) -> None:
        request = AddResourceRequest(config=config, dependencies=dependencies)
        await self._module.AddResource(request, timeout=timeout)
        self._in_module[full_name(config)] = resource_name_from_string(full_name(config))

    async def configure(self, config: ComponentConfig) -> list[str]:
        """What viam-server does with a component: validate, then add with what it depends on.

        Returns:
            The full names of what it depends on.
        """
        required, optional = await self.validate(config)
        there = {f"{n.namespace}:{n.type}:{n.subtype}/{n.name}": n for n in self._names()}
        by_short_name = {name.name: text for text, name in there.items()}
        wanted = [by_short_name.get(name, name) for name in (*required, *optional)]
        dependencies = [name for name in wanted if name in there]
        await self.add(config, *dependencies)
        return dependencies

    async def reconfigure(self, config: ComponentConfig, *dependencies: str) -> None:
        await self._module.ReconfigureResource(
            ReconfigureResourceRequest(config=config, dependencies=dependencies), timeout=10
        )

    async def remove(self, name: str) -> None:
        self._in_module.pop(name, None)
        await self._module.RemoveResource(RemoveResourceRequest(name=name), timeout=20)

    def client(self, client_class: Callable[[str, Channel], C], name: str) -> C:
        """An SDK client that reaches a resource of the machine through this server, as users do."""
        return client_class(name, self.channel)

    def direct(self, client_class: Callable[[str, Channel], C], name: str) -> C:
        """An SDK client on the module's own socket."""
        return client_class(name, self.module_channel)

    async def stop(self) -> tuple[int, float]:
        """The orderly end: remove every resource, SIGTERM, wait."""
        for name in reversed(list(self._in_module)):
            await self.remove(name)
        return await self.child.terminate(within_s=3.3)

    async def logged(self, text: str, within_s: float = 3.0) -> LogEntry:
        """Wait for a log line that contains the text."""
        async with asyncio.timeout(within_s):
            while True:
                for entry in self.robot.logs:
                    if text in entry.message:
                        return entry
                await asyncio.sleep(0.01)


def component(
    api: str, model: str, name: str, attributes: Mapping[str, Any] | None = None, *, level: str = ""
) -> ComponentConfig:
    """A component of a machine config; `api` is the last part of its name, `model` may leave out our
    family."""
    struct = Struct()
    struct.update(attributes or {})
    return ComponentConfig(
        name=name,
        namespace="rdk",
        type=api,
        api=f"rdk:component:{api}",
        model=model if ":" in model else f"bramble:pi-drivers:{model}",
        attributes=struct,
        log_configuration=LogConfiguration(level=level),
    )


def service(api: str, model: str, name: str, attributes: Mapping[str, Any] | None = None) -> ComponentConfig:
    """A service of a machine config, as `component`."""
    config = component(api, model, name, attributes)
    config.api = f"rdk:service:{api}"
    return config


def full_name(config: ComponentConfig) -> str:
    return f"{config.api}/{config.name}"


class HangingUpServer(Server):
    """A gRPC server that hangs up on everybody when it closes; grpclib leaves the connections open."""

    def __init__(self, services: Sequence[Any]) -> None:
        super().__init__(services, codec=MixedCodec())
        self._protocols: list[H2Protocol] = []

    def _protocol_factory(self) -> H2Protocol:
        self._protocols.append(super()._protocol_factory())
        return self._protocols[-1]

    async def hang_up(self) -> None:
        self.close()
        for protocol in self._protocols:
            transport = getattr(protocol.connection, "_transport", None)  # gone when the client hung up first
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await self.wait_closed()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
