"""Encoders of one line, such as a slotted disc in a light barrier: the ticks are seen, the direction is the motor's.

Each edge counts the way its motor drives the shaft at that moment, or drove it last: a wheel that rolls out still
counts the way it rolls. Before any motor was ever driven, the count goes up. Under reverse power a shaft first goes on
the old way until it has stopped; those edges are counted the new way, because nothing on one line shows them to be old.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from viam.components.encoder import Encoder
from viam.utils import ValueTypes

from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.config.attributes import Part, dependency
from pi_drivers.config.example import Example
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.encoder.direction import NamedMotor, PolledMotor, ShaftDirection, motor_named
from pi_drivers.models.encoder.edges import EdgeCountingEncoder, EdgeEncoderConfig
from pi_drivers.models.encoder.single_phase import SinglePhaseCounter
from pi_drivers.world.mechanics import shaft_of

if TYPE_CHECKING:
    from pi_drivers.world.world import World

DEFAULT_SLOTS = 20
"""The simulated disc's, when neither the encoder's config nor the motor's says."""


class SinglePin(Part):
    """The line."""

    i: PinName = Field(description="The line.")


class SingleEncoderConfig(EdgeEncoderConfig):
    """The attributes of `single-encoder`."""

    EXAMPLE: ClassVar[Example] = Example(
        "left-encoder", {"pins": {"i": "11"}, "ticks_per_rotation": 40, "glitch_filter_us": 100}
    )

    pins: SinglePin = Field(description="The pin of the line.")
    motor: ResourceNameText | None = Field(
        default=None,
        description="The motor whose direction counts. Leave it out where the motor names this encoder: it tells then.",
    )
    edges: Literal["both", "rising"] = Field(
        default="both", description="What is a tick: `both` edges, as for Viam's built-in encoder, or `rising` ones."
    )

    def optional_dependencies(self) -> list[str]:
        """The motor, where one is named."""
        return [dependency("motor", self.motor)] if self.motor else []


class SingleEncoder(EdgeCountingEncoder[SingleEncoderConfig], Encoder):
    """Encoder of one line: every edge counted, in the direction of its motor."""

    CONFIG = SingleEncoderConfig
    # Edges are counted the way of the moment they are taken in, which must not be long after they happened.
    LONGEST_REST_NS = 10 * MILLISECOND

    _counter: SinglePhaseCounter

    def _open(self, settings: SingleEncoderConfig, dependencies: Dependencies) -> None:
        self._direction = ShaftDirection()
        self._motor: NamedMotor | PolledMotor | None = None
        super()._open(settings, dependencies)
        if settings.motor is not None:
            self._motor = motor_named(settings.motor, dependencies, self.label, self.host, self.logger, self.lifecycle)
            self._direction.follow(self._motor)

    def follow_direction(self, direction: Callable[[], int]) -> Callable[[], None]:
        """Ask the motor whose encoder this is, see `DirectionFollower`."""
        return self._direction.follow(direction)

    def _new_counter(self) -> SinglePhaseCounter:
        return SinglePhaseCounter(both=self.settings.edges == "both")

    def _start_at(self, levels: Sequence[bool]) -> None:
        self._counter.seed(*levels)

    def _take(self, events: list[EdgeEvent]) -> None:
        # Asked also when nothing waits: the way it was driven last must be known when the motor is gone.
        self._counter.take(events, self._direction.now())

    def _ticks(self) -> int:
        return self._counter.ticks

    def _meaning_of_ticks(self) -> dict[str, ValueTypes]:
        return self.settings.model_dump(include={"pins", "edges"})

    def _status(self) -> dict[str, ValueTypes]:
        direction: dict[str, ValueTypes] = {
            "direction": "forward" if self._direction.now() > 0 else "backward",
            "direction_from": self._told_by(),
        }
        if self._motor is not None and not self._motor.present:
            direction["waits_for"] = f'motor "{self.settings.motor}"'
        error = self._motor.error if isinstance(self._motor, PolledMotor) else None
        if error is not None:
            direction["motor_error"] = str(error)
        return super()._status() | direction

    def _told_by(self) -> str:
        if not self._direction.followed:
            return "nobody: it counts up" if not self._direction.told else "the motor that was here last"
        return "its motor" if self._direction.told else "its motor, not driven yet: it counts up"

    def _plug_in_disc(self, world: "World", offsets: Sequence[int]) -> None:
        per_slot = 2 if self.settings.edges == "both" else 1
        slots = self.settings.ticks_per_rotation / per_slot if self.settings.ticks_per_rotation else DEFAULT_SLOTS
        if self.settings.motor is not None:
            world.join(self.name, shaft_of(self.settings.motor))
        disc = world.slots_on(self.name, offsets[0], slots)
        disc.ticks_per_cycle = per_slot
