"""Writes what people read about models: the table in README.md and a page of each model below docs/models.

All but the wiring comes from the config classes, the commands and the docstrings, so that what is written is what is
checked: `python -m pi_drivers.cli.generate` writes, and a test compares. Wiring sketches and other words for people
stand in docs/models/parts, a file for each model, and are taken over as they are.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pi_drivers import registry
from pi_drivers.cli.meta import ROOT, short_description
from pi_drivers.config.attributes import json_schema
from pi_drivers.models.commands import commands_of

BEGIN = "<!-- models: begin -->"
END = "<!-- models: end -->"
COMMON = ("backend", "poll_interval_ms", "max_age_ms", "skip_unchanged")
"""Attributes that come last in a table, since all models, or all polled ones, have them."""


def readme_with_table(readme: str) -> str:
    """README.md with the table of models between its marks brought up to date."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """The table of models."""
    rows = [
        f"| [`{name}`](docs/models/{name}.md) | {registry.api_of(name).resource_subtype} | {short_description(name)} |"
        for name in registry.MODELS
    ]
    return "\n".join(["| model | Viam API | |", "| --- | --- | --- |", *rows])


def page(name: str) -> str:
    """The page of a model."""
    model = registry.load(name)
    schema = json_schema(model.CONFIG)
    api, full_name = registry.api_of(name), registry.model_of(name)
    lines = [
        f"# `{name}`",
        "",
        f"{short_description(name)}.",
        "",
        f"Model `{full_name}`, API `{api}`.",
        "",
        "## Attributes",
        "",
        "| name | type | default | |",
        "| --- | --- | --- | --- |",
        *_rows(schema, schema, ""),
        "",
        *_wiring(name),
        "## Commands",
        "",
        "For `do_command`:",
        "",
        '- `{"command": "help"}`: All commands, each with an example.',
        *[f"- `{_json(entry.example)}`: {entry.text}" for entry, _ in commands_of(model).values()],
    ]
    return "\n".join(lines) + "\n"


def _wiring(name: str) -> list[str]:
    """How the hardware is wired and what else is to be known about it: the part of a page that people write."""
    path = ROOT / "docs" / "models" / "parts" / f"{name}.md"
    return [path.read_text(encoding="utf-8").rstrip(), ""] if path.exists() else []


def write() -> list[str]:
    """Write every page and the table; returns the paths written."""
    readme = ROOT / "README.md"
    readme.write_text(readme_with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
    written = [str(readme)]
    for name in registry.MODELS:
        path = ROOT / "docs" / "models" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(name), encoding="utf-8")
        written.append(str(path))
    return written


def _rows(schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str) -> Iterator[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    for key in sorted(properties, key=_is_common):
        entry = properties[key]
        required = key in schema.get("required", ())
        default = "required" if required else _default(entry)
        yield f"| `{prefix}{key}` | {_type(entry, root)} | {default} | {entry.get('description', '')} |"
        inner = _inner(entry, root)
        if inner is not None:
            mark = "[]." if _is_list(entry) else ".<name>." if _is_map(entry) else "."
            yield from _rows(inner, root, f"{prefix}{key}{mark}")


def _is_common(key: str) -> bool:
    return key in COMMON


def _default(entry: Mapping[str, Any]) -> str:
    default = entry.get("default")
    return "" if default is None or default == [] else f"`{_json(default)}`"


def _choices(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [choice for choice in entry.get("anyOf", [entry]) if choice.get("type") != "null"]


def _is_list(entry: Mapping[str, Any]) -> bool:
    return any(choice.get("type") == "array" for choice in _choices(entry))


def _is_map(entry: Mapping[str, Any]) -> bool:
    return any("additionalProperties" in choice for choice in _choices(entry))


def _inner(entry: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The object an attribute holds, or a list of, or several by name; None for plain values."""
    for choice in _choices(entry):
        held = choice.get("items", choice.get("additionalProperties", choice))
        reference = held.get("$ref") if isinstance(held, dict) else None
        if reference is not None:
            inner: Mapping[str, Any] = root["$defs"][reference.rpartition("/")[2]]
            return inner
    return None


def _type(entry: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if _inner(entry, root) is not None:
        return "list of objects" if _is_list(entry) else "object"
    texts = []
    for choice in _choices(entry):
        if "enum" in choice:
            texts.append(", ".join(f"`{value}`" for value in choice["enum"]))
        else:
            texts.append(f"{choice.get('type', 'any')}{_range(choice)}")
    return " or ".join(texts)


def _range(choice: Mapping[str, Any]) -> str:
    low, high = choice.get("minimum"), choice.get("maximum")
    above = choice.get("exclusiveMinimum")
    if above is not None:
        return f", above {above:.9g}" + (f" to {high:.9g}" if high is not None else "")
    if low is not None:
        return f", {low:.9g} to {high:.9g}" if high is not None else f", from {low:.9g}"
    return ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
