"""The 1-Wire bus of this machine, through the files of /sys/bus/w1.

Reading a thermometer's file `w1_slave` makes the kernel's driver w1_therm start a conversion, wait for it and read the
scratchpad. The answer has two lines, of which the first counts: nine bytes, and whether their checksum is right. The
second repeats the last good bytes, and a temperature of either. A read that failed gives an empty file; so do, with
kernels from 5.10 on, five wrong checksums in a row, where older ones say NO.
"""

import errno
import re
from pathlib import Path

from pi_drivers.buses.onewire import answers
from pi_drivers.buses.onewire.contract import SENSOR_ID, OneWireBus
from pi_drivers.buses.onewire.ranges import check_sensor_id
from pi_drivers.errors import BusError, BusPermissionError, DriverError

DEVICES = Path("/sys/bus/w1/devices")

FIRST_LINE = re.compile(r"((?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (YES|NO)\n")

GONE = frozenset({errno.ENODEV, errno.ENXIO, errno.EIO})
"""What the kernel says of a sensor that was taken off the list, or off the line, in the middle."""


class SysfsOneWire(OneWireBus):
    """All 1-Wire masters of this machine. Used on one thread."""

    def __init__(self, devices: Path = DEVICES) -> None:
        """Look for a master.

        Raises:
            BusAbsentError: there is none; the message has the line for config.txt.
        """
        self._devices = devices
        self._closed = False
        self._check_bus()

    def scan(self) -> list[str]:
        self._check_bus()
        return self._sensors()

    def read(self, sensor_id: str) -> bytes:
        check_sensor_id(sensor_id)
        self._check_bus()
        try:
            text = (self._devices / sensor_id / "w1_slave").read_text(encoding="ascii", errors="replace")
        except FileNotFoundError as error:
            raise self._missing(sensor_id) from error
        except OSError as error:
            raise _read_error(sensor_id, error) from error
        return _scratchpad(sensor_id, text)

    def close(self) -> None:
        self._closed = True

    def _check_bus(self) -> None:
        if self._closed:
            raise answers.closed()
        if not any(self._devices.glob("w1_bus_master*")):
            raise answers.bus_absent()

    def _missing(self, sensor_id: str) -> DriverError:
        if (self._devices / sensor_id).exists():
            return answers.no_thermometer(sensor_id)
        return answers.not_found(sensor_id, self._sensors())

    def _sensors(self) -> list[str]:
        return sorted(entry.name for entry in self._devices.iterdir() if SENSOR_ID.fullmatch(entry.name))


def _scratchpad(sensor_id: str, text: str) -> bytes:
    if not text:
        raise answers.silent(sensor_id)
    line = FIRST_LINE.match(text)
    if line is None:
        raise BusError(f"1-Wire {sensor_id}: the kernel's answer is none that w1_therm gives: {text[:60]!r}")
    return answers.checked(sensor_id, bytes.fromhex(line[1]), crc_right=line[2] == "YES")


def _read_error(sensor_id: str, error: OSError) -> DriverError:
    """What the kernel's answer to reading a sensor means."""
    if error.errno in GONE:
        return answers.silent(sensor_id)
    if error.errno in (errno.EACCES, errno.EPERM):
        return BusPermissionError(
            f"1-Wire {sensor_id}: this user may not read {error.filename}. Anybody may by default: look for a udev "
            "rule that says otherwise."
        )
    return BusError(f"1-Wire {sensor_id}: the kernel failed to read it: {error.strerror}")
