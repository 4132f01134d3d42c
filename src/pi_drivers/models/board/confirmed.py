"""Outputs that a board has to confirm: one write under way, the newest one waiting, and a safe level that gets there.

A pin that is a bus transfer or a round trip away can refuse a write, and hears of it later. So there is one way for all
such pins: writes go out one after the other, and of those that wait only the newest.
"""

import asyncio
import contextlib
import logging
import threading
from abc import abstractmethod

from pi_drivers.errors import BusError, ClosedError
from pi_drivers.models.pins import OutputPin

LOGGER = logging.getLogger(__name__)

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 2.0
GIVE_UP_S = 60.0
"""How long the safe level of a pin is tried again, also after its owner has closed."""
BLOCKING_TIMEOUT_S = 2.0


class ConfirmedOutput(OutputPin):
    """A pin whose writes take time and may fail. Used on the event loop, but where a method says otherwise.

    A write that was overtaken can never arrive last. One that fails is its caller's error, but the safe level is tried
    again until the board confirms it or something newer is wanted.
    """

    def __init__(self, where: str, *, safe_high: bool) -> None:
        """Args: where: the pin, for messages. safe_high: its safe level."""
        self._where = where
        self._safe_duty = float(safe_high)
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._wanted = (self._safe_duty, 0)
        self._newest = self._written = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._locked = False
        self.refusal = f"{where} was made safe for good"
        """What a write is refused with once the pin is locked."""

    @abstractmethod
    async def _send(self, duty: float, frequency_hz: int) -> None:
        """Write to the pin. Raises: BusError: the board did not take it."""

    @property
    def unconfirmed(self) -> bool:  # type: ignore[override]  # a fact of the moment here
        """Whether the safe level is wanted and not confirmed yet."""
        return self._wanted[0] == self._safe_duty and self._written < self._newest

    async def write(self, high: bool) -> None:
        await self._put(float(high), 0)

    async def pwm(self, duty: float, frequency_hz: int) -> None:
        await self._put(duty, frequency_hz)

    async def servo(self, pulse_us: int, frequency_hz: int) -> None:
        await self._put(pulse_us * frequency_hz / 1e6, frequency_hz)

    def write_blocking(self, high: bool) -> None:
        written = asyncio.run_coroutine_threadsafe(self.write(high), self._loop)
        try:
            written.result(BLOCKING_TIMEOUT_S)
        except TimeoutError:
            written.cancel()
            raise BusError(f"{self._where}: not written within {BLOCKING_TIMEOUT_S:g} s") from None

    def make_safe(self) -> None:
        if threading.get_ident() == self._loop_thread:
            self._want(self._safe_duty, 0)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._want, self._safe_duty, 0)

    def lock_safe(self) -> None:
        self._locked = True
        self.make_safe()

    def try_again(self) -> None:
        """The board answers again: have a safe level that it has not confirmed tried at once, even if given up."""
        if self.unconfirmed:
            self._news.set()
            self._write_soon()

    async def settled(self) -> None:
        """Wait until everything wanted so far has reached the board, or was given up."""
        if self._writer is not None:
            await asyncio.wait({self._writer})

    async def _put(self, duty: float, frequency_hz: int) -> None:
        if self._locked and duty != self._safe_duty:
            raise ClosedError(self.refusal)
        self._want(duty, frequency_hz)
        written = self._loop.create_future()
        self._waiting.append((self._newest, written))
        await written

    def _want(self, duty: float, frequency_hz: int) -> None:
        self._wanted = (duty, frequency_hz)
        self._newest += 1
        self._news.set()
        self._write_soon()

    def _write_soon(self) -> None:
        if (self._writer is None or self._writer.done()) and not self._loop.is_closed():
            self._writer = self._loop.create_task(self._write_all(), name=f"{self._where}: writing")

    async def _write_all(self) -> None:
        pause_s = FIRST_RETRY_S
        give_up_s = self._loop.time() + GIVE_UP_S
        while self._written < self._newest:
            number, (duty, frequency_hz) = self._newest, self._wanted
            try:
                await self._send(duty, frequency_hz)
            except BusError as error:
                self._answer(number, error)
                if number == self._newest and (duty != self._safe_duty or self._loop.time() > give_up_s):
                    LOGGER.warning("%s; what is on the pin is not known", error)
                    self._written = number if duty != self._safe_duty else self._written
                    return
                await self._pause(number, pause_s)
                pause_s = min(2 * pause_s, LONGEST_RETRY_S)
            else:
                self._written = number
                self._answer(number, None)

    async def _pause(self, number: int, seconds: float) -> None:
        """Wait before the next try, but not when something newer is wanted: its caller is to hear of it at once."""
        self._news.clear()
        if number == self._newest:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), seconds)

    def _answer(self, number: int, error: BusError | None) -> None:
        """Tell those whose write, or a newer one, was made or has failed."""
        for mine, future in [entry for entry in self._waiting if entry[0] <= number]:
            self._waiting.remove((mine, future))
            if not future.done():
                future.set_result(None) if error is None else future.set_exception(error)
