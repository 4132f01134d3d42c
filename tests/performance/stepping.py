"""Measures counted steps beside steps that a thread of Python writes, turn by turn in one run; prints it in Markdown.

usage: python -m tests.performance.stepping (where lgpio and gcc are installed)

Both drive a chip that chip.c plays, on the real lgpio: only the pins are not there. What is measured is when the edges
came, as the chip saw them, and how many of them the drive knows of.
"""

import argparse
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.performance.drives import PATIENCE, STEP
from tests.performance.played_chip import PlayedChip

OURS, THEIRS = "pi-drivers", "gpiozero"
PACES = (500, 1000, 2000, 5000, 10_000)
"""Steps per second."""
BUSY_PACES = (500, 1000, 10_000)
"""Those that are sent also while the interpreter computes."""
TURN_S = 2.0
START_S = 20.0
"""How long a process may take to start, at most."""
COLUMNS = (
    *("steps/s", "steps", "seen of pi-drivers", "told by it", "rate", "p50", "p99", "most"),
    *("told by the thread", "rate", "p50", "p99", "most"),
)


class Turn(NamedTuple):
    """What came of one motion."""

    seen: int
    """Steps that the chip saw."""
    told: int
    """Steps that the drive says it has made."""
    rate: float
    """Steps per second, from the first to the last."""
    p50_us: float
    """How far the time from step to step was off, either way: half of them no more than this."""
    p99_us: float
    most_us: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3, help="at each pace; the one with the median p99 is shown")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pi-drivers-stepping-") as folder:
        chip = PlayedChip(Path(folder))
        print(f"Python {platform.python_version()} on {platform.machine()}, {wanted.turns} turns each.")
        print(table(compare(chip, pace, wanted.turns, busy=False) for pace in PACES))
        print("\nWith an interpreter that computes meanwhile:\n")
        print(table(compare(chip, pace, wanted.turns, busy=True) for pace in BUSY_PACES))


def compare(chip: PlayedChip, pace: int, turns: int, *, busy: bool) -> tuple[int, Turn, Turn]:
    """Both at one pace, in turn; the typical turn of each."""
    made: dict[str, list[Turn]] = {OURS: [], THEIRS: []}
    for _ in range(turns):
        for drive, turned in made.items():
            turned.append(turn(chip, drive, round(pace * TURN_S), pace, busy=busy))
            assert turned[-1].told == turned[-1].seen
    ours, theirs = (statistics.median_low([(each.p99_us, each) for each in turned])[1] for turned in made.values())
    return pace, ours, theirs


def turn(chip: PlayedChip, drive: str, steps: int, pace: int, *, busy: bool = False) -> Turn:
    """One motion of so many steps, by a process of its own."""
    words = (drive, str(steps), str(pace), "busy" if busy else "idle")
    limit_s = START_S + 2 * PATIENCE * steps / pace
    told = chip.run(sys.executable, "-m", "tests.performance.drives", *words, limit_s=limit_s)
    return judged(chip.rises(STEP), int(told), pace)


def judged(rises: Sequence[int], told: int, pace: int) -> Turn:
    """What edges at these times, in nanoseconds, say."""
    wanted_ns = 1e9 / pace
    off_us = [abs(after - before - wanted_ns) / 1000 for before, after in pairwise(rises)]
    percentiles = statistics.quantiles(off_us, n=100, method="inclusive")
    rate = len(off_us) * 1e9 / (rises[-1] - rises[0])
    return Turn(len(rises), told, rate, percentiles[49], percentiles[98], max(off_us))


def table(rows: Iterable[tuple[int, Turn, Turn]]) -> str:
    """The comparison in Markdown; the times in microseconds."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{' ---: |' * len(COLUMNS)}"]
    for pace, ours, theirs in rows:
        cells = [f"{pace}", f"{round(pace * TURN_S)}"]
        for each in (ours, theirs):
            counts = [f"{each.seen}", f"{each.told}"] if each is ours else [f"{each.told}"]
            off = [f"{off_us:.0f} µs" for off_us in (each.p50_us, each.p99_us, each.most_us)]
            cells += [*counts, f"{each.rate:.0f}", *off]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
