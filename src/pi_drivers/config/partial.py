"""An object out of a config with mistakes: what is right is kept, and None fills the gaps.

The rules between fields need an object to look at even while some of its fields are broken. It never leaves
the validation.
"""

import json
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from pi_drivers.config.part import Part
from pi_drivers.config.plain import Json
from pi_drivers.config.wording import field_names


def partial(part: type[Any], data: Json) -> Any:
    """An instance of `part` with what is right in `data`, and None for fields that are missing or broken."""
    given = data if isinstance(data, dict) else {}
    values: dict[str, object] = {}
    for name, field in part.model_fields.items():
        written = [given[key] for key in field_names(name, field) if key in given]
        values[name] = _salvaged(field.annotation, written[0], field.metadata) if written else _default(field)
    instance = part.model_construct(**values)
    present = {name for name, field in part.model_fields.items() if given.keys() & set(field_names(name, field))}
    object.__setattr__(instance, "__pydantic_fields_set__", present)
    return instance


def _default(field: FieldInfo) -> object:
    return None if field.is_required() else field.get_default(call_default_factory=True)


def _salvaged(annotation: Any, raw: Json, metadata: list[Any]) -> object:
    for kind in _members(annotation):
        origin = get_origin(kind)
        if isinstance(raw, dict) and isinstance(kind, type) and issubclass(kind, Part):
            return partial(kind, raw)
        if isinstance(raw, list) and origin in {list, tuple}:
            return tuple(_salvaged(get_args(kind)[0], entry, []) for entry in raw)
        if isinstance(raw, dict) and origin is dict:
            return {key: _salvaged(get_args(kind)[1], entry, []) for key, entry in raw.items()}
    return _value_or_none(annotation, raw, metadata)


def _value_or_none(annotation: Any, raw: Json, metadata: list[Any]) -> object:
    kind: Any = Annotated[annotation, *metadata] if metadata else annotation
    adapter: TypeAdapter[Any] = TypeAdapter(kind | None, config=ConfigDict(strict=True, allow_inf_nan=False))
    try:
        return adapter.validate_json(json.dumps(raw))
    except ValidationError:
        return None


def _members(annotation: Any) -> tuple[Any, ...]:
    """The types of a union, or the type alone."""
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
