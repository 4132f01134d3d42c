"""Incremental (quadrature) encoders on two pins: the order of the edges on both lines is the direction."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from viam.components.encoder import Encoder
from viam.utils import ValueTypes

from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.config.attributes import Part
from pi_drivers.config.example import Example
from pi_drivers.config.pins import PinName
from pi_drivers.models.encoder.edges import EdgeCountingEncoder, EdgeEncoderConfig
from pi_drivers.models.encoder.quadrature import EDGES_PER_CYCLE, QuadratureCounter

if TYPE_CHECKING:
    from pi_drivers.world.world import World

DEFAULT_TICKS_PER_ROTATION = 400
"""The simulated disc's, when neither the encoder's config nor the motor's says."""


class QuadraturePins(Part):
    """The two lines."""

    a: PinName = Field(description="Line A.")
    b: PinName = Field(description="Line B. It leads A when the count goes up.")


class IncrementalEncoderConfig(EdgeEncoderConfig):
    """The attributes of `incremental-encoder`."""

    EXAMPLE: ClassVar[Example] = Example("left-encoder", {"pins": {"a": "11", "b": "13"}, "ticks_per_rotation": 660})

    pins: QuadraturePins = Field(description="The pins of the two lines.")
    ticks_per_cycle: Literal[1, 2, 4] = Field(
        default=2, description="Ticks in one cycle of a line. Viam's built-in encoder has 2."
    )
    invert: bool = Field(default=False, description="Count the other way.")


class IncrementalEncoder(EdgeCountingEncoder[IncrementalEncoderConfig], Encoder):
    """Quadrature encoder on two pins: every edge counted in batches, lost ones told."""

    CONFIG = IncrementalEncoderConfig

    _counter: QuadratureCounter

    def _new_counter(self) -> QuadratureCounter:
        return QuadratureCounter(self._inputs.lines[0])

    def _start_at(self, levels: Sequence[bool]) -> None:
        self._counter.seed(*levels)

    def _take(self, events: list[EdgeEvent]) -> None:
        self._counter.take(events)

    def _ticks(self) -> int:
        # Rounding down keeps every tick the same number of quarters wide, on both sides of zero.
        quarters = -self._counter.quarters if self.settings.invert else self._counter.quarters
        return quarters // (EDGES_PER_CYCLE // self.settings.ticks_per_cycle)

    def _meaning_of_ticks(self) -> dict[str, ValueTypes]:
        return self.settings.model_dump(include={"pins", "ticks_per_cycle", "invert"})

    def _plug_in_disc(self, world: "World", offsets: Sequence[int]) -> None:
        a, b = offsets
        settings = self.settings
        cycles = (settings.ticks_per_rotation or DEFAULT_TICKS_PER_ROTATION) / settings.ticks_per_cycle
        # An encoder that is configured to count the other way is one whose lines are swapped.
        disc = world.disc_on(self.name, *((b, a) if settings.invert else (a, b)), cycles)
        disc.ticks_per_cycle = settings.ticks_per_cycle
