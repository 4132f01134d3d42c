"""Everything this package raises, each with the gRPC status a caller sees.

Every class is one of the SDK's gRPC errors, so that a status and a message cross the wire instead of
`UNKNOWN` and a file path. Where the standard library has a fitting kind, it is the second parent, so that plain
Python code can catch it by its usual name. A message says what happened, where, and what to do about it.
"""

from typing import ClassVar

from grpclib import Status
from viam.errors import ViamGRPCError

LONGEST_MESSAGE = 5000
"""In bytes. Messages travel in a header of the answer: one that is too long breaks the client's connection."""


class DriverError(ViamGRPCError):
    """The root of all errors of this package."""

    STATUS: ClassVar[Status] = Status.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(_cut(message), self.STATUS)

    def __str__(self) -> str:
        return self.message


class ConfigError(DriverError, ValueError):
    """The attributes of a component are wrong. The message lists every problem with its path."""

    STATUS = Status.INVALID_ARGUMENT


class ArgumentError(DriverError, ValueError):
    """A call carried a value that the hardware has no meaning for; nothing was moved."""

    STATUS = Status.INVALID_ARGUMENT


class UnsupportedError(DriverError, NotImplementedError):
    """This hardware cannot do what was asked."""

    STATUS = Status.UNIMPLEMENTED


class NotFoundError(DriverError, LookupError):
    """A name (pin, interrupt, sibling resource) means nothing here."""

    STATUS = Status.NOT_FOUND


class ClaimedError(DriverError):
    """A pin or an address is held by another resource, which the message names."""

    STATUS = Status.FAILED_PRECONDITION


class ClosedError(DriverError):
    """The resource was closed: it was removed, or is being rebuilt."""

    STATUS = Status.UNAVAILABLE


class MissingLibraryError(DriverError, ImportError):
    """The real back end needs a library that is not installed. The message says how to get it."""

    STATUS = Status.FAILED_PRECONDITION


class BusError(DriverError, OSError):
    """A bus or the chip on it did not do its part."""

    STATUS = Status.UNAVAILABLE


class NoAnswerError(BusError):
    """Nobody acknowledged the address (NACK): not wired, not powered, or another address."""


class BusAbsentError(BusError, FileNotFoundError):
    """The device node of the bus is missing: the bus is switched off, or this is no Raspberry Pi."""

    STATUS = Status.FAILED_PRECONDITION


class BusPermissionError(BusError, PermissionError):
    """The user this process runs as may not open the bus."""

    STATUS = Status.PERMISSION_DENIED


class BusTimeoutError(BusError, TimeoutError):
    """The bus hung: a line held low, or clock stretching without end."""

    STATUS = Status.DEADLINE_EXCEEDED


class CorruptDataError(BusError):
    """Data arrived, but its checksum is wrong. It is thrown away, never returned."""

    STATUS = Status.DATA_LOSS


class WrongChipError(BusError):
    """A chip answered, but it is not the one the model is for."""

    STATUS = Status.FAILED_PRECONDITION


class StaleReadingError(DriverError):
    """The newest good reading is older than `max_age_ms`; the message carries its age and the cause."""

    STATUS = Status.UNAVAILABLE


class OutOfRangeError(DriverError):
    """What is to be measured lies outside of what the sensor can measure: there is no number for it."""

    STATUS = Status.OUT_OF_RANGE


class SupersededError(DriverError):
    """A newer command took over this actuator while the older one was still moving it."""

    STATUS = Status.ABORTED


class StallError(DriverError):
    """The actuator was driven and its encoder saw no movement. The motor was stopped."""

    STATUS = Status.ABORTED


class UnsteadyError(DriverError):
    """What has to rest while it is measured moved; nothing was changed."""

    STATUS = Status.FAILED_PRECONDITION


class MotionTimeoutError(DriverError, TimeoutError):
    """A motion took longer than it can take on sound hardware. The motor was stopped."""

    STATUS = Status.DEADLINE_EXCEEDED


def _cut(message: str) -> str:
    """The message, or its beginning with an ellipsis."""
    encoded = message.encode(errors="backslashreplace")
    if len(encoded) <= LONGEST_MESSAGE:
        return message
    return encoded[: LONGEST_MESSAGE - 3].decode(errors="ignore") + "…"
