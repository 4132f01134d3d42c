"""The Pi's own SPI buses, through Linux's /dev/spidevB.C.

It talks to the kernel itself, without a library: lgpio, through which the pins go, keeps the interpreter to itself
while a transfer lasts, and forgets the kernel's reason when one fails. What the kernel answers is turned into our
errors in one place, with bus, chip select and a remedy in the message.
"""

import errno
import fcntl
import os
import struct
import threading
from array import array
from pathlib import Path

from pi_drivers.buses.spi.contract import LONGEST_TRANSFER, SpiChip
from pi_drivers.buses.spi.ranges import check_length, check_settings, place_of
from pi_drivers.errors import BusAbsentError, BusError, BusPermissionError, BusTimeoutError, ClosedError, DriverError

DEVICES = Path("/dev")

SET_MODE = 0x40016B01
SET_BITS_PER_WORD = 0x40016B03
SET_SPEED_HZ = 0x40046B04
TRANSFER = 0x40206B00
"""SPI_IOC_WR_MODE, SPI_IOC_WR_BITS_PER_WORD, SPI_IOC_WR_MAX_SPEED_HZ and SPI_IOC_MESSAGE(1) of linux/spi/spidev.h."""

TRANSFER_PART = struct.Struct("=QQIIHBBBBBx")
"""struct spi_ioc_transfer: where the bytes to send are, where to put those that come back, how many, the clock; then
delays, bits per word and what else a plain transfer leaves at 0."""
BITS_PER_WORD = 8


class SpidevChip(SpiChip):
    """One chip select of this machine. Blocking; may be called from any thread, which then takes turns."""

    def __init__(self, bus: int, chip_select: int, *, speed_hz: int, mode: int, devices: Path = DEVICES) -> None:
        """Open the chip select; nobody is selected yet.

        Raises:
            BusAbsentError, BusPermissionError, BusError: each says what to do.
            ArgumentError: a clock or a mode out of range.
        """
        check_settings(bus, chip_select, speed_hz, mode)
        self._place = (bus, chip_select)
        self._where = place_of(bus, chip_select)
        self._speed_hz = speed_hz
        self._mode = mode
        # Nobody may close the device while a transfer is under way: its number could be another file's by then.
        self._lock = threading.Lock()
        self._device: int | None = _open(devices, bus, chip_select, speed_hz, mode)

    @property
    def bus(self) -> int:
        return self._place[0]

    @property
    def chip_select(self) -> int:
        return self._place[1]

    @property
    def speed_hz(self) -> int:
        return self._speed_hz

    @property
    def mode(self) -> int:
        return self._mode

    def transfer(self, data: bytes) -> bytes:
        check_length(*self._place, len(data))
        sent, received = array("B", data), array("B", bytes(len(data)))
        with self._lock:
            if self._device is None:
                raise ClosedError(f"{self._where}: the chip select was closed")
            count = self._move(self._device, sent, received)
        if count != len(data):
            raise BusError(f"{self._where}: {count} of {len(data)} bytes were transferred; none is used")
        return received.tobytes()

    def close(self) -> None:
        with self._lock:
            if self._device is not None:
                os.close(self._device)
                self._device = None

    def _move(self, device: int, sent: "array[int]", received: "array[int]") -> int:
        addresses = (sent.buffer_info()[0], received.buffer_info()[0])
        part = TRANSFER_PART.pack(*addresses, len(sent), self._speed_hz, 0, BITS_PER_WORD, 0, 0, 0, 0)
        try:
            # Of a bytearray it gives the kernel's answer, which is a count; of bytes it would give the bytes.
            count: int = fcntl.ioctl(device, TRANSFER, bytearray(part))
        except OSError as error:
            raise _transfer_error(self._where, error) from error
        return count


def _open(devices: Path, bus: int, chip_select: int, speed_hz: int, mode: int) -> int:
    path = devices / f"spidev{bus}.{chip_select}"
    try:
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise _open_error(path, bus, chip_select, error) from error
    try:
        fcntl.ioctl(device, SET_MODE, bytes([mode]))
        fcntl.ioctl(device, SET_BITS_PER_WORD, bytes([BITS_PER_WORD]))
        fcntl.ioctl(device, SET_SPEED_HZ, struct.pack("=I", speed_hz))
    except OSError as error:
        os.close(device)
        raise _open_error(path, bus, chip_select, error) from error
    return device


def _open_error(path: Path, bus: int, chip_select: int, error: OSError) -> DriverError:
    """What the kernel's answer to opening means."""
    where = f"{place_of(bus, chip_select)}: {path}"
    if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ESHUTDOWN):
        return BusAbsentError(f"{where} does not exist. {_remedy(path.parent, bus)}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return BusPermissionError(
            f"{where}: this user may not use it. Run sudo usermod -aG spi $USER and log in again."
        )
    if error.errno == errno.ENOTTY:
        return BusAbsentError(f"{where} is not an SPI chip select")
    return BusError(f"{where} cannot be opened: {error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})")


def _remedy(devices: Path, bus: int) -> str:
    there = sorted(path.name for path in devices.glob("spidev*"))
    of_this_bus = [name for name in there if name.startswith(f"spidev{bus}.")]
    if of_this_bus:
        return (
            f"This bus has {', '.join(of_this_bus)}: choose one of its chip selects. If a dtoverlay gave this one to a "
            "driver of the kernel (a display, a CAN controller), remove it from config.txt and reboot."
        )
    if bus == 0:
        return "Switch the bus on (sudo raspi-config nonint do_spi 0), or choose another bus."
    overlay = f"dtoverlay=spi{bus}-{3 if bus == 1 else 2}cs"
    return f"Switch the bus on ({overlay} in config.txt and a reboot), or choose another bus."


def _transfer_error(where: str, error: OSError) -> DriverError:
    """What the kernel's answer to a transfer means."""
    if error.errno == errno.ETIMEDOUT:
        return BusTimeoutError(f"{where}: the SPI controller did not finish a transfer. Reboot if it stays so.")
    if error.errno in (errno.ESHUTDOWN, errno.ENODEV):
        return BusAbsentError(f"{where}: the SPI bus was switched off. Switch it on again, and restart this program.")
    if error.errno == errno.EMSGSIZE:
        return BusError(
            f"{where}: this kernel moves fewer bytes at once than usual. Take spidev.bufsiz out of "
            f"/boot/firmware/cmdline.txt, or set it to {LONGEST_TRANSFER}."
        )
    return BusError(f"{where}: the transfer failed: {error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})")
