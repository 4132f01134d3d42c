"""A Raspberry Pi with wires on its header as a ground: every line under test ends at another one, which measures it.

Join each pair of JUMPERS by a resistor of 1 kOhm, not by a plain wire: while a test changes sides both ends may drive
for a moment, and then the resistor takes what would burn the pins. For the SPI suite join MOSI and MISO, pins 19 and
21, and leave everything else off that bus. For the I2C suite put a FRAM with 512 bytes
(FM24CL04B, MB85RC04V) on bus 1: it answers at two addresses, each with 256 registers, and needs no time to write. For
the video suite plug in any USB camera. What is not there is skipped, and says so.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import ClassVar

import pytest

from pi_drivers.buses.gpio.contract import InputLine
from pi_drivers.buses.gpio.real import RealGpio
from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.i2c.real import SmbusI2c
from pi_drivers.buses.video.contract import VideoDevice, VideoSource, Wanted
from pi_drivers.errors import DriverError
from pi_drivers.host.header import describe

from .gpiod_outside import MeasuringLine, held_by_another_process
from .grounds import MICROSECOND, MILLISECOND, Facility, GpioGround, I2cGround, Wave
from .jumpers import JUMPERS
from .spi_grounds import KernelSpiGround, SpiGround
from .video_grounds import KernelVideoGround, VideoGround

LONGEST_SETTLING_NS = 50 * MILLISECOND
"""A wire takes less than a microsecond, a simulated one some milliseconds."""

USB_DRIVER = "uvcvideo"
LEAST_RATE = 10.0
"""Pictures per second."""

REAL_TIME = "a Raspberry Pi runs in real time"


class HardwareGpioGround(GpioGround):
    """The header's chip, with the wires of JUMPERS."""

    lacks: ClassVar = {
        Facility.EXACT_TIME: REAL_TIME,
        Facility.DRIVING_FILES: "the wires of a Pi are driven by the process that runs the tests",
    }
    gpio: RealGpio
    a = 17
    b = 22
    c = 6
    d = 19
    tolerance_ns = 300 * MICROSECOND
    no_line = 100

    def __init__(self, opened: ExitStack) -> None:
        self.gpio = RealGpio()
        opened.callback(self.gpio.close)
        self._ends: dict[int, MeasuringLine] = {}
        for offset in self.lines:
            self._ends[offset] = MeasuringLine(self.gpio.path, JUMPERS[offset])
            opened.callback(self._ends[offset].close)
            self._check_jumper(offset)

    def drive(self, offset: int, level: bool) -> None:
        self._ends[offset].drive(level)

    def release(self, offset: int) -> None:
        self._ends[offset].release()

    def level(self, offset: int) -> bool:
        return self._ends[offset].level()

    def settle(self, duration_ns: int = 10 * MILLISECOND) -> None:
        time.sleep(duration_ns / 1e9)

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def watch(self, offset: int, duration_ns: int) -> Wave:
        return self._ends[offset].watch(duration_ns)

    def held_elsewhere(self, offset: int) -> AbstractContextManager[str]:
        return held_by_another_process(self.gpio.path, offset)

    def _check_jumper(self, offset: int) -> None:
        line = self.gpio.input(offset)
        try:
            # The last one is low: where a test begins by driving low, no edge of that may come late.
            for level in (False, True, False):
                self.drive(offset, level)
                if not self._soon_reads(line, level):
                    pytest.skip(f"no jumper from {describe(offset)} to {describe(JUMPERS[offset])}")
        finally:
            line.close()
            self.release(offset)

    def _soon_reads(self, line: InputLine, level: bool) -> bool:
        deadline_ns = self.now_ns() + LONGEST_SETTLING_NS
        while line.read() is not level and self.now_ns() < deadline_ns:
            self.settle(MILLISECOND)
        return line.read() is level


@contextmanager
def gpio_ground() -> Iterator[GpioGround]:
    """The header, its lines free."""
    with ExitStack() as opened:
        yield HardwareGpioGround(opened)


class FramGround(I2cGround):
    """Bus 1 with a FRAM, whose two halves are two chips to the bus."""

    lacks: ClassVar = {
        Facility.FAULTS: "nobody is there to pull the chip out",
    }
    number = 1
    registers_at = 0x51
    eeprom_at = 0x50

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        try:
            bus = self.open(self.number)
        except DriverError as error:
            pytest.skip(str(error))
        for address in (self.registers_at, self.eeprom_at):
            if not bus.probe(address):
                pytest.skip(f"no FRAM at 0x{address:02x} on i2c-{self.number}")

    def fresh(self) -> None:
        self._opened.close()

    def open(self, number: int) -> I2cBus:
        bus = SmbusI2c(number)
        self._opened.callback(bus.close)
        return bus


@contextmanager
def fram_ground() -> Iterator[I2cGround]:
    """Bus 1 with a FRAM on it."""
    with ExitStack() as opened:
        yield FramGround(opened)


class JumperedSpiGround(KernelSpiGround):
    """Bus 0 with a jumper from MOSI to MISO."""

    lacks: ClassVar = {
        Facility.FAULTS: "there is no chip on the SPI bus, and nobody to pull it out",
    }

    def __init__(self, opened: ExitStack) -> None:
        super().__init__(opened)
        try:
            answer = self.open().transfer(b"\xa5\x3c")
        except DriverError as error:
            pytest.skip(str(error))
        if answer != b"\xa5\x3c":
            pytest.skip("no jumper from pin 19 (MOSI) to pin 21 (MISO)")


@contextmanager
def spi_ground() -> Iterator[SpiGround]:
    """Bus 0 with its jumper."""
    with ExitStack() as opened:
        yield JumperedSpiGround(opened)


class UsbCameraGround(KernelVideoGround):
    """The first USB camera, in two of its modes with few pixels."""

    lacks: ClassVar = {
        Facility.FAULTS: "nobody is there to silence the camera or to pull it out",
    }

    def __init__(self) -> None:
        super().__init__()
        source = self._first_camera()
        self.path, self.label = source.path, source.label
        with self:
            device = self.open()
            self.wanted, self.other = _two_modes(device)
            self.control = _whole_number(device)

    def _first_camera(self) -> VideoSource:
        for source in self.cameras.sources():
            if source.driver == USB_DRIVER and not source.unfit:
                return source
        pytest.skip("no USB camera that can be used")


def _two_modes(camera: VideoDevice) -> list[Wanted]:
    fast = [mode for mode in camera.modes() if max(mode.frame_rates, default=0) >= LEAST_RATE]
    fast.sort(key=lambda mode: mode.smallest)
    found = [Wanted(mode.pixel_format, *mode.smallest, mode.frame_rates[0]) for mode in fast[:2]]
    if len(found) < 2:
        pytest.skip(f"{camera.place} has no two modes with {LEAST_RATE:g} pictures per second")
    return found


def _whole_number(camera: VideoDevice) -> str:
    for control in camera.controls():
        if control.kind == "integer" and not (control.read_only or control.inactive or control.automatic):
            return control.name
    pytest.skip(f"{camera.place} has no control that is a whole number and can be set at any time")


@contextmanager
def video_ground() -> Iterator[VideoGround]:
    """A USB camera, if there is one."""
    yield UsbCameraGround()


I2C_GROUNDS: Mapping[str, Callable[[], AbstractContextManager[I2cGround]]] = {"fram": fram_ground}


try:
    RealGpio().close()  # loads lgpio, whose thread stays, before the first test looks for threads left behind
except DriverError as error:
    pytest.exit(f"--ground=hardware: {error}", returncode=2)
