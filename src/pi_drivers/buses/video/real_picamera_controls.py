"""The controls of a CSI camera, as libcamera has them.

Each has a lowest, a highest and a usual value, and their type is that of the control. What a control is at present
stands in the metadata of each picture, for those that the camera reports; others are what they were set to.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pi_drivers.buses.video.contract import Automatic, Control

COMPOUND = frozenset({
    "AfWindows", "ColourCorrectionMatrix", "ColourGains", "FrameDurationLimits", "ScalerCrop", "ScalerCrops",
})  # fmt: skip
"""Several numbers each; the frame durations go by the frame rate."""

AUTOMATIC: dict[str, Automatic] = {
    "ExposureTime": ("AeEnable", (0,)),
    "AnalogueGain": ("AeEnable", (0,)),
    "ColourTemperature": ("AwbEnable", (0,)),
    "LensPosition": ("AfMode", (0,)),
}
"""The control that does it by itself, and its values when it does not. libcamera ignores the first while the second is
on, and does not say so."""

CLOSE = 0.02
"""Exposure times go by whole lines of the sensor, gains by its steps."""


def controls_of(
    ranges: Mapping[str, tuple[Any, Any, Any]],
    values: Mapping[str, float],
    choices_of: Callable[[str], Mapping[int, str]],
) -> list[Control]:
    """All controls of one number, with their values.

    Args:
        ranges: by name, the lowest, the highest and the usual value, as picamera2 has them.
        values: by name, those that are known.
        choices_of: the names of a control's values.
    """
    controls = [
        _control(name, limits, values.get(name), choices_of)
        for name, limits in sorted(ranges.items())
        if name not in COMPOUND and isinstance(limits[0], int | float) and isinstance(limits[1], int | float)
    ]
    now = {control.name: control.value for control in controls}
    return [_with_activity(control, now) for control in controls]


def native(control: Control, value: float) -> bool | int | float:
    """A value in the type that libcamera wants."""
    if control.kind == "boolean":
        return bool(value)
    return float(value) if control.kind == "number" else int(value)


def numbers_in(metadata: Mapping[str, Any]) -> dict[str, float]:
    """What a picture's metadata say in single numbers."""
    return {name: float(value) for name, value in metadata.items() if isinstance(value, int | float)}


def is_near(value: float, wanted: float) -> bool:
    """Whether a control came as near to a value as it can."""
    return abs(value - wanted) <= CLOSE * abs(wanted)


def _control(
    name: str, limits: tuple[Any, Any, Any], value: float | None, choices_of: Callable[[str], Mapping[int, str]]
) -> Control:
    low, high, usual = limits
    if usual is None:
        usual = high if isinstance(low, bool) else low  # switches without one are automatisms, and those are on
    default = float(usual)
    now = default if value is None else value
    if isinstance(low, bool):
        return Control(name, "boolean", 0, 1, 1, default, now)
    if isinstance(low, float) or isinstance(high, float):
        return Control(name, "number", low, high, 0, default, now)
    choices = {number: text for number, text in choices_of(name).items() if low <= number <= high}
    return Control(name, "menu" if choices else "integer", low, high, 1, default, now, choices)


def _with_activity(control: Control, now: Mapping[str, float]) -> Control:
    switch, manual = AUTOMATIC.get(control.name, ("", ()))
    if switch not in now:
        return control
    return replace(control, automatic=(switch, manual), inactive=now[switch] not in manual)
