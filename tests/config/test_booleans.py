"""`true` is no number, not even where one of some numbers has to be chosen."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from pi_drivers.config.attributes import Attributes, Part, parse
from pi_drivers.errors import ConfigError

WHERE = 'motor "left"'


class Wheel(Part):
    side: Literal[1, 2]


class Cart(Attributes):
    channel: Literal[1, 2]
    speed: Literal[0, 1] | None = None
    bits: Annotated[Literal[0, 1], "bits"] = 0
    wheels: tuple[Wheel, ...] = ()
    by_name: dict[str, Wheel] = Field(default={})
    order: tuple[Literal[1, 2], ...] = ()
    mode: bool | Literal["auto"] = "auto"
    choice: Literal[True, "later"] = "later"


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"channel": True}, "channel: must be one of 1, 2, got true"),
        ({"channel": 1, "speed": False}, "speed: .*0, 1.* got false"),
        ({"channel": 1, "bits": True}, "bits: must be one of 0, 1, got true"),
        ({"channel": 1, "wheels": [{"side": 2}, {"side": True}]}, r"wheels\[1\].side: must be one of 1, 2, got true"),
        ({"channel": 1, "by_name": {"a": {"side": True}}}, "by_name.a.side: must be one of 1, 2, got true"),
        ({"channel": 1, "order": [2, True]}, r"order\[1\]: .*1 or 2.* got true"),
    ],
)
def test_a_boolean_is_refused_where_a_number_is_to_be_chosen(attributes, problem):
    with pytest.raises(ConfigError, match=problem):
        parse(Cart, attributes, WHERE)


def test_a_boolean_is_taken_where_it_is_one_of_the_choices():
    cart = parse(Cart, {"channel": 2, "mode": True, "choice": True}, WHERE)
    assert (cart.mode, cart.choice) == (True, True)
