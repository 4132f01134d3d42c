"""The diagnosis of a machine: what it is, its user's groups, its power; and whole Pis as they are installed."""

import errno
import os
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi_drivers.host.finding import Level
from pi_drivers.host.outlets_real import SysfsOutlets
from tests.host.trees import CONFIG, PI_3, PI_4, PI_5, ZERO_2, Pi, look


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


@pytest.fixture
def ordinary_user(pi: Pi, monkeypatch: pytest.MonkeyPatch) -> Pi:
    """A Pi whose user is in no group of any use."""
    pi.put("etc/group", "root:x:0:\ngpio:x:993:ada\ni2c:x:994:ada\nspi:x:995:\nvideo:x:44:ada\n")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.getgroups", lambda: [4_000_000])
    monkeypatch.setattr("os.getegid", lambda: 4_000_001)
    named(monkeypatch, "grace")
    return pi


def hide(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep this user from looking into a folder, as its mode would, which root does not heed."""
    for call in ("stat", "lstat", "scandir", "readlink"):
        monkeypatch.setattr(os, call, _refusing(getattr(os, call), str(folder)))


def _refusing(call: Callable[..., Any], folder: str) -> Callable[..., Any]:
    def look(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        if str(path).startswith(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return call(path, *arguments, **options)

    return look


def named(monkeypatch, name: str) -> None:
    """What the system calls this user, whatever the environment says."""
    monkeypatch.setattr("pwd.getpwuid", lambda _number: types.SimpleNamespace(pw_name=name))
    monkeypatch.delenv("USER", raising=False)


@pytest.mark.parametrize("folder", ["boot", "dev", "dev/serial", "etc", "run", "sys", "sys/bus/i2c/devices", "usr"])
def test_a_folder_that_this_user_may_not_look_into_ends_no_diagnosis(pi: Pi, monkeypatch, folder):
    for name in ("dev/i2c-1", "dev/serial/by-id/usb", "sys/bus/i2c/devices/i2c-1/name", "sys/class/tty/ttyUSB0/dev"):
        pi.put(name)
    pi.link("dev/serial0", "ttyS0")
    hide(monkeypatch, pi.root / folder)
    outlets = SysfsOutlets(pi.root)

    assert pi.finding("machine").found == PI_4
    assert outlets.i2c_buses() == ([] if folder == "dev" else [1])
    assert (outlets.i2c_drivers(1), outlets.spi_chip_selects(), outlets.has_onewire()) == ({}, [], False)
    assert len(outlets.serial_ports()) == (folder != "sys")


@pytest.mark.parametrize(("model", "os"), [(PI_3, 11), (PI_3, 12), (ZERO_2, 12), (PI_4, 11), (PI_4, 13), (PI_5, 13)])
def test_a_pi_as_it_is_installed_has_nothing_to_mend_but_its_buses_to_switch_on(tmp_path, monkeypatch, model, os):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    found = Pi(tmp_path, model, os).diagnose()

    assert [finding.what for finding in found if not finding.ok] == []
    to_switch_on = {finding.what: finding.mend for finding in found if finding.level is Level.BETTER}
    assert {"I2C", "SPI", "UART", "1-Wire", "hardware PWM"} <= set(to_switch_on)
    assert all(to_switch_on.values())
    config = "/boot/config.txt" if os < 12 else "/boot/firmware/config.txt"
    assert f"to {config} " in to_switch_on["1-Wire"]


@pytest.mark.parametrize("model", [PI_3, PI_4, PI_5, ZERO_2, "Jetson Nano"])
def test_every_finding_has_a_name_of_its_own_and_what_is_not_fine_a_mend(tmp_path, model):
    found = Pi(tmp_path, model).diagnose()
    names = [finding.what for finding in found]

    assert len(names) == len(set(names))
    assert [finding.what for finding in found if finding.level is not Level.OK and not finding.mend] == []


def test_another_machine_is_told_first_what_works_there_and_nothing_of_a_header(tmp_path):
    jetson = Pi(tmp_path, "Jetson Nano")
    jetson.put("dev/i2c-7")
    found = jetson.diagnose()

    assert found[0].what == "machine"
    assert found[0].ok
    assert "no Raspberry Pi (Jetson Nano)" in found[0].found
    assert "--backend mock" in found[0].mend
    assert next(finding for finding in found if finding.what == "I2C").found == "/dev/i2c-7"
    assert {"SPI", "UART", "1-Wire", "hardware PWM", "lgpio"}.isdisjoint(finding.what for finding in found)


def test_an_empty_machine_is_diagnosed_as_well(tmp_path):
    assert "no Raspberry Pi" in look(tmp_path)[0].found


def test_root_may_open_everything(pi: Pi, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)

    assert pi.finding("groups").level is Level.OK


def test_a_user_who_is_in_no_group_is_given_the_command_for_those_the_system_has(ordinary_user: Pi):
    found = ordinary_user.finding("groups")

    assert (found.level, found.found) == (Level.BROKEN, "not in gpio, i2c, spi, video")
    assert found.mend == "sudo usermod -aG gpio,i2c,spi,video $USER, then log in anew"


def test_who_was_put_into_the_groups_but_has_not_logged_in_since_is_told_so(ordinary_user: Pi, monkeypatch):
    named(monkeypatch, "ada")
    ordinary_user.put("etc/group", "gpio:x:993:ada\ni2c:x:994:grace,ada\n")

    assert ordinary_user.finding("groups").mend == "log out and in again"


def test_a_user_who_is_in_them_all_lacks_nothing(ordinary_user: Pi, monkeypatch):
    monkeypatch.setattr("pi_drivers.host.diagnosis_machine._group_name", {4_000_000: "gpio", 4_000_001: "i2c"}.get)
    ordinary_user.put("etc/group", "gpio:x:993:\ni2c:x:994:\n")

    assert (ordinary_user.finding("groups").level, ordinary_user.finding("groups").found) == (Level.OK, "in gpio, i2c")


@pytest.mark.parametrize(
    ("state", "level", "found"),
    [
        ("0", Level.OK, "never short of it since the start"),
        ("50005", Level.BROKEN, "now: under-voltage, throttled; since the start: under-voltage, throttled"),
        ("80000", Level.BETTER, "since the start: near its temperature limit"),
    ],
)
@pytest.mark.parametrize("folder", ["soc/soc:firmware", "soc@107c000000/soc@107c000000:firmware"])
def test_throttling_now_and_since_the_start(pi: Pi, folder, state, level, found):
    pi.put(f"sys/devices/platform/{folder}/get_throttled", f"{state}\n")

    assert (pi.finding("power").level, pi.finding("power").found) == (level, found)


def test_a_kernel_that_says_nothing_of_power_is_no_finding(pi: Pi):
    pi.put("sys/devices/platform/soc/soc:firmware/get_throttled", "what\n")

    assert "power" not in [finding.what for finding in pi.diagnose()]


@pytest.mark.parametrize(("free_mib", "told"), [(199, ["199 MiB free where /data is"]), (200, [])])
def test_a_disk_that_is_nearly_full_is_told_of_with_the_module_s_own_folder(pi: Pi, monkeypatch, free_mib, told):
    monkeypatch.setenv("VIAM_MODULE_DATA", "/data")
    blocks = os.statvfs_result((4096, 4096, 10**6, 0, free_mib * 256, 0, 0, 0, 0, 255))
    monkeypatch.setattr("os.statvfs", {"/data": blocks}.__getitem__)

    assert [finding.found for finding in pi.diagnose() if finding.what == "disk"] == told


def test_a_clock_that_was_not_set_is_told_of_where_the_system_says_so(pi: Pi):
    assert "clock" not in [finding.what for finding in pi.diagnose()]
    pi.put("run/systemd/timesync/clock")
    assert pi.finding("clock").mend.startswith("sudo timedatectl set-ntp true")
    pi.put("run/systemd/timesync/synchronized")
    assert "clock" not in [finding.what for finding in pi.diagnose()]


def test_looking_changes_nothing(pi: Pi):
    def tree() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in pi.root.rglob("*")}

    pi.put(CONFIG, "dtoverlay=pwm-2chan\ndtparam=i2c_arm=on\n")
    before = tree()
    pi.diagnose()

    assert tree() == before
