"""Numbers that were never given: a 0 which a program wrote for "nothing here" is taken out of the attributes.

It happens before validation, so a range that begins above 0, `given`, and the rules between fields all see a
field that is absent.
"""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pi_drivers.config.part import Part
from pi_drivers.config.plain import Json
from pi_drivers.config.wording import field_names


def without_zeros(part: type[Part], data: Json) -> Json:
    """The data without the zeros that `Part.ZERO_MEANS_ABSENT` names, here and in every part below."""
    if not isinstance(data, dict):
        return data
    kept = dict(data)
    for name, field in part.model_fields.items():
        for key in field_names(name, field):
            if key not in kept:
                continue
            if name in part.ZERO_MEANS_ABSENT and _is_zero(kept[key]):
                del kept[key]
            else:
                kept[key] = _below(field.annotation, kept[key])
    return kept


def _is_zero(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _below(kind: Any, data: Json) -> Json:
    """What stands in a field of this type, without its zeros."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Part):
        return without_zeros(kind, data)
    if origin in {Union, UnionType}:
        for member in inner:
            data = _below(member, data)
    elif origin is Annotated:
        return _below(inner[0], data)
    elif origin in {list, tuple} and isinstance(data, list):
        return [_below(inner[0], item) for item in data]
    elif origin is dict and isinstance(data, dict):
        return {key: _below(inner[1], item) for key, item in data.items()}
    return data
