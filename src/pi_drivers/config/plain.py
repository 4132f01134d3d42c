"""From what the wire carries to plain Python: the attributes of a component as a dict.

Attributes arrive as a protobuf `Struct`, in which every number is a float, null looks like the number 0
unless its kind is asked, and reading an absent key creates it. Here all of that ends: the rest of the package
sees the JSON a user wrote, with whole numbers as `int` and null as "absent". So is an empty text: programs in
Go, and web forms, write "" for a text that was not given.
"""

import math
from typing import TypeAlias

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from pi_drivers.errors import ConfigError

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

MAX_DEPTH = 40
"""Attributes nested deeper than this are refused; no model needs more than three levels."""

LARGEST_EXACT_FLOAT = 2.0**53
"""Above this a float no longer tells neighbouring whole numbers apart."""


def plain_attributes(struct: Struct) -> dict[str, Json]:
    """The attributes as plain Python values. Entries with null or "" are left out; the struct is not changed.

    Raises:
        ConfigError: nested deeper than `MAX_DEPTH` levels.
    """
    return _plain_struct(struct, 0)


def plain_value(value: object, depth: int = 0) -> Json:
    """The same for values that come from a JSON file: entries with null or "" are dropped, whole floats become `int`.

    A null or "" inside a list is kept, for it holds a place there; the model's type refuses it with its path.

    Raises:
        ConfigError: nested deeper than `MAX_DEPTH` levels, or a value that JSON cannot carry.
    """
    _check_depth(depth)
    if isinstance(value, dict):
        return {str(key): plain_value(item, depth + 1) for key, item in value.items() if not _is_absent(item)}
    if isinstance(value, list | tuple):
        return [plain_value(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _plain_number(value)
    raise ConfigError(f"attributes must be JSON values, got a {type(value).__name__}")


def _plain_struct(struct: Struct, depth: int) -> dict[str, Json]:
    _check_depth(depth)
    entries = {key: _plain_wire(value, depth) for key, value in struct.fields.items()}
    return {key: value for key, value in entries.items() if not _is_absent(value)}


def _plain_list(values: ListValue, depth: int) -> list[Json]:
    _check_depth(depth)
    return [_plain_wire(value, depth) for value in values.values]


def _plain_wire(value: Value, depth: int) -> Json:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _plain_struct(value.struct_value, depth + 1)
        case "list_value":
            return _plain_list(value.list_value, depth + 1)
        case "number_value":
            return _plain_number(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _is_absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _plain_number(number: float) -> int | float:
    is_whole = math.isfinite(number) and number.is_integer() and abs(number) <= LARGEST_EXACT_FLOAT
    return int(number) if is_whole else number


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ConfigError(f"attributes are nested deeper than {MAX_DEPTH} levels; no model takes that")
