"""Pins in attributes: always strings, and checked against the header where the header is what they mean.

A component that names a `board` uses that board's names, which may be a user's own or another board's
numbers; they can be checked only where the board is known. A component without `board` is wired to the local
header, and then a power pin, an unknown name, or one pin under two names is found here, before anything is
opened.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, get_args

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from pi_drivers.config.part import Part, Problem
from pi_drivers.errors import ArgumentError
from pi_drivers.host import header


def _no_number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("pin_number", "write it as a string: {text}", {"text": json.dumps(f"{value:g}")})
    return value


class PinMark:
    """Marks a type as the name of a pin, for those who look for pins in any config."""


PinName = Annotated[
    str,
    PinMark(),
    BeforeValidator(_no_number, json_schema_input_type=str),
    Field(min_length=1, max_length=100),
]
"""The type of a field that names a pin."""


def named_pins(part: Part, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every pin named in a config, as path and name; pins in lists and dicts of parts are not among them."""
    for name, field in type(part).model_fields.items():
        value, path = getattr(part, name), f"{prefix}{name}"
        if isinstance(value, Part):
            yield from named_pins(value, f"{path}.")
        elif isinstance(value, str) and _is_pin(field):
            yield path, value


def _is_pin(field: FieldInfo) -> bool:
    """Whether a field is a `PinName`, or a `PinName | None`."""
    marks = [*field.metadata, *(mark for kind in get_args(field.annotation) for mark in get_args(kind)[1:])]
    return any(isinstance(mark, PinMark) for mark in marks)


def header_pin_problems(pins: Mapping[str, str | None], board: str | None) -> Iterator[Problem]:
    """What is wrong with the pins of one component.

    Args:
        pins: pin name by path, for example `{"pins.a": "11"}`; None (absent or broken) is passed over.
        board: the component's `board`. None means the local header, where impossible and unknown pins are
            problems and two names of one pin are duplicates. Else only equal names are duplicates.
    """
    holders: dict[object, tuple[str, str]] = {}
    for path, name in pins.items():
        if name is None:
            continue
        line: object = name
        if board is None:
            try:
                line = header.resolve(name)
            except ArgumentError as error:
                yield Problem(path, error.message)
                continue
        if line in holders:
            yield Problem(path, _taken(name, line, *holders[line]))
        else:
            holders[line] = (path, name)


def _taken(name: str, line: object, holder: str, held_name: str) -> str:
    if isinstance(line, int) and name != held_name:
        place = header.describe(line)
        return f'"{name}" is {place}, which {holder} uses as "{held_name}"; every pin needs its own'
    return f'"{name}" is used by {holder} already; every pin needs its own'
