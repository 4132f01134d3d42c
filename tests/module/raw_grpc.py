"""gRPC messages passed on as bytes, and one handler for both: what lives here and what lives in the module.

viam-server does not decode what it passes on to a module; neither does the fake.
"""

from collections.abc import Callable
from typing import Any, cast

from grpclib.client import Channel
from grpclib.const import Cardinality, Handler
from grpclib.encoding.proto import ProtoCodec
from grpclib.server import Stream


class MixedCodec(ProtoCodec):
    """Protobuf as usual, but messages of type bytes pass untouched."""

    def encode(self, message: Any, message_type: Any) -> bytes:
        return message if message_type is bytes else super().encode(message, message_type)

    def decode(self, data: bytes, message_type: Any) -> Any:
        return data if message_type is bytes else super().decode(data, message_type)


class TypedStream:
    """A raw stream as a service of the SDK wants to see it."""

    def __init__(self, raw: Stream[Any, Any], handler: Handler, first: Any) -> None:
        self._raw = raw
        self._first = first
        self._handler = handler
        self.deadline = raw.deadline
        self.metadata = raw.metadata

    async def recv_message(self) -> Any:
        first, self._first = self._first, None
        return first

    async def send_message(self, message: Any) -> None:
        await self._raw.send_message(message.SerializeToString())


def either(path: str, handler: Handler, is_here: Callable[[str], bool], module: Callable[[], Channel]) -> Handler:
    """A handler that answers for a resource that is here, and passes every other call on to the module."""

    async def answer(stream: Stream[Any, Any]) -> None:
        data = cast("bytes", await stream.recv_message())
        request = handler.request_type.FromString(data)
        if is_here(_resource_of(request)):
            await handler.func(TypedStream(stream, handler, request))
            return
        await _pass_on(path, handler.cardinality, module(), data, stream)

    return Handler(answer, handler.cardinality, bytes, bytes)


def _resource_of(request: Any) -> str:
    """The resource that is asked. Requests about a part of a board have its name elsewhere."""
    name: str = request.board_name if hasattr(request, "board_name") else request.name
    return name


async def _pass_on(
    path: str, cardinality: Cardinality, channel: Channel, data: bytes, stream: Stream[Any, Any]
) -> None:
    timeout = stream.deadline.time_remaining() if stream.deadline else None
    async with channel.request(path, cardinality, bytes, bytes, timeout=timeout) as onward:
        await onward.send_message(data, end=True)
        if not cardinality.server_streaming:
            message = await onward.recv_message()
            if message is not None:  # else leaving the block raises the module's error
                await stream.send_message(message)
            return
        async for message in onward:
            await stream.send_message(message)


class Mapped:
    """A service from a ready-made mapping of paths to handlers."""

    def __init__(self, mapping: dict[str, Handler]) -> None:
        self._mapping = mapping

    def __mapping__(self) -> dict[str, Handler]:
        return self._mapping
