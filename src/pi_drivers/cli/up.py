"""`up`: a machine config at work without viam-server, for a desk, a bench or a test.

SDK clients connect to it as to a machine. There is no authentication and no encryption, so it listens on this
computer alone unless told otherwise.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import viam.logging
from grpclib import Status
from grpclib.events import RecvRequest, listen
from viam.errors import ViamGRPCError
from viam.resource.base import ResourceBase
from viam.rpc.server import Server

from pi_drivers.cli.checks import Judgement
from pi_drivers.cli.gone_clients import GoneClients, Key
from pi_drivers.cli.machine import Machine
from pi_drivers.cli.running import RunningMachine, Say
from pi_drivers.cli.socket_file import SocketFile, refuse_if_served
from pi_drivers.cli.voice import log_that_may_be_unheard
from pi_drivers.errors import ArgumentError
from pi_drivers.runtime.arguments import Address, parse_address
from pi_drivers.runtime.guard import Guard
from pi_drivers.runtime.serving import close_server, serve

LONGEST_SOCKET_PATH = 103
"""Linux keeps a socket's path in 108 bytes with its end mark; other systems have 104."""


@dataclass(frozen=True)
class Voices:
    """Where lines for the user go."""

    say: Say
    """What happens, to stdout."""
    warn: Say
    """What went wrong, to stderr."""

    def tell(self, line: str) -> None:
        """A line to where it belongs."""
        (self.warn if line.startswith("error:") else self.say)(line)


def address_of(text: str) -> Address:
    """Where to listen: `HOST:PORT`, `:PORT` (this computer), or a socket's path.

    Raises:
        ArgumentError: no address, a port out of range, or a path too long for a socket.
    """
    address = parse_address(text)
    if address.path is None:
        if not 0 <= (address.port or 0) <= 65535:
            raise ArgumentError(f"--listen: a port must be between 0 and 65535, got {address.port}")
        return Address(host="127.0.0.1", port=address.port) if address.host == "localhost" else address
    if "/" not in address.path and not address.path.endswith(".sock"):
        raise ArgumentError(f'--listen: expected HOST:PORT or the path of a socket, got "{text}"')
    if len(address.path.encode()) > LONGEST_SOCKET_PATH:
        raise ArgumentError(f"--listen: a socket's path has at most {LONGEST_SOCKET_PATH} bytes, choose a shorter one")
    return address


def is_open_to_others(address: Address) -> bool:
    """Whether other computers can reach the address."""
    if address.host is None:
        return False
    try:
        return not ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return True


class ClientServer:
    """Serves the resources of a machine to SDK clients, and stops what a client that is gone left moving.

    Used on the event loop.

    Args:
        say: takes lines for the user.
    """

    def __init__(self, say: Say) -> None:
        self._server = Server([])
        self._is_stopping = False
        self._socket_file: SocketFile | None = None
        self._gone_clients = GoneClients(self._find, say)
        self._watching: asyncio.Task[None] | None = None

    async def start(self, address: Address) -> str:
        """Listen; returns the address as clients write it, with the real port where 0 was asked for.

        Raises:
            ArgumentError: it cannot be bound, or another process serves there.
        """
        listen(self._server._server, RecvRequest, self._gone_clients.note_request)  # noqa: SLF001 - SDK's secret
        try:
            if address.path is not None:
                refuse_if_served(address.path)
            await serve(self._server, address, self._refuse_when_stopping)
        except OSError as error:
            where = address.path or f"{address.host}:{address.port}"
            raise ArgumentError(f"cannot listen on {where}: {error.strerror or error}") from None
        self._watching = asyncio.create_task(self._gone_clients.watch(), name="watch for clients that are gone")
        if address.path is not None:
            self._socket_file = SocketFile.at(Path(address.path))
            return address.path
        bound: Any = self._server._server._server  # noqa: SLF001 - there is no other way to the real port
        host = f"[{address.host}]" if ":" in (address.host or "") else address.host
        return f"{host}:{bound.sockets[0].getsockname()[1]}"

    def admit(self, resource: ResourceBase) -> None:
        """Answer for this resource from now on."""
        self._server.register(resource)

    def dismiss(self, resource: ResourceBase) -> None:
        """Answer for this resource no more."""
        for name in [name for name, known in self._server.resources.items() if known is resource]:
            del self._server.resources[name]

    def refuse(self) -> None:
        """Take no new calls from now on. The machine is about to stop everything by itself."""
        self._is_stopping = True
        if self._watching is not None:
            self._watching.cancel()

    def close(self) -> None:
        """Listen no more. Does not wait for clients to hang up."""
        self.refuse()
        close_server(self._server)
        if self._socket_file is not None:
            self._socket_file.remove()

    def _find(self, key: Key) -> ResourceBase | None:
        known = self._server.resources.items()
        return next((resource for name, resource in known if (name.subtype, name.name) == key), None)

    def _refuse_when_stopping(self) -> None:
        if self._is_stopping:
            raise ViamGRPCError("the machine is stopping", Status.UNAVAILABLE)


def stop_on_signals(stop: asyncio.Event) -> Guard:
    """Let Ctrl-C and SIGTERM make every actuator safe and set the event; disarm the guard at the end."""
    loop = asyncio.get_running_loop()

    def ask(_reason: str) -> None:
        loop.call_soon_threadsafe(stop.set)

    guard = Guard(ask, watch_parent=False)
    guard.arm()
    return guard


async def run_up(
    machine: Machine, judgement: Judgement, address: Address, duration_s: float | None, voices: Voices
) -> None:
    """Build, serve and close a machine.

    Args:
        machine: its config, judged to be without problems.
        judgement: who needs whom.
        address: where to serve.
        duration_s: seconds until it stops by itself, those in which it is built included; None: it runs until a
            signal.
        voices: where lines go.

    Raises:
        ArgumentError: the address cannot be bound.
    """
    viam.logging.setLevel(logging.WARNING)
    viam.logging.getLogger("pi_drivers")  # gives our own loggers the SDK's format
    server = ClientServer(voices.tell)
    running = RunningMachine(
        machine,
        judgement.needs,
        judgement.wishes,
        say=voices.tell,
        admit=server.admit,
        dismiss=server.dismiss,
    )
    stop = asyncio.Event()
    guard = stop_on_signals(stop)
    with log_that_may_be_unheard():
        try:
            bound = await server.start(address)
            await _until(stop, _live(running, duration_s, lambda: voices.say(f"listening on {bound}")))
        finally:
            server.refuse()
            await running.close()
            server.close()
            guard.disarm()


async def _live(running: RunningMachine, duration_s: float | None, tell_ready: Callable[[], None]) -> None:
    """Build the machine, then what is missing, until the duration is over, if there is one."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(duration_s):
            await running.build()
            tell_ready()
            await running.keep_building()
            await asyncio.Event().wait()


async def _until(stop: asyncio.Event, life: Coroutine[Any, Any, None]) -> None:
    """Let it live until it is told to stop, also while it is being built: a camera may take long to answer."""
    living = asyncio.create_task(life, name="build and serve")
    stopping = asyncio.create_task(stop.wait(), name="wait for a signal")
    try:
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (living, stopping):
            task.cancel()
        await asyncio.wait({living, stopping})
    if not living.cancelled():
        living.result()
