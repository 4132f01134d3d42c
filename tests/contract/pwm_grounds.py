"""The two grounds of the PWM suite: the mock, and the real back end on files that behave as the kernel's do.

No kernel has a simulated PWM block with the Pi's channels, so the files of /sys/class/pwm are made in a temporary
folder, and writing to them follows the rules of drivers/pwm/sysfs.c and core.c.
"""

import errno
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple

import pytest

from pi_drivers.buses.pwm.contract import HardwarePwm
from pi_drivers.buses.pwm.mock import MockPwm
from pi_drivers.buses.pwm.real import SysfsPwm
from pi_drivers.world.wires import Pwm
from pi_drivers.world.world import World


class Seen(NamedTuple):
    """What is on a pin."""

    period_ns: int
    pulse_ns: int
    """The width of the high part; with a period of 0 the pin is steady, low for 0 and high for 1."""


LOW = Seen(0, 0)
HIGH = Seen(0, 1)


class PwmGround(ABC):
    """A PWM block and the pins outside."""

    pwm: HardwarePwm

    @abstractmethod
    def connect(self, *offsets: int) -> None:
        """The overlays in config.txt connect these GPIOs."""

    @abstractmethod
    def seen(self, offset: int) -> Seen:
        """What is on a pin now."""


class MockPwmGround(PwmGround):
    """The simulated Pi."""

    def __init__(self) -> None:
        self.world = World.by_hand()
        self.mock = MockPwm(self.world)
        self.pwm = self.mock

    def connect(self, *offsets: int) -> None:
        self.mock.overlays.update(offsets)

    def seen(self, offset: int) -> Seen:
        signal = self.world.wire(offset).signal
        if isinstance(signal, Pwm):
            return Seen(signal.period_ns, signal.high_ns)
        return HIGH if signal else LOW


class SysfsTree(PwmGround):
    """Folders as on a Pi 4 (`fe20c000.pwm`) or a Pi 5 (`1f00098000.pwm`), with a decoy beside the header's block."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, model: int = 4) -> None:
        self.model = model
        self.root = folder / "class"
        self.device_tree = folder / "device-tree"
        self.device_tree.mkdir(parents=True)
        self.root.mkdir()
        self._folder = folder
        self.writes: list[tuple[str, str]] = []
        """Every write that the kernel took, in order: the file below the chip, and the text."""
        self.refused: dict[str, int] = {}
        """Errno by name of a file that refuses to be written."""
        self._write_file = Path.write_text
        monkeypatch.setattr(Path, "write_text", lambda path, text: self._write(path, text))  # noqa: PLW0108 - it binds
        self.pwm = SysfsPwm(self.root, self.device_tree)

    def connect(self, *offsets: int) -> None:
        names = {4: ("fe20c800.pwm", "fe20c000.pwm"), 5: ("1f0009c000.pwm", "1f00098000.pwm")}[self.model]
        for number, name in enumerate(names):
            chip = self._folder / "devices" / name / "pwm" / f"pwmchip{number}"
            if not chip.exists():
                chip.mkdir(parents=True)
                (chip / "device").symlink_to("../..")
                (self.root / chip.name).symlink_to(chip)
        self._connect_in_device_tree(offsets)

    def seen(self, offset: int) -> Seen:
        files = self.channel(offset)
        if not files.exists() or (files / "enable").read_text() == "0":
            return LOW
        period, pulse = (int((files / name).read_text()) for name in ("period", "duty_cycle"))
        if pulse in (0, period):
            return HIGH if pulse else LOW
        return Seen(period, pulse)

    def channel(self, offset: int) -> Path:
        """The files of a GPIO's channel."""
        number = {4: {12: 0, 13: 1, 18: 0, 19: 1}, 5: {12: 0, 13: 1, 18: 2, 19: 3}}[self.model][offset]
        return self.root / "pwmchip1" / f"pwm{number}"

    def export(self, directory: Path, **values: str) -> None:
        """A channel as it is after its export, or with what a process before left in it."""
        directory.mkdir()
        fresh = {"period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"}
        for name, text in (fresh | values).items():
            self._write_file(directory / name, text)

    def _connect_in_device_tree(self, offsets: tuple[int, ...]) -> None:
        gpio = {4: "soc/gpio@7e200000", 5: "axi/pcie@1000120000/rp1/gpio@d0000"}[self.model]
        node = self.device_tree / gpio / "pwm_pins"
        node.mkdir(parents=True, exist_ok=True)
        (node / "brcm,pins").write_bytes(b"".join(offset.to_bytes(4) for offset in offsets))

    def _write(self, path: Path, text: str) -> int:
        if path.name in self.refused:
            number = self.refused[path.name]
            raise OSError(number, os.strerror(number))
        if path.name == "export":
            self.export(path.parent / f"pwm{text}")
        else:
            self._check(path, text)
            self._write_file(path, text)
        self.writes.append((path.name, text))
        return len(text)

    def _check(self, path: Path, text: str) -> None:
        now = {name: (path.parent / name).read_text() for name in ("period", "duty_cycle", "enable")}
        later = now | {path.name: text}
        too_long = int(later["duty_cycle"]) > int(later["period"])
        endless = later["enable"] == "1" and later["period"] == "0"
        if too_long or endless:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if path.name == "polarity" and now["enable"] == "1":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
