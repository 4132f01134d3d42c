"""The validator's errors as problems in the user's words: what was expected, and what stands there now."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pi_drivers.config.part import Part, Problem
from pi_drivers.config.wording import PathStep, did_you_mean, field_names, one_of, path_text, shown

_EXPECTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of sensible size",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a string",
    "model_type": "an object",
    "dict_type": "an object",
    "list_type": "a list",
    "tuple_type": "a list",
    "none_required": "nothing",
}


def problems_from(errors: Sequence[ErrorDetails], config_class: type[Part], data: object) -> list[Problem]:
    """One problem for each place in `data` that the validator complains about, in its order."""
    by_path: dict[tuple[PathStep, ...], list[ErrorDetails]] = {}
    for error in errors:
        by_path.setdefault(user_path(error, data), []).append(error)
    return [Problem(path_text(path), _message(path, found, config_class, data)) for path, found in by_path.items()]


def user_path(error: ErrorDetails, data: object) -> tuple[PathStep, ...]:
    """The error's place in the user's JSON: the validator's location without its names of union members."""
    path: list[PathStep] = []
    here = data
    for step in error["loc"]:
        if isinstance(here, dict) and step in here:
            here = here[str(step)]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        elif error["type"] != "missing" or step != error["loc"][-1]:
            continue
        path.append(step)
    return tuple(path)


def _message(path: tuple[PathStep, ...], errors: list[ErrorDetails], root: type[Part], data: object) -> str:
    parts = parts_at(root, path[:-1])
    kinds = {error["type"] for error in errors}
    if kinds == {"missing"}:
        return "is required"
    if kinds == {"extra_forbidden"}:
        return _unknown_key(str(path[-1]), parts, _value_at(data, path[:-1]))
    value = _value_at(data, path)
    told = [error for error in errors if _is_about_value(error)]
    if told:
        return _about_value(told[0], _field(parts, path), value)
    choices = [choice for error in errors for choice in _choices(error, _field(parts, path))]
    if choices and len(errors) == 1:
        return f"must be {one_of(choices)}, got {shown(value)}{_hint(value, choices)}"
    expected = [_EXPECTED[error["type"]] for error in errors if error["type"] in _EXPECTED]
    expected += [one_of(choices)] if choices else []
    return f"expected {' or '.join(dict.fromkeys(expected))}, got {shown(value)}"


def _hint(value: object, choices: Sequence[object]) -> str:
    """What was meant by a text that is none of the choices."""
    if not isinstance(value, str):
        return ""
    if all(isinstance(choice, int | float) for choice in choices):
        return ": a number has no quotes" if value.strip() in map(str, choices) else ""
    return did_you_mean(value, map(str, choices))


def _unknown_key(key: str, parts: list[type[Part]], siblings: object) -> str:
    for part in parts:
        for name, field in part.model_fields.items():
            names = field_names(name, field)
            if key in names:
                taken = [other for other in names if isinstance(siblings, dict) and other in siblings]
                others = " and ".join(shown(other) for other in taken if other != key)
                return f"is another name for {others}, which is given too: keep one of them"
    allowed = [field_names(name, field)[0] for part in parts for name, field in part.model_fields.items()]
    every = [alias for part in parts for name, field in part.model_fields.items() for alias in field_names(name, field)]
    return f"unknown key{did_you_mean(key, every)}; allowed are {', '.join(dict.fromkeys(allowed))}"


def _is_about_value(error: ErrorDetails) -> bool:
    """True for errors about a value of the right type: they say more than errors of other union members."""
    return error["type"] not in _EXPECTED and error["type"] != "literal_error"


def _about_value(error: ErrorDetails, field: FieldInfo | None, value: object) -> str:
    context = error.get("ctx", {})
    # A text with a validator before it is measured by the rule for lists.
    prefix = "string_" if isinstance(value, str) and error["type"] in {"too_short", "too_long"} else ""
    word = _WORDS.get(prefix + error["type"])
    if word is not None:
        return f"must {word(context, field)}, got {shown(value)}"
    if "error" in context:
        return str(context["error"])
    return error["msg"]


def _range(context: Mapping[str, Any], field: FieldInfo | None) -> str:
    bounds = _bounds(field) or context
    if "ge" in bounds and "le" in bounds:
        return f"be between {bounds['ge']} and {bounds['le']}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return "be " + " and ".join(f"{words[key]} {bounds[key]}" for key in words if bounds.get(key) is not None)


def _bounds(field: FieldInfo | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mark in field.metadata if field else ():
        for key, kind in (("ge", annotated_types.Ge), ("gt", annotated_types.Gt),
                          ("le", annotated_types.Le), ("lt", annotated_types.Lt)):  # fmt: skip
            if isinstance(mark, kind | annotated_types.Interval) and getattr(mark, key) is not None:
                found[key] = getattr(mark, key)
    return found


def _length(key: str, word: str) -> Callable[[Mapping[str, Any], FieldInfo | None], str]:
    def text(context: Mapping[str, Any], _field: FieldInfo | None) -> str:
        count = context[key]
        return "not be empty" if (key, count) == ("min_length", 1) else f"have {word} {count} entries"

    return text


def _characters(bound: str, count: int) -> str:
    return f"have at {bound} {count} character{'' if count == 1 else 's'}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any], FieldInfo | None], str]] = {
    "greater_than": _range,
    "greater_than_equal": _range,
    "less_than": _range,
    "less_than_equal": _range,
    "multiple_of": lambda c, _: f"be a multiple of {c['multiple_of']}",
    "too_short": _length("min_length", "at least"),
    "too_long": _length("max_length", "at most"),
    "string_too_short": lambda c, _: "not be empty" if c["min_length"] == 1 else _characters("least", c["min_length"]),
    "string_too_long": lambda c, _: _characters("most", c["max_length"]),
}


def _choices(error: ErrorDetails, field: FieldInfo | None) -> list[object]:
    if error["type"] != "literal_error":
        return []
    return _literals(field.annotation if field else None) or [error.get("ctx", {}).get("expected", "")]


def _literals(annotation: object) -> list[object]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [choice for member in get_args(annotation) for choice in _literals(member)]


def parts_at(root: type[Part], path: Sequence[PathStep]) -> list[type[Part]]:
    """The classes that may stand at a path; more than one where a union stands there."""
    found: list[object] = [root]
    for step in path:
        found = [inner for kind in found for inner in _step(kind, step)]
    return [kind for kind in found if isinstance(kind, type) and issubclass(kind, Part)]


def _step(kind: object, step: PathStep) -> list[object]:
    if isinstance(kind, type) and issubclass(kind, Part):
        fields = [field for name, field in kind.model_fields.items() if step in field_names(name, field)]
        return [member for field in fields for member in _members(field.annotation)]
    item = get_args(kind)
    if get_origin(kind) is dict:
        return _members(item[1])
    return [member for inner in item if inner is not ... for member in _members(inner)]


def _members(annotation: object) -> list[object]:
    """The types of a union, or the type itself, without annotations."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in {dict, list, tuple, Literal} or not get_args(annotation):
        return [annotation]
    return [member for inner in get_args(annotation) for member in _members(inner)]


def _field(parts: list[type[Part]], path: Sequence[PathStep]) -> FieldInfo | None:
    for part in parts:
        for name, field in part.model_fields.items():
            if path and path[-1] in field_names(name, field):
                return field
    return None


def _value_at(data: object, path: Sequence[PathStep]) -> object:
    for step in path:
        data = data[step]  # type: ignore[index]  # user_path walked the same way
    return data
