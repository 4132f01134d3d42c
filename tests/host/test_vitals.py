"""How a machine is doing, from trees of files as Pi OS and other Linux machines have them."""

from pathlib import Path

import pytest

from pi_drivers.host.vitals import Vitals, read_vitals

# As a Pi 5 writes them.
STAT = "cpu  1000 20 300 8000 80 0 40 0 500 0\ncpu0 250 5 75 2000 20 0 10 0 125 0\n"
MEMINFO = (
    "MemTotal:        8245248 kB\nMemFree:         5012480 kB\nMemAvailable:    7065600 kB\nHugePages_Total:       0\n"
)
WIRELESS = (
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
)


class Machine:
    """A tree of files like a machine's."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, text: str) -> None:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def look(self) -> Vitals:
        """Look at it; its disk is the one the tree is on."""
        return read_vitals(disk=str(self.root), root=self.root)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def pi(machine: Machine) -> Machine:
    machine.put("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    machine.put("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    machine.put("sys/class/thermal/thermal_zone0/temp", "48750\n")
    machine.put("sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled", "50005\n")
    machine.put("proc/loadavg", "0.52 0.58 0.59 1/467 12345\n")
    machine.put("proc/stat", STAT)
    machine.put("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1500000\n")
    machine.put("proc/meminfo", MEMINFO)
    machine.put("proc/uptime", "350735.47 234388.90\n")
    machine.put(
        "proc/net/wireless", WIRELESS + " wlan0: 0000   58.  -52.  -256        0      0      0      0      3        0\n"
    )
    machine.put("sys/class/hwmon/hwmon2/name", "pwmfan\n")
    machine.put("sys/class/hwmon/hwmon2/fan1_input", "2875\n")
    machine.put("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    machine.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    return machine


def test_a_pi_tells_everything_in_the_units_of_its_names(pi: Machine):
    vitals = pi.look()
    assert (vitals.machine, vitals.temperature_c) == ("Raspberry Pi 5 Model B Rev 1.0", 48.75)
    assert (vitals.throttled, vitals.under_voltage) == (0x50005, True)
    assert vitals.load == (0.52, 0.58, 0.59)
    assert vitals.cpu_frequency_mhz == 1500
    assert (vitals.memory_total_mib, vitals.memory_available_mib) == (8052, 6900)
    assert (vitals.uptime_s, vitals.wifi_signal_dbm, vitals.fan_rpm) == (350735.47, -52, 2875)
    assert vitals.disk_total_gib is not None
    assert vitals.disk_free_gib is not None
    assert vitals.disk_used_gib is not None
    assert 0 < vitals.disk_free_gib <= vitals.disk_total_gib
    # What is kept back for root is neither.
    assert 0 < vitals.disk_used_gib <= vitals.disk_total_gib - vitals.disk_free_gib


def test_guests_are_not_counted_twice_and_waiting_for_a_disk_is_idle(pi: Machine):
    # Busy: user, nice, system, irq, softirq, steal: 1000 + 20 + 300 + 0 + 40 + 0. Idle: 8000 + 80.
    assert pi.look().cpu_ticks == (1360, 9440)


def test_another_machine_tells_what_it_has_and_nothing_else(machine: Machine):
    machine.put("proc/loadavg", "0.10 0.20 0.30 2/100 99\n")
    machine.put("sys/class/thermal/thermal_zone0/type", "acpitz\n")
    machine.put("sys/class/thermal/thermal_zone0/temp", "27800\n")
    machine.put("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n")
    machine.put("sys/class/thermal/thermal_zone1/temp", "51000\n")
    vitals = machine.look()
    assert (vitals.load, vitals.temperature_c) == ((0.1, 0.2, 0.3), 51.0)
    missing = (vitals.machine, vitals.throttled, vitals.wifi_signal_dbm, vitals.cpu_ticks, vitals.fan_rpm)
    assert missing == (None,) * 5


def test_a_machine_with_no_files_at_all_tells_nothing(tmp_path: Path):
    assert read_vitals(disk=str(tmp_path / "nowhere"), root=tmp_path) == Vitals()


@pytest.mark.parametrize(
    ("line", "signal"),
    [
        (" wlan0: 0000    0     0     0        0      0      0      0      0        0\n", None),
        (" wlan0: 0000   0.  -256.  -256        0      0      0      0      0        0\n", None),
        (" wlan0: 0000   70.   45.   0.        0      0      0      0      0        0\n", None),
        (" p2p0: 0000   0.  -256.  -256  0 0 0 0 0 0\n wlan1: 0000  40.  -71.  -256  0 0 0 0 0 0\n", -71),
        ("", None),
    ],
)
def test_only_an_interface_that_is_connected_has_a_signal(pi: Machine, line, signal):
    pi.put("proc/net/wireless", WIRELESS + line)
    assert pi.look().wifi_signal_dbm == signal


@pytest.mark.parametrize("text", ["", "what\n", "nan\n", "inf\n", "1.5e400\n"])
def test_a_text_that_is_no_number_is_left_out(pi: Machine, text):
    for path in (
        "sys/class/thermal/thermal_zone0/temp", "proc/uptime", "proc/loadavg", "proc/stat", "proc/meminfo",
        "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
        "sys/class/hwmon/hwmon1/in0_lcrit_alarm",
    ):  # fmt: skip
        pi.put(path, text)
    vitals = pi.look()
    assert (vitals.temperature_c, vitals.uptime_s, vitals.load, vitals.cpu_ticks) == (None,) * 4
    assert (vitals.throttled, vitals.under_voltage, vitals.memory_total_mib) == (None,) * 3
    assert vitals.fan_rpm == 2875
