"""What the diagnosis says of a Pi's buses: on, off, or asked for and not there."""

from pathlib import Path

import pytest

from pi_drivers.host.finding import Level
from tests.host.trees import CONFIG, PI_3, PI_4, PI_5, Pi

REBOOT_AND_THEN = "sudo reboot, and if that was done: sudo vclog --msg, which tells what the firmware could not load"
REBOOT = (Level.BROKEN, "off, though /boot/firmware/config.txt asks for it", REBOOT_AND_THEN)


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


@pytest.mark.parametrize(
    ("what", "device", "command", "line"),
    [
        ("I2C", "dev/i2c-1", "do_i2c 0", "dtparam=i2c_arm=on"),
        ("SPI", "dev/spidev0.0", "do_spi 0", "dtparam=spi=on"),
        ("UART", "dev/serial0", "do_serial_hw 0", "enable_uart=1"),
    ],
)
def test_a_bus_is_off_with_its_command_or_its_line_then_waits_for_a_boot_then_is_on(
    pi: Pi, what, device, command, line
):
    assert pi.finding(what)[2:4] == (Level.BETTER, "off")
    assert pi.finding(what).mend.startswith(f"sudo raspi-config nonint {command}")
    pi.remove("usr/bin/raspi-config")
    assert pi.finding(what).mend == f"add the line {line} to /boot/firmware/config.txt and run: sudo reboot"
    pi.put(CONFIG, f"{line}\n")
    assert pi.finding(what)[2:5] == REBOOT
    pi.put(device)
    assert pi.finding(what)[2:5] == (Level.OK, f"/{device}", "")


def test_a_line_for_another_pi_asks_for_nothing(pi: Pi):
    pi.put(CONFIG, "[pi5]\ndtparam=i2c_arm=on\ndtoverlay=w1-gpio\ndtoverlay=pwm-2chan\n")

    assert [pi.finding(what).level for what in ("I2C", "1-Wire", "hardware PWM")] == [Level.BETTER] * 3


def test_the_buses_of_displays_and_cameras_are_not_the_header_s(pi: Pi):
    for number, controller in ((20, "fef04500.i2c"), (21, "fef09500.i2c")):
        pi.put(f"dev/i2c-{number}")
        pi.put(f"sys/bus/i2c/devices/i2c-{number}/name", controller)

    assert pi.finding("I2C")[2:4] == (Level.BETTER, "off (/dev/i2c-20, /dev/i2c-21: of screens and cameras)")


def test_a_bus_that_software_makes_is_one_too_but_not_the_one_that_was_asked_for(pi: Pi):
    pi.put("dev/i2c-3")
    assert pi.finding("I2C")[2:4] == (Level.OK, "/dev/i2c-3")
    pi.put(CONFIG, "dtparam=i2c_arm=on\n")
    assert pi.finding("I2C")[2:5] == REBOOT


def test_a_bus_that_is_on_without_its_device_file_is_known_as_that(pi: Pi):
    pi.put("sys/bus/i2c/devices/i2c-1/name")

    assert pi.finding("I2C")[2:5] == (
        Level.BROKEN,
        "on, but without its device file /dev/i2c-1",
        "sudo raspi-config nonint do_i2c 0",
    )
    pi.remove("usr/bin/raspi-config")
    assert pi.finding("I2C").mend == "sudo modprobe i2c-dev, and a line i2c-dev in /etc/modules"


def test_in_a_container_devices_have_to_be_given_to_it(pi: Pi):
    pi.put(".dockerenv")
    pi.put("sys/bus/i2c/devices/i2c-1/name")
    pi.remove("dev/gpiochip0")

    assert pi.finding("I2C").mend == "give it to the container: --device /dev/i2c-1"
    assert pi.finding("GPIO").mend == "give it to the container: --device /dev/gpiochip0"
    assert not pi.finding("GPIO").ok


def test_a_system_without_the_commands_for_the_uart_has_the_lines(tmp_path):
    pi = Pi(tmp_path, os=11)
    assert pi.finding("UART").mend == "add the line enable_uart=1 to /boot/config.txt and run: sudo reboot"
    pi.link("dev/serial0", "ttyS0")
    pi.put("dev/ttyS0")
    pi.put("proc/cmdline", "console=ttyS0,115200 console=tty1")

    assert pi.finding("serial console").mend == "take console=serial0,115200 out of /boot/cmdline.txt, then reboot"


@pytest.mark.parametrize(
    ("model", "cmdline", "in_the_way"),
    [
        (PI_3, "console=ttyS0,115200 console=tty1", True),
        (PI_4, "console=serial0,115200 console=tty1", True),
        (PI_4, "console=tty1", False),
        (PI_5, "console=ttyAMA10,115200 console=tty1", False),
        (PI_5, "console=ttyAMA0,115200 console=tty1", True),
    ],
)
def test_a_console_on_the_header_s_uart_is_in_the_way_and_one_elsewhere_is_not(tmp_path, model, cmdline, in_the_way):
    pi = Pi(tmp_path, model)
    pi.put("dev/ttyAMA0")
    pi.put("dev/ttyS0")
    pi.link("dev/serial0", "ttyAMA10" if model == PI_5 else "ttyS0")
    pi.put("proc/cmdline", cmdline)
    found = pi.finding("serial console")

    assert found.ok is not in_the_way
    if in_the_way:
        assert cmdline.split()[0] in found.found
        assert found.mend == "sudo raspi-config nonint do_serial_cons 1 && sudo reboot"


def test_a_pi_5_has_the_uart_of_its_header_under_another_name(tmp_path):
    pi = Pi(tmp_path, PI_5)
    pi.put("dev/ttyAMA10")
    pi.link("dev/serial0", "ttyAMA10")
    assert pi.finding("UART").level is Level.BETTER
    pi.put(CONFIG, "enable_uart=1\n")
    assert pi.finding("UART").level is Level.BETTER
    pi.put(CONFIG, "dtparam=uart0=on\n")
    assert pi.finding("UART")[2:5] == REBOOT
    pi.put("dev/ttyAMA0")
    assert pi.finding("UART")[2:4] == (Level.OK, "/dev/ttyAMA0")


def test_one_wire_needs_a_line_and_then_a_boot_and_then_lists_its_sensors(pi: Pi):
    assert pi.finding("1-Wire").mend.startswith("add the line dtoverlay=w1-gpio to /boot/firmware/config.txt")
    pi.put(CONFIG, "dtoverlay=w1-gpio,gpiopin=4 # the greenhouse\n")
    assert pi.finding("1-Wire")[2:5] == REBOOT
    pi.put("sys/bus/w1/devices/w1_bus_master1/name")
    assert pi.finding("1-Wire").found == "on, no sensor found"
    pi.put("sys/bus/w1/devices/28-0123456789ab/name")
    assert pi.finding("1-Wire")[2:4] == (Level.OK, "28-0123456789ab")


def test_the_pwm_block_is_offered_then_waits_for_a_boot_and_then_names_its_pins(pi: Pi):
    assert pi.finding("hardware PWM").level is Level.BETTER
    assert "dtoverlay=pwm-2chan" in pi.finding("hardware PWM").mend
    pi.put(CONFIG, "dtoverlay=pwm,pin=12,func=4\n")
    assert pi.finding("hardware PWM")[2:5] == REBOOT
    pi.pwm_block("fe20c000.pwm")
    (pi.root / "proc/device-tree/soc/gpio@7e200000/pwm_pins").mkdir(parents=True)
    (pi.root / "proc/device-tree/soc/gpio@7e200000/pwm_pins/brcm,pins").write_bytes((12).to_bytes(4))

    assert pi.finding("hardware PWM")[2:4] == (Level.OK, "on GPIO12 (pin 32)")


def test_the_block_that_turns_a_pi_5_s_fan_is_not_the_header_s(tmp_path):
    pi = Pi(tmp_path, PI_5)
    pi.pwm_block("1f0009c000.pwm")
    assert pi.finding("hardware PWM").level is Level.BETTER


def test_overlays_that_take_pins_are_named_with_them(pi: Pi):
    pi.put(CONFIG, "dtoverlay=vc4-kms-v3d\ndtoverlay=w1-gpio,gpiopin=17\ndtoverlay=pwm-2chan\n")

    assert pi.finding("overlays").found == (
        "dtoverlay=w1-gpio,gpiopin=17: 1-Wire on GPIO17 (pin 11); "
        "dtoverlay=pwm-2chan: hardware PWM on GPIO18 (pin 12), GPIO19 (pin 35)"
    )


def test_two_overlays_that_want_one_pin_are_told_with_what_to_do(pi: Pi):
    pi.put(CONFIG, "dtoverlay=w1-gpio,gpiopin=18\ndtoverlay=pwm-2chan\n")

    finding = pi.finding("overlays")

    assert not finding.ok
    assert finding.found.startswith("two want GPIO18 (pin 12): dtoverlay=w1-gpio,gpiopin=18: 1-Wire on GPIO18 (pin 12)")
    assert finding.mend.startswith("give one of them another pin in /boot/firmware/config.txt, or take its line out")


def test_an_overlay_may_stand_there_twice(pi: Pi):
    pi.put(CONFIG, "dtoverlay=w1-gpio\ndtoverlay=w1-gpio,gpiopin=4\n")

    assert pi.finding("overlays").ok
