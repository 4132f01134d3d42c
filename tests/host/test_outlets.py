"""Where something can be plugged into a Raspberry Pi, by files as its kernel has them."""

from pathlib import Path

import pytest

from pi_drivers.host.outlets import SerialOutlet
from pi_drivers.host.outlets_real import SysfsOutlets

PLATFORM = "sys/devices/platform"


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def link(path: Path, to: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


def add_bus(root: Path, number: int, name: str, where: str, *, in_device_tree: bool = True) -> Path:
    """An I2C bus as /sys shows it."""
    folder = root / where / f"i2c-{number}"
    write(folder / "name", f"{name}\n")
    if in_device_tree:
        write(folder / "of_node/name", "i2c")
    link(root / f"sys/bus/i2c/devices/i2c-{number}", folder)
    write(root / f"dev/i2c-{number}")
    return folder


PI_3 = [
    (1, "bcm2835 (i2c@7e804000)", f"{PLATFORM}/soc/3f804000.i2c"),
    (2, "bcm2835 (i2c@7e805000)", f"{PLATFORM}/soc/3f805000.i2c"),
]
PI_4 = [
    (1, "bcm2835 (i2c@7e804000)", f"{PLATFORM}/soc/fe804000.i2c"),
    (4, "bcm2835 (i2c@7e205800)", f"{PLATFORM}/soc/fe205800.i2c"),
    (20, "fef04500.i2c", f"{PLATFORM}/soc/fef04500.i2c"),
    (21, "fef09500.i2c", f"{PLATFORM}/soc/fef09500.i2c"),
    (22, "bcm2835 (i2c@7e205000)", f"{PLATFORM}/soc/fe205000.i2c"),
    (0, "i2c-22-mux (chan_id 0)", f"{PLATFORM}/soc/fe205000.i2c/i2c-22"),
    (10, "i2c-22-mux (chan_id 1)", f"{PLATFORM}/soc/fe205000.i2c/i2c-22"),
]
PI_5 = [
    (1, "Synopsys DesignWare I2C adapter", f"{PLATFORM}/axi/1000120000.pcie/1f00074000.i2c"),
    (6, "Synopsys DesignWare I2C adapter", f"{PLATFORM}/axi/1000120000.pcie/1f00088000.i2c"),
    (11, "i2c-gpio@1", f"{PLATFORM}/i2c-gpio@1"),
    (12, "107d508200.i2c", f"{PLATFORM}/soc@107c000000/107d508200.i2c"),
    (13, "107d508280.i2c", f"{PLATFORM}/soc@107c000000/107d508280.i2c"),
]
MULTIPLEXED = [
    (1, "bcm2835 (i2c@7e804000)", f"{PLATFORM}/soc/fe804000.i2c"),
    (23, "i2c-1-mux (chan_id 0)", f"{PLATFORM}/soc/fe804000.i2c/i2c-1"),
]


@pytest.mark.parametrize(
    ("buses", "expected"),
    [(PI_3, [1]), (PI_4, [0, 1, 4]), (PI_5, [1, 11]), (MULTIPLEXED, [1]), ([], [])],
    ids=["Pi 3", "Pi 4", "Pi 5", "multiplexer", "none"],
)
def test_buses_of_screens_and_cameras_are_told_from_those_of_the_header(tmp_path, buses, expected):
    for number, name, where in buses:
        folder = add_bus(tmp_path, number, name, where)
        if number == 22:
            write(folder / "channel-0/name")
    assert SysfsOutlets(tmp_path).i2c_buses() == expected


def test_a_controller_that_is_not_shared_with_the_camera_is_the_header_s_bus_0(tmp_path):
    add_bus(tmp_path, 0, "bcm2835 (i2c@7e205000)", f"{PLATFORM}/soc/fe205000.i2c")
    assert SysfsOutlets(tmp_path).i2c_buses() == [0]


def test_the_buses_that_a_desktop_computer_has_for_itself_are_left_alone(tmp_path):
    pci = "sys/devices/pci0000:00/0000:00"
    add_bus(tmp_path, 0, "SMBus I801 adapter at efa0", f"{pci}:1f.4", in_device_tree=False)
    add_bus(tmp_path, 7, "MCP2221 usb-i2c bridge", f"{pci}:14.0/usb1/1-2", in_device_tree=False)
    assert SysfsOutlets(tmp_path).i2c_buses() == [7]


def test_what_drivers_of_the_kernel_hold_is_told_with_their_names(tmp_path):
    add_bus(tmp_path, 1, "bcm2835 (i2c@7e804000)", f"{PLATFORM}/soc/fe804000.i2c")
    write(tmp_path / "sys/bus/i2c/drivers/bmp280/bind")
    link(tmp_path / "sys/bus/i2c/devices/1-0076/driver", tmp_path / "sys/bus/i2c/drivers/bmp280")
    write(tmp_path / "sys/bus/i2c/devices/1-0044/name", "sht31")
    write(tmp_path / "sys/bus/i2c/devices/11-0077/name", "bmp280")
    assert SysfsOutlets(tmp_path).i2c_drivers(1) == {0x76: "bmp280"}


def test_chip_selects_are_told_by_number(tmp_path):
    for name in ("spidev0.1", "spidev0.0", "spidev10.0", "spidev"):
        write(tmp_path / "dev" / name)
    assert SysfsOutlets(tmp_path).spi_chip_selects() == [(0, 0), (0, 1), (10, 0)]


def test_a_onewire_bus_is_there_where_the_kernel_has_a_master(tmp_path):
    write(tmp_path / "sys/bus/w1/devices/28-000005e2fdc3/name")
    assert not SysfsOutlets(tmp_path).has_onewire()
    write(tmp_path / "sys/bus/w1/devices/w1_bus_master1/name")
    assert SysfsOutlets(tmp_path).has_onewire()


def add_ports(root: Path, *names: str) -> None:
    for name in names:
        write(root / "dev" / name)
        write(root / "sys/class/tty" / name / "dev")


def test_a_port_is_told_by_the_best_name_that_it_keeps(tmp_path):
    add_ports(tmp_path, "ttyUSB0", "ttyUSB1", "ttyACM0", "tty1", "ttyS0")
    dev = tmp_path / "dev"
    link(dev / "serial/by-id/usb-1a86_USB_Serial-if00-port0", dev / "ttyUSB0")
    link(dev / "serial/by-path/pci-usb-0:1.2:1.0-port0", dev / "ttyUSB0")
    link(dev / "serial/by-path/pci-usb-0:1.3:1.0-port0", dev / "ttyUSB1")
    assert SysfsOutlets(tmp_path).serial_ports() == [
        SerialOutlet("/dev/ttyACM0", "ttyACM0"),
        SerialOutlet("/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", "usb-1a86_USB_Serial-if00-port0"),
        SerialOutlet("/dev/serial/by-path/pci-usb-0:1.3:1.0-port0", "ttyUSB1"),
    ]


def test_the_uarts_are_told_without_the_console_and_bluetooth(tmp_path):
    add_ports(tmp_path, "ttyAMA0", "ttyS0", "ttyAMA3", "ttyAMA10")
    link(tmp_path / "dev/serial0", tmp_path / "dev/ttyS0")
    link(tmp_path / "dev/serial1", tmp_path / "dev/ttyAMA0")
    write(tmp_path / "sys/class/tty/console/active", "tty0 ttyAMA10\n")
    assert SysfsOutlets(tmp_path).serial_ports() == [
        SerialOutlet("/dev/ttyAMA3", "the UART ttyAMA3"),
        SerialOutlet("/dev/serial0", "the UART ttyS0"),
    ]


def test_a_machine_that_has_none_of_this_is_no_error(tmp_path):
    outlets = SysfsOutlets(tmp_path)
    assert (outlets.i2c_buses(), outlets.spi_chip_selects(), outlets.serial_ports()) == ([], [], [])
    assert outlets.i2c_drivers(1) == {}
