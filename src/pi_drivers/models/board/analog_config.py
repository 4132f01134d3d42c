"""The attributes of a board's analogs: inputs of a converter that is wired to the Pi, which has none of its own."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import AliasChoices, Field

from pi_drivers.config.attributes import Problem
from pi_drivers.models.adc.attributes import ZEROS_ABSENT, AdcWiring, Channel

SAMPLES_PER_S = 100
"""Where `samples_per_sec` is absent."""
MOST_OF_ADS1115 = 80
"""Samples a second: 9 ms to convert, and the transactions on a bus at 100 kHz."""


class AnalogConfig(AdcWiring):
    """One analog."""

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = ZEROS_ABSENT | {"average_over_ms", "samples_per_sec"}

    name: str = Field(min_length=1, description="The analog's name.")
    channel: Channel = Field(
        validation_alias=AliasChoices("channel", "pin"),
        description="The channel of the chip, counted from 0; required.",
    )
    average_over_ms: int | None = Field(
        default=None,
        ge=1,
        le=60_000,
        description="Answer with the average over the last so many milliseconds, sampled in the background. Absent, "
        "or too short for two samples: each read is a conversion.",
    )
    samples_per_sec: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Samples a second for the average. Absent: 100, of an ads1115 80.",
    )

    @property
    def rate(self) -> int:
        """Samples a second for the average."""
        return self.samples_per_sec or (MOST_OF_ADS1115 if self.chip == "ads1115" else SAMPLES_PER_S)

    @property
    def window(self) -> int:
        """How many samples there are in the time of the average, at this rate; with 0 or 1 there is no average."""
        return self.rate * (self.average_over_ms or 0) // 1000

    def problems(self) -> Iterator[Problem]:
        """The chip has the channel, and is as fast as it has to be."""
        yield from super().problems()
        yield from self.channel_problems({"channel": self.channel})
        if self.chip == "ads1115" and (self.samples_per_sec or 0) > MOST_OF_ADS1115:
            yield Problem("samples_per_sec", f"an ads1115 makes at most {MOST_OF_ADS1115}, got {self.samples_per_sec}")


def same_place_problems(analogs: Sequence[AnalogConfig | None]) -> Iterator[Problem]:
    """A line for each analog whose chip another one, listed before, says is another chip or has another reference."""
    first: dict[str, tuple[int, AnalogConfig]] = {}
    for i, analog in enumerate(analogs):
        place = analog.known_place if analog is not None else None
        if analog is None or place is None:
            continue
        index, other = first.setdefault(place, (i, analog))
        if other.chip != analog.chip:
            has = f'{place} has an "{other.chip}" for analogs[{index}]'
            yield Problem(f"analogs[{i}].chip", f"{has}; one place has one chip")
        elif other.used_as != analog.used_as:
            has = f"the chip on {place} has {other.vref:g} for analogs[{index}]"
            yield Problem(f"analogs[{i}].vref", f"{has}; one chip has one reference")
