"""How a mistake in a config is told: the user's path, the user's value, and what would have been right.

The validator speaks of its own types and of union members; a user wrote JSON. This module translates, and
keeps a hostile config (a megabyte of text, a thousand unknown keys) from becoming a megabyte of log.
"""

import difflib
import json
import math
import re
from collections.abc import Iterable, Sequence

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

MAX_SHOWN = 40
"""A value or key longer than this is cut when it is shown."""

LONGEST_NAME = 100
"""The same for the name of a resource."""

PathStep = str | int

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def shown(value: object) -> str:
    """A value as the user wrote it, cut to a readable length."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "an infinite number"
    if isinstance(value, str):
        return "".join(map(_visible, json.dumps(shortened(value), ensure_ascii=False)))
    return shortened(json.dumps(value, default=repr))


def _visible(character: str) -> str:
    """The character, or its escape where a terminal would act on it or cannot print it."""
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def shortened(text: str, longest: int = MAX_SHOWN) -> str:
    """The text, or its beginning where it is too long to show."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def path_text(steps: Iterable[PathStep]) -> str:
    """A path as a user would write it: `pins.pwm`, `digital_interrupts[1].pin`, `channels["a b"]`."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{shortened(step)}" if text else shortened(step)
        else:
            text += f"[{shown(step)}]"
    return text


def closest(wrong: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that a wrong one resembles most, if any does."""
    if len(wrong) > MAX_SHOWN:
        return None
    by_lower_case = {name.lower(): name for name in allowed}
    close = difflib.get_close_matches(wrong.lower(), by_lower_case, n=1, cutoff=0.6)
    return by_lower_case[close[0]] if close else None


def did_you_mean(wrong: str, allowed: Iterable[str]) -> str:
    """The end of a message about an unknown name: ` (did you mean "pwm"?)`, or nothing."""
    guess = closest(wrong, allowed)
    return f" (did you mean {shown(guess)}?)" if guess else ""


def one_of(choices: Sequence[object]) -> str:
    """Choices as text: `one of "a", "b"`, or the only one."""
    texts = [shown(choice) for choice in choices]
    return texts[0] if len(texts) == 1 else f"one of {', '.join(texts)}"


def field_names(name: str, field: FieldInfo) -> list[str]:
    """Every name a user may give a field, its own first."""
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices]
    return [str(field.validation_alias or name)]
