"""The analogs of a board: a converter's channels, each as it is now, or as it was on average a moment ago.

Counts are what the chip says; what they are in volts goes with each: the range and the size of a step.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from viam.components.board import Board
from viam.utils import ValueTypes

from pi_drivers.errors import UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.adc.contract import Adc
from pi_drivers.models.adc.opening import open_adc
from pi_drivers.models.base import HardwareModel
from pi_drivers.models.board.analog_config import AnalogConfig
from pi_drivers.runtime.poller import Poller

SHORTEST_TURN_NS = 20 * MILLISECOND
"""Faster sampling takes several samples at a turn: it is the bus's thread that is fast, not the event loop."""
TURNS_KEPT = 3
SHORTEST_MAX_AGE_NS = 500 * MILLISECOND
"""Time for others to have their turns with the chip, and for a loop with many clients to answer them."""


class Window:
    """The counts of the last moments, however many there are, and their average."""

    def __init__(self, over_ns: int) -> None:
        self._over_ns = over_ns
        self._turns: deque[tuple[int, Sequence[int]]] = deque()
        """The counts of a turn, and the time before they were taken."""
        self._total = 0
        self._number = 0

    def add(self, taken_ns: int, counts: Sequence[int]) -> None:
        """Add what a turn brought. Args: taken_ns: the time before the first of the counts was taken."""
        self._turns.append((taken_ns, counts))
        self._total += sum(counts)
        self._number += len(counts)
        self._forget(taken_ns)

    def number(self, now_ns: int) -> int:
        """How many counts there are now."""
        self._forget(now_ns)
        return self._number

    def average(self, now_ns: int) -> int:
        """Their average now; there has to be a count."""
        self._forget(now_ns)
        return round(self._total / self._number)

    def _forget(self, now_ns: int) -> None:
        # The newest turn stays, whatever its age: whether it may still be served is for others to say.
        while len(self._turns) > 1 and self._turns[0][0] <= now_ns - self._over_ns:
            _, counts = self._turns.popleft()
            self._total -= sum(counts)
            self._number -= len(counts)


class Average:
    """The average of a channel over the last moments, sampled in the background. Used on the event loop."""

    def __init__(self, board: HardwareModel[Any], settings: AnalogConfig, adc: Adc) -> None:
        """Begin to sample, until the board closes."""
        self._settings = settings
        self._adc = adc
        self._host = board.host
        self._window = self._new_window()
        turn_ns = SECOND // settings.rate
        # An ads1115 cannot take several at a turn; a chip on SPI can.
        self._at_a_turn = 1 if settings.chip == "ads1115" else max(1, SHORTEST_TURN_NS // turn_ns)
        interval_ns = turn_ns * self._at_a_turn
        self.poller = Poller(
            f'{board.label} analog "{settings.name}"',
            board.host,
            board.logger,
            sample=self._sample,
            set_up=self._begin_anew,
            interval_ns=interval_ns,
            max_age_ns=max(TURNS_KEPT * interval_ns, SHORTEST_MAX_AGE_NS),
        )
        self.poller.start()
        board.lifecycle.push(f"stop sampling {settings.name}", self.poller.stop, self.poller.ended)

    async def value(self) -> int:
        """The average.

        Raises:
            StaleReadingError: the chip does not give samples any more; with the age of the last one and the cause.
            BusError: it has given none yet.
        """
        await self.poller.first_contact()
        return self.poller.latest().value.average(self._host.now_ns())

    def status(self) -> dict[str, ValueTypes]:
        """Over how many samples it is now, and how the sampling goes."""
        return {"averages": self._window.number(self._host.now_ns())} | self.poller.status()

    async def _begin_anew(self) -> None:
        """What was before a failure is no part of an average after it."""
        self._window = self._new_window()

    def _new_window(self) -> Window:
        return Window((self._settings.average_over_ms or 0) * MILLISECOND)

    async def _sample(self) -> Window:
        settings, asked_ns = self._settings, self._host.now_ns()
        self._window.add(asked_ns, await self._adc.convert(settings.channel, settings.gain, self._at_a_turn))
        return self._window


class PiAnalog(Board.Analog):
    """One analog of a board. Used on the event loop."""

    def __init__(self, board: HardwareModel[Any], settings: AnalogConfig) -> None:
        """Claim the converter and begin to sample where an average is wanted. Raises: as `open_adc` does."""
        super().__init__(settings.name)
        self._board = board
        self._settings = settings
        self._adc = open_adc(board, settings)
        self._average = Average(board, settings, self._adc) if settings.window > 1 else None

    async def read(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Board.Analog.Value:
        """The counts now, or on average, with the range and the step in volts.

        Raises:
            BusError: the converter does not answer, or not as it should.
            StaleReadingError: no sample for the average could be taken lately; with its age and the cause.
            ClosedError: the board was closed.
        """
        self._board.check_open()
        settings = self._settings
        return Board.Analog.Value(
            value=await self._value(),
            min_range=0.0,
            max_range=settings.full_scale_volts,
            step_size=settings.volts_per_count,
        )

    async def write(
        self, value: int, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Raises: UnsupportedError: a converter has inputs only."""
        raise UnsupportedError(f'{self._board.label} analog "{self.name}": it is an input (WriteAnalog Unimplemented)')

    def status(self) -> dict[str, ValueTypes]:
        """Where it is, and how its sampling goes."""
        settings = self._settings
        status = settings.place_status() | {"channel": settings.channel, "averages": 1}
        return status if self._average is None else status | self._average.status()

    async def _value(self) -> int:
        if self._average is not None:
            return await self._average.value()
        (count,) = await self._adc.convert(self._settings.channel, self._settings.gain)
        return count
