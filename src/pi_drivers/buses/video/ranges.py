"""The values a camera's controls take, checked in one place for every back end, before anything is set."""

from collections.abc import Iterable

from pi_drivers.buses.video.contract import Control
from pi_drivers.config.wording import did_you_mean, shown
from pi_drivers.errors import ArgumentError


def find_control(place: str, controls: Iterable[Control], name: str) -> Control:
    """One of a camera's controls. Raises: ArgumentError: it has none of this name; the message has those it has."""
    there = {control.name: control for control in controls}
    if name in there:
        return there[name]
    has = ", ".join(sorted(there)) or "none"
    raise ArgumentError(f"{place}: the camera has no control {shown(name)}{did_you_mean(name, there)}; it has: {has}")


def check_value(place: str, control: Control, value: float) -> None:
    """Raises: ArgumentError: the control cannot have this value; the message says what it can have."""
    if control.read_only:
        raise ArgumentError(f"{place}: {control.name} can be read only")
    whole = control.kind != "number"
    is_fit = control.minimum <= value <= control.maximum and not (whole and value != int(value))
    if control.kind == "menu":
        is_fit = value in control.choices
    elif is_fit and whole and control.step > 1:
        is_fit = (value - control.minimum) % control.step == 0
    if not is_fit:
        raise ArgumentError(f"{place}: {control.name} must be {range_of(control)}, got {value:g}")


def range_of(control: Control) -> str:
    """What a control can have, in words."""
    if control.kind == "menu":
        return " or ".join(f'{value} ("{name}")' for value, name in sorted(control.choices.items()))
    if control.kind == "boolean":
        return "0 (off) or 1 (on)"
    steps = f" in steps of {control.step:g}" if control.step > 1 else ""
    return f"{control.minimum:g} to {control.maximum:g}{steps}"
