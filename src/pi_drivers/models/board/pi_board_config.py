"""The attributes of `board`: names and settings for pins, digital interrupts, and analogs."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.config.attributes import Attributes, Part, Problem
from pi_drivers.config.example import Example
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.host import header
from pi_drivers.models.board.analog_config import AnalogConfig, same_place_problems
from pi_drivers.models.board.header_pins import PinSettings


class PinConfig(Part):
    """One pin with a name of the user's."""

    name: str | None = Field(default=None, min_length=1, description="A name of your own; absent: the pin's.")
    pin: PinName = Field(description='The pin: physical number ("11"), "GPIO17", or a function such as "sda".')
    type: Literal["gpio", "interrupt"] = Field(default="gpio", description="Plain pin or digital interrupt.")
    pull: Literal["up", "down", "none"] = Field(default="none", description="The pull resistor of an input.")
    active_low: bool = Field(default=False, description="Low counts as high, for inputs and outputs.")
    debounce_ms: float = Field(
        default=0, ge=0, le=1000, description="How long a level must hold before its edge counts, in ms."
    )
    initial: Literal["low", "high"] | None = Field(
        default=None, description="Make the pin an output at this level when the board starts."
    )

    def problems(self) -> Iterator[Problem]:
        """An interrupt is an input, and has no first level."""
        yield from super().problems()
        if self.type == "interrupt" and self.given("initial"):
            yield Problem("initial", "an interrupt is an input and has no initial level")


class InterruptConfig(Part):
    """One digital interrupt, as viam-server's own boards write it."""

    name: str = Field(min_length=1, description="The interrupt's name.")
    pin: PinName = Field(description="The pin, as in `pins`.")


class PiBoardConfig(Attributes):
    """The attributes of `board`."""

    EXAMPLE: ClassVar[Example] = Example(
        "pi",
        {
            "pins": [
                {
                    "name": "button",
                    "pin": "11",
                    "type": "interrupt",
                    "pull": "up",
                    "active_low": True,
                    "debounce_ms": 5,
                },
                {"name": "led", "pin": "13"},
                {"name": "relay", "pin": "15", "initial": "low"},
            ]
        },
    )

    pins: tuple[PinConfig, ...] = Field(default=(), description="Pins with names or settings of their own.")
    digital_interrupts: tuple[InterruptConfig, ...] = Field(default=(), description="Digital interrupts.")
    analogs: tuple[AnalogConfig, ...] = Field(
        default=(), description="Inputs of converters that are wired to the Pi, which has none of its own."
    )

    def problems(self) -> Iterator[Problem]:
        """Names are unique and pins exist; a pin may be listed once in each of the two lists."""
        yield from super().problems()
        yield from self._name_problems()
        for key, entries in self._lists():
            paths = {f"{key}[{i}].pin": entry.pin for i, entry in enumerate(entries) if entry is not None}
            yield from header_pin_problems(paths, None)
        yield from same_place_problems(self.analogs or ())

    def _lists(self) -> tuple[tuple[str, Sequence["PinConfig | InterruptConfig | None"]], ...]:
        return (("pins", self.pins or ()), ("digital_interrupts", self.digital_interrupts or ()))

    def _name_problems(self) -> Iterator[Problem]:
        seen: dict[str, str] = {}
        for key, entries in (*self._lists(), ("analogs", self.analogs or ())):
            for i, entry in enumerate(entries):
                name = entry.name if entry is not None else None
                if name is None:
                    continue
                if name in seen:
                    yield Problem(f"{key}[{i}].name", f'"{name}" is the name of {seen[name]} already')
                seen.setdefault(name, f"{key}[{i}]")


def named_pins(settings: PiBoardConfig) -> dict[str, PinSettings]:
    """The pins a board's config describes, by the user's names and by the pin's own."""
    named: dict[str, PinSettings] = {}
    for pin in settings.pins:
        described = PinSettings(header.resolve(pin.pin), Pull(pin.pull), pin.active_low, round(pin.debounce_ms * 1000))
        named[pin.pin] = described
        if pin.name is not None:
            named[pin.name] = described
    by_offset = {pin.offset: pin for pin in named.values()}
    for interrupt in settings.digital_interrupts:
        offset = header.resolve(interrupt.pin)
        named[interrupt.name] = by_offset.get(offset, PinSettings(offset))
    return named


def interrupt_names(settings: PiBoardConfig) -> list[str]:
    """The pins that are interrupts from the beginning."""
    listed = [pin.pin for pin in settings.pins if pin.type == "interrupt"]
    return listed + [interrupt.pin for interrupt in settings.digital_interrupts]
