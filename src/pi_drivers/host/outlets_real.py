"""The outlets of this machine, by the kernel's files.

A Raspberry Pi has more I2C buses than its header. Those of the HDMI plugs and of the camera plugs look the same to
programs, and their numbers are others on every model and with every kernel: i2c-11 may be a screen's, a camera's or
one that the user has made. What they are tells the address of their controller in the chip's memory.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pi_drivers.buses.files import found, is_link, is_there
from pi_drivers.host.outlets import Outlets, SerialOutlet

SCREENS = re.compile(r"(?:7e|3f|20|fe)805000|fef0[49]500|107d5082[08]0")
"""The controllers that HDMI plugs have: up to the Pi 3, on the Pi 4, on the Pi 5 (bcm283x.dtsi, bcm2711.dtsi,
bcm2712.dtsi)."""
CAMERAS = re.compile(r"1f000(?:80|88)000")
"""Those of the two plugs for cameras and screens of a Pi 5 (rp1.dtsi, i2c4 and i2c6)."""
SHARED = re.compile(r"(?:7e|3f|20|fe)205000")
"""Up to the Pi 4, one controller serves pins 27 and 28 of the header and the camera's plug in turns: as channels 0 and
1 of a multiplexer (bcm283x-rpi-i2c0mux_0_44.dtsi and its like)."""
CHANNEL = re.compile(r"i2c-([0-9]+)-mux \(chan_id ([0-9]+)\)")

W1_MASTERS = "sys/bus/w1/devices/w1_bus_master*"

CHIP_SELECT = re.compile(r"spidev([0-9]+)\.([0-9]+)")
ADDRESS = re.compile(r"[0-9]+-00([0-7][0-9a-f])")
ON_USB = ("ttyUSB", "ttyACM")
UART = re.compile(r"ttyAMA[0-9]+")
NAMES = ("by-id", "by-path")
"""Where ports have names that they keep. Two adapters of one kind without serial numbers have one name by id."""


class SysfsOutlets(Outlets):
    """The outlets of this machine. Any thread."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Args: root: where the files are."""
        self._root = root
        self._dev = root / "dev"
        self._i2c = root / "sys/bus/i2c/devices"

    def i2c_buses(self) -> list[int]:
        numbers = (path.name.removeprefix("i2c-") for path in found(self._dev, "i2c-*"))
        return sorted(int(number) for number in numbers if number.isdecimal() and self._is_for_users(int(number)))

    def i2c_drivers(self, bus: int) -> Mapping[int, str]:
        drivers = {}
        for entry in found(self._i2c, f"{bus}-00*"):
            address, driver = ADDRESS.fullmatch(entry.name), entry / "driver"
            if address is not None and is_link(driver):
                drivers[int(address[1], 16)] = driver.resolve().name
        return drivers

    def spi_chip_selects(self) -> list[tuple[int, int]]:
        matches = (CHIP_SELECT.fullmatch(path.name) for path in found(self._dev, "spidev*"))
        return sorted((int(match[1]), int(match[2])) for match in matches if match is not None)

    def has_onewire(self) -> bool:
        return bool(found(self._root, W1_MASTERS))

    def serial_ports(self) -> list[SerialOutlet]:
        names = self._lasting_names()
        return [self._serial_outlet(tty, names.get(tty)) for tty in sorted(self._ports())]

    def _is_for_users(self, number: int) -> bool:
        name, place = self._bus(number)
        if SCREENS.search(name + place) or CAMERAS.search(name + place):
            return False
        channel = CHANNEL.fullmatch(name)
        if channel is not None:
            # Behind other multiplexers all chips before them would be found once more.
            parent_name, parent_place = self._bus(int(channel[1]))
            return bool(SHARED.search(parent_name + parent_place)) and int(channel[2]) == 0
        if SHARED.search(name + place) and is_there(self._i2c / f"i2c-{number}" / "channel-0"):
            return False
        return not self._is_the_computer_s(number, place)

    def _is_the_computer_s(self, number: int, place: str) -> bool:
        """Whether it is one that a desktop computer has for itself: its memory and its fans are on it."""
        on_usb, in_device_tree = "/usb" in place, is_there(self._i2c / f"i2c-{number}" / "of_node")
        return "/pci" in place and not (on_usb or in_device_tree)

    def _bus(self, number: int) -> tuple[str, str]:
        """What a bus is called, and where it is in the tree of devices."""
        entry = self._i2c / f"i2c-{number}"
        return _text(entry / "name"), os.path.realpath(entry)

    def _ports(self) -> set[str]:
        """The names of all serial ports that somebody may have plugged something into."""
        all_ttys = {path.name for path in found(self._root / "sys/class/tty", "tty*")}
        header = self._led_to("serial0")
        wanted = {tty for tty in all_ttys if tty.startswith(ON_USB) or UART.fullmatch(tty)}
        consoles = _text(self._root / "sys/class/tty/console/active").split()
        return ({header, *wanted} & all_ttys) - {self._led_to("serial1"), *consoles}

    def _led_to(self, link: str) -> str:
        path = self._dev / link
        return os.path.realpath(path).rpartition("/")[2] if is_link(path) else ""

    def _lasting_names(self) -> dict[str, Path]:
        """The best name of each port."""
        names: dict[str, Path] = {}
        for link in self._links():
            names.setdefault(os.path.realpath(link).rpartition("/")[2], link)
        return names

    def _links(self) -> Iterator[Path]:
        for folder in NAMES:
            yield from sorted(found(self._dev / "serial" / folder, "*"))

    def _serial_outlet(self, tty: str, name: Path | None) -> SerialOutlet:
        if name is not None:
            return SerialOutlet(self._absolute(name), name.name if name.parent.name == NAMES[0] else tty)
        if tty == self._led_to("serial0"):
            return SerialOutlet("/dev/serial0", f"the UART {tty}")
        return SerialOutlet(f"/dev/{tty}", tty if tty.startswith(ON_USB) else f"the UART {tty}")

    def _absolute(self, path: Path) -> str:
        return f"/{path.relative_to(self._root)}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
