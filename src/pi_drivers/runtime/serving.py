"""The gRPC server of the module, without the SDK's way of running it.

The SDK's `serve` hands the signals to grpclib, which on Python 3.12 and later waits at shutdown for
viam-server to hang up, which it does not. Here the server is started and closed, and whoever runs it waits
for what he likes.
"""

import contextlib
from collections.abc import Callable

from grpclib.events import RecvRequest, listen
from viam.errors import ViamGRPCError
from viam.rpc.server import Server

from pi_drivers.runtime.arguments import Address
from pi_drivers.runtime.faults import explain_bugs

Refuse = Callable[[], None]


async def serve(server: Server, where: Address, refuse: Refuse) -> None:
    """Start to serve, at that address and nowhere else.

    Args:
        server: the SDK's server with its services.
        where: a unix socket or a TCP port.
        refuse: called at the beginning of each request; raises an SDK error if no request is welcome any
            more.

    Raises:
        OSError: the address cannot be bound.
    """

    async def refuse_first(_event: RecvRequest) -> None:
        try:
            refuse()
        except ViamGRPCError as error:
            raise error.grpc_error from error

    grpc_server = server._server  # noqa: SLF001 - the SDK keeps it to itself
    listen(grpc_server, RecvRequest, refuse_first)
    listen(grpc_server, RecvRequest, server._grpc_recvrequest_handler)  # noqa: SLF001
    listen(grpc_server, RecvRequest, explain_bugs)
    if where.path is not None:
        await grpc_server.start(path=where.path)
    else:
        await grpc_server.start(host=where.host, port=where.port)


def close_server(server: Server) -> None:
    """Listen no more and cancel the requests that still run. Does not wait for anybody to hang up."""
    with contextlib.suppress(RuntimeError):  # it was never started
        server._server.close()  # noqa: SLF001
