"""One ping of an ultrasonic sensor: a trigger pulse out, and how long the echo line was high, or why nobody knows.

The time is the kernel's, stamped in the interrupt, so a busy program measures as well as an idle one. An edge counts
only for the ping it belongs to: the queue is emptied before each trigger, what happened before it is dropped, and an
echo is exactly one rise and one fall. A stray edge costs the ping, never its truth.
"""

import asyncio
from dataclasses import dataclass

from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.errors import BusError, CorruptDataError, NoAnswerError
from pi_drivers.host.contract import MICROSECOND, MILLISECOND, SECOND, Host
from pi_drivers.models.pins import InputPins, OutputPin

TRIGGER_NS = 20 * MICROSECOND
"""At least 10 µs (HC-SR04 data sheet, page 2). The burst begins when it ends, so a longer one does no harm."""
LATEST_BEGIN_NS = 20 * MILLISECOND
"""When the echo line must have risen: modules take half a millisecond."""
SETTLE_NS = 2 * MILLISECOND
"""How long behind the echo it is looked whether that was all."""
REMOTE_SETTLE_NS = 20 * MILLISECOND
LOOK_NS = 2 * MILLISECOND
"""How often it is looked whether an echo that is still on has ended."""


@dataclass(frozen=True)
class EchoTimes:
    """What a meter goes by, in nanoseconds."""

    longest_ns: int
    """An echo that lasts longer comes from too far away."""
    patience_ns: int
    """The longest wait for an edge."""
    interval_ns: int
    """From one ping to the next: sound that is still on its way would be taken for the new echo."""


class EchoMeter:
    """Pings and times the echo. Used on the event loop, by one task."""

    def __init__(self, where: str, host: Host, trigger: OutputPin, echo: InputPins, times: EchoTimes) -> None:
        """Args: where: the sensor, for messages. host: whose clock counts. trigger, echo: its pins. times: limits."""
        self._where = where
        self._host = host
        self._trigger = trigger
        self._echo = echo
        self._times = times
        # Ticks of another module's board carry that board's time, which says nothing about ours.
        self._remote = echo.interruptions is not None
        self._pinged_ns: int | None = None
        self._edges: list[EdgeEvent] = []
        self.discarded = 0
        """Pings thrown away because of edges that were lost, or too many."""

    async def ping(self) -> int | None:
        """How long the echo line was high, in nanoseconds; None when too long for anything within reach.

        Raises:
            NoAnswerError: the echo did not begin.
            CorruptDataError: there were other edges than those of one echo.
            BusError: the echo line is high without a ping, or the board does not answer.
        """
        await self._echo.listening()
        await self._keep_the_interval()
        await self._let_the_last_echo_end()
        self._echo.drain()
        self._edges, losses = [], self._losses()
        began_ns = self._pinged_ns = self._host.now_ns()
        await self._send_trigger()
        await self._hear(began_ns)
        if self._losses() != losses:
            self.discarded += 1
            raise CorruptDataError(f"{self._where}: edges of the echo were lost; this ping is not used")
        return self._width_ns()

    async def _keep_the_interval(self) -> None:
        if self._pinged_ns is not None:
            await self._host.wait(max(0, self._pinged_ns + self._times.interval_ns - self._host.now_ns()))

    async def _let_the_last_echo_end(self) -> None:
        deadline_ns = self._host.now_ns() + self._times.patience_ns
        while (await self._echo.levels())[0]:
            if self._host.now_ns() >= deadline_ns:
                raise BusError(
                    f"{self._where}: the echo line has been high for {self._times.patience_ns / SECOND:g} s without a "
                    "ping. Some modules hang like this until their power is cut; else check that it is wired to Echo."
                )
            await self._host.wait(LOOK_NS)

    async def _send_trigger(self) -> None:
        try:
            await self._trigger.write(True)
            await self._host.wait(TRIGGER_NS)
            await self._trigger.write(False)
        except BaseException:
            # Cancelled, or refused: whatever it was, the trigger does not stay high.
            self._trigger.make_safe()
            raise

    async def _hear(self, began_ns: int) -> None:
        """Take in the edges of this ping, until there can be no more of them."""
        sent_ns = self._host.now_ns()
        latest_ns = self._times.patience_ns if self._remote else min(self._times.patience_ns, LATEST_BEGIN_NS)
        if not await self._edges_by(1, sent_ns + latest_ns, began_ns):
            self._refuse_silence()
        risen_ns = self._host.now_ns() if self._remote else self._edges[0].timestamp_ns
        if not self._remote and risen_ns > sent_ns + latest_ns:
            self._refuse_silence()
        end_ns = self._times.patience_ns if self._remote else self._times.longest_ns
        if await self._edges_by(2, risen_ns + end_ns, began_ns):
            await self._host.wait(REMOTE_SETTLE_NS if self._remote else SETTLE_NS)
            self._take(began_ns)

    def _refuse_silence(self) -> None:
        raise NoAnswerError(
            f"{self._where}: no echo began. Is the sensor wired (Trig and Echo not swapped), and has it power?"
        )

    def _width_ns(self) -> int | None:
        if len(self._edges) == 1:
            return None
        rise, fall = self._edges[:2]
        if len(self._edges) > 2 or fall.rising:
            self.discarded += 1
            raise CorruptDataError(
                f"{self._where}: {len(self._edges)} edges where an echo has 2; this ping is not used. If it happens "
                "often, shorten the cable, or keep it away from motors."
            )
        width_ns = fall.timestamp_ns - rise.timestamp_ns
        return width_ns if width_ns <= self._times.longest_ns else None

    async def _edges_by(self, number: int, deadline_ns: int, began_ns: int) -> bool:
        """Whether so many edges have come by a moment; returns as soon as they have."""
        while True:
            self._take(began_ns)
            left_ns = deadline_ns - self._host.now_ns()
            if len(self._edges) >= number or left_ns <= 0:
                return len(self._edges) >= number
            try:
                async with asyncio.timeout(left_ns / SECOND):
                    await self._echo.waiting()
            except TimeoutError:
                pass  # looked at once more, for a loop that was late

    def _take(self, began_ns: int) -> None:
        for event in self._echo.drain():
            stale = not self._remote and event.timestamp_ns < began_ns
            # An echo begins with a rise. A fall before it is the end of something else.
            if not stale and (self._edges or event.rising):
                self._edges.append(event)

    def _losses(self) -> tuple[int, int | None]:
        return self._echo.lost, self._echo.interruptions
