"""Bus numbers and addresses in attributes, as people write them: numbers, or the strings other configs have."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pi_drivers.buses.i2c.contract import FIRST_ADDRESS, LAST_ADDRESS

_DECIMAL = re.compile(r"[0-9]{1,4}")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,4}|[0-9]{1,4}")


def _bus_number(value: object) -> object:
    return int(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value


def _address(value: object) -> object:
    return int(value, 0) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


BusNumber = Annotated[int, BeforeValidator(_bus_number, json_schema_input_type=int | str)]
"""A bus: 1, or "1" as viam-server's own models have it."""

I2cAddress = Annotated[int, BeforeValidator(_address, json_schema_input_type=int | str)]
"""A 7-bit address: 68, or "0x44"; JSON itself knows no hexadecimal numbers."""


def i2c_bus_field() -> Any:
    """The field `i2c_bus`."""
    return Field(default=1, ge=0, le=255, description="The number of the I2C bus: 1 for /dev/i2c-1.")


def i2c_address_field(default: int, others: str = "") -> Any:
    """The field `i2c_addr`.

    Args:
        default: the chip's usual address.
        others: what else it can have, for example `0x45 with ADDR high`.
    """
    also = f"; {others}" if others else ""
    return Field(
        default=default,
        ge=FIRST_ADDRESS,
        le=LAST_ADDRESS,
        description=f'The address: {default}, or "0x{default:02x}"{also}.',
    )
