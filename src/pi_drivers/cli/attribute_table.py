"""A model's attributes as its page has them: a table, and a template to fill in.

Both come from the JSON schema, which comes from the config class that checks what a user writes.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

COMMON = ("backend", "poll_interval_ms", "max_age_ms", "skip_unchanged")
"""Attributes that come last in a table, since all models, or all polled ones, have them."""

HEAD = ("| Name | Type | Unit | Inclusion | Default | Description |", "| --- | --- | --- | --- | --- | --- |")

SECOND_NAME = "Another name for"
"""How the description begins of an attribute that is another one's second name."""


def table(schema: Schema) -> list[str]:
    """The lines of the table of all attributes, those of objects within included."""
    return [*HEAD, *_rows(schema, schema, "")]


def template(schema: Schema) -> str:
    """All attributes with their types where values belong; second names are left out."""
    return _template(schema, schema, "")


def _rows(schema: Schema, root: Schema, prefix: str) -> Iterator[str]:
    properties: Schema = schema.get("properties", {})
    for key in sorted(properties, key=_is_common):
        entry = properties[key]
        inclusion = "Required" if key in _required(schema) else "Optional"
        cells = (f"`{prefix}{key}`", _type(entry, root), entry.get("unit", ""), inclusion, _default(entry),
                 entry.get("description", ""))  # fmt: skip
        yield f"| {' | '.join(cells)} |"
        inner = _inner(entry, root)
        if inner is not None:
            mark = "[]." if _is_list(entry) else ".<name>." if _is_map(entry) else "."
            yield from _rows(inner, root, f"{prefix}{key}{mark}")


def _template(schema: Schema, root: Schema, indent: str) -> str:
    lines = [
        f"{indent}  {json.dumps(key)}: {_placeholder(entry, root, indent + '  ')}"
        for key, entry in sorted(schema.get("properties", {}).items(), key=lambda item: _is_common(item[0]))
        if not entry.get("description", "").startswith(SECOND_NAME)
    ]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _placeholder(entry: Schema, root: Schema, indent: str) -> str:
    inner = _inner(entry, root)
    if inner is None:
        return f"<{' or '.join(_bare_types(entry))}>"
    if _is_list(entry):
        return f"[{_template(inner, root, indent)}]"
    if _is_map(entry):
        return f'{{\n{indent}  "<name>": {_template(inner, root, indent + "  ")}\n{indent}}}'
    return _template(inner, root, indent)


def _bare_types(entry: Schema) -> list[str]:
    texts: list[str] = []
    for choice in _choices(entry):
        texts += map(json.dumps, choice["enum"]) if "enum" in choice else [choice.get("type", "any")]
    return texts


def _required(schema: Schema) -> set[str]:
    """What must be there; of an attribute with several names, the first stands for all."""
    names = set(schema.get("required", ()))
    for rule in schema.get("allOf", ()):
        names |= {choice["required"][0] for choice in rule.get("oneOf", ())[:1]}
    return names


def _is_common(key: str) -> bool:
    return key in COMMON


def _default(entry: Schema) -> str:
    default = entry.get("default")
    return "" if default is None or default == [] else f"`{json.dumps(default, ensure_ascii=False)}`"


def _choices(entry: Schema) -> list[Schema]:
    return [choice for choice in entry.get("anyOf", [entry]) if choice.get("type") != "null"]


def _is_list(entry: Schema) -> bool:
    return any(choice.get("type") == "array" for choice in _choices(entry))


def _is_map(entry: Schema) -> bool:
    return any("additionalProperties" in choice for choice in _choices(entry))


def _inner(entry: Schema, root: Schema) -> Schema | None:
    """The object an attribute holds, or a list of, or several by name; None for plain values."""
    for choice in _choices(entry):
        held = choice.get("items", choice.get("additionalProperties", choice))
        reference = held.get("$ref") if isinstance(held, dict) else None
        if reference is not None:
            inner: Schema = root["$defs"][reference.rpartition("/")[2]]
            return inner
    return None


def _type(entry: Schema, root: Schema) -> str:
    if _inner(entry, root) is not None:
        return "list of objects" if _is_list(entry) else "object"
    texts = []
    for choice in _choices(entry):
        if "enum" in choice:
            texts.append(", ".join(f"`{value}`" for value in choice["enum"]))
        else:
            texts.append(f"{choice.get('type', 'any')}{_range(choice)}")
    return " or ".join(texts)


def _range(choice: Schema) -> str:
    low, high = choice.get("minimum"), choice.get("maximum")
    above = choice.get("exclusiveMinimum")
    if above is not None:
        return f", above {above:.9g}" + (f" to {high:.9g}" if high is not None else "")
    if low is not None:
        return f", {low:.9g} to {high:.9g}" if high is not None else f", from {low:.9g}"
    return ""
