"""The pins of a board of another module, reached through the client that viam-server hands over.

Each write is a round trip through viam-server, and a lost connection loses it: so every call has a time limit, and its
failure is an error that says which pin was not written.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Sequence
from typing import TypeVar

from grpclib import GRPCError
from grpclib.exceptions import StreamTerminatedError
from viam.components.board import Board

from pi_drivers.buses.gpio.contract import EdgeEvent, Pull
from pi_drivers.errors import BusError, ConfigError
from pi_drivers.host.claims import Holder
from pi_drivers.models.board.confirmed import ConfirmedOutput
from pi_drivers.models.board.header_pins import DEFAULT_PWM_HZ
from pi_drivers.models.pins import BoardPins, InputPins
from pi_drivers.runtime.lifecycle import Lifecycle

LOGGER = logging.getLogger(__name__)
T = TypeVar("T")

CALL_TIMEOUT_S = 1.0
RECONNECT_S = 0.5
MAX_WAITING = 65_536
"""Edges kept until somebody drains them."""


class RemotePins(BoardPins):
    """The pins of another module's board. Its own module guards them against double use."""

    host = None

    def __init__(self, board: Board, name: str) -> None:
        self._board = board
        self._name = name

    def output(self, name: str, holder: Holder, lifecycle: Lifecycle, *, safe_high: bool = False) -> "RemoteOutput":
        output = RemoteOutput(self._board, f'board "{self._name}" pin "{name}"', name, safe_high=safe_high)
        lifecycle.push(f"make {name} safe", output.lock_safe, output.settled)
        return output

    def inputs(
        self,
        names: Sequence[str],
        holder: Holder,
        lifecycle: Lifecycle,
        *,
        glitch_filter_us: int = 0,
        pull: Pull | None = None,
        active_low: bool | None = None,
    ) -> "RemoteInputs":
        for what, asked in (("glitch_filter_us", glitch_filter_us), ("pull", pull)):
            if asked:
                raise ConfigError(f'{holder.name}: {what} needs a board of this module; "{self._name}" is not')
        inputs = RemoteInputs(self._board, f'board "{self._name}"', names, active_low=bool(active_low))
        lifecycle.push(f"stop listening to {', '.join(names)}", inputs.stop, inputs.ended)
        return inputs


class RemoteOutput(ConfirmedOutput):
    """One pin of another module's board, driven through its client."""

    def __init__(self, board: Board, where: str, name: str, *, safe_high: bool) -> None:
        super().__init__(where, safe_high=safe_high)
        self._board = board
        self._name = name
        self._pin: Board.GPIOPin | None = None
        self._frequency_hz: int | None = None

    def check_frequency(self, frequency_hz: int) -> None:
        """Whether its board can do it shows at the first write."""

    async def pwm(self, duty: float, frequency_hz: int) -> None:
        await super().pwm(duty, frequency_hz or DEFAULT_PWM_HZ)

    async def _send(self, duty: float, frequency_hz: int) -> None:
        if self._pin is None:
            self._pin = await _reached(self._where, self._board.gpio_pin_by_name(self._name))
        pin = self._pin
        if duty in (0.0, 1.0):
            await _reached(self._where, pin.set(duty == 1.0, timeout=CALL_TIMEOUT_S))
            return
        if self._frequency_hz != frequency_hz:
            await _reached(self._where, pin.set_pwm_frequency(frequency_hz, timeout=CALL_TIMEOUT_S))
            self._frequency_hz = frequency_hz
        await _reached(self._where, pin.set_pwm(duty, timeout=CALL_TIMEOUT_S))


class RemoteInputs(InputPins):
    """Pins of another module's board, listened to through its tick stream.

    The stream may break and is then opened again; edges in between are gone without a count, so `interruptions` says
    how often that was, and `broken` why they do not come now.
    """

    interruptions: int

    def __init__(self, board: Board, where: str, names: Sequence[str], *, active_low: bool = False) -> None:
        self.lines = tuple(range(len(names)))
        self.interruptions = 0
        self._board = board
        self._where = where
        self._names = list(names)
        self._active_low = active_low
        self._stands = asyncio.Event()
        self._events: deque[EdgeEvent] = deque()
        self._arrived = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._listen(), name=f"{where}: ticks of {names}")

    async def listening(self) -> None:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._stands.wait()
        except TimeoutError:
            raise self.broken or BusError(f"{self._where}: it sends no ticks of {', '.join(self._names)}") from None

    def drain(self) -> list[EdgeEvent]:
        self._arrived.clear()
        events = list(self._events)
        self._events.clear()
        return events

    async def waiting(self) -> None:
        await self._arrived.wait()

    async def levels(self) -> Sequence[bool]:
        return [await self._level(name) for name in self._names]

    def stop(self) -> None:
        """End listening; does not wait. Idempotent."""
        self._task.cancel()

    async def ended(self) -> None:
        """Wait until the listening task is gone."""
        await asyncio.wait({self._task})

    async def _level(self, name: str) -> bool:
        pin = await _reached(self._where, self._board.gpio_pin_by_name(name))
        level = await _reached(f'{self._where} pin "{name}"', pin.get(timeout=CALL_TIMEOUT_S))
        return level is not self._active_low

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow_stream()
                self.broken = BusError(f"{self._where}: it has ended its stream of ticks")
            except BusError as error:
                LOGGER.warning("%s", error)
                self.broken = error
            self._stands.clear()
            self.interruptions += 1
            await asyncio.sleep(RECONNECT_S)

    async def _follow_stream(self) -> None:
        interrupts = [await _reached(self._where, self._board.digital_interrupt_by_name(name)) for name in self._names]
        stream = await _reached(self._where, self._board.stream_ticks(interrupts))
        async for tick in _each(self._where, stream):
            # The first message of a stream is empty: it only shows that the stream stands.
            self.broken = None
            self._stands.set()
            if tick.pin_name in self._names:
                self._put(self._names.index(tick.pin_name), tick.high is not self._active_low, tick.time)

    def _put(self, line: int, high: bool, time_ns: int) -> None:
        if len(self._events) == MAX_WAITING:
            self._events.popleft()
            self.lost += 1
        self._events.append(EdgeEvent(line, high, time_ns, 0))
        self._arrived.set()


async def _reached(where: str, call: Awaitable[T]) -> T:
    """The result of a call to another module. Raises: BusError: it failed; the message says where and why."""
    try:
        return await call
    except GRPCError as error:
        raise BusError(f"{where}: {error.message or error.status.name}") from error
    except (StreamTerminatedError, OSError, TimeoutError) as error:
        raise BusError(f"{where}: no connection to it: {error}") from error


async def _each(where: str, stream: AsyncIterable[T]) -> AsyncIterator[T]:
    """The items of a stream from another module. Raises: BusError: it broke."""
    try:
        async for item in stream:
            yield item
    except GRPCError as error:
        raise BusError(f"{where}: {error.message or error.status.name}") from error
    except (StreamTerminatedError, OSError) as error:
        raise BusError(f"{where}: the connection to it broke: {error}") from error
