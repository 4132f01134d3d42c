"""Digital interrupts: one listener for each pin, a count of rising edges, and ticks for everybody who subscribed.

A subscriber who does not read cannot hold up the others: each has a bounded queue that drops its oldest ticks and
counts them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from viam.components.board import Board
from viam.components.board.board import Tick

from pi_drivers.buses.gpio.contract import EdgeEvent, EdgeLines

QUEUE_LIMIT = 10_000
YIELD_EVERY = 64
"""Ticks sent in a row before the event loop gets a turn, whatever the transport does."""


class TickQueue:
    """The ticks one subscriber has yet to read."""

    def __init__(self, names: Mapping[int, list[str]]) -> None:
        """Args: names: for each GPIO the names the subscriber asked for; a tick is sent for each of them."""
        self._names = names
        self._ticks: deque[Tick] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self.dropped = 0

    def put(self, event: EdgeEvent) -> None:
        """Queue an edge under every name it was asked for."""
        for name in self._names.get(event.offset, ()):
            if len(self._ticks) == QUEUE_LIMIT:
                self._ticks.popleft()
                self.dropped += 1
            self._ticks.append(Tick(pin_name=name, high=event.rising, time=event.timestamp_ns))
        self._changed.set()

    def end(self) -> None:
        """Let the subscriber's stream end once it has read what is queued."""
        self._ended = True
        self._changed.set()

    async def stream(self) -> AsyncIterator[Tick]:
        """The subscriber's stream. Its first message is empty: Go clients wait for it, then throw it away."""
        yield Tick()
        sent = 0
        while self._ticks or not self._ended:
            if not self._ticks:
                self._changed.clear()
                await self._changed.wait()
                continue
            yield self._ticks.popleft()
            sent += 1
            if sent % YIELD_EVERY == 0:
                await asyncio.sleep(0)


class InterruptPin:
    """One GPIO that is listened to. Used on the event loop."""

    def __init__(self, offset: int, lines: EdgeLines) -> None:
        self.offset = offset
        self.count = 0
        self.lost = 0
        self._lines = lines
        self._expected = 1
        self._queues: list[TickQueue] = []
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(lines.fileno(), self.drain)

    def drain(self) -> None:
        """Take in the edges that wait: count them and hand them on."""
        for event in self._lines.read_events():
            # A gap in the kernel's numbering is what did not fit its buffer.
            self.lost += event.seqno - self._expected
            self._expected = event.seqno + 1
            self.count += event.rising
            for queue in self._queues:
                queue.put(event)

    def level(self) -> bool:
        """The level now."""
        return self._lines.levels()[self.offset]

    def duty(self) -> float:
        """An input has no duty but its level."""
        return float(self.level())

    def subscribe(self, queue: TickQueue) -> None:
        """Hand edges from now on to a subscriber as well."""
        self._queues.append(queue)

    def unsubscribe(self, queue: TickQueue) -> None:
        """Hand no more edges to a subscriber."""
        if queue in self._queues:
            self._queues.remove(queue)

    @property
    def followed(self) -> bool:
        """Whether somebody streams its ticks."""
        return bool(self._queues)

    @property
    def dropped(self) -> int:
        """Ticks that present subscribers were too slow to read."""
        return sum(queue.dropped for queue in self._queues)

    def close(self) -> None:
        """Stop listening and end every stream. Idempotent."""
        self._loop.remove_reader(self._lines.fileno())
        self._lines.close()
        for queue in self._queues:
            queue.end()


class PiInterrupt(Board.DigitalInterrupt):
    """A digital interrupt under the name it was asked for."""

    def __init__(self, name: str, pin: InterruptPin) -> None:
        super().__init__(name)
        self.pin = pin

    async def value(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> int:
        """Rising edges since the board was built, or since `reset_interrupt`."""
        self.pin.drain()
        return self.pin.count


async def subscription(interrupts: list[PiInterrupt]) -> AsyncIterator[Tick]:
    """The ticks of several interrupts as one stream; leaving it unsubscribes."""
    names: dict[int, list[str]] = {}
    for interrupt in interrupts:
        wanted = names.setdefault(interrupt.pin.offset, [])
        if interrupt.name not in wanted:
            wanted.append(interrupt.name)
    queue = TickQueue(names)
    pins = {interrupt.pin.offset: interrupt.pin for interrupt in interrupts}
    for pin in pins.values():
        pin.subscribe(queue)
    try:
        async for tick in queue.stream():
            yield tick
    finally:
        for pin in pins.values():
            pin.unsubscribe(queue)
