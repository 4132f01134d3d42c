"""The Raspberry Pi this process runs on. The only file that imports the real back ends of the buses."""

import asyncio
import os
import time
from collections.abc import Callable

from pi_drivers.buses.gpio.contract import Gpio
from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.iio.contract import KernelSensors
from pi_drivers.buses.onewire.contract import OneWireBus
from pi_drivers.buses.pwm.contract import HardwarePwm
from pi_drivers.buses.serial.contract import SerialPort
from pi_drivers.buses.spi.contract import SpiChip
from pi_drivers.buses.video.contract import Cameras
from pi_drivers.host.contract import SECOND, Cancellable, Host
from pi_drivers.host.diagnosis import diagnose
from pi_drivers.host.finding import Finding
from pi_drivers.host.outlets import Outlets
from pi_drivers.host.vitals import Vitals, read_vitals
from pi_drivers.runtime.keeper import KEEPER
from pi_drivers.runtime.worker import BusWorker


class RealHost(Host):
    """The machine itself. Each bus imports its library when it is first used."""

    name = "real"

    def __init__(self) -> None:
        super().__init__()
        self._gpio: Gpio | None = None
        self._pwm: HardwarePwm | None = None

    @property
    def gpio(self) -> Gpio:
        if self._gpio is None:
            from pi_drivers.buses.gpio.real import RealGpio

            self._gpio = RealGpio(keep=KEEPER.keep)
        return self._gpio

    @property
    def pwm(self) -> HardwarePwm:
        if self._pwm is None:
            from pi_drivers.buses.pwm.real import SysfsPwm

            self._pwm = SysfsPwm(keep=KEEPER.keep)
        return self._pwm

    def diagnose(self) -> list[Finding]:
        from pi_drivers.buses.pwm.real import SysfsPwm

        # One of its own: what components have open is there nevertheless.
        return diagnose(SysfsPwm())

    @property
    def outlets(self) -> Outlets:
        from pi_drivers.host.outlets_real import SysfsOutlets

        return SysfsOutlets()

    def vitals(self, disk: str) -> Vitals:
        return read_vitals(disk)

    @property
    def kernel_sensors(self) -> KernelSensors:
        from pi_drivers.buses.iio.real import SysfsKernelSensors

        return SysfsKernelSensors()

    @property
    def cameras(self) -> Cameras:
        from pi_drivers.buses.video.real import V4l2Cameras

        return V4l2Cameras()

    @property
    def csi_cameras(self) -> Cameras:
        from pi_drivers.buses.video.real_picamera import LibcameraCameras

        return LibcameraCameras()

    def open_i2c(self, number: int) -> I2cBus:
        from pi_drivers.buses.i2c.real import SmbusI2c

        return SmbusI2c(number, keep=KEEPER.keep)

    def open_onewire(self) -> OneWireBus:
        from pi_drivers.buses.onewire.real import SysfsOneWire

        return SysfsOneWire()

    def open_serial(self, path: str, baud: int) -> SerialPort:
        from pi_drivers.buses.serial.real import PySerialPort

        return PySerialPort(path, baud)

    def open_spi(self, bus: int, chip_select: int, speed_hz: int, mode: int) -> SpiChip:
        from pi_drivers.buses.spi.real import SpidevChip

        return SpidevChip(bus, chip_select, speed_hz=speed_hz, mode=mode)

    def serial_place(self, path: str) -> str:
        return os.path.realpath(path)

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def sleep(self, duration_ns: int) -> None:
        time.sleep(duration_ns / SECOND)

    async def wait(self, duration_ns: int) -> None:
        await asyncio.sleep(duration_ns / SECOND)

    def after(self, duration_ns: int, action: Callable[[], None]) -> Cancellable:
        return asyncio.get_running_loop().call_later(duration_ns / SECOND, action)

    def new_worker(self, name: str) -> BusWorker:
        return BusWorker(name)
