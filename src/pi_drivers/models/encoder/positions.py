"""What all encoders have in common: a number of ticks is told, in ticks or degrees, from a zero that can be moved."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from viam.components.encoder import Encoder
from viam.proto.component.encoder import PositionType

from pi_drivers.errors import UnsupportedError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import C, HardwareModel
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.encoder.contract import EncoderSample

VELOCITY_WINDOW_NS = 100 * MILLISECOND
FLOAT32_EXACT = 2**24
"""Positions travel as float32, which counts by ones up to here."""


class PositionEncoder(HardwareModel[C]):
    """The calls of an encoder, on top of `sample`. A model adds the SDK's `Encoder` behind it."""

    _zero: int
    """The ticks at which the position is zero."""
    _warned_of_float32 = False

    @abstractmethod
    def sample(self) -> EncoderSample:
        """The position as `TickEncoder` has it."""

    @property
    @abstractmethod
    def ticks_per_turn(self) -> int | None:
        """Ticks in one turn of the shaft; None when nobody has said."""

    async def get_position(
        self,
        position_type: PositionType.ValueType | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> tuple[float, PositionType.ValueType]:
        """The position in ticks, or in degrees of the turn, 0 to 360, where the ticks of a turn are known.

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
        """Ticks always, degrees where the ticks of a turn are known."""
        return Encoder.Properties(ticks_count_supported=True, angle_degrees_supported=self.ticks_per_turn is not None)

    @command("velocity", "How fast the shaft turns, from what it did in the 0.1 s that the answer takes.")
    async def _velocity(self, _request: Arguments) -> Mapping[str, Any]:
        first, first_ns = self._sample_with_time()
        await self.host.wait(VELOCITY_WINDOW_NS)
        last, last_ns = self._sample_with_time()
        per_second = (last - first) * SECOND / max(last_ns - first_ns, 1)
        answer: dict[str, Any] = {"ticks_per_s": per_second}
        if self.ticks_per_turn is not None:
            answer["rpm"] = per_second * 60 / self.ticks_per_turn
        return answer

    def _position(self) -> int:
        sample = self.sample()
        return sample.ticks - sample.zero

    def _sample_with_time(self) -> tuple[int, int]:
        """The ticks, and the moment until which nothing was added to them."""
        sample = self.sample()
        return sample.ticks, self.host.now_ns() if sample.known_ns is None else sample.known_ns

    def _degrees(self, ticks: int) -> float:
        per_turn = self.ticks_per_turn
        if per_turn is None:
            raise UnsupportedError(
                f"{self.label}: a position in degrees needs the attribute ticks_per_rotation "
                "(Position Type Degrees Unsupported)"
            )
        return ticks % per_turn * 360 / per_turn
