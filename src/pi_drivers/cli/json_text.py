"""JSON as people write it: what fits on a line stands on one."""

import json
from collections.abc import Iterator, Mapping, Sequence

WIDTH = 100


def pretty(value: object, indent: int = 0) -> str:
    """A value as JSON, broken where it would be wider than `WIDTH`.

    Args:
        value: what JSON can carry.
        indent: how far the first line stands in already.
    """
    flat = _flat(value)
    if indent + len(flat) <= WIDTH and not _holds_objects(value):
        return flat
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, Mapping):
        lines = [f"{inner}{_text(key)}: {pretty(item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[\n" + ",\n".join(f"{inner}{pretty(item, indent + 2)}" for item in value) + f"\n{outer}]"
    return flat


def _holds_objects(value: object) -> bool:
    """Whether an object holds one that holds another: too much for a line, however short."""
    return any(_is_object(item) and any(map(_is_object, _items(item))) for item in _items(value))


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _items(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from value


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_text(key)}: {_flat(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_flat, value))}]"
    return _text(value)


def _text(value: object) -> str:
    """As JSON has it. A device may have any letter in its name, and what is no letter is not for a terminal."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)
