"""The simulated Pi: the same buses, standing on a world instead of hardware."""

import asyncio
import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from pi_drivers.buses.gpio.mock import MockGpio
from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.i2c.mock import MockI2c
from pi_drivers.buses.iio.mock import MockKernelSensors
from pi_drivers.buses.onewire.contract import OneWireBus
from pi_drivers.buses.onewire.mock import MockOneWire
from pi_drivers.buses.pwm.mock import MockPwm
from pi_drivers.buses.serial.contract import SerialPort
from pi_drivers.buses.serial.mock import MockSerial
from pi_drivers.buses.spi.contract import SpiChip
from pi_drivers.buses.spi.mock import MockSpi
from pi_drivers.buses.video.mock import MockCameras
from pi_drivers.host.contract import SECOND, Cancellable, Host
from pi_drivers.host.finding import Finding, Level
from pi_drivers.host.outlets_mock import MockOutlets
from pi_drivers.host.vitals import Vitals
from pi_drivers.runtime.worker import BusWorker
from pi_drivers.world.clock import HandClock
from pi_drivers.world.world import World

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock


class MockHost(Host):
    """A simulated Pi and its world."""

    name = "mock"

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self._clock: WorldClock = world.clock
        self._gpio = MockGpio(world)
        self._pwm = MockPwm(world)

    @classmethod
    def paced(cls) -> "MockHost":
        """A simulated Pi at its own speed."""
        return cls(World.paced())

    @property
    def gpio(self) -> MockGpio:
        return self._gpio

    @property
    def pwm(self) -> MockPwm:
        return self._pwm

    def diagnose(self) -> list[Finding]:
        return [Finding("Machine", "machine", Level.OK, "the simulated Pi, which has every bus and lacks nothing")]

    @property
    def outlets(self) -> MockOutlets:
        return MockOutlets(self.world)

    def vitals(self, disk: str) -> Vitals:
        with self.world.held():
            return self.world.vitals.look()

    @property
    def kernel_sensors(self) -> MockKernelSensors:
        return MockKernelSensors(self.world)

    @property
    def cameras(self) -> MockCameras:
        return MockCameras(self.world, self.world.cameras)

    @property
    def csi_cameras(self) -> MockCameras:
        return MockCameras(self.world, self.world.csi_cameras)

    def open_i2c(self, number: int) -> I2cBus:
        return MockI2c(self.world, number)

    def open_onewire(self) -> OneWireBus:
        return MockOneWire(self.world)

    def open_serial(self, path: str, baud: int) -> SerialPort:
        return MockSerial(self.world, path, baud)

    def open_spi(self, bus: int, chip_select: int, speed_hz: int, mode: int) -> SpiChip:
        return MockSpi(self.world, bus, chip_select, speed_hz=speed_hz, mode=mode)

    def serial_place(self, path: str) -> str:
        return posixpath.normpath(path)

    def now_ns(self) -> int:
        return self._clock.now_ns()

    def sleep(self, duration_ns: int) -> None:
        self._clock.sleep(duration_ns)

    async def wait(self, duration_ns: int) -> None:
        if not isinstance(self._clock, HandClock):
            await asyncio.sleep(duration_ns / SECOND)
            return
        over = asyncio.get_running_loop().create_future()

        def settle() -> None:
            if not over.done():
                over.set_result(None)

        timer = self.after(duration_ns, settle)
        try:
            await over
        finally:
            timer.cancel()

    def after(self, duration_ns: int, action: Callable[[], None]) -> Cancellable:
        loop = asyncio.get_running_loop()
        if not isinstance(self._clock, HandClock):
            return loop.call_later(duration_ns / SECOND, action)

        def call() -> None:
            loop.call_soon_threadsafe(action)

        with self._clock.lock:
            return self._clock.at(self._clock.now_ns() + duration_ns, call)

    def new_worker(self, name: str) -> BusWorker:
        if isinstance(self._clock, HandClock):
            return BusWorker(name, entered=self._clock.entered, left=self._clock.left)
        return BusWorker(name)
