"""Which cases a sensor has: each fault of its bus, at each transaction of its start and of two readings in a row."""

from collections.abc import Sequence
from typing import NamedTuple

from pi_drivers.world.clock import HandClock
from pi_drivers.world.world import World
from tests.campaign.cases import Case, transactions
from tests.campaign.subjects import Subject


class Plan(NamedTuple):
    """What is tried with a sensor."""

    kinds: Sequence[str]
    start: int
    """Transactions until its first reading is there."""
    reading: int
    """Transactions of two readings."""
    cases: Sequence[Case]


def plan_of(subject: Subject) -> Plan:
    """All cases of a sensor."""
    kinds = list(subject.place(World(HandClock())).kinds)
    start, reading = transactions(subject)
    cases = [
        Case(subject, kind, at_start, skip)
        for kind in kinds
        for at_start, count in ((True, start), (False, reading))
        for skip in range(0, count, subject.stride)
    ]
    return Plan(kinds, start, reading, cases)
