"""What the encoders have in common whose pins are listened to: no edge is lost unseen, and no wake-up is wasted.

On the Pi's header the kernel stamps and numbers each edge of all lines in one queue; the queue is drained in batches
and always before a position is told, and gaps in the numbering are counted. A Python callback for each edge, the usual
way, falls behind at some thousand edges a second.
"""

import asyncio
import functools
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import Field
from viam.utils import ValueTypes

from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.config.attributes import Attributes, Part, Problem, dependency
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import header_pin_problems
from pi_drivers.errors import BusError
from pi_drivers.host.contract import SECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.board.header_pins import HeaderInputs, HeaderPins
from pi_drivers.models.encoder import rests
from pi_drivers.models.encoder.contract import EncoderSample
from pi_drivers.models.encoder.positions import PositionEncoder
from pi_drivers.models.pins import BoardPins, InputPins, pins_of_board
from pi_drivers.runtime.kept_state import KeptState

if TYPE_CHECKING:
    from pi_drivers.world.world import World


class EdgeEncoderConfig(Attributes):
    """The attributes that all encoders on pins have."""

    ZERO_MEANS_ABSENT = frozenset({"ticks_per_rotation"})

    board: ResourceNameText | None = Field(default=None, description="The board of the pins; absent: the Pi's header.")
    pins: Part = Field(description="The pins of the lines.")
    ticks_per_rotation: int | None = Field(
        default=None, ge=1, description="Ticks in one turn of the shaft; gives a position in degrees."
    )
    glitch_filter_us: int = Field(
        default=0, ge=0, le=100_000, description="A level must hold so long, in µs, before its edge counts."
    )
    persist: bool = Field(default=False, description="Keep the position over a restart of the module, too.")

    def problems(self) -> Iterator[Problem]:
        """Different pins that exist."""
        yield from super().problems()
        if self.pins is not None and not (self.given("board") and self.board is None):
            # A board that is given but broken says nothing about whose pins these are.
            paths = {f"pins.{name}": getattr(self.pins, name) for name in type(self.pins).model_fields}
            yield from header_pin_problems(paths, self.board)

    def required_dependencies(self) -> list[str]:
        """The board, where one is named."""
        return [dependency("board", self.board)] if self.board else []


class EdgeCounter(Protocol):
    """What makes a number of edges. A model has its own."""

    edges: int
    """Edges taken, in either direction, legal or not."""
    illegal: int
    """Edges that cannot follow what was before them: a glitch, or a lost edge."""
    last_edge_ns: int | None
    """When the newest counted edge happened."""


E = TypeVar("E", bound=EdgeEncoderConfig)


class EdgeCountingEncoder(PositionEncoder[E]):
    """Listens to its pins, and counts. A model brings its counter, and says what a tick is."""

    LONGEST_REST_NS = rests.LONGEST_NS
    """The longest time between two looks at the queue while the shaft turns."""

    _counter: EdgeCounter

    def _open(self, settings: E, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        # A rebuild, which may follow any change of the config, keeps the position; `persist` keeps it over a restart.
        self._kept = KeptState(self.key, on_disk=settings.persist)
        self._inputs = self._take_pins(settings, board)
        # Behind the claims: whatever twin is still on these wires belongs to nobody any more.
        self._plug_in_twin(board)
        self._counter = self._new_counter()
        self._rests = rests.Rests()
        self._seeded = False
        self._tried_to_seed = asyncio.Event()
        self._error: BusError | None = None
        if isinstance(self._inputs, HeaderInputs):
            self._inputs.drain()
            self._start_at(self._inputs.levels_now())
            self._seeded = True
        self._zero = -self._kept_ticks()
        self.lifecycle.push("keep its position", self._keep)
        task = asyncio.get_running_loop().create_task(self._follow(), name=f"{self.label}: counting")
        self.lifecycle.push("stop counting", functools.partial(_cancel, task), lambda: asyncio.wait({task}))

    async def ready(self) -> None:
        if not self._seeded:
            await self._tried_to_seed.wait()
        self._count_waiting()

    def sample(self) -> EncoderSample:
        """The position now, every edge so far counted.

        Raises:
            ClosedError: the encoder was closed.
            BusError: the board of another module has not answered yet.
        """
        self._count_waiting()
        at_ns = self._counter.last_edge_ns
        return EncoderSample(self._ticks(), self.host.now_ns() if at_ns is None else at_ns, self._zero)

    @property
    def ticks_per_turn(self) -> int | None:
        return self.settings.ticks_per_rotation

    @abstractmethod
    def _new_counter(self) -> EdgeCounter:
        """The counter of this encoder."""

    @abstractmethod
    def _start_at(self, levels: Sequence[bool]) -> None:
        """Take the levels that the lines have now; the count stays."""

    @abstractmethod
    def _take(self, events: list[EdgeEvent]) -> None:
        """Count edges, oldest first."""

    @abstractmethod
    def _ticks(self) -> int:
        """What is counted so far."""

    @abstractmethod
    def _meaning_of_ticks(self) -> dict[str, ValueTypes]:
        """What a number of ticks stands on: with another of these it would be another angle."""

    @abstractmethod
    def _plug_in_disc(self, world: "World", offsets: Sequence[int]) -> None:
        """Put a disc on these wires of the simulated Pi."""

    def _status(self) -> dict[str, ValueTypes]:
        status: dict[str, ValueTypes] = {
            "pins": self.settings.pins.model_dump(),
            "illegal_transitions": self._counter.illegal,
            "lost_edges": self._inputs.lost,
        }
        if not self.lifecycle.closed and self._seeded:
            status["position_ticks"] = self._position()
        if not self._seeded:
            status["waits_for"] = "its board, to say which levels the lines have"
        if self._error is not None:
            status["error"] = str(self._error)
        interruptions = self._inputs.interruptions
        return status if interruptions is None else status | {"stream_interruptions": interruptions}

    def _take_pins(self, settings: E, board: BoardPins) -> InputPins:
        pins = settings.pins.model_dump()
        use = f"{'pins' if len(pins) > 1 else 'pin'} {' and '.join(pins)}"
        return board.inputs(
            list(pins.values()), self.holder(use), self.lifecycle, glitch_filter_us=settings.glitch_filter_us
        )

    def _plug_in_twin(self, board: BoardPins) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is None or not isinstance(board, HeaderPins):
            return
        offsets = [board.resolve(name).offset for name in self.settings.pins.model_dump().values()]
        with world.held():
            self._plug_in_disc(world, offsets)

    def _count_waiting(self) -> None:
        self.check_open()
        if self._error is not None:
            raise self._error
        if not self._seeded:
            raise BusError(f"{self.label}: its board has not answered yet")
        self._take(self._inputs.drain())

    async def _follow(self) -> None:
        """Keep the queue from running over, however seldom anybody asks."""
        while not self._seeded:
            await self._seed()
        while True:
            await self._inputs.waiting()
            await self._until_still()

    async def _until_still(self) -> None:
        """Look at the queue from time to time until a rest goes by without an edge."""
        still = asyncio.get_running_loop().create_future()

        # No task wakes for a look: that would cost more than the look.
        def look(rest_ns: int, edges_before: int) -> None:
            if still.done():
                return
            self._take(self._inputs.drain())
            # Whoever asked for the position meanwhile has taken edges too: all of them count.
            edges = self._counter.edges - edges_before
            if edges:
                rest(min(self._rests.after(rest_ns, edges), self.LONGEST_REST_NS))
            else:
                still.set_result(None)

        def rest(rest_ns: int) -> None:
            self._rest = self.host.after(rest_ns, functools.partial(look, rest_ns, self._counter.edges))

        rest(rests.FIRST_NS)
        try:
            await still
        finally:
            self._rest.cancel()

    async def _seed(self) -> None:
        try:
            levels = await self._inputs.levels()
        except BusError as error:
            self._error = error
            self._tried_to_seed.set()
            await self.host.wait(SECOND)
        else:
            self._start_at(levels)
            self._seeded, self._error = True, None
            self._tried_to_seed.set()

    def _kept_ticks(self) -> int:
        kept = self._kept.load()
        ticks = kept.get("ticks")
        same = kept.get("meaning") == self._meaning_of_ticks()
        return int(ticks) if same and isinstance(ticks, int | float) else 0

    def _keep(self) -> None:
        if self._seeded:
            self._take(self._inputs.drain())
            self._kept.save({"ticks": self._ticks() - self._zero, "meaning": self._meaning_of_ticks()})


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
