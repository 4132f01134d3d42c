"""What the sensor `adc` and the analogs of `board` know of a converter chip, whichever it is.

Some chips convert while they are asked, some need time and have to be left alone meanwhile: with the chip, but without
its bus. A chip may have several users, and what one has begun no other may take for its own.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pi_drivers.errors import BusError
from pi_drivers.host.contract import Host

BUSY_TRIES = 20
"""How often a chip that converts for somebody else is asked again before it is given up."""


class AdcChip(ABC):
    """One converter. Blocking: used on its bus's worker thread.

    All methods raise:
        NoAnswerError: nobody is there.
        WrongChipError: somebody is there who does not answer as this chip does.
        CorruptDataError: it cannot be what the chip sent; no value is made of it.
        BusError: the bus fails, or the chip does not do its part.
    """

    CONVERSION_NS: ClassVar[int] = 0
    """How long a conversion takes after `begin`; 0 for chips that convert while they are asked."""

    where: str
    """Its place as messages have it."""

    def set_up(self) -> None:  # noqa: B027 - some chips have nothing to set
        """Bring the chip to where it can convert: before the first conversion and after each failure."""

    def begin(self, channel: int, gain: float) -> bool:
        """Begin to convert a channel; False while the chip is busy: then nothing was begun."""
        return True

    @abstractmethod
    def finish(self, channel: int, gain: float) -> int:
        """What came of it, in counts."""


class Run(Protocol):
    """Runs a job on the thread of a bus."""

    def __call__(self, job: Callable[[], Any]) -> Awaitable[Any]:
        """Run it and wait for its result."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a chip: a channel, with a gain, so many times."""

    channel: int
    gain: float
    times: int


@dataclass(frozen=True)
class _Turn:
    """A turn that is over."""

    number: int
    counts: list[int]
    error: Exception | None


class Turns:
    """The users of one chip, one at a time and in the order in which they asked. Used on the event loop.

    Those who want the same, and asked before its turn began, share that turn. So who waits has at most one turn of each
    kind before it, however many clients want one of them.
    """

    def __init__(self) -> None:
        self._alone = asyncio.Lock()
        self._begun = 0
        self._last: dict[Wanted, _Turn] = {}

    async def take(self, wanted: Wanted, convert: Callable[[], Awaitable[list[int]]]) -> list[int]:
        """Convert alone with the chip, or share what somebody else began after this was called.

        Raises: as `convert` does, and for all who share it.
        """
        asked = self._begun
        async with self._alone:
            last = self._last.get(wanted)
            if last is None or last.number <= asked:
                self._begun += 1
                last = self._last[wanted] = await self._over(self._begun, convert)
        if last.error is not None:
            raise last.error
        return last.counts

    @staticmethod
    async def _over(number: int, convert: Callable[[], Awaitable[list[int]]]) -> _Turn:
        try:
            return _Turn(number, await convert(), None)
        except Exception as error:  # noqa: BLE001 - it is raised for each who shares the turn
            return _Turn(number, [], error)


class Adc:
    """A converter as one resource has it. Used on the event loop."""

    def __init__(self, host: Host, chip: AdcChip, run: Run, turns: Turns) -> None:
        """Args: turns: the same for all users of the chip."""
        self._host = host
        self._chip = chip
        self._run = run
        self._turns = turns
        self._is_set_up = False

    async def convert(self, channel: int, gain: float, times: int = 1) -> list[int]:
        """Convert a channel so many times, and give the counts: none was begun before this was called.

        Raises: as the chip does; the chip is set up anew before it converts again.
        """
        return await self._turns.take(Wanted(channel, gain, times), lambda: self._turn(channel, gain, times))

    async def _turn(self, channel: int, gain: float, times: int) -> list[int]:
        try:
            await self._set_up()
            return await self._converted(channel, gain, times)
        except Exception:
            self._is_set_up = False
            raise

    async def _set_up(self) -> None:
        if not self._is_set_up:
            await self._run(self._chip.set_up)
            self._is_set_up = True

    async def _converted(self, channel: int, gain: float, times: int) -> list[int]:
        if not self._chip.CONVERSION_NS:
            counts: list[int] = await self._run(lambda: [self._chip.finish(channel, gain) for _ in range(times)])
            return counts
        return [await self._one(channel, gain) for _ in range(times)]

    async def _one(self, channel: int, gain: float) -> int:
        await self._begun(channel, gain)
        await self._host.wait(self._chip.CONVERSION_NS)
        count: int = await self._run(lambda: self._chip.finish(channel, gain))
        return count

    async def _begun(self, channel: int, gain: float) -> None:
        # A caller that gave up has left a conversion behind; another program may have as well.
        for _ in range(BUSY_TRIES):
            if await self._run(lambda: self._chip.begin(channel, gain)):
                return
            await self._host.wait(self._chip.CONVERSION_NS)
        raise BusError(f"{self._chip.where}: the chip converts without end. Does another program use it?")
