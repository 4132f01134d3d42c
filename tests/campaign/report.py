"""What came of the campaign for one sensor: the figures, and a line for each case that is not sound."""

import logging
from typing import NamedTuple

from tests.campaign.cases import Case, Outcome, run
from tests.campaign.plan import plan_of
from tests.campaign.subjects import SUBJECTS, Subject


class Report(NamedTuple):
    """What came of one sensor."""

    figures: tuple[int, ...]
    """As in the table, from the second column on."""
    complaints: list[str]
    """One line for each case that is not sound."""


def examine(title: str) -> Report:
    """Try every case of one sensor."""
    logging.disable(logging.CRITICAL)
    subject = next(one for one in SUBJECTS if one.title == title)
    return _examined(subject)


def _examined(subject: Subject) -> Report:
    plan = plan_of(subject)
    outcomes = [run(case) for case in plan.cases]
    figures = (
        len(plan.kinds),
        plan.start,
        plan.reading,
        len(outcomes),
        sum(outcome.answers for outcome in outcomes),
        sum(outcome.errors for outcome in outcomes),
        sum(len(outcome.wrong) for outcome in outcomes),
        sum(outcome.hung for outcome in outcomes),
        sum(len(outcome.leaked) for outcome in outcomes),
        sum(not outcome.recovered for outcome in outcomes),
    )
    pairs = zip(plan.cases, outcomes, strict=True)
    return Report(figures, [_complaint(case, outcome) for case, outcome in pairs if not outcome.sound])


def _complaint(case: Case, outcome: Outcome) -> str:
    said = [f"wrong: {text}" for text in outcome.wrong[:2]] + [f"leaked: {text}" for text in outcome.leaked]
    said += ["hung"] if outcome.hung else []
    said += [] if outcome.recovered else ["not recovered"]
    return f"{case}: {'; '.join(said)}"
