"""What a caller is told when a driver fails, and what the log keeps of it.

An error of ours, or of the SDK, carries a status and a message made for the caller. Anything else is a
mistake in a
driver: the caller gets its kind and its message, the log gets the traceback. The SDK would send the caller
UNKNOWN and a file path, and keep nothing.
"""

import logging
from typing import Any

from grpclib import GRPCError, Status
from grpclib.events import RecvRequest
from grpclib.exceptions import ProtocolError, StreamTerminatedError
from grpclib.server import Stream
from viam.errors import ViamGRPCError

LOGGER = logging.getLogger(__name__)

_NOT_OURS = (GRPCError, ViamGRPCError, ProtocolError, StreamTerminatedError)


def bug_of(error: Exception) -> ViamGRPCError:
    """The error a caller gets for an exception that no driver should raise."""
    return ViamGRPCError(f"{type(error).__name__}: {error}", Status.INTERNAL)


async def explain_bugs(event: RecvRequest) -> None:
    """Listen to RecvRequest: a bug in a call reaches the log whole, and the caller in plain words."""
    handle = event.method_func
    method = event.method_name

    async def answer(stream: Stream[Any, Any]) -> None:
        try:
            await handle(stream)
        except GRPCError as error:
            clear = _in_plain_words(error, method)
            if clear is error:
                raise
            raise clear from None

    event.method_func = answer


def _in_plain_words(error: GRPCError, method: str) -> GRPCError:
    bug = error.__context__
    wrapped_by_sdk = error.status is Status.UNKNOWN and isinstance(bug, Exception) and not isinstance(bug, _NOT_OURS)
    if not wrapped_by_sdk or not str(error.message).startswith(f"{type(bug).__name__} - "):
        return error
    if isinstance(bug, NotImplementedError):
        return GRPCError(Status.UNIMPLEMENTED, f"{method.rpartition('/')[2]} is not implemented for this model")
    LOGGER.error("%s failed by a mistake in the driver", method, exc_info=bug)
    return GRPCError(Status.INTERNAL, f"{type(bug).__name__}: {bug}")
