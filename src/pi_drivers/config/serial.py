"""Serial ports in attributes: a path, checked where it is written, and a speed."""

from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field
from pydantic_core import PydanticCustomError

from pi_drivers.buses.serial.contract import FASTEST_BAUD, SLOWEST_BAUD
from pi_drivers.config.attributes import LONGEST_MAX_AGE_MS
from pi_drivers.config.wording import shown

LONGEST_PATH = 4000


def _port_path(text: str) -> str:
    if not text.startswith("/") or not text.isprintable():
        raise PydanticCustomError(
            "serial_path",
            "must be the whole path of a serial port, for example /dev/serial0 or /dev/serial/by-id/usb-…, got {text}",
            {"text": shown(text)},
        )
    return text


SerialPath = Annotated[str, AfterValidator(_port_path)]
"""The path of a port's device, or of a link to it."""


def serial_path_field(default: Any = ...) -> Any:
    """The field `serial_path`, which is required unless there is a default."""
    return Field(
        default=default,
        max_length=LONGEST_PATH,
        description="The serial port: /dev/serial0, or a name below /dev/serial/by-id.",
    )


def baud_rate_field(default: int, whose: str) -> Any:
    """The field `baud_rate`, also by viam-server's name for it.

    Args:
        default: bits per second.
        whose: speed it is, for example `the receiver`.
    """
    return Field(
        default=default,
        ge=SLOWEST_BAUD,
        le=FASTEST_BAUD,
        validation_alias=AliasChoices("baud_rate", "serial_baud_rate"),
        description=f"Bits per second, as {whose} sends.",
    )


def max_age_field() -> Any:
    """The field `max_age_ms` of a device that sends when it likes."""
    return Field(
        default=5000,
        ge=10,
        le=LONGEST_MAX_AGE_MS,
        description="A reading older than this, in milliseconds, is an error instead of an answer. Several times the "
        "pace of the device.",
    )
