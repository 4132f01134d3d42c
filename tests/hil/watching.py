"""Several wires watched at once from outside while the test goes on: what a logic analyser would show of them."""

import statistics
import threading
import time
from types import TracebackType
from typing import Self

from tests.contract.grounds import GpioGround, Wave

LOOK_EVERY_S = 0.0004
SEEN_S = 0.05
"""What lasts so long is not overlooked, even on a busy machine."""
FEWEST_PERIODS = 4

Levels = tuple[bool, ...]


class Watch:
    """Looks at wires, as often as the clock of the machine lets it, on a thread of its own: `with Watch(…) as seen`."""

    def __init__(self, ground: GpioGround, *lines: int) -> None:
        self._ground = ground
        self._lines = lines
        self._start_ns = 0
        self._end_ns = 0
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
        """The share of time a wire was high in most of its periods; of one that rested, its level."""
        wave = self.wave(line)
        if wave.steady:
            return float(wave.first)
        periods = wave.periods
        assert len(periods) >= FEWEST_PERIODS, f"line {line} is neither at rest nor has it a period: {wave.changes}"
        # A machine that is busy for a moment spoils one period; the median does not mind.
        return statistics.median(high / period for high, period in zip(wave.highs, periods, strict=False))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._note()
            time.sleep(LOOK_EVERY_S)

    def _note(self) -> None:
        levels = self._look()
        if levels != self.changes[-1][1]:
            self.changes.append((time.monotonic_ns(), levels))

    def _look(self) -> Levels:
        """The levels of all wires at one moment: two looks in a row that agree."""
        levels = self._look_once()
        while (again := self._look_once()) != levels:
            levels = again
        return levels

    def _look_once(self) -> Levels:
        return tuple(self._ground.level(line) for line in self._lines)
