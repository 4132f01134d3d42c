"""The buses of a Pi's header: which are on, and how to switch on the others.

What is off and was never asked for is no fault. What config.txt asks for and is not there is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pi_drivers.host.diagnosis_files import REBOOT, Files
from pi_drivers.host.finding import Finding, Level
from pi_drivers.host.outlets_real import SysfsOutlets

SUBJECT = "Pins and buses"
HEADER_I2C = "/dev/i2c-1"
HEADER_UART_OF_PI_5 = "/dev/ttyAMA0"
UART_DRIVERS = ("ttyAMA", "ttyS", "serial")


@dataclass(frozen=True)
class _Bus:
    """A bus that may be off."""

    what: str
    needed_for: str
    device: str
    """Its first one, or the only one."""
    switch: str
    """What raspi-config calls it; empty where the line is better."""
    line: str
    """What config.txt calls it."""


I2C = _Bus("I2C", "chips on I2C", HEADER_I2C, "do_i2c 0", "dtparam=i2c_arm=on")
SPI = _Bus("SPI", "chips on SPI", "/dev/spidev0.0", "do_spi 0", "dtparam=spi=on")
UART = _Bus("UART", "what is wired to TXD and RXD (pins 8 and 10)", "/dev/serial0", "do_serial_hw 0", "enable_uart=1")
UART_OF_PI_5 = _Bus(UART.what, UART.needed_for, HEADER_UART_OF_PI_5, UART.switch, "dtparam=uart0=on")
ONE_WIRE = _Bus("1-Wire", "DS18B20 thermometers", "", "", "dtoverlay=w1-gpio")


def buses(files: Files) -> Iterator[Finding]:
    """The pins, and the buses that have to be switched on."""
    yield _gpio(files)
    yield _i2c(files)
    yield _spi(files)
    yield from _uart(files)
    yield _one_wire(files)


def devices_elsewhere(files: Files) -> Iterator[Finding]:
    """The buses that a machine has which is no Pi: those on USB adapters, for example."""
    found = {"I2C": _i2c_devices(files)}
    found |= {"SPI": files.names("dev/spidev*"), "serial ports": files.names("dev/serial/by-id/*")}
    yield from (Finding(SUBJECT, what, Level.OK, ", ".join(devices)) for what, devices in found.items() if devices)
    if SysfsOutlets(files.root).has_onewire():
        yield _one_wire(files)


def _gpio(files: Files) -> Finding:
    chips = files.names("dev/gpiochip*")
    if chips:
        return Finding(SUBJECT, "GPIO", Level.OK, ", ".join(chips))
    in_container = "give it to the container: --device /dev/gpiochip0"
    mend = in_container if files.is_container else "start the Pi with the kernel of Raspberry Pi OS"
    return Finding(SUBJECT, "GPIO", Level.BROKEN, "no /dev/gpiochip* is there", mend, "pins")


def _i2c(files: Files) -> Finding:
    there = _i2c_devices(files)
    asked = files.config.is_on("i2c_arm", "i2c", "i2c1")
    if HEADER_I2C in there or (there and not asked):
        return Finding(SUBJECT, I2C.what, Level.OK, ", ".join(there))
    elsewhere = [name for name in files.names("dev/i2c-*") if name not in there]
    others = f" ({', '.join(elsewhere)}: of screens and cameras)" if elsewhere else ""
    if files.exists("sys/bus/i2c/devices/i2c-1") and not files.is_container:
        found = f"on, but without its device file {HEADER_I2C}"
        mend = files.raspi_config(I2C.switch) or "sudo modprobe i2c-dev, and a line i2c-dev in /etc/modules"
        return Finding(SUBJECT, I2C.what, Level.BROKEN, found, mend, I2C.needed_for)
    return _missing(files, I2C, asked=asked, others=others)


def _i2c_devices(files: Files) -> list[str]:
    """The buses that a user's chips can be on."""
    return [f"/dev/i2c-{number}" for number in SysfsOutlets(files.root).i2c_buses()]


def _spi(files: Files) -> Finding:
    there = files.names("dev/spidev*")
    if there:
        return Finding(SUBJECT, SPI.what, Level.OK, ", ".join(there))
    return _missing(files, SPI, asked=files.config.is_on("spi") or files.config.has_overlay("spi0-", "spi1-"))


def _uart(files: Files) -> Iterator[Finding]:
    bus = UART_OF_PI_5 if files.is_pi_5 else UART
    port = bus.device.removeprefix("/dev/")
    if not files.exists(f"dev/{port}"):
        yield _missing(files, bus, asked=_asks_for_uart(files))
        return
    leads_to = files.target(f"dev/{port}")
    yield Finding(SUBJECT, bus.what, Level.OK, f"{bus.device} (which is {leads_to})" if leads_to else bus.device)
    consoles = [word.partition("=")[2] for word in files.text("proc/cmdline").split() if word.startswith("console=")]
    # On a Pi 5 the console is on the connector between the two HDMI sockets, unless it was moved.
    in_the_way = [one for one in consoles if _is_on(one.partition(",")[0], leads_to or port, files)]
    if not in_the_way:
        yield Finding(SUBJECT, "serial console", Level.OK, "not on the UART")
        return
    found = f"the kernel writes to the UART (console={in_the_way[0]})"
    yield Finding(SUBJECT, "serial console", Level.BROKEN, found, _console_mend(files), bus.needed_for)


def _asks_for_uart(files: Files) -> bool:
    if files.is_pi_5:
        return files.config.is_on("uart0", "uart0_console") or files.config.has_overlay("uart0")
    return files.config.value("enable_uart") == "1"


def _is_on(console: str, port: str, files: Files) -> bool:
    """Whether a console of the kernel is on the header's UART."""
    if files.is_pi_5 or not console.startswith(UART_DRIVERS):
        return console == port
    return True  # the other UART is Bluetooth's, and no console goes there


def _console_mend(files: Files) -> str:
    command = files.raspi_config("do_serial_cons 1") if files.has_serial_commands else ""
    cmdline = files.config.path.replace("config.txt", "cmdline.txt")
    return f"{command} && sudo reboot" if command else f"take console=serial0,115200 out of {cmdline}, then reboot"


def _one_wire(files: Files) -> Finding:
    if SysfsOutlets(files.root).has_onewire():
        sensors = [name.rpartition("/")[2] for name in files.names("sys/bus/w1/devices/[0-9a-f][0-9a-f]-*")]
        return Finding(SUBJECT, ONE_WIRE.what, Level.OK, ", ".join(sensors) or "on, no sensor found")
    return _missing(files, ONE_WIRE, asked=files.config.has_overlay("w1-gpio"))


def _missing(files: Files, bus: _Bus, *, asked: bool, others: str = "") -> Finding:
    if files.is_container and bus.device:
        mend = f"give it to the container: --device {bus.device}"
        return Finding(SUBJECT, bus.what, Level.BETTER, f"not in this container{others}", mend, bus.needed_for)
    if asked:
        found = f"off, though {files.config.path} asks for it{others}"
        return Finding(SUBJECT, bus.what, Level.BROKEN, found, REBOOT, bus.needed_for)
    can_switch = bus.switch and (files.has_serial_commands or "serial" not in bus.switch)
    command = files.raspi_config(bus.switch) if can_switch else ""
    if command and bus.what == UART.what:
        command += " && sudo reboot"
    return Finding(SUBJECT, bus.what, Level.BETTER, f"off{others}", command or files.line(bus.line), bus.needed_for)
