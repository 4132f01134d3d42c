"""What can be set on a camera, as people write and read it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pi_drivers.buses.video.contract import Control, VideoDevice, VideoMode
from pi_drivers.buses.video.ranges import check_value, find_control, inactive, range_of
from pi_drivers.config.wording import shown
from pi_drivers.errors import ArgumentError

RANKS = ("boolean", "menu", "integer", "number", "button")
"""The order in which controls are set: what switches an automatism off comes before what it would overrule."""
SWITCHES = ("boolean", "menu")


def apply_controls(device: VideoDevice, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Set controls, all of them or, where one cannot be had, none; on the camera's thread.

    Whether one has an effect is seen beforehand, with those in mind that are set together with it. Of one that has none
    now, and nobody knows why, only the camera can tell once the switches and menus are set: these stay set if it
    refuses.

    Returns:
        What the camera then has, read back from it.

    Raises:
        ArgumentError: there is no such control, it cannot have this value, or it would have no effect; the message
            has what it can have, or what to set besides.
    """
    if not wanted:
        return {}
    there = device.controls()
    settings = [_setting(device.place, there, name, value) for name, value in wanted.items()]
    before = {control.name: control for control in there}
    changes = {control.name: value for control, value in settings}
    for control, _ in settings:
        if _will_be_inactive(control, before, changes):
            raise inactive(device.place, control)
    # By name within a rank: on the wire the members of an object have no order.
    settings.sort(key=lambda setting: (RANKS.index(setting[0].kind), setting[0].name))
    return {control.name: _shown_value(control, device.set_control(control.name, value)) for control, value in settings}


def _setting(place: str, there: Sequence[Control], name: str, value: object) -> tuple[Control, float]:
    """A control, and the value that it is to have."""
    control = find_control(place, there, name)
    number = number_of(control, value, place)
    check_value(place, control, number)
    return control, number


def number_of(control: Control, value: object, place: str) -> float:
    """A control's value as the camera has it. Raises: ArgumentError: it means nothing to this control."""
    if isinstance(value, bool) and control.kind in {"boolean", "button"}:
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    if isinstance(value, str) and control.kind == "menu":
        for number, text in control.choices.items():
            if text.lower() == value.lower():
                return number
    raise ArgumentError(f"{place}: {control.name} must be {range_of(control)}, got {shown(value)}")


def _will_be_inactive(control: Control, before: Mapping[str, Control], changes: Mapping[str, float]) -> bool:
    """Whether it is certain that a control has no effect once others are set."""
    if control.automatic is None:
        others = changes.keys() - {control.name}
        return control.inactive and not any(before[name].kind in SWITCHES for name in others)
    switch, manual = control.automatic
    if switch not in changes or changes[switch] == before[switch].value:
        return control.inactive
    return changes[switch] not in manual


def control_entry(control: Control) -> dict[str, Any]:
    """A control as the command `controls` lists it."""
    entry: dict[str, Any] = {
        "kind": control.kind,
        "value": _shown_value(control, control.value),
        "default": _shown_value(control, control.default),
        "range": range_of(control),
    }
    if control.inactive:
        entry["inactive"] = True
    if control.read_only:
        entry["read_only"] = True
    return entry


def mode_entry(mode: VideoMode) -> dict[str, Any]:
    """A mode as the command `modes` lists it."""
    entry: dict[str, Any] = {"format": mode.pixel_format}
    if mode.smallest == mode.largest:
        entry |= {"width_px": mode.largest[0], "height_px": mode.largest[1]}
    else:
        entry |= {"smallest_px": list(mode.smallest), "largest_px": list(mode.largest), "step_px": list(mode.step)}
    if mode.frame_rates:
        entry["frame_rates"] = list(mode.frame_rates)
    if mode.rate_range is not None:
        entry["any_frame_rate_between"] = list(mode.rate_range)
    return entry


def _shown_value(control: Control, value: float) -> bool | float:
    return bool(value) if control.kind == "boolean" else value
