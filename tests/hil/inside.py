"""Prepares the machine inside the simulated kernel, then becomes the command that is to run there.

usage (inside only): python -m tests.hil.inside COMMAND...

It plays the part of the Raspberry Pi's firmware: two GPIO chips of the kernel's simulator, of which the second carries
the label of a Pi 4's header, so that it has to be found by its label; one line of it is held by the kernel, as SPI
holds its chip select. The chip selects of the SPI bus are given to spidev, which never takes one by itself. Everything
else is in the kernel from its start.
"""

import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

CHIPS = Path("/sys/kernel/config/gpio-sim")
SPI = Path("/sys/bus/spi")
CHIP_SELECTS = ("spi0.0", "spi0.1")
SIOCSIFFLAGS = 0x8914
"""Sets the flags of a network interface (linux/sockios.h)."""
IFF_UP = 1

HEADER_LABEL = "pinctrl-bcm2711"
KERNEL_HELD_LINE = 26


def main() -> None:
    """Set the scene and run the command."""
    make_chip("other", lines=8, label="some-other-chip")
    make_chip("header", lines=54, label=HEADER_LABEL, held=KERNEL_HELD_LINE)
    for chip_select in CHIP_SELECTS:
        open_to_programs(chip_select)
    bring_up_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])


def make_chip(name: str, lines: int, label: str, held: int | None = None) -> None:
    """Make a chip of the kernel's GPIO simulator; `held` is a line that the kernel itself uses."""
    bank = CHIPS / name / "bank0"
    bank.mkdir(parents=True)
    (bank / "num_lines").write_text(str(lines))
    (bank / "label").write_text(label)
    if held is not None:
        hog = bank / f"line{held}" / "hog"
        hog.mkdir(parents=True)
        (hog / "name").write_text("spi0 CS0")
    (CHIPS / name / "live").write_text("1")


def open_to_programs(chip_select: str) -> None:
    """Make /dev/spidevB.C of a device of the SPI bus."""
    (SPI / "devices" / chip_select / "driver_override").write_text("spidev")
    (SPI / "drivers" / "spidev" / "bind").write_text(chip_select)


def bring_up_loopback() -> None:
    """Switch the loopback interface on, as every Linux system does when it starts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


if __name__ == "__main__":
    main()
