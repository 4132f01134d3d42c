"""The attributes of `stepper`: the pins of its driver, what makes a turn, how fast, and where its home is."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pi_drivers.config.attributes import Attributes, Part, Problem, dependency
from pi_drivers.config.example import Example
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.models.motor.step_plan import SHORTEST_US

STEP_DIR = ("step", "dir")
COILS = ("a", "b", "c", "d")
FASTEST = 1_000_000 // SHORTEST_US
"""Steps per second that counted pulses reach."""


class StepperPins(Part):
    """The pins of the stepper's driver: step and dir, or a, b, c and d, each with optional enable inputs."""

    step: PinName | None = Field(default=None, description="Input that makes one step with each rising edge.")
    dir: PinName | None = Field(default=None, description="Input for the direction; high is forward.")
    a: PinName | None = Field(default=None, description="First of four coils (IN1 of a ULN2003 board).")
    b: PinName | None = Field(default=None, description="Second coil.")
    c: PinName | None = Field(default=None, description="Third coil, on the same winding as `a`.")
    d: PinName | None = Field(default=None, description="Fourth coil, on the same winding as `b`.")
    en_high: PinName | None = Field(default=None, description="Enable input, high while the motor has current.")
    en_low: PinName | None = Field(default=None, description="Enable input, low while the motor has current.")

    def problems(self) -> Iterator[Problem]:
        """The pins given must be one of the two wirings."""
        yield from super().problems()
        given = tuple(name for name in (*STEP_DIR, *COILS) if self.given(name))
        if given not in (STEP_DIR, COILS):
            yield Problem("", f"must be step and dir, or a, b, c and d; got {' and '.join(given) or 'none of them'}")


class Home(Part):
    """The switch at the motor's position 0, and how it is looked for."""

    pin: PinName = Field(description="The switch's pin, on the same board.")
    active_low: bool = Field(default=False, description="The pin is low where the switch is reached.")
    rpm: float = Field(default=10.0, ge=0.01, description="Speed in rpm on the way to it.")
    direction: Literal["forward", "backward"] = Field(default="backward", description="Which way it lies.")
    max_revs: float = Field(default=1.2, gt=0, description="It must come within so many revolutions.")


class StepperConfig(Attributes):
    """The attributes of `stepper`, named as those of Viam's built-in `gpiostepper`."""

    EXAMPLE: ClassVar[Example] = Example(
        "slide",
        {
            "board": "pi",
            "pins": {"step": "16", "dir": "18", "en_low": "22"},
            "ticks_per_rotation": 200,
            "microsteps": 16,
            "max_rpm": 300,
            "acceleration_rpm_per_s": 600,
            "home": {"pin": "36", "rpm": 30, "active_low": True, "direction": "backward"},
        },
        beside=(
            {
                "name": "pi",
                "api": "rdk:component:board",
                "model": "bramble:pi-drivers:board",
                "attributes": {"pins": [{"name": "home", "pin": "36", "pull": "up"}]},
            },
        ),
    )

    # The built-in motor's configs have 0 where nothing was entered.
    ZERO_MEANS_ABSENT = frozenset(
        {"ticks_per_rotation", "microsteps", "max_rpm", "acceleration_rpm_per_s", "stepper_delay_usec"}
    )

    board: ResourceNameText | None = Field(default=None, description="The board of the pins; absent: the Pi's header.")
    pins: StepperPins = Field(description="The pins of the stepper's driver.")
    ticks_per_rotation: int = Field(ge=1, description="Full steps in one turn of the shaft: 200 for a 1.8° motor.")
    microsteps: int = Field(
        default=1, ge=1, le=256, description="Pulses that the driver's microstep switches make of a full step."
    )
    phases: Literal["full", "half"] = Field(
        default="full",
        description="With four coils: two at a time (`full`), or one and two in turn: twice the steps (`half`).",
    )
    max_rpm: float | None = Field(
        default=None, gt=0, description="Top speed in rpm. `set_power` needs it, or `stepper_delay_usec`."
    )
    stepper_delay_usec: int | None = Field(
        default=None, ge=1, description="The shortest time from one step to the next in µs: another way to limit speed."
    )
    acceleration_rpm_per_s: float | None = Field(
        default=None, ge=0.01, description="How fast the speed rises and falls; absent: at once."
    )
    hold_torque: bool = Field(
        default=False, description="Keep the current on at rest. Else it is switched off soon after each motion."
    )
    dir_flip: bool = Field(default=False, description="Turn the other way.")
    home: Home | None = Field(default=None, description="The switch that the command `home` looks for.")
    command_timeout_ms: int = Field(
        default=0,
        ge=0,
        le=3_600_000,
        description="What `set_power` and `set_rpm` have begun stops when no command came for so long, in ms; "
        "0 for never.",
    )

    @property
    def steps_per_rotation(self) -> int:
        """Steps that the driver has to make for one turn."""
        return self.ticks_per_rotation * self.microsteps * (2 if self.phases == "half" else 1)

    @property
    def chosen_max_rpm(self) -> float | None:
        """The top speed that the config asks for; None where it does not say."""
        limits = [self.max_rpm] if self.max_rpm is not None else []
        if self.stepper_delay_usec is not None:
            steps_per_s = min(FASTEST, 1e6 / self.stepper_delay_usec)
            limits.append(steps_per_s / self.steps_per_rotation * 60)
        return min(limits, default=None)

    def problems(self) -> Iterator[Problem]:
        """Pins that exist, what goes with which wiring, and speeds that can be sent."""
        yield from super().problems()
        yield from self._pin_problems()
        if self.pins is not None and self.pins.given("step") and self.phases == "half":
            yield Problem("phases", "is for pins a, b, c and d; with step and dir the driver decides: see microsteps")
        if self.pins is not None and self.pins.given("a") and self.microsteps not in (None, 1):
            yield Problem("microsteps", "is for pins step and dir; with four coils there is phases half")
        yield from self._speed_problems()

    def required_dependencies(self) -> list[str]:
        """The board, where it is named."""
        return [dependency("board", self.board)] if self.board else []

    def _pin_problems(self) -> Iterator[Problem]:
        # A board that is given but broken says nothing about whose pins these are.
        if self.pins is None or (self.given("board") and self.board is None):
            return
        paths = {f"pins.{name}": getattr(self.pins, name) for name in type(self.pins).model_fields}
        if self.home is not None:
            paths["home.pin"] = self.home.pin
        yield from header_pin_problems(paths, self.board)

    def _speed_problems(self) -> Iterator[Problem]:
        if None in (self.ticks_per_rotation, self.microsteps, self.phases):
            return
        home_rpm = None if self.home is None else self.home.rpm
        most = FASTEST / self.steps_per_rotation * 60
        for name, rpm in {"max_rpm": self.max_rpm, "home.rpm": home_rpm}.items():
            if rpm is not None and rpm > most:
                message = f"must be at most {most:g} with {self.steps_per_rotation} steps in a turn, got {rpm:g}"
                yield Problem(name, f"{message}: no more than {FASTEST} steps per second can be sent")
                return
        top_rpm = self.chosen_max_rpm
        if home_rpm is not None and top_rpm is not None and home_rpm > top_rpm:
            yield Problem(
                "home.rpm", f"must be at most {top_rpm:g}, the motor's top speed by its config, got {home_rpm:g}"
            )
