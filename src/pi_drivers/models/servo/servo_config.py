"""The attributes of `servo`, named as those of Viam's built-in `gpio` servo and of the Pi module's `rpi-servo`.

The two mean different things. `min_angle_deg` and `max_angle_deg` are the angles at the ends of the pulse widths: a
servo that has 500 µs at 20 degrees is said so. `min` and `max` only forbid angles, and the widths belong to 0 and
`max_rotation_deg`. Taking one for the other would send a horn to another place, so both are understood as their
owners do, and mixing them is refused.
"""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from pi_drivers.buses.gpio.ranges import SERVO_HZ, SERVO_US
from pi_drivers.config.attributes import Attributes, Problem, dependency
from pi_drivers.config.example import Example
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.models.servo.geometry import Geometry

LARGEST_DEG = 360
FULL_TURN_DEG = 180.0
ENDS = ("min_angle_deg", "max_angle_deg")
LIMITS = ("min", "max", "max_rotation_deg")


class ServoConfig(Attributes):
    """The attributes of `servo`."""

    EXAMPLE: ClassVar[Example] = Example(
        "arm", {"pin": "11", "min_width_us": 600, "max_width_us": 2400, "speed_deg_per_s": 90}
    )

    # Configs have 0 where nothing was entered.
    ZERO_MEANS_ABSENT = frozenset(
        {"max", "max_angle_deg", "max_rotation_deg", "frequency_hz", "min_width_us", "max_width_us", "pwm_resolution"}
    )

    board: ResourceNameText | None = Field(default=None, description="The board of the pin; absent: the Pi's header.")
    pin: PinName = Field(description="The pin of the servo's signal wire.")
    min_angle_deg: float | None = Field(
        default=None, ge=0, le=LARGEST_DEG, description="The angle at `min_width_us`, and the least one. Absent: 0."
    )
    max_angle_deg: float | None = Field(
        default=None, ge=0, le=LARGEST_DEG, description="The angle at `max_width_us`, and the largest one. Absent: 180."
    )
    min: float | None = Field(
        default=None,
        ge=0,
        le=LARGEST_DEG,
        description="The least angle allowed, as `rpi-servo` means it: the pulse widths stay those of 0 to "
        "`max_rotation_deg`.",
    )
    max: float | None = Field(
        default=None, ge=0, le=LARGEST_DEG, description="The largest angle allowed, as `rpi-servo` means it."
    )
    max_rotation_deg: float | None = Field(
        default=None, gt=0, le=LARGEST_DEG, description="The angle at `max_width_us`, with 0 at `min_width_us`."
    )
    starting_position_deg: float | None = Field(
        default=None,
        ge=0,
        le=LARGEST_DEG,
        description="Where it turns to when it first starts; after a rebuild it stays where it is. Absent: it does not "
        "move.",
    )
    starting_position_degs: float | None = Field(
        default=None, ge=0, le=LARGEST_DEG, description="The same, as `rpi-servo` writes it."
    )
    hold_position: bool = Field(
        default=True, description="Hold the angle; `false` lets the servo go limp behind a move."
    )
    frequency_hz: int = Field(default=50, ge=SERVO_HZ[0], le=SERVO_HZ[1], description="Pulses in a second.")
    min_width_us: int = Field(default=500, ge=SERVO_US[0], le=SERVO_US[1], description="The shortest pulse, in µs.")
    max_width_us: int = Field(default=2500, ge=SERVO_US[0], le=SERVO_US[1], description="The longest pulse, in µs.")
    speed_deg_per_s: float = Field(
        default=0,
        ge=0,
        le=10_000,
        description="Turn no faster than this, in degrees per second; 0: as fast as it goes.",
    )
    slew_deg_per_s: float = Field(
        default=500,
        gt=0,
        le=10_000,
        description="How fast the servo turns by itself, in degrees per second, to reckon where it is.",
    )
    trim_deg: float = Field(default=0, ge=-90, le=90, description="Added to every angle, in degrees.")
    invert: bool = Field(default=False, description="Turn the other way: the pulse widths change their ends.")
    pwm_resolution: int | None = Field(
        default=None, ge=0, description="Of configs of the built-in servo; pulses here are set in µs and need none."
    )

    def problems(self) -> Iterator[Problem]:
        """Ranges in order, one way to name angles, a starting position within them, pulses that fit the period."""
        yield from super().problems()
        if self.pin is not None and not (self.given("board") and self.board is None):
            # A board that is given but broken says nothing about whose pin this is.
            yield from header_pin_problems({"pin": self.pin}, self.board)
        yield from self._angle_problems()
        yield from self._width_problems()

    def required_dependencies(self) -> list[str]:
        """The board, where one is named."""
        return [dependency("board", self.board)] if self.board else []

    @property
    def start_deg(self) -> float | None:
        """Where it turns to when it first starts."""
        first, second = self.starting_position_deg, self.starting_position_degs
        return first if first is not None else second

    def geometry(self) -> Geometry:
        """What its pulses mean. Only of a config without problems."""
        low, high, start, end = self._limits_and_ends()
        widths = (self.min_width_us, self.max_width_us)
        return Geometry(*widths, start, end, low, high, self.trim_deg, self.invert)

    def _limits_and_ends(self) -> tuple[float, float, float, float]:
        """The least and the largest angle allowed, and the angles at the shortest and the longest pulse."""
        if any(self.given(name) for name in LIMITS):
            end = FULL_TURN_DEG if self.max_rotation_deg is None else self.max_rotation_deg
            return self.min or 0.0, end if self.max is None else self.max, 0.0, end
        low, high = self.min_angle_deg or 0.0, self.max_angle_deg
        high = FULL_TURN_DEG if high is None else high
        return low, high, low, high

    def _angle_problems(self) -> Iterator[Problem]:
        limits = [name for name in LIMITS if self.given(name)]
        ends = [name for name in ENDS if self.given(name)]
        if limits and ends:
            yield Problem(
                limits[0],
                f"means another thing than {ends[0]}: min and max forbid angles, min_angle_deg and max_angle_deg are "
                "those of the shortest and the longest pulse; use one pair",
            )
            return
        low, high, _, end = self._limits_and_ends()
        names = ("min", "max") if limits else ENDS
        if low >= high:
            yield Problem(names[0], f"must be below {names[1]} ({high:g}), got {low:g}")
        elif high > end:
            yield Problem("max", f"must not be above max_rotation_deg ({end:g}), got {high:g}")
        yield from self._start_problems(low, high)

    def _start_problems(self, low: float, high: float) -> Iterator[Problem]:
        first, second = self.starting_position_deg, self.starting_position_degs
        if first is not None and second is not None and first != second:
            yield Problem(
                "starting_position_degs", f"says {second:g}, and starting_position_deg {first:g}: leave one out"
            )
        for name, start in (("starting_position_deg", first), ("starting_position_degs", second)):
            if start is not None and not low <= start <= high:
                yield Problem(name, f"must be between {low:g} and {high:g}, got {start:g}")

    def _width_problems(self) -> Iterator[Problem]:
        shortest, longest, frequency_hz = self.min_width_us, self.max_width_us, self.frequency_hz
        if shortest is not None and longest is not None and shortest >= longest:
            yield Problem("min_width_us", f"must be below max_width_us ({longest}), got {shortest}")
        elif longest is not None and frequency_hz is not None and longest * frequency_hz >= 1_000_000:
            period_us = 1_000_000 // frequency_hz
            yield Problem(
                "max_width_us", f"must fit into the period of {period_us} µs at {frequency_hz} Hz, got {longest}"
            )
