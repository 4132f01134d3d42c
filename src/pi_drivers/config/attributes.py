"""What a model's attributes are: a frozen, typed object, or one message that names every mistake at once.

A user who edits a machine config should need one look at the log, not one per mistake. So a config class
states its fields (types, ranges, a line of text with the unit) and its cross-field rules, and `parse` reports
the problems of both together, each with its path in the JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from pi_drivers.config.checking import checked, examine
from pi_drivers.config.example import Example
from pi_drivers.config.part import Part, Problem
from pi_drivers.config.plain import plain_attributes
from pi_drivers.config.units import with_units

__all__ = [
    "Attributes",
    "BackendName",
    "Part",
    "PolledAttributes",
    "Problem",
    "SensorAttributes",
    "dependency",
    "examine",
    "json_schema",
    "parse",
    "plain_attributes",
    "poll_interval_field",
]

BackendName = Literal["real", "mock"]

SHORTEST_DEFAULT_MAX_AGE_MS = 2000
LONGEST_INTERVAL_MS = 3_600_000
LONGEST_MAX_AGE_MS = 5 * LONGEST_INTERVAL_MS
"""The longest default there is."""


class Attributes(Part):
    """The base of every model's config. A model's own states its `EXAMPLE`."""

    EXAMPLE: ClassVar[Example]

    backend: BackendName | None = Field(
        default=None,
        description="Run on the `real` hardware or on the `mock` world. Absent: what the environment "
        "variable PI_DRIVERS_BACKEND says, else `real`.",
    )

    def required_dependencies(self) -> Sequence[str]:
        """Full names (see `dependency`) of the resources that this one cannot work without."""
        return ()

    def optional_dependencies(self) -> Sequence[str]:
        """Full names of the resources that this one makes use of when they are there."""
        return ()


def max_age_field(shortest_default_ms: int = SHORTEST_DEFAULT_MAX_AGE_MS) -> Any:
    """The field `max_age_ms` with the shortest default that a model has, in milliseconds."""
    return Field(
        default=None,
        ge=10,
        le=LONGEST_MAX_AGE_MS,
        description="A reading older than this, in milliseconds, is an error instead of an answer. Absent: "
        f"five poll intervals, at least {shortest_default_ms}.",
    )


class PolledAttributes(Attributes):
    """The base of configs of models that are read in the background.

    A model with another pace overrides the first field: `poll_interval_ms: int = poll_interval_field(500)`. One that
    must know sooner that its chip is gone overrides the second as well, with the constant.
    """

    SHORTEST_DEFAULT_MAX_AGE_MS: ClassVar[int] = SHORTEST_DEFAULT_MAX_AGE_MS

    poll_interval_ms: int = Field(
        default=1000, ge=10, le=LONGEST_INTERVAL_MS, description="Time between two samples, in milliseconds."
    )
    max_age_ms: int | None = max_age_field()

    @property
    def effective_max_age_ms(self) -> int:
        """`max_age_ms`, or its default: a few missed samples are borne, a dead sensor is not."""
        if self.max_age_ms is not None:
            return self.max_age_ms
        return max(5 * self.poll_interval_ms, self.SHORTEST_DEFAULT_MAX_AGE_MS)

    def problems(self) -> Iterator[Problem]:
        """A maximum age below the poll interval would refuse good readings."""
        yield from super().problems()
        interval, max_age = self.poll_interval_ms, self.max_age_ms
        if interval is not None and max_age is not None and max_age < interval:
            message = f"must not be below poll_interval_ms ({interval}), got {max_age}"
            yield Problem("max_age_ms", f"{message}: every reading would be too old")


class SensorAttributes(PolledAttributes):
    """The base of configs of models whose samples are readings."""

    skip_unchanged: bool = Field(
        default=False,
        description="Let data capture skip a reading that it has already, because no newer sample was taken since.",
    )


def poll_interval_field(default_ms: int) -> Any:
    """The field `poll_interval_ms` with a model's own default, in milliseconds."""
    description = PolledAttributes.model_fields["poll_interval_ms"].description
    return Field(default=default_ms, ge=10, le=LONGEST_INTERVAL_MS, description=description)


def dependency(subtype: str, name: str) -> str:
    """The full name of a component, for example `rdk:component:board/pi`; a full name is passed as it is."""
    return name if "/" in name else f"rdk:component:{subtype}/{name}"


ConfigT = TypeVar("ConfigT", bound=Attributes)


def parse(config_class: type[ConfigT], attributes: Mapping[str, object], where: str) -> ConfigT:
    """Turn attributes into a config.

    Args:
        config_class: the model's config class.
        attributes: plain JSON values, see `plain_attributes`.
        where: who is configured, for example `motor "left"`; the message begins with it.

    Raises:
        ConfigError: its message lists every problem with its path, on one line if there is only one.
    """
    return checked(config_class, attributes, where)


def json_schema(config_class: type[Attributes]) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a model's attributes: descriptions, ranges, units, defaults, and its example.

    Units stand under `unit`, a word that JSON Schema leaves to us.
    """
    schema = with_units(config_class.model_json_schema(by_alias=True, mode="validation"))
    example = getattr(config_class, "EXAMPLE", None)
    examples = {} if example is None else {"examples": [example.attributes]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | examples
