"""The values a camera's controls take, checked in one place for every back end, before anything is set."""

from collections.abc import Collection, Iterable

from pi_drivers.buses.video.contract import Control
from pi_drivers.config.wording import did_you_mean, shown
from pi_drivers.errors import ArgumentError

LARGEST_WRITTEN_OUT = 10**15


def find_control(place: str, controls: Iterable[Control], name: str) -> Control:
    """One of a camera's controls. Raises: ArgumentError: it has none of this name; the message has those it has."""
    there = {control.name: control for control in controls}
    if name not in there:
        raise unknown_control(place, there, name)
    return there[name]


def unknown_control(place: str, there: Collection[str], name: str) -> ArgumentError:
    """The camera has no control of this name, but these."""
    has = ", ".join(sorted(there)) or "none"
    return ArgumentError(f"{place}: the camera has no control {shown(name)}{did_you_mean(name, there)}; it has: {has}")


def check_value(place: str, control: Control, value: float) -> None:
    """Raises: ArgumentError: the control cannot have this value; the message says what it can have."""
    if control.read_only:
        raise ArgumentError(f"{place}: {control.name} can be read only")
    whole = control.kind != "number"
    is_fit = control.minimum <= value <= control.maximum and not (whole and value != int(value))
    if control.kind == "menu":
        is_fit = value in control.choices
    elif control.kind == "button":
        is_fit = value == 1
    elif is_fit and whole and control.step > 1:
        is_fit = (value - control.minimum) % control.step == 0
    if not is_fit:
        kind = "a whole number, " if control.kind == "integer" and value % 1 else ""
        raise ArgumentError(f"{place}: {control.name} must be {kind}{range_of(control)}, got {as_text(value)}")


def inactive(place: str, control: Control) -> ArgumentError:
    """A control has no effect while another one does it by itself, as far as it is known which."""
    no_effect = f"{place}: {control.name} has no effect"
    if control.automatic is None:
        return ArgumentError(f"{no_effect} as the camera's other controls are now; is one automatic?")
    switch, manual = control.automatic
    return ArgumentError(f"{no_effect} while the camera does that by itself: set {switch} to {manual[0]:g} first")


def range_of(control: Control) -> str:
    """What a control can have, in words."""
    if control.kind == "menu":
        return " or ".join(f'{value} ("{name}")' for value, name in sorted(control.choices.items()))
    if control.kind == "boolean":
        return "0 (off) or 1 (on)"
    if control.kind == "button":
        return "1 or true, which presses it"
    steps = f" in steps of {as_text(control.step)}" if control.step > 1 else ""
    return f"{as_text(control.minimum)} to {as_text(control.maximum)}{steps}"


def as_text(value: float) -> str:
    """A number as people write it: whole ones with all their digits, unless they have very many."""
    return f"{int(value)}" if abs(value) < LARGEST_WRITTEN_OUT and value == int(value) else f"{value:g}"
