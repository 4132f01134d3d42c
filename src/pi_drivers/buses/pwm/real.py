"""The PWM block of a real Pi, through the files of /sys/class/pwm.

The block is the same on all models up to the Pi 4 and another one on the Pi 5; both show up as a `pwmchip`
with numbered channels once an overlay in config.txt switches them on. Which GPIO the overlay connected is
read from the device tree, as far as the standard overlays `pwm` and `pwm-2chan` tell it; after any other
overlay it cannot be known (only root can read the pins' functions), and every GPIO of a PWM chip that is on
counts as connected.

The kernel does not say who uses a channel. Processes of this package keep out of each other's way by a file
lock, which ends with its process; other programs are not noticed.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pi_drivers.buses.files import found
from pi_drivers.buses.pwm.contract import BCM_CHANNELS, RP1_CHANNELS, HardwarePwm, PwmChannel
from pi_drivers.buses.pwm.overlay import overlay_line
from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    BusPermissionError,
    ClaimedError,
    ClosedError,
    DriverError,
)
from pi_drivers.runtime.keeper import Keep, TextsIn, keep_nothing

CHIPS: Mapping[str, Mapping[int, int]] = {
    "2020c000.pwm": BCM_CHANNELS,  # Pi 1 and Zero
    "3f20c000.pwm": BCM_CHANNELS,  # Pi 2, 3 and Zero 2
    "fe20c000.pwm": BCM_CHANNELS,  # Pi 4; fe20c800.pwm makes the analog audio
    "1f00098000.pwm": RP1_CHANNELS,  # Pi 5; 1f0009c000.pwm turns the fan
}
"""The header's PWM block by the name of its device."""

OVERLAY_NODES = ("soc/gpio@*/pwm_pins", "axi/*/rp1/gpio@*/pwm_pins", "axi/*/*/gpio@*/pwm_pins")
"""Where the overlays write the GPIOs they connect, below the device tree's root."""

REST_PERIOD_NS = 1_000_000
"""The period behind a high level at rest; any will do."""

REST_LOW = (("duty_cycle", "0"), ("enable", "0"))
REST_HIGH = (("duty_cycle", "0"), ("period", str(REST_PERIOD_NS)), ("duty_cycle", str(REST_PERIOD_NS)), ("enable", "1"))
"""What brings a channel to rest whatever state it is in. On its way to high it is low for a moment, for the kernel
refuses a period that is shorter than the pulse."""


class Place(NamedTuple):
    """A channel in sysfs."""

    chip: Path
    channel: int

    @property
    def directory(self) -> Path:
        """The channel's files, which exist once it is exported."""
        return self.chip / f"pwm{self.channel}"


class SysfsPwm(HardwarePwm):
    """The PWM block of this machine. Used on one thread."""

    def __init__(
        self,
        root: Path = Path("/sys/class/pwm"),
        device_tree: Path = Path("/proc/device-tree"),
        *,
        keep: Keep = keep_nothing,
    ) -> None:
        """`keep` sees to it that channels are brought to rest when this process dies."""
        self._root = root
        self._device_tree = device_tree
        self._keep = keep
        self._open: dict[Path, SysfsPwmChannel] = {}

    def available(self, offset: int) -> bool:
        place = self._place(offset)
        return place is not None and place.directory not in self._open

    def overlay_line(self, offset: int, beside: Iterable[int] = ()) -> str | None:
        return overlay_line(offset, {*beside, *(self._connected() or ())})

    def open(self, offset: int, *, rest_high: bool = False) -> PwmChannel:
        place = self._place(offset)
        if place is None:
            raise BusAbsentError(self._not_connected(offset))
        if place.directory in self._open:
            raise ClaimedError(f"GPIO{offset}: PWM channel {place.channel} is in use in this process")
        _export(offset, place)
        channel = SysfsPwmChannel(
            offset, place.directory, rest_high, self._keep, lambda: self._open.pop(place.directory, None)
        )
        self._open[place.directory] = channel
        return channel

    def _place(self, offset: int) -> Place | None:
        connected = self._connected()
        if connected is not None and offset not in connected:
            return None
        for chip in sorted(found(self._root, "pwmchip*")):
            channels = CHIPS.get((chip / "device").resolve().name, {})
            if offset in channels:
                return Place(chip, channels[offset])
        return None

    def _connected(self) -> frozenset[int] | None:
        """The GPIOs that the standard overlays connect; None when none of them is loaded."""
        for pattern in OVERLAY_NODES:
            for node in found(self._device_tree, pattern):
                cells = (node / "brcm,pins").read_bytes()
                return frozenset(int.from_bytes(cells[at : at + 4]) for at in range(0, len(cells), 4))
        return None

    def _not_connected(self, offset: int) -> str:
        line = self.overlay_line(offset)
        if line is None:
            return f"GPIO{offset} cannot have hardware PWM; only GPIO12, 13, 18 and 19 can"
        return (
            f"GPIO{offset} is not connected to the PWM block. Put {line} into /boot/firmware/config.txt (instead of "
            "another pwm overlay, should there be one) and reboot."
        )


class SysfsPwmChannel(PwmChannel):
    """One channel. It stays exported when closed, because the permissions of a new export take udev a moment."""

    def __init__(
        self, offset: int, directory: Path, rest_high: bool, keep: Keep, give_back: Callable[[], object]
    ) -> None:
        self._offset = offset
        self._directory = directory
        self._rest_high = rest_high
        self._give_back = give_back
        self._lock = self._take()
        try:
            # What a predecessor left running runs on until the first `set`: a servo must not twitch.
            self._values = {name: int(self._read(name)) for name in ("period", "duty_cycle", "enable")}
            if self._read("polarity") != "normal":
                self._write("enable", 0)
                (directory / "polarity").write_text("normal")
        except OSError as error:
            os.close(self._lock)
            raise _error(offset, directory, error) from error
        self._forget = keep(TextsIn(directory, REST_HIGH if rest_high else REST_LOW))

    def set(self, period_ns: int, pulse_ns: int) -> None:
        self._check_open()
        if not 0 <= pulse_ns <= period_ns or period_ns == 0:
            raise ArgumentError(f"GPIO{self._offset}: a pulse of {pulse_ns} ns does not fit a period of {period_ns} ns")
        # At every step the kernel refuses a pulse that is longer than the period.
        steps = [("period", period_ns), ("duty_cycle", pulse_ns)]
        if period_ns < self._values["duty_cycle"]:
            steps.reverse()
        try:
            for name, value in (*steps, ("enable", 1)):
                self._write(name, value)
        except OSError as error:
            raise _error(self._offset, self._directory, error) from error

    def close(self) -> None:
        if self._lock < 0:
            return
        try:
            self._rest()
            self._forget()
        finally:
            os.close(self._lock)
            self._lock = -1
            self._give_back()

    def _rest(self) -> None:
        if self._rest_high:
            self.set(REST_PERIOD_NS, REST_PERIOD_NS)
            return
        try:
            self._write("duty_cycle", 0)
            self._write("enable", 0)
        except OSError as error:
            raise _error(self._offset, self._directory, error) from error

    def _take(self) -> int:
        descriptor = -1
        try:
            descriptor = os.open(self._directory / "period", os.O_RDWR | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise ClaimedError(f"GPIO{self._offset}: another process uses {self._directory}") from error
        except OSError as error:
            raise _error(self._offset, self._directory, error) from error
        return descriptor

    def _read(self, name: str) -> str:
        return (self._directory / name).read_text().strip()

    def _write(self, name: str, value: int) -> None:
        if self._values[name] != value:
            (self._directory / name).write_text(str(value))
            self._values[name] = value

    def _check_open(self) -> None:
        if self._lock < 0:
            raise ClosedError(f"GPIO{self._offset}: the PWM channel was let go")


def _export(offset: int, place: Place) -> None:
    if place.directory.exists():
        return
    try:
        (place.chip / "export").write_text(str(place.channel))
    except OSError as error:
        raise _error(offset, place.chip, error) from error


def _error(offset: int, path: Path, error: OSError) -> DriverError:
    """What the kernel's answer means."""
    if error.errno == errno.EBUSY:
        return ClaimedError(
            f"GPIO{offset}: a kernel driver uses its channel of {path} (audio, a fan, an infrared LED?)"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return BusPermissionError(
            f"GPIO{offset}: this user may not write to {path}. Permissions come a moment after the first use: try "
            "again in a second. If that does not help, run sudo usermod -aG gpio $USER and log in again."
        )
    return BusError(f"GPIO{offset}: the kernel refused ({path}): {error.strerror}")
