"""Stops what a client set moving when the client is gone: killed, crashed, or just hung up.

viam-server does this by the heartbeat of a client's session. `up` has no sessions, but it sees connections
end, and that must not leave a motor running for ever. A network that is cut ends none by itself, so the kernel
is told to ask whether the other side is still there. Which calls move something is written in Viam's own API,
as an option of the method.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf import descriptor_pool
from grpclib.events import RecvRequest
from grpclib.server import Stream
from viam.gen.common.v1.common_pb2 import safety_heartbeat_monitored
from viam.resource.base import ResourceBase

LOOK_S = 0.1
"""How often the connections are looked at."""

STOP_S = 1.0
"""How long one resource may take to stop."""

LOST_AFTER = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 3000),
)
"""The kernel asks a connection that is silent for a second, every second, and gives it up after three (tcp(7))."""

Key = tuple[str, str]
"""A resource by its API's subtype and its name, for example `("motor", "left")`."""


class _Command(NamedTuple):
    """A call that moves something."""

    connection: asyncio.BaseTransport


class GoneClients:
    """Knows which connection moved which resource last. Used on the event loop.

    Args:
        find: gives a resource that is served, or None.
        say: takes lines for the user.
    """

    def __init__(self, find: Callable[[Key], ResourceBase | None], say: Callable[[str], None]) -> None:
        self._find = find
        self._say = say
        self._last: dict[Key, _Command] = {}

    async def note_request(self, event: RecvRequest) -> None:
        """Listen to RecvRequest: note who moves, and who stops, what."""
        subtype, is_stop = event.method_name.split(".")[2:3], event.method_name.endswith("/Stop")
        if not subtype or not (is_stop or _moves(event.method_name)):
            return
        handle, connection = event.method_func, event.peer._transport  # noqa: SLF001 - it has no other identity
        follow = self._follow_stop if is_stop else self._follow_move
        if not is_stop:
            _notice_a_cut_network(connection)

        async def followed(stream: Stream[Any, Any]) -> None:
            await follow(stream, handle, subtype[0], connection)

        event.method_func = followed

    async def watch(self) -> None:
        """Stop what the gone have left moving, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            gone = [key for key, command in self._last.items() if command.connection.is_closing()]
            for key in gone:
                del self._last[key]
            await asyncio.gather(*map(self._stop, gone))

    async def _follow_move(self, stream: Any, handle: Any, subtype: str, connection: Any) -> None:
        keys: list[Key] = []

        def moved(name: str) -> None:
            keys.append((subtype, name))
            self._last[subtype, name] = _Command(connection)

        _on_name(stream, moved)
        try:
            await handle(stream)
        finally:
            # A call may outlive its connection by a moment, and set something moving after that was stopped.
            if connection.is_closing():
                for key in keys:
                    self._last.setdefault(key, _Command(connection))

    async def _follow_stop(self, stream: Any, handle: Any, subtype: str, _connection: Any) -> None:
        stopped: dict[Key, _Command | None] = {}
        _on_name(stream, lambda name: stopped.update({(subtype, name): self._last.get((subtype, name))}))
        await handle(stream)
        for key, command in stopped.items():
            if self._last.get(key) is command:  # else somebody moves it again already
                self._last.pop(key, None)

    async def _stop(self, key: Key) -> None:
        resource: Any = self._find(key)
        if resource is None:
            return
        label = f'{key[0]} "{key[1]}"'
        try:
            await asyncio.wait_for(resource.stop(), STOP_S)
        except Exception as error:  # noqa: BLE001 - the others must be stopped all the same
            reason = str(error) or type(error).__name__
            self._say(f"error: the client that moved {label} has gone, and stopping it failed: {reason}")
        else:
            self._say(f"the client that moved {label} has gone; it is stopped")


def _notice_a_cut_network(connection: asyncio.BaseTransport) -> None:
    """Let the kernel end a connection when nobody answers at its other end any more."""
    plug = connection.get_extra_info("socket")
    if plug is not None and plug.family in {socket.AF_INET, socket.AF_INET6}:
        for level, option, value in LOST_AFTER:
            plug.setsockopt(level, option, value)


def _moves(method_name: str) -> bool:
    """Whether a method (`/viam.component.motor.v1.MotorService/SetPower`) sets something moving."""
    _, service, method = method_name.split("/")
    try:
        known = descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
    except KeyError:
        return False
    return bool(known.GetOptions().Extensions[safety_heartbeat_monitored])


def _on_name(stream: Any, tell: Callable[[str], object]) -> None:
    """Call `tell` with the resource's name as soon as the request says it."""
    receive = stream.recv_message

    async def received() -> Any:
        message = await receive()
        if message is not None and hasattr(message, "name"):
            tell(message.name)
        return message

    stream.recv_message = received
