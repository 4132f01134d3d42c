"""The files of a machine that a diagnosis reads, and what they say of the machine as a whole."""

import os
from functools import cached_property
from pathlib import Path

from pi_drivers.buses.files import found, is_there
from pi_drivers.host.config_txt import ConfigTxt, filters_of

RASPI_CONFIG = "usr/bin/raspi-config"
CONTAINER_MARKS = (".dockerenv", "run/.containerenv")
"""What Docker and Podman put into their containers."""
OLDEST_WITH_SERIAL_COMMANDS = 12
"""Of Raspberry Pi OS. On older ones the console is left to its file, which is right everywhere."""

REBOOT = "sudo reboot, and if that was done: sudo vclog --msg, which tells what the firmware could not load"


class Files:
    """One machine's files; what is missing or unreadable is empty."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def text(self, name: str) -> str:
        """A file's text, without the end of a string of C."""
        try:
            return (self.root / name).read_text(encoding="utf-8", errors="replace").strip("\0\n ")
        except OSError:
            return ""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return is_there(self.root / name)

    def names(self, pattern: str) -> list[str]:
        """The files that fit, as their users name them."""
        return sorted(f"/{path.relative_to(self.root)}" for path in found(self.root, pattern))

    def target(self, name: str) -> str:
        """Where a link leads to, as the last part of its path; empty if it is none."""
        try:
            return Path(os.readlink(self.root / name)).name  # noqa: PTH115 - what it leads to may not be there
        except OSError:
            return ""

    @cached_property
    def model(self) -> str:
        """The machine's own name for itself, or nothing."""
        return self.text("proc/device-tree/model")

    @property
    def is_pi(self) -> bool:
        """Whether it is a Raspberry Pi."""
        return "Raspberry Pi" in self.model

    @property
    def is_pi_5(self) -> bool:
        """Whether its header hangs on an RP1, whose UARTs have other names."""
        return "pi5" in filters_of(self.model)

    @property
    def is_container(self) -> bool:
        """Whether this is the inside of a container, which has only the devices that it is given."""
        return any(map(self.exists, CONTAINER_MARKS))

    @cached_property
    def config(self) -> ConfigTxt:
        """What config.txt asks for."""
        return ConfigTxt(self.root, self.model, self.text("proc/device-tree/serial-number"))

    def raspi_config(self, call: str) -> str:
        """The command that lets raspi-config do something, or nothing where there is no raspi-config."""
        return f"sudo raspi-config nonint {call}" if self.exists(RASPI_CONFIG) else ""

    @property
    def has_serial_commands(self) -> bool:
        """Whether raspi-config can switch the UART and its console one by one."""
        version = next(
            (line for line in self.text("etc/os-release").splitlines() if line.startswith("VERSION_ID=")), ""
        )
        number = version.partition("=")[2].strip('"')
        return not number.isdecimal() or int(number) >= OLDEST_WITH_SERIAL_COMMANDS

    def line(self, line: str) -> str:
        """How to get a line into config.txt."""
        return f"add the line {line} to {self.config.path} and run: sudo reboot"
