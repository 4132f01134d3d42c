"""One case of the campaign: a sensor, a fault, and the transaction at which it strikes; and what came of it.

Each case has a world, a host and an event loop of its own, and ends with everything closed. While it runs, a client
asks for readings twenty times a second, and each answer must be the truth or an error. The world changes meanwhile,
so that a value which is served too long is a lie that shows.
"""

import asyncio
import contextlib
import math
import signal
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from viam.proto.app.robot import ComponentConfig
from viam.utils import dict_to_struct

from pi_drivers import host as hosts
from pi_drivers import registry
from pi_drivers.errors import DriverError
from pi_drivers.host.mock import MockHost
from pi_drivers.runtime import kept_state
from pi_drivers.runtime.directory import DIRECTORY
from pi_drivers.world.clock import HandClock
from pi_drivers.world.world import World
from tests.campaign.places import Place
from tests.campaign.subjects import Subject, Truth
from tests.conftest import open_descriptors
from tests.hand_driven import HandDrivenLoop

T = TypeVar("T")

MANY = 1_000_000
MEASURED_PAIRS = 10
"""Of readings, whose transactions are counted."""
LOOK_S = 0.05
STRIKE_S = 0.5
"""When the fault is armed, in the time of a sensor that reads."""
CHANGE_S = 1.5
"""When the world changes once more."""
MEND_S = 2.5
END_S = 20.0
"""By then it must have recovered: the longest back-off is 5 s, and a reading of the slowest chip takes 1.5 s."""
TRUE_LOOKS = 12
"""So many true answers in a row, of the world as it is then, and the sensor has recovered."""
RETRY_S = 5.0
"""How soon viam-server builds a resource again that failed."""
WALL_LIMIT_S = 30
STARTS = 8
"""More than the most failures in a row that a fault causes."""


@dataclass(frozen=True)
class Case:
    """What is tried."""

    subject: Subject
    kind: str
    at_start: bool
    """Whether it strikes while the sensor starts; else while it reads."""
    skip: int
    """How many transactions pass before."""

    def __str__(self) -> str:
        return f"{self.subject.title}: {self.kind} at {'start' if self.at_start else 'reading'} {self.skip}"


@dataclass
class Outcome:
    """What came of a case; all lists are empty when all is well."""

    answers: int = 0
    errors: int = 0
    wrong: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    hung: bool = False
    recovered: bool = False

    @property
    def sound(self) -> bool:
        """Whether all is well."""
        return self.recovered and not (self.wrong or self.leaked or self.hung)


class Hung(BaseException):
    """The case did not end; no handler of errors on its way may swallow that."""


def transactions(subject: Subject) -> tuple[int, int]:
    """How many transactions the start of a sensor has, and how many one reading and the next."""
    with _stage(subject) as stage:
        return stage.run(stage.count())


def run(case: Case) -> Outcome:
    """Try one case."""
    outcome = Outcome()
    before = _handles()
    try:
        with _time_limit(), _stage(case.subject) as stage:
            stage.outcome = outcome
            stage.run(stage.play(case))
            outcome.leaked += stage.left()
    except Hung:
        outcome.hung = True
    outcome.leaked += _more(before)
    return outcome


class _Stage:
    """A world, a host, a loop and a sensor."""

    def __init__(self, subject: Subject) -> None:
        clock = HandClock()
        self.loop = HandDrivenLoop(clock)
        self.host = MockHost(World(clock))
        hosts.install(self.host)
        self.subject = subject
        self.outcome = Outcome()
        self._truths: list[tuple[float, Truth]] = []
        self._change(0)
        self.place: Place = subject.place(self.host.world)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to its end in the world's time."""
        return self.loop.run_until_complete(work)

    async def count(self) -> tuple[int, int]:
        """As `transactions` says."""
        fuse = self.place.fuse
        fuse.skip = MANY
        sensor = await self._start()
        while await self._answer(sensor) is None:  # noqa: ASYNC110 - nobody tells of a first reading
            await asyncio.sleep(LOOK_S)
        start = MANY - fuse.skip
        await asyncio.sleep(1.0)
        fuse.skip = MANY
        await asyncio.sleep(2 * MEASURED_PAIRS * self.subject.interval_s)
        pair = round((MANY - fuse.skip) / MEASURED_PAIRS)
        await self._close(sensor)
        return start, max(1, pair)

    async def play(self, case: Case) -> None:
        """Let the fault happen, and everything else with it."""
        if case.at_start:
            self.place.arm(case.kind, case.skip)
        sensor = await self._start_somehow()
        if sensor is None:
            return
        try:
            if not case.at_start:
                await self._watch(sensor, STRIKE_S)
                self._change(1)
                self.place.arm(case.kind, case.skip)
            await self._watch(sensor, CHANGE_S)
            self._change(2)
            await self._watch(sensor, MEND_S)
            self._mend()
            self.outcome.recovered = await self._recovers(sensor)
        finally:
            await self._close(sensor)

    def left(self) -> list[str]:
        """What a closed sensor still holds."""
        tasks = [task.get_name() for task in asyncio.all_tasks(self.loop)]
        held = [*self.host.claims.listing(), *map(str, self.host.pins_in_use)]
        return [*tasks, *held, *(["an entry of the directory"] if len(DIRECTORY) else [])]

    async def _close(self, sensor: Any) -> None:
        await sensor.close()
        await asyncio.sleep(1.0)  # what was told to end has ended

    async def _start(self) -> Any:
        model = registry.load(self.subject.model)
        attributes = {"backend": "mock", "max_age_ms": self.subject.max_age_ms, **self.subject.attributes}
        config = ComponentConfig(name="s", attributes=dict_to_struct(attributes))
        model.validate_config(config)
        sensor = model.new(config, {})
        try:
            await sensor.ready()
        except BaseException:
            await sensor.close()
            raise
        return sensor

    async def _start_somehow(self) -> Any:
        """Start as viam-server does, again and again; None when it never does."""
        for attempt in range(STARTS):
            try:
                return await self._start()
            except DriverError:
                self.outcome.errors += 1
                await asyncio.sleep(RETRY_S)
                if attempt == 0:
                    self._mend()
        return None

    async def _watch(self, sensor: Any, until_s: float) -> None:
        """Ask for readings until a moment, counted from the sensor's start."""
        self._began = getattr(self, "_began", None) or self.loop.time()
        while self.loop.time() < self._began + until_s:
            await self._answer(sensor)
            await asyncio.sleep(LOOK_S)

    async def _recovers(self, sensor: Any) -> bool:
        """Whether it tells the truth again, and goes on to do so."""
        in_a_row = 0
        while in_a_row < TRUE_LOOKS and self.loop.time() < self._began + END_S:
            in_a_row = in_a_row + 1 if await self._answer(sensor) else 0
            await asyncio.sleep(LOOK_S)
        return in_a_row == TRUE_LOOKS

    async def _answer(self, sensor: Any) -> bool | None:
        """Whether an answer is the truth; None when it is an error."""
        try:
            readings = await self.subject.look(sensor)
        except DriverError:
            self.outcome.errors += 1
            return None
        self.outcome.answers += 1
        if self._is_true(readings):
            return True
        self.outcome.wrong.append(f"{self.loop.time() - self._truths[0][0]:.2f} s: {dict(readings)}")
        return False

    def _possible(self) -> list[Truth]:
        """What was true at some moment that a reading may be of."""
        oldest = self.loop.time() - self.subject.max_age_ms / 1000 - self.subject.settle_s
        ends = [at for at, _ in self._truths[1:]] + [math.inf]
        return [truth for (_, truth), end in zip(self._truths, ends, strict=True) if end >= oldest]

    def _is_true(self, readings: Any) -> bool:
        """Whether each value was true at a moment it may be of; a sample may lie across a change."""
        possible = self._possible()
        for key in possible[-1]:
            limit = self.subject.tolerances.get(key, self.subject.tolerance)
            if not any(abs(_value(readings, key) - truth[key]) <= limit for truth in possible):
                return False
        return True

    def _change(self, state: int) -> None:
        with self.host.world.held():
            self._truths.append((self.loop.time(), self.subject.set_scene(self.host.world, state)))

    def _mend(self) -> None:
        with self.host.world.held():
            self.place.mend()


def _value(readings: Any, key: str) -> float:
    """A reading, or with `position.latitude` a part of one; NaN when it is not there."""
    name, _, part = key.partition(".")
    value = readings.get(name, math.nan)
    return float(getattr(value, part) if part and name in readings else value)


@contextlib.contextmanager
def _stage(subject: Subject) -> Iterator[_Stage]:
    before = dict(hosts._hosts)
    stage = _Stage(subject)
    try:
        yield stage
    finally:
        stage.loop.close()
        hosts._hosts.clear()
        hosts._hosts.update(before)
        kept_state._in_process.clear()


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise Hung

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(WALL_LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def _handles() -> tuple[set[threading.Thread], int]:
    return set(threading.enumerate()), open_descriptors()


def _more(before: tuple[set[threading.Thread], int]) -> list[str]:
    """What there is more of than before."""
    threads, descriptors = before
    new = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in new:
        thread.join(2.0)
    more = open_descriptors() - descriptors
    return [thread.name for thread in new if thread.is_alive()] + ([f"{more} file descriptors"] if more > 0 else [])
