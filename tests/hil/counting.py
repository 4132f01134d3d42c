"""Compares our encoder counter with gpiozero's, side by side on one simulated chip, and prints a table in Markdown.

usage: tests/run.sh --hil tests/hil/test_counting.py -s

Each has two lines of its own and each turn is made by edges.c, one counter after the other at every pace. What the
kernel delivered is what it says itself, in /proc/interrupts.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from tests.contract.grounds import GpioGround
from tests.hil.turning import Turner, interrupts

PACES = (100, 500, 1000, 2000)
"""Edges per second."""
TURN_S = 1.5
TURNS = 2
"""At each pace."""
SETTLE_S = 0.2
"""After so long nothing of what came before goes on."""


class Row(NamedTuple):
    """What one counter made of its turns at one pace."""

    pace: int
    made: int
    delivered: int
    counted: int
    cpu_us: float
    """CPU time per delivered edge."""


class Counter:
    """One of the two counters, as a process."""

    def __init__(self, process: "subprocess.Popen[str]", consumer: str, lines: tuple[int, int], turner: Turner) -> None:
        self._process = process
        self._consumer = consumer
        self._lines = lines
        self._turner = turner
        assert self._hear() == "ready\n"

    async def turn(self, pace: int) -> Row:
        """Turn its encoder at this pace."""
        return joined([await self._turn_once(pace) for _ in range(TURNS)])

    async def _turn_once(self, pace: int) -> Row:
        # Whole cycles, for gpiozero counts nothing less.
        edges = round(pace * TURN_S) // 4 * 4
        counted, delivered = self._ask(), self._delivered()
        await asyncio.sleep(SETTLE_S)
        cpu_ns = self._cpu_ns()
        turn = await self._turner.turn(edges, per_second=pace)
        await asyncio.sleep(SETTLE_S)
        cpu_ns = self._cpu_ns() - cpu_ns
        counted, delivered = self._ask() - counted, self._delivered() - delivered
        return Row(pace, turn.edges, delivered, counted, cpu_ns / 1000 / delivered)

    def _delivered(self) -> int:
        return interrupts(*self._lines, consumer=self._consumer)

    def _cpu_ns(self) -> int:
        """The CPU time of all threads of the process, without costing it any."""
        # What clock_getcpuclockid(3) gives: the number of the process, and that the scheduler's own count is meant.
        return time.clock_gettime_ns(~self._process.pid << 3 | 2)

    def _ask(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._hear())

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def counting(ground: GpioGround, name: str, consumer: str, lines: tuple[int, int], turner: Turner) -> Iterator[Counter]:
    """Start a counter; `consumer` is the name that its library gives the kernel."""
    for line in lines:
        # Where gpiozero expects an encoder to rest.
        ground.drive(line, True)
    command = [sys.executable, "-m", "tests.hil.counters", name, *map(str, lines)]
    # Python's development mode makes an event loop slow.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        try:
            yield Counter(process, consumer, lines, turner)
        finally:
            assert process.stdin is not None
            process.stdin.close()


async def compare(ours: Counter, theirs: Counter) -> list[tuple[Row, Row]]:
    """Both at every pace, one after the other."""
    return [(await ours.turn(pace), await theirs.turn(pace)) for pace in PACES]


def joined(turns: Sequence[Row]) -> Row:
    """Several turns at one pace: all edges, and the least cost, for what else the machine does can only add to it."""
    return Row(
        turns[0].pace,
        sum(turn.made for turn in turns),
        sum(turn.delivered for turn in turns),
        sum(turn.counted for turn in turns),
        min(turn.cpu_us for turn in turns),
    )


def ratio(rows: Sequence[tuple[Row, Row]]) -> float:
    """How many times more CPU gpiozero needs for an edge, over all paces."""
    ours, theirs = (
        statistics.fmean([row.cpu_us for row in side], weights=[row.delivered for row in side])
        for side in zip(*rows, strict=True)
    )
    return theirs / ours


def table(rows: Sequence[tuple[Row, Row]]) -> str:
    """The comparison in Markdown."""
    lines = [
        "| edges/s | made | delivered to pi-drivers | counted | to gpiozero | counted | CPU per edge | its | ratio |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for ours, theirs in rows:
        cells = (
            *(f"{ours.pace}", f"{ours.made}", f"{ours.delivered}", f"{ours.counted}"),
            *(f"{theirs.delivered}", f"{theirs.counted}", f"{ours.cpu_us:.1f} µs", f"{theirs.cpu_us:.1f} µs"),
            f"{theirs.cpu_us / ours.cpu_us:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
