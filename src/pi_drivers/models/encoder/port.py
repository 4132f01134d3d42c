"""How a motor reads its encoder: the object itself in this process, or the client of another module's encoder."""

from typing import Any, Protocol

from grpclib import GRPCError
from grpclib.exceptions import StreamTerminatedError
from viam.components.encoder import Encoder
from viam.proto.component.encoder import PositionType

from pi_drivers.errors import BusError, ConfigError
from pi_drivers.host.contract import Host
from pi_drivers.models.base import Dependencies, sibling_of
from pi_drivers.models.encoder.contract import EncoderSample, TickEncoder

CALL_TIMEOUT_S = 0.5


class EncoderPort(Protocol):
    """An encoder, wherever it lives."""

    remote: bool
    """Whether each sample is a round trip to another module."""

    async def sample(self) -> EncoderSample:
        """The position now. Raises: BusError or ClosedError: it cannot be read."""


class LocalEncoder:
    """An encoder of this process: reading it never suspends."""

    remote = False

    def __init__(self, encoder: TickEncoder) -> None:
        self._encoder = encoder

    async def sample(self) -> EncoderSample:
        """The position now, every edge so far counted."""
        return self._encoder.sample()


class RemoteEncoder:
    """Another module's encoder, through its client. Its positions have the time at which they arrived."""

    remote = True

    def __init__(self, encoder: Encoder, name: str, host: Host) -> None:
        self._encoder = encoder
        self._name = name
        self._host = host

    async def sample(self) -> EncoderSample:
        """The position as the other module tells it. Raises: BusError: it does not."""
        try:
            ticks, _ = await self._encoder.get_position(PositionType.POSITION_TYPE_TICKS_COUNT, timeout=CALL_TIMEOUT_S)
        except (GRPCError, StreamTerminatedError, OSError, TimeoutError) as error:
            raise BusError(f'encoder "{self._name}": {getattr(error, "message", None) or error}') from error
        return EncoderSample(round(ticks), self._host.now_ns())


def encoder_port(name: str, dependencies: Dependencies, owner: str, host: Host) -> EncoderPort:
    """The encoder a motor names. Raises: ConfigError: there is none of that name."""
    found: Any = sibling_of(("encoder", name), dependencies, owner)
    if hasattr(found, "sample"):
        return LocalEncoder(found)
    if not isinstance(found, Encoder):
        raise ConfigError(f'{owner}: "{name}" is no encoder')
    return RemoteEncoder(found, name, host)
