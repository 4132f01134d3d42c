"""Incremental (quadrature) encoders on two pins.

On the Pi's header nothing is lost unseen: the kernel stamps and numbers each edge of both lines in one queue, the queue
is drained in batches and always before a position is told, and gaps in the numbering are counted. A Python callback for
each edge, the usual way, falls behind at some thousand edges a second.
"""

import asyncio
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field
from viam.components.encoder import Encoder
from viam.proto.component.encoder import PositionType
from viam.utils import ValueTypes

from pi_drivers.config.attributes import Attributes, Part, Problem, dependency
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.errors import BusError, UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.board.header_pins import HeaderInputs, HeaderPins
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.encoder import rests
from pi_drivers.models.encoder.contract import EncoderSample
from pi_drivers.models.encoder.quadrature import EDGES_PER_CYCLE, QuadratureCounter
from pi_drivers.models.pins import BoardPins, InputPins, pins_of_board
from pi_drivers.runtime.kept_state import KeptState

VELOCITY_WINDOW_NS = 100 * MILLISECOND
DEFAULT_TICKS_PER_ROTATION = 400
"""The simulated disc's, when neither the encoder's config nor the motor's says."""
FLOAT32_EXACT = 2**24
"""Positions travel as float32, which counts by ones up to here."""


class QuadraturePins(Part):
    """The two lines."""

    a: PinName = Field(description="Line A.")
    b: PinName = Field(description="Line B. It leads A when the count goes up.")


class IncrementalEncoderConfig(Attributes):
    """The attributes of `incremental-encoder`."""

    ZERO_MEANS_ABSENT = frozenset({"ticks_per_rotation"})

    board: ResourceNameText | None = Field(default=None, description="The board of the pins; absent: the Pi's header.")
    pins: QuadraturePins = Field(description="The pins of the two lines.")
    ticks_per_cycle: int = Field(
        default=2, description="Ticks in one cycle of a line: 1, 2 or 4. Viam's built-in encoder has 2."
    )
    ticks_per_rotation: int | None = Field(
        default=None, ge=1, description="Ticks in one turn of the shaft; gives a position in degrees."
    )
    invert: bool = Field(default=False, description="Count the other way.")
    glitch_filter_us: int = Field(
        default=0, ge=0, le=100_000, description="A level must hold so long, in µs, before its edge counts."
    )
    persist: bool = Field(default=False, description="Keep the position over a restart of the module, too.")

    def problems(self) -> Iterator[Problem]:
        """Two different pins that exist, and a number of ticks that a cycle can have."""
        yield from super().problems()
        if self.ticks_per_cycle is not None and self.ticks_per_cycle not in (1, 2, 4):
            yield Problem("ticks_per_cycle", f"must be one of 1, 2, 4, got {self.ticks_per_cycle}")
        if self.pins is not None and not (self.given("board") and self.board is None):
            # A board that is given but broken says nothing about whose pins these are.
            yield from header_pin_problems({"pins.a": self.pins.a, "pins.b": self.pins.b}, self.board)

    def required_dependencies(self) -> list[str]:
        """The board, where one is named."""
        return [dependency("board", self.board)] if self.board else []


class IncrementalEncoder(HardwareModel[IncrementalEncoderConfig], Encoder):
    """Quadrature encoder on two pins: every edge counted in batches, lost ones told."""

    CONFIG = IncrementalEncoderConfig

    def _open(self, settings: IncrementalEncoderConfig, dependencies: Dependencies) -> None:
        board = pins_of_board(settings.board, settings.backend, dependencies, self.label, self.logger)
        self.host = board.host or self.host
        # A rebuild, which may follow any change of the config, keeps the position; `persist` keeps it over a restart.
        self._kept = KeptState(self.key, on_disk=settings.persist)
        names = (settings.pins.a, settings.pins.b)
        self._inputs: InputPins = board.inputs(
            names, self.holder("pins a and b"), self.lifecycle, glitch_filter_us=settings.glitch_filter_us
        )
        # Behind the claims: whatever twin is still on these wires belongs to nobody any more.
        self._plug_in_twin(settings, board)
        self._counter = QuadratureCounter(self._inputs.lines[0])
        self._rests = rests.Rests()
        self._seeded = False
        self._tried_to_seed = asyncio.Event()
        self._error: BusError | None = None
        if isinstance(self._inputs, HeaderInputs):
            self._inputs.drain()
            self._counter.seed(*self._inputs.levels_now())
            self._seeded = True
        self._zero = -self._kept_ticks()
        self._warned_of_float32 = False
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

    async def get_position(
        self,
        position_type: PositionType.ValueType | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> tuple[float, PositionType.ValueType]:
        """The position in ticks, or in degrees where `ticks_per_rotation` is set.

        Raises:
            UnsupportedError: degrees were asked for and `ticks_per_rotation` is not set.
            BusError: the encoder cannot be read.
        """
        ticks = self._position()
        if position_type == PositionType.POSITION_TYPE_ANGLE_DEGREES:
            return self._degrees(ticks), PositionType.POSITION_TYPE_ANGLE_DEGREES
        if abs(ticks) > FLOAT32_EXACT and not self._warned_of_float32:
            self._warned_of_float32 = True
            self.logger.warning(
                "%s: beyond 16777216 ticks a position loses counts on its way to the client", self.label
            )
        return float(ticks), PositionType.POSITION_TYPE_TICKS_COUNT

    async def reset_position(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Make the present position zero."""
        self._zero = self.sample().ticks

    async def get_properties(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> Encoder.Properties:
        """Ticks always, degrees where `ticks_per_rotation` is set."""
        return Encoder.Properties(
            ticks_count_supported=True, angle_degrees_supported=self.settings.ticks_per_rotation is not None
        )

    @command("velocity", "How fast the shaft turns, from the edges of the last 0.1 s.")
    async def _velocity(self, _request: Arguments) -> Mapping[str, Any]:
        first = self.sample().ticks
        before_ns = self.host.now_ns()
        await self.host.wait(VELOCITY_WINDOW_NS)
        per_second = (self.sample().ticks - first) * SECOND / (self.host.now_ns() - before_ns)
        answer: dict[str, Any] = {"ticks_per_s": per_second}
        if self.settings.ticks_per_rotation is not None:
            answer["rpm"] = per_second * 60 / self.settings.ticks_per_rotation
        return answer

    def _status(self) -> dict[str, ValueTypes]:
        status: dict[str, ValueTypes] = {
            "pins": {"a": self.settings.pins.a, "b": self.settings.pins.b},
            "illegal_transitions": self._counter.illegal,
            "lost_edges": self._inputs.lost,
        }
        if not self.lifecycle.closed and self._seeded:
            status["position_ticks"] = self._position()
        if self._error is not None:
            status["error"] = str(self._error)
        interruptions = getattr(self._inputs, "interruptions", None)
        return status if interruptions is None else status | {"stream_interruptions": interruptions}

    def _plug_in_twin(self, settings: IncrementalEncoderConfig, board: BoardPins) -> None:
        world = getattr(self.host, "world", None)
        if world is None or not isinstance(board, HeaderPins):
            return
        a, b = (board.resolve(name).offset for name in (settings.pins.a, settings.pins.b))
        cycles = (settings.ticks_per_rotation or DEFAULT_TICKS_PER_ROTATION) / settings.ticks_per_cycle
        with world.held():
            # An encoder that is configured to count the other way is one whose lines are swapped.
            disc = world.disc_on(self.name, *((b, a) if settings.invert else (a, b)), cycles)
            disc.ticks_per_cycle = settings.ticks_per_cycle

    def _position(self) -> int:
        sample = self.sample()
        return sample.ticks - sample.zero

    def _count_waiting(self) -> None:
        self.check_open()
        if self._error is not None:
            raise self._error
        if not self._seeded:
            raise BusError(f"{self.label}: its board has not answered yet")
        self._counter.take(self._inputs.drain())

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
            self._counter.take(self._inputs.drain())
            # Whoever asked for the position meanwhile has taken edges too: all of them count.
            edges = self._counter.edges - edges_before
            if edges:
                rest(self._rests.after(rest_ns, edges))
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
            a, b = await self._inputs.levels()
        except BusError as error:
            self._error = error
            self._tried_to_seed.set()
            await self.host.wait(SECOND)
        else:
            self._counter.seed(a, b)
            self._seeded, self._error = True, None
            self._tried_to_seed.set()

    def _ticks(self) -> int:
        # Rounding down keeps every tick the same number of quarters wide, on both sides of zero.
        quarters = -self._counter.quarters if self.settings.invert else self._counter.quarters
        return quarters // (EDGES_PER_CYCLE // self.settings.ticks_per_cycle)

    def _degrees(self, ticks: int) -> float:
        per_rotation = self.settings.ticks_per_rotation
        if per_rotation is None:
            raise UnsupportedError(
                f"{self.label}: a position in degrees needs the attribute ticks_per_rotation "
                "(Position Type Degrees Unsupported)"
            )
        return ticks % per_rotation * 360 / per_rotation

    def _kept_ticks(self) -> int:
        kept = self._kept.load()
        ticks = kept.get("ticks")
        same = kept.get("meaning") == self._meaning_of_ticks()
        return int(ticks) if same and isinstance(ticks, int | float) else 0

    def _meaning_of_ticks(self) -> dict[str, ValueTypes]:
        """What a number of ticks stands on: with another of these it would be another angle."""
        return self.settings.model_dump(include={"pins", "ticks_per_cycle", "invert"})

    def _keep(self) -> None:
        if self._seeded:
            self._counter.take(self._inputs.drain())
            self._kept.save({"ticks": self._ticks() - self._zero, "meaning": self._meaning_of_ticks()})


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
