"""What the sensor `adc` and the analogs of `board` know of a converter chip, whichever it is.

Some chips convert while they are asked, some need time and have to be left alone meanwhile: with the chip, but without
its bus. A chip may have several users, and what one has begun no other may take for its own.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
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


class Adc:
    """A converter as one resource has it. Used on the event loop."""

    def __init__(self, host: Host, chip: AdcChip, run: Run, alone: asyncio.Lock) -> None:
        """Args: alone: the same for all users of the chip; who has it is alone with the chip."""
        self._host = host
        self._chip = chip
        self._run = run
        self._alone = alone
        self._is_set_up = False

    async def convert(self, channel: int, gain: float, times: int = 1) -> list[int]:
        """Convert a channel now, so many times, and give the counts.

        Raises: as the chip does; the chip is set up anew before it converts again.
        """
        async with self._alone:
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
