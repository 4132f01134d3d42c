"""Bus numbers and addresses in attributes, as people write them: numbers, or the strings other configs have."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from pi_drivers.config.part import Problem
from pi_drivers.errors import ArgumentError
from pi_drivers.host import spi_lines

_DECIMAL = re.compile(r"[0-9]{1,4}")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,4}|[0-9]{1,4}")
_INDEX = re.compile(r"[0-2]")
_SPI_WORDS = {"main": 0, "aux": 1}


def _bus_number(value: object) -> object:
    return int(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value


def _address(value: object) -> object:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return int(value, 16 if value[1:2] in {"x", "X"} else 10)


def _spi_bus_number(value: object) -> object:
    return _SPI_WORDS.get(value.lower(), _bus_number(value)) if isinstance(value, str) else value


def _chip_select(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        if value not in range(3):
            raise PydanticCustomError(
                "chip_select", 'is 0, 1 or 2, got {number}; a pin is written as a string: "{number}"', {"number": value}
            )
        return f"ce{value}"
    if isinstance(value, str):
        return f"ce{value}" if _INDEX.fullmatch(value) else value.lower()
    return value


BusNumber = Annotated[int, BeforeValidator(_bus_number, json_schema_input_type=int | str)]
"""A bus: 1, or "1" as viam-server's own models have it."""

I2cAddress = Annotated[int, BeforeValidator(_address, json_schema_input_type=int | str)]
"""A 7-bit address: 68, or "0x44"; JSON itself knows no hexadecimal numbers."""

SpiBusNumber = Annotated[int, BeforeValidator(_spi_bus_number, json_schema_input_type=int | str)]
"""An SPI bus: 0 or 1, or "main" and "aux" as older configs of viam-server have it."""

ChipSelect = Annotated[
    str, BeforeValidator(_chip_select, json_schema_input_type=int | str), Field(min_length=1, max_length=40)
]
"""A chip select as written: 0 and "0" become "ce0"; the pin it is, as viam-server's boards have it, stays "24".

Which one it is on its bus says `chip_select_index`.
"""


def i2c_bus_field() -> Any:
    """The field `i2c_bus`."""
    return Field(default=1, ge=0, le=255, description="The number of the I2C bus: 1 for /dev/i2c-1.")


def one_of_addresses(*addresses: int) -> AfterValidator:
    """Stands in `Annotated` behind `I2cAddress`: the chip can have these only."""

    def check(address: int) -> int:
        if address not in addresses:
            there = {"addresses": " or ".join(map(_both_ways, addresses)), "address": f"0x{address:02x}"}
            raise PydanticCustomError("i2c_address", "the chip has the address {addresses}, not {address}", there)
        return address

    return AfterValidator(check)


def i2c_address_field(addresses: Sequence[int], others: str) -> Any:
    """The field `i2c_addr` of a chip that can have these addresses only; its type says so too.

    Args:
        addresses: what the chip can have, the usual one first.
        others: when it has another one, for example `"0x45" with ADDR high`.
    """
    usual = addresses[0]
    texts = "|".join(f"0[xX]0*{_any_case(f'{one:x}')}|0*{one}" for one in addresses)
    choices: list[Any] = [{"type": "integer", "enum": list(addresses)}, {"type": "string", "pattern": f"^({texts})$"}]
    return Field(
        default=usual,
        description=f'The address: {usual}, or "0x{usual:02x}"; {others}.',
        json_schema_extra={"anyOf": choices},
    )


def _both_ways(address: int) -> str:
    return f"0x{address:02x} ({address})"


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def spi_bus_field() -> Any:
    """The field `spi_bus`."""
    return Field(default=0, ge=0, le=1, description='The number of the SPI bus: 0 or "main", 1 or "aux".')


def chip_select_field() -> Any:
    """The field `chip_select`."""
    return Field(
        default="ce0",
        description='The chip select that the chip is on: 0, 1, or 2 on bus 1; also "ce0", or its pin: "24", "GPIO8".',
    )


def chip_select_index(bus: int, chip_select: str) -> int:
    """The number of a chip select on its bus, of values that `chip_select_problems` finds nothing wrong with."""
    return spi_lines.index_on(bus, chip_select)


def chip_select_problems(bus: int | None, chip_select: str | None, path: str = "chip_select") -> Iterator[Problem]:
    """What is wrong with a chip select of a bus; None, absent or broken, is passed over."""
    if bus is None or bus not in spi_lines.LINES or chip_select is None:
        return
    try:
        spi_lines.index_on(bus, chip_select)
    except ArgumentError as error:
        yield Problem(path, error.message)
