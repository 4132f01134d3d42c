"""How often an encoder's queue is looked at: seldom, and never so seldom that it runs over."""

import pytest

from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.encoder.rests import FIRST_NS, LONGEST_NS, Rests

QUEUE = 1024


def turning(rests: Rests, rest_ns: int, pace: float, looks: int) -> list[int]:
    """The rests while a shaft makes `pace` edges a second."""
    taken = []
    for _ in range(looks):
        rest_ns = rests.after(rest_ns, max(1, round(pace * rest_ns / SECOND)))
        taken.append(rest_ns)
    return taken


@pytest.mark.parametrize("pace", [100, 500, 800])
def test_a_slow_shaft_is_looked_at_a_few_times_a_second(pace):
    assert turning(Rests(), FIRST_NS, pace, 5)[2:] == [LONGEST_NS] * 3


@pytest.mark.parametrize("pace", [2_000, 10_000, 100_000])
def test_at_speed_an_eighth_of_the_queue_fills_between_two_looks(pace):
    assert turning(Rests(), FIRST_NS, pace, 8)[-1] * pace / SECOND == pytest.approx(QUEUE / 8, rel=0.25)


@pytest.mark.parametrize("fast", [10_000, 100_000, 400_000])
def test_a_shaft_that_was_fast_once_may_be_so_again_at_any_time(fast):
    rests = Rests()
    turning(rests, MILLISECOND, fast, 3)
    slow = turning(rests, FIRST_NS, 50, 10)[-1]

    assert slow > MILLISECOND
    assert slow * fast / SECOND <= QUEUE / 2 or slow <= 2 * MILLISECOND


def test_from_standstill_no_rest_grows_faster_than_a_shaft_can():
    assert turning(Rests(), FIRST_NS, 1, 3) == [4 * FIRST_NS, LONGEST_NS, LONGEST_NS]
