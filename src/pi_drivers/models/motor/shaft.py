"""Where a motor's shaft is: its encoder, in the motor's own revolutions from its own zero, and how far it may turn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pi_drivers.errors import ArgumentError
from pi_drivers.models.encoder.contract import EncoderSample
from pi_drivers.models.encoder.port import EncoderPort
from pi_drivers.runtime.kept_state import KeptState


@dataclass(frozen=True)
class Travel:
    """How far a shaft may turn, in revolutions from the motor's zero; infinite where nothing limits it."""

    low: float = -math.inf
    high: float = math.inf

    def allows(self, there: float, here: float) -> bool:
        """Whether a shaft may be sent there: within, or nearer to it for a shaft that is beyond an end."""
        return self.low <= there <= self.high or here < there < self.low or self.high < there < here

    def __str__(self) -> str:
        if math.isinf(self.low) or math.isinf(self.high):
            return f"min_rev {self.low:g}" if math.isinf(self.high) else f"max_rev {self.high:g}"
        return f"min_rev {self.low:g}, max_rev {self.high:g}"


class Shaft:
    """A motor's shaft, as its encoder shows it. Used on the event loop."""

    def __init__(
        self,
        label: str,
        encoder: EncoderPort,
        ticks_per_rotation: int,
        kept: KeptState,
        travel: Travel,
        tolerance_ticks: int,
    ) -> None:
        """Prepare.

        Args:
            label: the motor, for messages.
            encoder: on the shaft.
            ticks_per_rotation: of the encoder.
            kept: where its zero outlives a rebuild.
            travel: its soft limits.
            tolerance_ticks: how close to an end of its travel the shaft may have come to rest.
        """
        self._label = label
        self._encoder = encoder
        self.ticks_per_rotation = ticks_per_rotation
        self.travel = travel
        self.follows_power = False
        """The encoder has a single phase: it takes its direction from the motor's power."""
        self._kept = kept
        self._tolerance_ticks = tolerance_ticks
        self._zero_ticks = float(_number(kept.load(), "zero"))
        self._reached: float | None = None

    @property
    def remote(self) -> bool:
        """Whether each sample is a round trip to another module."""
        return self._encoder.remote

    @property
    def is_limited(self) -> bool:
        """Whether anything limits its travel."""
        return self.travel != Travel()

    async def sample(self) -> EncoderSample:
        """The encoder's position now. Raises: BusError, ClosedError, StaleReadingError: it cannot be read."""
        return await self._encoder.sample()

    async def revolutions(self) -> float:
        """Revolutions from the motor's zero. Raises: as `sample` does."""
        return self._revolutions_at(await self.sample())

    async def reset_zero(self, offset: float) -> None:
        """Make the present position -`offset` revolutions; a rebuild keeps it. Raises: as `sample` does."""
        sample = await self.sample()
        self._zero_ticks = sample.ticks - sample.zero + offset * self.ticks_per_rotation
        self._kept.save({"zero": self._zero_ticks})

    async def target(self, revolutions: float) -> float:
        """Where a position is, in the encoder's ticks.

        Raises:
            ArgumentError: it lies beyond a soft limit.
            Others: as `sample` does.
        """
        sample = await self.sample()
        if not self.travel.allows(revolutions, self._revolutions_at(sample)):
            raise ArgumentError(
                f"{self._label}: {revolutions:g} revolutions from zero is beyond its soft limits ({self.travel})"
            )
        return self._ticks_at(revolutions, sample)

    async def target_after(self, revolutions: float) -> float:
        """Where the shaft is after so many revolutions from here, in the encoder's ticks.

        Here is where the last move should have ended, if the shaft still is where that one left it: the errors of many
        moves do not add up.

        Raises:
            ArgumentError, others: as `target` does.
        """
        sample = await self.sample()
        start = float(sample.ticks)
        if self._reached is not None and abs(round(self._reached) - sample.ticks) <= self._tolerance_ticks:
            start = self._reached
        target = start + revolutions * self.ticks_per_rotation
        if self.is_limited:
            await self.target((target - sample.zero - self._zero_ticks) / self.ticks_per_rotation)
        return target

    def begins_to_move(self) -> None:
        """The motor is commanded anew: where its last move ended says nothing any more."""
        self._reached = None

    def has_reached(self, target: float) -> None:
        """A move to a target, in the encoder's ticks, has ended there, within the tolerance."""
        self._reached = target

    async def end(self, direction: float) -> float | None:
        """The end of its travel in a direction, in the encoder's ticks; None where there is none.

        Raises:
            ArgumentError: the shaft is there already, or beyond it.
            Others: as `sample` does.
        """
        end = self.travel.high if direction > 0 else self.travel.low
        if math.isinf(end):
            return None
        sample = await self.sample()
        end_ticks = self._ticks_at(end, sample)
        if (end_ticks - sample.ticks) * math.copysign(1.0, direction) <= self._tolerance_ticks + 1:
            raise ArgumentError(
                f"{self._label}: at {self._revolutions_at(sample):.2f} revolutions it is at the end of its travel "
                f"({self.travel}); it may only turn back"
            )
        return end_ticks

    def _revolutions_at(self, sample: EncoderSample) -> float:
        return (sample.ticks - sample.zero - self._zero_ticks) / self.ticks_per_rotation

    def _ticks_at(self, revolutions: float, sample: EncoderSample) -> float:
        return revolutions * self.ticks_per_rotation + self._zero_ticks + sample.zero


def _number(state: Mapping[str, Any], name: str) -> float:
    value = state.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
