"""The connection back to viam-server: log lines go there, dependencies of other modules come from there."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from grpclib import GRPCError, Status
from grpclib.exceptions import ProtocolError, StreamTerminatedError
from viam.errors import ResourceNotFoundError, ViamGRPCError
from viam.proto.common import ResourceName
from viam.resource.base import ResourceBase
from viam.resource.types import RESOURCE_TYPE_SERVICE
from viam.robot.client import RobotClient
from viam.rpc.dial import DialOptions
from viam.rpc.tracing import install_parent_send_exporter

from pi_drivers.errors import NotFoundError
from pi_drivers.runtime.log_forwarding import LogForwarder, forward_logs

LOGGER = logging.getLogger(__name__)

FLUSH_BUDGET_S = 0.2
"""How long the last log lines may take on their way out."""

_LOST = (GRPCError, StreamTerminatedError, ProtocolError, OSError)


class ParentConnection:
    """A client of viam-server. Used on the event loop only."""

    def __init__(self, log_level: int) -> None:
        self._log_level = log_level
        self._connecting = asyncio.Lock()
        self._robot: RobotClient | None = None
        self._forwarder: LogForwarder | None = None

    @property
    def robot(self) -> RobotClient | None:
        """The SDK's client, None until connected."""
        return self._robot

    async def connect(self, address: str) -> None:
        """Connect once; from then on log lines go to viam-server. A second caller waits for the first.

        Raises:
            ViamGRPCError: UNAVAILABLE, nobody answers there.
        """
        async with self._connecting:
            if self._robot is not None:
                return
            options = RobotClient.Options(
                dial_options=DialOptions(disable_webrtc=True, insecure=True), log_level=self._log_level
            )
            try:
                self._robot = await RobotClient.at_address(address, options)
            except _LOST as error:
                raise ViamGRPCError(
                    f"viam-server cannot be reached at {address!r}: {error}", Status.UNAVAILABLE
                ) from error
            self._forwarder = forward_logs(self._robot)
            install_parent_send_exporter(self._robot)

    async def clients_of(self, dependent: str, names: Sequence[ResourceName]) -> Mapping[ResourceName, ResourceBase]:
        """Clients for resources that live elsewhere; asks viam-server once for what it has.

        Args:
            dependent: who needs them, for messages.
            names: what is needed.

        Raises:
            ViamGRPCError: FAILED_PRECONDITION without a viam-server, UNAVAILABLE if it does not answer.
            NotFoundError: it does not have one of them.
        """
        if self._robot is None:
            raise ViamGRPCError(
                f"{dependent} depends on {_text(names[0])}, which is not in this module, and there is no "
                "viam-server to ask for it",
                Status.FAILED_PRECONDITION,
            )
        try:
            await self._robot.refresh()  # type: ignore[no-untyped-call]
        except _LOST as error:
            raise ViamGRPCError(
                f"viam-server did not say which resources it has: {error}", Status.UNAVAILABLE
            ) from error
        return {name: _client(self._robot, dependent, name) for name in names}

    async def close(self) -> None:
        """Send the last log lines and hang up. Never raises; waits `FLUSH_BUDGET_S` at most."""
        if self._forwarder is not None:
            await self._forwarder.flush(FLUSH_BUDGET_S)
            self._forwarder.close()
        if self._robot is not None:
            _hang_up(self._robot)
            self._robot = None


def _client(robot: RobotClient, dependent: str, name: ResourceName) -> ResourceBase:
    try:
        if name.type == RESOURCE_TYPE_SERVICE:
            return robot.get_service(name)
        return robot.get_component(name)
    except (ResourceNotFoundError, ValueError) as error:
        raise NotFoundError(
            f"{dependent} depends on {_text(name)}, which viam-server does not have. Is it configured, "
            "and without errors of its own?"
        ) from error


def _hang_up(robot: RobotClient) -> None:
    """Close the channel without RobotClient.close.

    That would wait up to a second, on the event loop, for the thread of the session's heartbeat (viam-sdk
    0.85.1). The thread is a daemon and ends with the process.
    """
    with contextlib.suppress(Exception):
        if robot._check_connection_task is not None:  # noqa: SLF001
            robot._check_connection_task.cancel()  # noqa: SLF001
        robot._close_channel()  # type: ignore[no-untyped-call]  # noqa: SLF001


def _text(name: ResourceName) -> str:
    return f"{name.namespace}:{name.type}:{name.subtype}/{name.name}"
