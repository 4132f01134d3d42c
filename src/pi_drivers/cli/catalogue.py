"""`models` and `schema`: which models there are, and what attributes one takes.

Both load the classes and open nothing.
"""

import json
from collections.abc import Sequence

from pi_drivers import registry
from pi_drivers.cli.machine import MODEL_PREFIX
from pi_drivers.cli.meta import short_description
from pi_drivers.config.attributes import json_schema
from pi_drivers.config.wording import did_you_mean, shown
from pi_drivers.errors import ArgumentError


def models_for_people() -> list[str]:
    """The table of models, a line each: name, API, and what it is."""
    rows = [(name, registry.api_of(name).resource_subtype, short_description(name)) for name in registry.MODELS]
    return _aligned([("MODEL", "API", ""), *rows])


def models_for_programs() -> str:
    """The same as JSON, with full names."""
    models = [
        {"model": str(registry.model_of(name)), "api": str(registry.api_of(name)), "text": short_description(name)}
        for name in registry.MODELS
    ]
    return json.dumps(models, indent=2, ensure_ascii=False)


def schema_text(model: str) -> str:
    """The JSON schema of a model's attributes.

    Args:
        model: its name, short or full.

    Raises:
        ArgumentError: there is no such model; the message lists those there are.
    """
    name = model.removeprefix(MODEL_PREFIX)
    if name not in registry.MODELS:
        hint = did_you_mean(name, registry.MODELS)
        raise ArgumentError(f"there is no model {shown(model)}{hint}; the models are {', '.join(registry.MODELS)}")
    schema = {"title": f"{registry.model_of(name)}", "description": short_description(name)}
    own = {key: value for key, value in json_schema(registry.load(name).CONFIG).items() if key not in schema}
    return json.dumps({"$schema": own.pop("$schema"), **schema, **own}, indent=2, ensure_ascii=False)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
