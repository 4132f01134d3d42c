"""Validation in one go: the problems of fields and the problems between fields, together.

The validator stops at broken fields; the cross-field rules need an object. So when fields are broken, an
object is built from the rest, with None in the gaps, and the rules are asked all the same.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import ValidationError

from pi_drivers.config.booleans import without_booleans_for_numbers
from pi_drivers.config.complaints import problems_from
from pi_drivers.config.part import Part, Problem
from pi_drivers.config.partial import partial
from pi_drivers.config.plain import Json, plain_value
from pi_drivers.config.wording import PathStep, path_text
from pi_drivers.config.zeros import without_zeros
from pi_drivers.errors import ConfigError

PartT = TypeVar("PartT", bound=Part)

MAX_PROBLEMS = 20
"""How many problems a message lists; the rest are counted."""


def checked(config_class: type[PartT], attributes: Mapping[str, object], where: str) -> PartT:
    """See `pi_drivers.config.attributes.parse`."""
    try:
        data = plain_value(dict(attributes))
    except ConfigError as error:
        raise ConfigError(report(where, [Problem("", error.message)])) from None
    config, problems = examine(config_class, data)
    if problems:
        raise ConfigError(report(where, problems))
    return config


def examine(config_class: type[PartT], data: Json) -> tuple[PartT, list[Problem]]:
    """The config and its problems. With problems it is partial: None stands where a field is broken."""
    data = without_zeros(config_class, data)
    strictly = without_booleans_for_numbers(config_class, data)
    try:
        # The JSON way in: with strict types it is the one that takes a list for a tuple.
        config = config_class.model_validate_json(json.dumps(strictly))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        found = problems_from(errors[:MAX_PROBLEMS], config_class, data)
        broken = partial(config_class, strictly)
        known = {problem.path for problem in found}
        found += [problem for problem in _guarded(_rule_problems(broken, ())) if problem.path not in known]
        uncounted = max(0, len(errors) - MAX_PROBLEMS)
        return broken, found + [Problem("", "")] * uncounted
    return config, list(_rule_problems(config, ()))


def report(where: str, problems: list[Problem]) -> str:
    """One message for all problems: a single line for one of them, else a line each."""
    if len(problems) == 1:
        return f"{where}: {problems[0]}"
    lines = [f"- {problem}" for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        lines.append(f"- ... and {len(problems) - MAX_PROBLEMS} more")
    return "\n".join([f"{where}: {len(problems)} problems in its attributes", *lines])


def _rule_problems(part: Part, path: tuple[PathStep, ...]) -> Iterator[Problem]:
    for problem in part.problems():
        yield problem.below(path_text(path))
    for name in type(part).model_fields:
        yield from _nested_problems(getattr(part, name), (*path, name))


def _nested_problems(value: object, path: tuple[PathStep, ...]) -> Iterator[Problem]:
    if isinstance(value, Part):
        yield from _rule_problems(value, path)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _nested_problems(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nested_problems(item, (*path, key))


def _guarded(problems: Iterator[Problem]) -> Iterator[Problem]:
    """The problems up to the first rule that cannot cope with a gap; broken fields are reported anyway."""
    try:
        yield from problems
    except Exception:  # noqa: BLE001 - a rule stumbling over None must not replace the report
        return
