"""Several wires watched at once from outside while the test goes on: what a logic analyser would show of them."""

import asyncio
import math
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from tests.contract.grounds import GpioGround, Wave

LOOK_EVERY_S = 0.0004
FEWEST_PERIODS = 4
CHANCES = 4

T = TypeVar("T")
Levels = tuple[bool, ...]


class Watch:
    """Looks at wires, as often as the clock of the machine lets it, on a thread of its own: `with Watch(…) as seen`."""

    def __init__(self, ground: GpioGround, *lines: int) -> None:
        self._ground = ground
        self._lines = lines
        self._start_ns = 0
        self._end_ns = 0
        self._looks = 0
        self.changes: list[tuple[int, Levels]] = []
        """The time in ns and the levels of all wires, in the order asked for: at first and whenever one had changed."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    def __enter__(self) -> Self:
        self._start_ns = time.monotonic_ns()
        self.changes.append((self._start_ns, self._look()))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._note()
        self._end_ns = time.monotonic_ns()

    @property
    def combinations(self) -> list[Levels]:
        """As `changes`, without the times."""
        return [levels for _, levels in self.changes]

    async def looked(self) -> None:
        """Wait until what is on the wires now has been seen."""
        before = self._looks
        while self._looks < before + 2:  # noqa: ASYNC110 - the looking is done by a thread
            await asyncio.sleep(LOOK_EVERY_S)

    def wave(self, line: int) -> Wave:
        """What one wire did."""
        index = self._lines.index(line)
        first = level = self.changes[0][1][index]
        changes = []
        for at_ns, levels in self.changes:
            if levels[index] is not level:
                level = levels[index]
                changes.append((at_ns - self._start_ns, level))
        return Wave(first, changes, self._end_ns - self._start_ns)

    def duty(self, line: int) -> float:
        """The share of time a wire was high, in most periods; of one at rest its level, else without periods NaN."""
        wave = self.wave(line)
        if wave.steady:
            return float(wave.first)
        return _typical([high / period for high, period in zip(wave.highs, wave.periods, strict=False)])

    def frequency_hz(self, line: int) -> float:
        """How often a wire went high, in most periods; without periods NaN."""
        return _typical([1e9 / period for period in self.wave(line).periods])

    def _run(self) -> None:
        while not self._stop.is_set():
            self._note()
            time.sleep(LOOK_EVERY_S)

    def _note(self) -> None:
        levels = self._look()
        if levels != self.changes[-1][1]:
            self.changes.append((time.monotonic_ns(), levels))
        self._looks += 1

    def _look(self) -> Levels:
        """The levels of all wires at one moment: two looks in a row that agree."""
        levels = self._look_once()
        while (again := self._look_once()) != levels:
            levels = again
        return levels

    def _look_once(self) -> Levels:
        return tuple(self._ground.level(line) for line in self._lines)


def _typical(values: Sequence[float]) -> float:
    return statistics.median(values) if len(values) >= FEWEST_PERIODS else math.nan


async def seen(look: Callable[[], Awaitable[T]], wanted: object) -> T:
    """What a look shows, taken again where it does not show what is wanted.

    A machine that stands still for a moment spoils a look at pulses now and then; a defect spoils every one.
    """
    for _ in range(CHANCES - 1):
        shown = await look()
        if shown == wanted:
            return shown
    return await look()
