"""The attributes of `dc-motor`: the pins of the motor driver, its limits, and what goes with an encoder."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pi_drivers.config.attributes import Attributes, Part, Problem, dependency
from pi_drivers.config.example import Example
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.models.board.header_pins import DEFAULT_PWM_HZ
from pi_drivers.models.motor.speed import Gains

WIRINGS = (("a", "b"), ("a", "b", "pwm"), ("dir", "pwm"))


class MotorPins(Part):
    """The pins of the motor driver. Its wiring is one of: a and b; a, b and pwm; dir and pwm."""

    a: PinName | None = Field(default=None, description="Input for forward.")
    b: PinName | None = Field(default=None, description="Input for backward.")
    pwm: PinName | None = Field(default=None, description="Input for the power.")
    dir: PinName | None = Field(default=None, description="Input for the direction; high is forward.")
    en_high: PinName | None = Field(default=None, description="Enable input, high while there is power.")
    en_low: PinName | None = Field(default=None, description="Enable input, low while there is power.")

    def problems(self) -> Iterator[Problem]:
        """The pins given must be one of the wirings."""
        yield from super().problems()
        given = tuple(name for name in ("a", "b", "pwm", "dir") if self.given(name))
        if set(given) not in [set(wiring) for wiring in WIRINGS]:
            choices = "; ".join(" and ".join(wiring) for wiring in WIRINGS)
            yield Problem("", f"must be one of these wirings: {choices}; got {' and '.join(given) or 'none of them'}")


class ControlParameters(Part):
    """Gains of the speed controller, on the speed error as a share of the motor's full speed."""

    p: float = Field(default=Gains.p, ge=0, description="Power for each unit of error.")
    i: float = Field(default=Gains.i, ge=0, description="Power for each unit of error and second.")
    d: float = Field(default=Gains.d, ge=0, description="Power for each unit of change of the error in a second.")


class SoftLimits(Part):
    """How far the shaft may turn, in revolutions from the motor's zero. One of them may be left out."""

    min_rev: float | None = Field(default=None, description="The least position, in revolutions from zero.")
    max_rev: float | None = Field(default=None, description="The greatest position, in revolutions from zero.")

    def problems(self) -> Iterator[Problem]:
        """At least one of them, and in order."""
        yield from super().problems()
        if not self.given("min_rev") and not self.given("max_rev"):
            yield Problem("", "needs min_rev, max_rev or both")
        if self.min_rev is not None and self.max_rev is not None and self.min_rev >= self.max_rev:
            yield Problem("min_rev", f"must be below max_rev ({self.max_rev}), got {self.min_rev}")


class DcMotorConfig(Attributes):
    """The attributes of `dc-motor`, named as those of Viam's built-in `gpio` motor."""

    EXAMPLE: ClassVar[Example] = Example(
        "left",
        {
            "pins": {"a": "29", "b": "31", "pwm": "32", "en_high": "36"},
            "max_rpm": 120,
            "ramp_ms": 300,
            "command_timeout_ms": 1000,
        },
    )

    # The built-in motor's configs have 0 where nothing was entered.
    ZERO_MEANS_ABSENT = frozenset({"max_power_pct", "max_rpm", "ticks_per_rotation", "ramp_rate"})

    board: ResourceNameText | None = Field(default=None, description="The board of the pins; absent: the Pi's header.")
    pins: MotorPins = Field(description="The pins of the motor driver.")
    min_power_pct: float = Field(
        default=0.0, ge=0, le=1, description="Power above 0.01 is lifted to this; up to 0.01 stops."
    )
    max_power_pct: float = Field(
        default=1.0, ge=0.06, le=1, description="More power than this is never applied; 0 means 1."
    )
    pwm_freq: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description=f"PWM frequency in Hz; 0 means the board's own, {DEFAULT_PWM_HZ} on the header.",
    )
    dir_flip: bool = Field(default=False, description="Turn the other way.")
    max_rpm: float | None = Field(
        default=None, gt=0, description="Speed in rpm at full power. Required without an encoder."
    )
    encoder: ResourceNameText | None = Field(default=None, description="The encoder on the motor's shaft.")
    ticks_per_rotation: int | None = Field(
        default=None, ge=1, description="Ticks of the encoder in one turn. Required with an encoder."
    )
    ramp_rate: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="How fast speed control may raise the power: 0.05 is 1 per second.",
    )
    control_parameters: ControlParameters | None = Field(default=None, description="Gains of the speed controller.")
    position_tolerance_ticks: int = Field(
        default=1, ge=0, description="A move ends within so many ticks of its target."
    )
    ramp_ms: int = Field(
        default=0,
        ge=0,
        le=60_000,
        description="Time in ms in which the power goes from 0 to 1, and back; 0 for at once. "
        "`stop` is always at once, and speed control has its `ramp_rate`.",
    )
    reverse_delay_ms: int = Field(
        default=0, ge=0, le=10_000, description="How long, in ms, the power stays off between two directions."
    )
    stop_mode: Literal["coast", "brake"] = Field(
        default="coast", description="How the motor stops: its terminals are left open, or shorted."
    )
    stall_ms: int = Field(
        default=0,
        ge=0,
        le=60_000,
        description="So long under power without a tick of the encoder, in ms, stops the "
        "motor until `clear_fault`. With 0 only moves and held speeds are watched, and nothing has to be cleared.",
    )
    command_timeout_ms: int = Field(
        default=0,
        ge=0,
        le=3_600_000,
        description="What `set_power` and `set_rpm` have begun stops when no command "
        "came for so long, in ms; 0 for never.",
    )
    soft_limits: SoftLimits | None = Field(
        default=None, description="How far the shaft may turn, in revolutions from the motor's zero."
    )

    def problems(self) -> Iterator[Problem]:
        """Limits in order, pins that exist, and what goes with and without an encoder."""
        yield from super().problems()
        low, high = self.min_power_pct, self.max_power_pct
        if low is not None and high is not None and low >= high:
            yield Problem("min_power_pct", f"must be below max_power_pct ({high}), got {low}")
        if self.pins is not None and not (self.given("board") and self.board is None):
            # A board that is given but broken says nothing about whose pins these are.
            paths = {f"pins.{name}": getattr(self.pins, name) for name in type(self.pins).model_fields}
            yield from header_pin_problems(paths, self.board)
        if self.stop_mode == "brake" and self.pins is not None and self.pins.dir is not None:
            yield Problem("stop_mode", 'must be "coast" with pins dir and pwm: the motor driver decides by itself')
        yield from self._encoder_problems()

    def required_dependencies(self) -> list[str]:
        """The board and the encoder, where they are named."""
        board = [dependency("board", self.board)] if self.board else []
        return board + ([dependency("encoder", self.encoder)] if self.encoder else [])

    def _encoder_problems(self) -> Iterator[Problem]:
        if self.given("encoder"):
            if not self.given("ticks_per_rotation"):
                yield Problem("ticks_per_rotation", "is required with an encoder")
            return
        if not self.given("max_rpm"):
            yield Problem("max_rpm", "is required without an encoder")
        for name in ("control_parameters", "position_tolerance_ticks", "soft_limits", "stall_ms"):
            if self.given(name) and getattr(self, name) != 0:
                yield Problem(name, "needs an encoder, and none is named")
