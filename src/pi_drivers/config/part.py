"""An object in the attributes, and a problem in it: what all configs are made of.

Everything a user writes in a config is an object with known keys. Its class states the types, ranges and
texts of its fields, and yields the problems that no single field can see.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from pydantic import AliasChoices, BaseModel, ConfigDict


class Problem(NamedTuple):
    """One mistake in a config: where it is and what is wrong, in the user's words."""

    path: str
    """The place, for example `pins.pwm` or `digital_interrupts[1].pin`; empty for the whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def below(self, prefix: str) -> "Problem":
        """The same problem seen from the object that holds this one under `prefix`."""
        if not prefix or not self.path:
            return Problem(prefix or self.path, self.message)
        joint = "" if self.path.startswith("[") else "."
        return Problem(f"{prefix}{joint}{self.path}", self.message)


def _offer_aliases(schema: dict[str, Any], part: "type[Part]") -> None:
    """Make the JSON schema accept what `parse` accepts: every alias of a field, one of them at a time."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    for field in part.model_fields.values():
        if not isinstance(field.validation_alias, AliasChoices):
            continue
        names = [str(choice) for choice in field.validation_alias.choices]
        for alias in names[1:]:
            properties[alias] = properties[names[0]] | {"description": f"Another name for `{names[0]}`."}
        one_of_them = [{"required": [name]} for name in names]
        if names[0] in required:
            required.remove(names[0])
            schema.setdefault("allOf", []).append({"oneOf": one_of_them})
        else:
            schema.setdefault("allOf", []).append({"not": {"required": names}})


class Part(BaseModel):
    """An object in the attributes: strict (`true` is no number), frozen, unknown keys refused.

    Nested objects (`pins`, an entry of `analogs`) derive from this class, whole configs from `Attributes`.
    Fields of a list are best typed as `tuple[X, ...]`, choices as `Literal[...]`. A field with a second name
    says `validation_alias=AliasChoices("name", "other_name")`, its own name first.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_extra=_offer_aliases,
    )

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset()
    """Fields of this part in which 0 counts as not given, by their own names. Programs in Go write 0 for a number
    that was not given; name a field here where 0 has no meaning of its own."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between fields: min not below max, a pin named twice, a pin nobody can use.

        Paths are relative to this part; problems of nested parts come from their own `problems` and get their
        prefix from `parse`. The rule for authors: this also runs when fields are broken, so that one mistake
        does not hide another. **A field that is missing or broken then reads None**, required or not; compare
        only what is not None. Where absence itself is the mistake, ask `given(name)`, which is true for a
        broken field as well.
        """
        yield from ()

    def given(self, field: str) -> bool:
        """Whether the user wrote this field (by any of its names), right or wrong."""
        if field not in type(self).model_fields:
            raise AttributeError(f"{type(self).__name__} has no field {field!r}")
        return field in self.model_fields_set
