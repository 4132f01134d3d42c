"""A 0 that a program wrote for "not given" is no number."""

from collections.abc import Iterator

import pytest
from pydantic import AliasChoices, Field

from pi_drivers.config.attributes import Attributes, Part, Problem, parse
from pi_drivers.errors import ConfigError

WHERE = 'motor "left"'


def test_a_zero_is_absent_where_the_part_says_so_at_every_level():
    class Disc(Part):
        ZERO_MEANS_ABSENT = frozenset({"ticks"})

        ticks: int | None = Field(default=None, gt=0, validation_alias=AliasChoices("ticks", "ticks_per_rotation"))
        offset: int = 5

    class Shafts(Attributes):
        ZERO_MEANS_ABSENT = frozenset({"rpm"})

        rpm: float | None = Field(default=None, gt=0)
        disc: Disc | None = None
        discs: tuple[Disc, ...] = ()
        by_label: dict[str, Disc] = Field(default={})

    zero = {"ticks_per_rotation": 0, "offset": 0}
    config = parse(Shafts, {"rpm": 0.0, "disc": zero, "discs": [zero], "by_label": {"x": {"ticks": 0}}}, WHERE)

    assert not config.given("rpm")
    for disc in (config.disc, *config.discs, config.by_label["x"]):
        assert disc is not None
        assert (disc.ticks, disc.given("ticks")) == (None, False)
    assert config.discs[0].offset == 0
    with pytest.raises(ConfigError, match="rpm: expected a number, got false"):
        parse(Shafts, {"rpm": False}, WHERE)


def test_a_required_number_whose_zero_means_absent_is_missing_at_zero_and_rules_see_it_absent():
    class Shaft(Attributes):
        ZERO_MEANS_ABSENT = frozenset({"rpm"})

        rpm: float = Field(gt=0)

        def problems(self) -> Iterator[Problem]:
            if self.given("rpm"):
                yield Problem("rpm", "was given")

    with pytest.raises(ConfigError) as caught:
        parse(Shaft, {"rpm": 0}, WHERE)

    assert str(caught.value) == f"{WHERE}: rpm: is required"
