"""What a Pi still lacks for its drivers: each finding with the command or the line that mends it.

It looks, and changes nothing. Everything is read from files that every Pi OS has, so that it can be asked at any time,
by any user, without starting another program.
"""

import grp
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CONFIG_FILES = ("boot/firmware/config.txt", "boot/config.txt")
"""Since Pi OS bookworm, and before."""
GROUPS = ("gpio", "i2c", "spi", "dialout", "video")
THROTTLED = "sys/devices/platform/soc*/soc*firmware/get_throttled"
UNDER_VOLTAGE_NOW, CAPPED_NOW, THROTTLED_NOW, TOO_HOT_NOW = 1 << 0, 1 << 1, 1 << 2, 1 << 3
SINCE_BOOT_SHIFT = 16
"""The same four since the Pi was started (raspberrypi.com, documentation of vcgencmd get_throttled)."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str
    mend: str = ""
    """The command to run, or the line for config.txt; empty where nothing is to be done."""


def diagnose(root: Path = Path("/")) -> list[Finding]:
    """Look at this machine. Reads some small files: for a thread, or for where a millisecond does not matter.

    Args:
        root: where the files are.
    """
    look = _Look(root)
    return [*look.machine(), *look.buses(), *look.pwm(), *look.groups(), *look.power()]


class _Look:
    """One look at one machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        path = next((root / name for name in CONFIG_FILES if (root / name).exists()), root / CONFIG_FILES[0])
        self._config_path = "/" + str(path.relative_to(root))
        self._config = [line.split("#")[0].strip() for line in _text(path).splitlines()]

    def machine(self) -> Iterator[Finding]:
        """Which machine this is."""
        model = _text(self._root / "proc/device-tree/model").strip("\0\n ")
        if "Raspberry Pi" in model:
            yield Finding("machine", ok=True, found=model)
        else:
            yield Finding("machine", ok=False, found=model or "no Raspberry Pi", mend='set "backend": "mock"')

    def buses(self) -> Iterator[Finding]:
        """The buses that have to be switched on."""
        yield self._devices("I2C", "dev/i2c-*", "sudo raspi-config nonint do_i2c 0")
        yield self._devices("SPI", "dev/spidev*", "sudo raspi-config nonint do_spi 0")
        yield self._devices("UART", "dev/serial0", "sudo raspi-config nonint do_serial_hw 0")
        console = [word for word in _text(self._root / "proc/cmdline").split() if word.startswith("console=")]
        in_the_way = [word for word in console if word[len("console=") :].startswith(("ttyAMA", "ttyS", "serial"))]
        if in_the_way:
            mend = "sudo raspi-config nonint do_serial_cons 1"
            yield Finding(
                "serial console", ok=False, found=f"the kernel writes to the UART ({in_the_way[0]})", mend=mend
            )
        else:
            yield Finding("serial console", ok=True, found="not on the UART")
        if (self._root / "sys/bus/w1").exists():
            sensors = sorted(path.name for path in (self._root / "sys/bus/w1/devices").glob("[0-9a-f][0-9a-f]-*"))
            yield Finding("1-Wire", ok=True, found=", ".join(sensors) or "on, no sensor found")
        else:
            yield self._line("1-Wire", "dtoverlay=w1-gpio")

    def pwm(self) -> Iterator[Finding]:
        """The PWM block: without its overlay pulses are timed by software, which works as well."""
        lines = [line for line in self._config if line.startswith("dtoverlay=pwm")]
        found = ", ".join(lines) or f"no overlay in {self._config_path}: pulses are timed by software"
        mend = "" if lines else f"dtoverlay=pwm-2chan in {self._config_path}, for steadier pulses on GPIO18 and GPIO19"
        yield Finding("hardware PWM", ok=True, found=found, mend=mend)

    def groups(self) -> Iterator[Finding]:
        """The groups whose members may open the devices."""
        if os.geteuid() == 0:
            yield Finding("groups", ok=True, found="this is root, which may open every device")
            return
        mine = {_group_name(number) for number in {*os.getgroups(), os.getegid()}}
        missing = [name for name in GROUPS if name not in mine]
        if missing:
            mend = f"sudo usermod -aG {','.join(missing)} $USER, then log in anew"
            yield Finding("groups", ok=False, found=f"not in {', '.join(missing)}", mend=mend)
        else:
            yield Finding("groups", ok=True, found=f"in {', '.join(GROUPS)}")

    def power(self) -> Iterator[Finding]:
        """Whether the Pi gets enough power, and stays cool enough."""
        path = next(self._root.glob(THROTTLED), None)
        text = _text(path).strip() if path is not None else ""
        try:
            state = int(text, 16)
        except ValueError:
            return  # this kernel does not say
        now, since = _troubles(state), _troubles(state >> SINCE_BOOT_SHIFT)
        mend = "a supply that holds 5 V under load, with a short thick cable; a heat sink"
        if now or since:
            said = [f"now: {', '.join(now)}"] if now else []
            said += [f"since the start: {', '.join(since)}"] if since else []
            yield Finding("power", ok=not now, found="; ".join(said), mend=mend)
        else:
            yield Finding("power", ok=True, found="never short of it since the start")

    def _devices(self, what: str, pattern: str, mend: str) -> Finding:
        found = sorted(f"/{path.relative_to(self._root)}" for path in self._root.glob(pattern))
        if found:
            return Finding(what, ok=True, found=", ".join(found))
        return Finding(what, ok=False, found="off", mend=mend)

    def _line(self, what: str, line: str) -> Finding:
        if any(mine.startswith(line) for mine in self._config):
            return Finding(what, ok=False, found=f"{line} is in {self._config_path} and not loaded", mend="reboot")
        return Finding(what, ok=False, found="off", mend=f"{line} in {self._config_path}, then reboot")


def _troubles(bits: int) -> list[str]:
    names = {
        UNDER_VOLTAGE_NOW: "under-voltage",
        CAPPED_NOW: "frequency capped",
        THROTTLED_NOW: "throttled",
        TOO_HOT_NOW: "near its temperature limit",
    }
    return [name for bit, name in names.items() if bits & bit]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
