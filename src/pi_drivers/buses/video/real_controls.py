"""What can be set on a camera of V4L2: exposure, gain, focus and whatever else its driver has."""

import ctypes
import errno
import re
from collections.abc import Collection, Iterator
from typing import Literal

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.contract import Automatic, Control
from pi_drivers.buses.video.ranges import check_value, inactive, range_of, unknown_control
from pi_drivers.buses.video.real_control_list import NO_MORE, SILENT, list_controls
from pi_drivers.buses.video.real_file import VideoFile
from pi_drivers.errors import DriverError

KINDS: dict[int, Literal["integer", "boolean", "menu", "button"]] = {
    v4l2.CONTROL_INTEGER: "integer",
    v4l2.CONTROL_INTEGER64: "integer",
    v4l2.CONTROL_BOOLEAN: "boolean",
    v4l2.CONTROL_MENU: "menu",
    v4l2.CONTROL_INTEGER_MENU: "menu",
    v4l2.CONTROL_BUTTON: "button",
}
"""Others are texts, sets of bits, tables, and headings."""

AUTOMATICS: dict[str, Automatic] = {
    "exposure_time_absolute": ("auto_exposure", (1, 2)),
    "white_balance_temperature": ("white_balance_automatic", (0,)),
    "red_balance": ("white_balance_automatic", (0,)),
    "blue_balance": ("white_balance_automatic", (0,)),
    "focus_absolute": ("focus_automatic_continuous", (0,)),
    "gain": ("gain_automatic", (0,)),
    "hue": ("hue_automatic", (0,)),
}
"""Which control sets another one by itself. With shutter priority (2) a camera is told its exposure time."""

LONGEST_MENU = 512


class Controls:
    """The controls of one camera. One thread at a time."""

    def __init__(self, file: VideoFile) -> None:
        self._file = file

    def all(self) -> list[Control]:
        """All that it has and tells the value of.

        Raises:
            BusAbsentError, BusError: it cannot be asked.
        """
        infos = {name_of(info): info for info in self._infos()}
        described = ((info, self._value_of(info)) for info in infos.values())
        return [self._control(info, value, infos) for info, value in described if value is not None]

    def set(self, name: str, value: float) -> float:
        """Set one; returns what the camera has then.

        Raises:
            ArgumentError: there is none, it cannot have this value, or has no effect at present.
            ClaimedError: it cannot be changed while the camera runs.
            BusAbsentError, BusError: it cannot be set.
        """
        infos = {name_of(info): info for info in self._infos()}
        if name not in infos:
            raise unknown_control(self._file.place, infos, name)
        info = infos[name]
        control = self._control(info, info.default_value, infos)
        check_value(self._file.place, control, value)
        if control.inactive:
            raise inactive(self._file.place, control)
        refusal = self._write(info, round(value))
        if refusal == errno.EACCES:
            raise inactive(self._file.place, control)
        if refusal:
            raise _refused(self._file.place, control, value, refusal)
        now = self._value_of(info)
        return value if now is None else now

    def _infos(self) -> Iterator[v4l2.ControlInfo]:
        for info in list_controls(self._file):
            if info.type in KINDS and not info.flags & (v4l2.CONTROL_DISABLED | v4l2.CONTROL_HAS_PAYLOAD):
                yield info

    def _choices(self, info: v4l2.ControlInfo) -> dict[int, str]:
        return dict(self._menu_of(info)) if KINDS[info.type] == "menu" else {}

    def _menu_of(self, info: v4l2.ControlInfo) -> Iterator[tuple[int, str]]:
        for index in range(info.minimum, min(info.maximum, info.minimum + LONGEST_MENU) + 1):
            item = v4l2.MenuItem(id=info.id, index=index)
            # Menus have gaps: a camera need not have all that its kind of control has names for.
            if self._file.ask(v4l2.QUERYMENU, item, "list the choices of a control", expected=(*NO_MORE, *SILENT)):
                continue
            is_number = info.type == v4l2.CONTROL_INTEGER_MENU
            yield index, str(item.value) if is_number else item.name.decode("utf-8", errors="replace")

    def _value_of(self, info: v4l2.ControlInfo) -> int | None:
        """Its value now; None where the camera does not tell, 0 where it has none."""
        if info.flags & v4l2.CONTROL_WRITE_ONLY or info.type == v4l2.CONTROL_BUTTON:
            return 0
        entry, request = _request(info)
        unknown = (*NO_MORE, *SILENT, errno.EACCES)
        if self._file.ask(v4l2.G_EXT_CTRLS, request, f"tell its {name_of(info)}", expected=unknown):
            return None
        return int(entry.value64 if info.type == v4l2.CONTROL_INTEGER64 else entry.value)

    def _write(self, info: v4l2.ControlInfo, value: int) -> int:
        """0, or the kernel's refusal."""
        entry, request = _request(info)
        if info.type == v4l2.CONTROL_INTEGER64:
            entry.value64 = value
        else:
            entry.value = value
        refusals = (errno.EACCES, errno.EBUSY, errno.ERANGE, errno.EINVAL)
        return self._file.ask(v4l2.S_EXT_CTRLS, request, f"set its {name_of(info)}", expected=refusals)

    def _control(self, info: v4l2.ControlInfo, value: float, there: Collection[str]) -> Control:
        automatic = AUTOMATICS.get(name_of(info))
        return Control(
            name=name_of(info),
            kind=KINDS[info.type],
            minimum=info.minimum,
            maximum=1 if info.type == v4l2.CONTROL_BUTTON else info.maximum,
            step=info.step,
            default=info.default_value,
            value=value,
            choices=self._choices(info),
            inactive=bool(info.flags & v4l2.CONTROL_INACTIVE),
            read_only=bool(info.flags & v4l2.CONTROL_READ_ONLY),
            automatic=automatic if automatic is not None and automatic[0] in there else None,
        )


def name_of(info: v4l2.ControlInfo) -> str:
    """A control's name as `v4l2-ctl` writes it: `White Balance, Automatic` is `white_balance_automatic`."""
    return re.sub(r"[^a-z0-9]+", "_", info.name.decode("ascii", errors="replace").lower()).strip("_")


def _request(info: v4l2.ControlInfo) -> tuple[v4l2.ControlValue, v4l2.ControlValues]:
    """A control's value, and the request for it, which points to it."""
    entry = v4l2.ControlValue(id=info.id)
    return entry, v4l2.ControlValues(count=1, controls=ctypes.pointer(entry))


def _refused(place: str, control: Control, value: float, refusal: int) -> DriverError:
    if refusal == errno.EBUSY:
        return answers.fixed_while_running(place, control.name)
    return answers.refused_value(place, control.name, value, range_of(control))
