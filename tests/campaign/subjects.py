"""The sensors of the campaign: how each is configured, what the world around it is like, and what it must say then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pi_drivers.world.world import World
from tests.campaign.places import I2cPlace, Place

Truth = Mapping[str, float]
"""What readings must be, by key; other keys may be there."""


@dataclass(frozen=True)
class Subject:
    """One sensor."""

    model: str
    attributes: Mapping[str, Any]
    place: Callable[[World], Place]
    set_scene: Callable[[World, int], Truth]
    """Put the world into a state, one of 0, 1 and 2 which no reading can mistake for another; returns the truth."""
    tolerance: float = 0.05
    """How far a reading may be from the truth, where `tolerances` has no other figure."""
    tolerances: Mapping[str, float] = field(default_factory=dict)
    max_age_ms: int = 500
    """The attribute of that name."""
    settle_s: float = 0.0
    """How long a reading may lag behind the world beyond its age: a conversion."""
    variant: str = ""
    """What tells it from others of its model."""

    @property
    def title(self) -> str:
        """As the table has it."""
        return f"{self.model} {self.variant}".rstrip()


def air(world: World, state: int) -> Truth:
    """Weather."""
    world.air.temperature_c = (21.0, 35.0, -8.0)[state]
    world.air.relative_humidity_pct = (45.0, 80.0, 20.0)[state]
    world.air.pressure_hpa = (1013.25, 980.0, 1040.0)[state]
    return {
        "temperature_c": world.air.temperature_c,
        "relative_humidity_pct": world.air.relative_humidity_pct,
        "pressure_hpa": world.air.pressure_hpa,
    }


def only(scene: Callable[[World, int], Truth], *keys: str) -> Callable[[World, int], Truth]:
    """A scene of which a sensor tells some keys."""
    return lambda world, state: {key: value for key, value in scene(world, state).items() if key in keys}


SUBJECTS = (
    Subject(
        "sht31",
        {"poll_interval_ms": 100},
        lambda world: I2cPlace(world, 0x44),
        only(air, "temperature_c", "relative_humidity_pct"),
    ),
)
