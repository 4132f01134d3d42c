"""How the computer itself is doing: heat, power, load, memory, disk and Wi-Fi, from the kernel's files.

No program is started and nothing is asked of the firmware directly, so that any user may look at any time. What a
machine does not tell is None: a laptop has no throttling state, a Pi on a cable no Wi-Fi.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pi_drivers.buses.files import found

UNDER_VOLTAGE, CAPPED, THROTTLED, SOFT_LIMIT = 1 << 0, 1 << 1, 1 << 2, 1 << 3
"""The bits of `throttled`: now (raspberrypi.com, documentation of vcgencmd get_throttled)."""
SINCE_BOOT_SHIFT = 16
"""The same four since the Pi was started."""

THROTTLED_FILE = "sys/devices/platform/soc*/soc*firmware/get_throttled"
UNDER_VOLTAGE_ALARM = "in0_lcrit_alarm"
"""Of the hwmon device `rpi_volt` (drivers/hwmon/raspberrypi-hwmon.c)."""
CPU_ZONES = ("cpu-thermal", "cpu_thermal", "soc-thermal", "x86_pkg_temp")
IDLE_FIELDS = (3, 4)
"""Idle and waiting for a disk, in the first line of /proc/stat (proc(5))."""
COUNTED_FIELDS = 8
"""What follows is the time of guests, which is in the first ones as well (proc(5))."""


@dataclass(frozen=True)
class Vitals:
    """One look at a machine. None: it does not say."""

    machine: str | None = None
    temperature_c: float | None = None
    throttled: int | None = None
    """Bits, see `UNDER_VOLTAGE` and the others."""
    under_voltage: bool | None = None
    """In the last seconds; told by kernels that may not tell the rest."""
    load: tuple[float, float, float] | None = None
    """Processes that ran or wanted to, on average over 1, 5 and 15 minutes."""
    cpu_ticks: tuple[int, int] | None = None
    """Busy and all, since boot: two looks make a use."""
    cpu_frequency_mhz: float | None = None
    memory_total_mib: float | None = None
    memory_available_mib: float | None = None
    """What programs can still have: free, or cache that would be given up for them."""
    disk_total_gib: float | None = None
    disk_used_gib: float | None = None
    disk_free_gib: float | None = None
    """What a user who is not root can still write."""
    uptime_s: float | None = None
    wifi_signal_dbm: float | None = None
    fan_rpm: float | None = None


def read_vitals(disk: str = "/", root: Path = Path("/")) -> Vitals:
    """Look at this machine. Blocking: some twenty small files.

    Args:
        disk: any path on the file system whose space counts.
        root: where the kernel's files are.
    """
    look = _Look(root)
    memory = look.memory()
    space = _disk(disk)
    return Vitals(
        machine=look.text("proc/device-tree/model").strip("\0\n ") or None,
        temperature_c=look.temperature(),
        throttled=look.throttled(),
        under_voltage=look.under_voltage(),
        load=look.load(),
        cpu_ticks=look.cpu_ticks(),
        cpu_frequency_mhz=_scaled(look.number("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"), 1e-3),
        memory_total_mib=memory.get("MemTotal"),
        memory_available_mib=memory.get("MemAvailable"),
        disk_total_gib=space[0],
        disk_used_gib=space[1],
        disk_free_gib=space[2],
        uptime_s=_number(look.words("proc/uptime"), 0),
        wifi_signal_dbm=look.wifi_signal(),
        fan_rpm=look.fan(),
    )


class _Look:
    """The kernel's files; what is missing or unreadable is empty."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def text(self, name: str) -> str:
        return _text(self._root / name)

    def words(self, name: str) -> list[str]:
        return self.text(name).split()

    def number(self, name: str) -> float | None:
        return _number(self.words(name), 0)

    def temperature(self) -> float | None:
        """Of the processor, or of the only thing that is measured."""
        zones = sorted(found(self._root, "sys/class/thermal/thermal_zone*"))
        kinds = {_text(zone / "type").strip(): zone for zone in zones}
        zone = next((kinds[kind] for kind in CPU_ZONES if kind in kinds), zones[0] if zones else None)
        return None if zone is None else _scaled(_number(_text(zone / "temp").split(), 0), 1e-3)

    def throttled(self) -> int | None:
        path = next(iter(found(self._root, THROTTLED_FILE)), None)
        try:
            return None if path is None else int(_text(path), 16)
        except ValueError:
            return None

    def under_voltage(self) -> bool | None:
        alarm = self._hwmon("rpi_volt", UNDER_VOLTAGE_ALARM)
        return None if alarm is None else bool(alarm)

    def load(self) -> tuple[float, float, float] | None:
        words = self.words("proc/loadavg")
        one, five, fifteen = (_number(words, index) for index in range(3))
        if one is None or five is None or fifteen is None:
            return None
        return one, five, fifteen

    def cpu_ticks(self) -> tuple[int, int] | None:
        fields = self.text("proc/stat").partition("\n")[0].split()[1 : 1 + COUNTED_FIELDS]
        if len(fields) <= max(IDLE_FIELDS) or not all(field.isdecimal() for field in fields):
            return None
        ticks = [int(field) for field in fields]
        idle = sum(ticks[index] for index in IDLE_FIELDS)
        return sum(ticks) - idle, sum(ticks)

    def memory(self) -> dict[str, float]:
        """MiB by name."""
        sizes = {}
        for line in self.text("proc/meminfo").splitlines():
            name, _, rest = line.partition(":")
            kib = _number(rest.split(), 0)
            if kib is not None:
                sizes[name] = kib / 1024
        return sizes

    def wifi_signal(self) -> float | None:
        """The level of the first interface that is connected; it shows in the table as `-52.`."""
        for line in self.text("proc/net/wireless").splitlines()[2:]:
            level = _number(line.partition(":")[2].split(), 2)
            # Not connected is 0 or -256, and what has no unit is above 0.
            if level is not None and -120 <= level < 0:
                return level
        return None

    def fan(self) -> float | None:
        return self._hwmon("pwmfan", "fan1_input")

    def _hwmon(self, name: str, attribute: str) -> float | None:
        for folder in sorted(found(self._root, "sys/class/hwmon/hwmon*")):
            if _text(folder / "name").strip() == name:
                return _number(_text(folder / attribute).split(), 0)
        return None


def _disk(path: str) -> tuple[float, float, float] | tuple[None, None, None]:
    """GiB in all, in use, and free for everybody; the rest is kept back for root."""
    try:
        space = os.statvfs(path)
    except OSError:
        return None, None, None
    gib = space.f_frsize / 2**30
    return space.f_blocks * gib, (space.f_blocks - space.f_bfree) * gib, space.f_bavail * gib


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _number(words: list[str], index: int) -> float | None:
    """A finite number, or None: `inf` and `nan` are words as well."""
    try:
        value = float(words[index])
    except (IndexError, ValueError):
        return None
    return value if abs(value) < 1e18 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
