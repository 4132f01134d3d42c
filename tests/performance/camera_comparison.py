"""Measuring cameras in rounds: what each client got, how old it was, and what it cost."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.performance.camera_clients import Answer, Asking, agreement
from tests.performance.camera_rigs import MOST_CLIENTS, STORED, Rig, Size, Subject, Watch

WARM_UP_S = 0.15


class Asked(NamedTuple):
    """How it is asked for pictures."""

    clients: int
    """0: nobody asks."""
    is_paced: bool = False
    """Thirty times a second, as fast as the camera delivers; else without a pause."""


class Cell(NamedTuple):
    """What is measured."""

    subject: Subject
    size: Size
    asked: Asked


@dataclass
class Measured:
    """What came of all rounds of a cell."""

    answers: list[Answer] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    different_per_second: list[float] = field(default_factory=list)
    """Of one client."""
    cpu_per_answer_s: list[float] = field(default_factory=list)
    cpu_per_frame_s: list[float] = field(default_factory=list)
    transcoded_per_frame: list[float] = field(default_factory=list)


class Comparison:
    """All cells, measured in rounds."""

    def __init__(self, ours: Rig, bare: Rig, seconds: float) -> None:
        """Args: seconds: for each cell in each round."""
        self._ours = ours
        self._bare = bare
        self._seconds = seconds
        self.measured: dict[Cell, Measured] = defaultdict(Measured)
        self._right = self._wrong = 0

    @property
    def wrong_share(self) -> float:
        """In how many answers that had a new picture it was another one than its time says."""
        return self._wrong / max(1, self._right + self._wrong)

    async def warm_up(self, subject: Subject, size: Size) -> None:
        """Let it load what it needs."""
        rig = self._rig(subject)
        async with rig.plugged_in(subject, size):
            await rig.clients.ask(MOST_CLIENTS, WARM_UP_S)

    async def turn(self, subject: Subject, size: Size, ways: Sequence[Asked], share: float) -> None:
        """Measure it in all these ways; `share` as in `Pace`."""
        rig = self._rig(subject)
        async with rig.plugged_in(subject, size):
            await rig.clients.ask(MOST_CLIENTS, WARM_UP_S)
            askings = [await self._measure(rig, Cell(subject, size, asked), share) for asked in ways]
        numbers = rig.clients.numbers(turned=bool(subject.rotate))
        for asking in askings if subject is not STORED else ():
            right, wrong = agreement(asking, numbers)
            self._right, self._wrong = self._right + right, self._wrong + wrong

    def _rig(self, subject: Subject) -> Rig:
        return self._ours if subject.is_ours else self._bare

    async def _measure(self, rig: Rig, cell: Cell, share: float) -> Asking:
        asked = cell.asked
        pace = await rig.clients.meet(share) if asked.is_paced else None
        before = await rig.watch()
        if asked.clients:
            asking = await rig.clients.ask(asked.clients, self._seconds, pace)
        else:
            await asyncio.sleep(self._seconds)
            asking = Asking([], self._seconds)
        _note(self.measured[cell], asking, before, await rig.watch())
        return asking


def _note(measured: Measured, asking: Asking, before: Watch, after: Watch) -> None:
    cpu_s, frames = after.cpu_s - before.cpu_s, after.frames - before.frames
    if frames:
        measured.cpu_per_frame_s.append(cpu_s / frames)
        measured.transcoded_per_frame.append((after.transcoded - before.transcoded) / frames)
    if asking.total:
        measured.answers.extend(answer for of in asking.answers for answer in of)
        measured.per_second.append(asking.total / asking.took_s)
        measured.different_per_second.append(asking.different_per_second)
        measured.cpu_per_answer_s.append(cpu_s / asking.total)
