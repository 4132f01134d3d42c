"""`true` where one of some numbers belongs.

To the validator `true` is the number 1 when it looks for a choice among numbers, as it is in Python. In a config it is
a mistake. So where only numbers may be chosen, `true` and `false` are made something that is no choice at all, and the
message is about what the user wrote.
"""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pi_drivers.config.part import Part
from pi_drivers.config.plain import Json
from pi_drivers.config.wording import field_names

NO_CHOICE: Json = {}


def without_booleans_for_numbers(part: type[Part], data: Json) -> Json:
    """The data with `NO_CHOICE` for each boolean that stands where a number has to be chosen, at every level."""
    if not isinstance(data, dict):
        return data
    kept = dict(data)
    for name, field in part.model_fields.items():
        for key in field_names(name, field):
            if key in kept:
                kept[key] = _below(field.annotation, kept[key])
    return kept


def _below(kind: Any, data: Json) -> Json:
    """What stands in a field of this type."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Part):
        return without_booleans_for_numbers(kind, data)
    if origin is Literal and isinstance(data, bool):
        return data if bool in map(type, inner) else NO_CHOICE
    if origin in {Union, UnionType}:
        # A union in which a boolean has a place of its own keeps it.
        for member in inner if bool not in inner else ():
            data = _below(member, data)
    elif origin is Annotated:
        return _below(inner[0], data)
    elif origin in {list, tuple} and isinstance(data, list):
        return [_below(inner[0], item) for item in data]
    elif origin is dict and isinstance(data, dict):
        return {key: _below(inner[1], item) for key, item in data.items()}
    return data
