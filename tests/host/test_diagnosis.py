"""The diagnosis of a Pi, on trees of files as Pi OS has them."""

from pathlib import Path

import pytest

from pi_drivers.host.diagnosis import Finding, diagnose


class Pi:
    """A tree of files like a Pi's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
        self.put("proc/cmdline", "console=tty1 root=PARTUUID=1 rootwait")

    def put(self, path: str, text: str = "") -> None:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def finding(self, what: str) -> Finding:
        """What the diagnosis says of one thing."""
        return next(finding for finding in diagnose(self.root) if finding.what == what)


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


def test_a_pi_is_known_and_another_machine_is_told_of_the_mock(pi: Pi):
    assert pi.finding("machine") == ("machine", True, "Raspberry Pi 4 Model B Rev 1.4", "")
    pi.put("proc/device-tree/model", "Jetson Nano\0")
    assert pi.finding("machine") == ("machine", False, "Jetson Nano", 'set "backend": "mock"')


@pytest.mark.parametrize(
    ("what", "device", "mend"),
    [
        ("I2C", "dev/i2c-1", "sudo raspi-config nonint do_i2c 0"),
        ("SPI", "dev/spidev0.0", "sudo raspi-config nonint do_spi 0"),
        ("UART", "dev/serial0", "sudo raspi-config nonint do_serial_hw 0"),
    ],
)
def test_a_bus_that_is_off_has_its_command_and_one_that_is_on_its_device(pi: Pi, what, device, mend):
    assert pi.finding(what) == (what, False, "off", mend)
    pi.put(device)
    assert pi.finding(what) == (what, True, f"/{device}", "")


def test_a_console_on_the_uart_is_in_the_way_and_one_on_the_screen_is_not(pi: Pi):
    assert pi.finding("serial console").ok
    pi.put("proc/cmdline", "console=serial0,115200 console=tty1")
    found = pi.finding("serial console")
    assert (found.ok, found.mend) == (False, "sudo raspi-config nonint do_serial_cons 1")
    assert "console=serial0,115200" in found.found


def test_one_wire_needs_a_line_and_then_a_boot_and_then_lists_its_sensors(pi: Pi):
    assert pi.finding("1-Wire").mend == "dtoverlay=w1-gpio in /boot/firmware/config.txt, then reboot"
    pi.put("boot/firmware/config.txt", "#dtoverlay=w1-gpio\n")
    assert pi.finding("1-Wire").mend != "reboot"
    pi.put("boot/firmware/config.txt", "dtoverlay=w1-gpio,gpiopin=4 # the greenhouse\n")
    assert pi.finding("1-Wire").mend == "reboot"
    pi.put("sys/bus/w1/devices/28-0123456789ab/name")
    pi.put("sys/bus/w1/devices/w1_bus_master1/name")
    assert pi.finding("1-Wire") == ("1-Wire", True, "28-0123456789ab", "")


def test_older_systems_have_their_config_elsewhere(pi: Pi):
    pi.put("boot/config.txt", "dtoverlay=pwm-2chan\n")
    assert pi.finding("hardware PWM").found == "dtoverlay=pwm-2chan"
    assert "in /boot/config.txt" in pi.finding("1-Wire").mend


def test_the_pwm_block_is_offered_and_not_demanded(pi: Pi):
    found = pi.finding("hardware PWM")
    assert found.ok
    assert "dtoverlay=pwm-2chan" in found.mend


def test_groups_of_root_and_of_a_user_who_is_in_none(pi: Pi, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert pi.finding("groups").ok
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.getgroups", lambda: [4_000_000])
    monkeypatch.setattr("os.getegid", lambda: 4_000_001)
    found = pi.finding("groups")
    assert (found.ok, found.found) == (False, "not in gpio, i2c, spi, dialout, video")
    assert found.mend.startswith("sudo usermod -aG gpio,i2c,spi,dialout,video $USER")


@pytest.mark.parametrize(
    ("state", "ok", "found"),
    [
        ("0", True, "never short of it since the start"),
        ("50005", False, "now: under-voltage, throttled; since the start: under-voltage, throttled"),
        ("80000", True, "since the start: near its temperature limit"),
    ],
)
def test_throttling_now_and_since_the_start(pi: Pi, state, ok, found):
    pi.put("sys/devices/platform/soc/soc:firmware/get_throttled", f"{state}\n")
    assert pi.finding("power")[1:3] == (ok, found)


def test_a_kernel_that_says_nothing_of_power_is_no_finding(pi: Pi):
    pi.put("sys/devices/platform/soc/soc:firmware/get_throttled", "what\n")
    assert "power" not in [finding.what for finding in diagnose(pi.root)]


def test_an_empty_machine_is_diagnosed_as_well(tmp_path: Path):
    assert not diagnose(tmp_path)[0].ok
