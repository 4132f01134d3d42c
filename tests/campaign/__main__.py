"""Runs the fault campaign and prints what came of it.

usage: python -m tests.campaign [words]        only the sensors whose title has one of the words
"""

import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.campaign.report import examine
from tests.campaign.subjects import SUBJECTS

AT_ONCE = 2
COLUMNS = (
    "sensor", "kinds of fault", "places at start", "in two readings", "cases", "answers", "errors",
    "wrong", "hung", "leaked", "not recovered",
)  # fmt: skip


def main(words: Sequence[str]) -> int:
    """Run the campaign, print the table, return the exit status."""
    titles = [one.title for one in SUBJECTS if not words or any(word in one.title for word in words)]
    began = time.monotonic()
    print(_line(COLUMNS))
    print("| --- |" + " ---: |" * (len(COLUMNS) - 1))
    # A process of its own for each sensor: what one leaves behind is not the next one's.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=context, max_tasks_per_child=1) as pool:
        reports = []
        for title, report in zip(titles, pool.map(examine, titles), strict=True):
            print(_line((title, *report.figures)), flush=True)
            reports.append(report)
    print(_line(("all", "", "", "", *map(sum, zip(*(report.figures[3:] for report in reports), strict=True)))))
    complaints = [line for report in reports for line in report.complaints]
    print(f"\n{len(complaints)} cases not sound, {time.monotonic() - began:.0f} s")
    print("\n".join(complaints))
    return 1 if complaints or not titles else 0


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
