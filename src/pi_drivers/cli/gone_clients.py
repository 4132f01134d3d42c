"""Stops what a client set moving when the client is gone: killed, crashed, or just hung up.

viam-server does this by the heartbeat of a client's session. `up` has no sessions, but it sees connections
end, and that must not leave a motor running for ever. A network that is cut ends none by itself, so the kernel
is told to ask whether the other side is still there. Which calls move something is written in Viam's own API,
as an option of the method.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool
from grpclib.events import RecvRequest
from grpclib.server import Stream
from viam.gen.common.v1.common_pb2 import safety_heartbeat_monitored
from viam.resource.base import ResourceBase

LOOK_S = 0.1
"""How often the connections are looked at."""

ASK_S = 0.1
"""How long one resource may take to say whether it moves."""

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


@dataclass(eq=False)
class _Command:
    """A call that moves something."""

    connection: asyncio.BaseTransport
    is_under_way: bool = True
    """It stays so when it ends because its connection does: what it moved may be at rest by then."""


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
            gone = [(key, command) for key, command in self._last.items() if command.connection.is_closing()]
            for key, _ in gone:
                del self._last[key]
            await asyncio.gather(*(self._stop(key, command) for key, command in gone))

    async def _follow_move(self, stream: Any, handle: Any, subtype: str, connection: Any) -> None:
        commands: dict[Key, _Command] = {}

        def moved(name: str) -> None:
            self._last[subtype, name] = commands[subtype, name] = _Command(connection)

        _on_name(stream, moved)
        try:
            await handle(stream)
        finally:
            for key, command in commands.items():
                if connection.is_closing():
                    # A call may outlive its connection by a moment, and set something moving after that was stopped.
                    self._last.setdefault(key, _Command(connection, is_under_way=False))
                else:
                    command.is_under_way = False

    async def _follow_stop(self, stream: Any, handle: Any, subtype: str, _connection: Any) -> None:
        stopped: dict[Key, _Command | None] = {}
        _on_name(stream, lambda name: stopped.update({(subtype, name): self._last.get((subtype, name))}))
        await handle(stream)
        for key, command in stopped.items():
            if self._last.get(key) is command:  # else somebody moves it again already
                self._last.pop(key, None)

    async def _stop(self, key: Key, command: _Command) -> None:
        resource: Any = self._find(key)
        if resource is None:
            return
        label = f'{key[0]} "{key[1]}"'
        was_moving = command.is_under_way or await _is_moving(resource)
        try:
            await asyncio.wait_for(resource.stop(), STOP_S)
        except Exception as error:  # noqa: BLE001 - the others must be stopped all the same
            reason = str(error) or type(error).__name__
            self._say(f"error: the client that moved {label} has gone, and stopping it failed: {reason}")
        else:
            if was_moving:
                self._say(f"the client that moved {label} has gone; it is stopped")


async def _is_moving(resource: Any) -> bool:
    """Whether there is something to tell; a resource that does not say at once counts as moving."""
    try:
        return bool(await asyncio.wait_for(resource.is_moving(), ASK_S))
    except Exception:  # noqa: BLE001 - it is stopped in any case
        return True


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
