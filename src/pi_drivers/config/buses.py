"""Bus numbers and addresses in attributes, as people write them: numbers, or the strings other configs have."""

import re
from typing import Annotated

from pydantic import BeforeValidator

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
