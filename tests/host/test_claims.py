"""Claims: who holds what, alone or together."""

import pytest

from pi_drivers.errors import ClaimedError
from pi_drivers.host.claims import Claims, Holder

PIN = "GPIO10 (pin 19)"
MOTOR = Holder('motor "left"', "pin a")
ONE = Holder('sensor "one"', "converter")
OTHER = Holder('sensor "other"', "converter")


def test_what_one_holds_alone_nobody_else_gets_and_the_message_names_who_and_what_for():
    claims = Claims()
    claims.take(PIN, MOTOR)
    for shared_as in (None, "spi-0"):
        with pytest.raises(ClaimedError) as caught:
            claims.take(PIN, ONE, shared_as=shared_as)
        assert caught.value.message == (
            'GPIO10 (pin 19) is held by motor "left" (pin a), so sensor "one" cannot have it as its converter. '
            'Choose another one, or remove motor "left".'
        )


def test_those_who_use_a_thing_as_the_same_share_it():
    claims = Claims()
    claims.take(PIN, ONE, shared_as="spi-0")
    claims.take(PIN, OTHER, shared_as="spi-0")

    assert claims.holder_of(PIN) == Holder('sensor "one" and sensor "other"', "converter")
    assert claims.listing() == {PIN: Holder('sensor "one" and sensor "other"', "converter")}


@pytest.mark.parametrize("shared_as", [None, "i2c-1", ""])
def test_what_is_shared_nobody_gets_for_something_else(shared_as):
    claims = Claims()
    claims.take(PIN, ONE, shared_as="spi-0")
    claims.take(PIN, OTHER, shared_as="spi-0")
    with pytest.raises(ClaimedError, match='held by sensor "one" and sensor "other" '):
        claims.take(PIN, MOTOR, shared_as=shared_as)


def test_a_shared_thing_is_free_when_the_last_one_gave_it_back():
    claims = Claims()
    give_back_one = claims.take(PIN, ONE, shared_as="spi-0")
    give_back_other = claims.take(PIN, OTHER, shared_as="spi-0")
    give_back_one()
    give_back_one()
    assert claims.holder_of(PIN) == OTHER
    with pytest.raises(ClaimedError):
        claims.take(PIN, MOTOR)
    give_back_other()

    assert len(claims) == 0
    claims.take(PIN, MOTOR)
    give_back_one()
    give_back_other()
    assert claims.holder_of(PIN) == MOTOR


def test_one_resource_that_takes_a_shared_thing_twice_holds_it_until_both_are_given_back():
    claims = Claims()
    first = claims.take(PIN, ONE, shared_as="spi-0")
    second = claims.take(PIN, ONE, shared_as="spi-0")
    assert claims.holder_of(PIN) == ONE
    first()
    assert claims.holder_of(PIN) == ONE
    second()
    assert claims.holder_of(PIN) is None
