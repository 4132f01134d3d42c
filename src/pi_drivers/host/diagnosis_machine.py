"""The computer itself: which one it is, its Python, the user's groups, its power, its disk and its clock."""

import grp
import os
import platform
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path

from pi_drivers.host.diagnosis_files import Files
from pi_drivers.host.finding import Finding, Level
from pi_drivers.host.vitals import CAPPED, SINCE_BOOT_SHIFT, SOFT_LIMIT, THROTTLED, THROTTLED_FILE, UNDER_VOLTAGE

SUBJECT = "Machine"
GROUPS = {"gpio": "pins", "i2c": "I2C", "spi": "SPI", "dialout": "serial ports", "video": "cameras"}
"""Who may open which devices on Raspberry Pi OS."""
GROUPS_ELSEWHERE = ("i2c", "dialout", "video")
LITTLE_SPACE_MIB = 200
"""A new version of the module and its environment take about as much."""
MODULE_FOLDER_VARIABLE = "VIAM_MODULE_DATA"


def machine(files: Files) -> Iterator[Finding]:
    """Which machine this is, and which Python runs here."""
    if files.is_pi:
        yield Finding(SUBJECT, "machine", Level.OK, files.model)
    else:
        what = files.model or platform.machine()
        found = f"no Raspberry Pi ({what}): cameras and serial ports on USB work, and simulated pins; real ones do not"
        mend = './run.sh up --backend mock CONFIG.json, or "backend": "mock" in a component'
        yield Finding(SUBJECT, "machine", Level.BETTER, found, mend, "simulated pins")
    python = f"{platform.python_version()} ({sys.executable})"
    yield Finding(SUBJECT, "Python", Level.OK, python)


def groups(files: Files) -> Iterator[Finding]:
    """The groups whose members may open the devices."""
    if os.geteuid() == 0:
        yield Finding(SUBJECT, "groups", Level.OK, "this is root, which may open every device")
        return
    known = {name for name in _members(files) if name in (GROUPS if files.is_pi else GROUPS_ELSEWHERE)}
    mine = {_group_name(number) for number in {*os.getgroups(), os.getegid()}}
    missing = [name for name in GROUPS if name in known - mine]
    if not missing:
        yield Finding(SUBJECT, "groups", Level.OK, f"in {', '.join(name for name in GROUPS if name in mine)}")
        return
    is_granted = all(_user_name() in _members(files)[name] for name in missing)
    found = f"not in {', '.join(missing)}" + (" in this login, but in a new one" if is_granted else "")
    mend = "log out and in again" if is_granted else f"sudo usermod -aG {','.join(missing)} $USER, then log in anew"
    purpose = f"{', '.join(GROUPS[name] for name in missing)}, as this user (viam-server mostly runs as root)"
    level = Level.BROKEN if files.is_pi else Level.BETTER
    yield Finding(SUBJECT, "groups", level, found, mend, purpose)


def health(files: Files) -> Iterator[Finding]:
    """What may fail later."""
    yield from _power(files)
    yield from _space()
    yield from _clock(files)


def _power(files: Files) -> Iterator[Finding]:
    name = next(iter(files.names(THROTTLED_FILE)), "/")
    try:
        state = int(files.text(name[1:]), 16)
    except ValueError:
        return  # this kernel does not say
    now, since = _troubles(state), _troubles(state >> SINCE_BOOT_SHIFT)
    if not (now or since):
        yield Finding(SUBJECT, "power", Level.OK, "never short of it since the start")
        return
    said = [f"now: {', '.join(now)}"] if now else []
    said += [f"since the start: {', '.join(since)}"] if since else []
    mend = "a supply that holds 5 V under load, with a short thick cable; a heat sink"
    level = Level.BROKEN if now else Level.BETTER
    yield Finding(SUBJECT, "power", level, "; ".join(said), mend, "a Pi that does not slow down or reset itself")


def _troubles(bits: int) -> list[str]:
    names = {
        UNDER_VOLTAGE: "under-voltage",
        CAPPED: "frequency capped",
        THROTTLED: "throttled",
        SOFT_LIMIT: "near its temperature limit",
    }
    return [name for bit, name in names.items() if bits & bit]


def _space() -> Iterator[Finding]:
    folder = os.environ.get(MODULE_FOLDER_VARIABLE) or str(Path(__file__).parents[3])
    try:
        space = os.statvfs(folder)
    except OSError:
        return
    free_mib = space.f_bavail * space.f_frsize // 2**20
    if free_mib < LITTLE_SPACE_MIB:
        mend = "sudo apt clean; sudo journalctl --vacuum-size=50M"
        found = f"{free_mib} MiB free where {folder} is"
        yield Finding(SUBJECT, "disk", Level.BROKEN, found, mend, "the next version of this module")


def _clock(files: Files) -> Iterator[Finding]:
    """Without a clock of its own a Pi starts in the past. Only systemd's own time service says in a file how it is."""
    if files.exists("run/systemd/timesync") and not files.exists("run/systemd/timesync/synchronized"):
        mend = "sudo timedatectl set-ntp true, and a way to the internet"
        found = "not set from the network since the start"
        yield Finding(SUBJECT, "clock", Level.BETTER, found, mend, "times in readings, and connections to Viam")


def _members(files: Files) -> dict[str, list[str]]:
    """Who is in which group, as far as the machine's own file tells."""
    entries = (line.split(":") for line in files.text("etc/group").splitlines())
    return {entry[0]: entry[3].split(",") for entry in entries if len(entry) == 4}


def _user_name() -> str:
    """Not by USER, which services and containers do without."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
