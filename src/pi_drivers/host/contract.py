"""What a machine gives its drivers: buses, claims and time.

There are two: the Raspberry Pi this process runs on, and the simulated one. A driver takes everything from its host and
nothing from the operating system, so it cannot tell them apart. **Whatever reads or spends time asks the host.**
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from pi_drivers.buses.gpio.contract import Gpio
from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.iio.contract import KernelSensors
from pi_drivers.buses.onewire.contract import OneWireBus
from pi_drivers.buses.pwm.contract import HardwarePwm
from pi_drivers.buses.serial.contract import SerialPort
from pi_drivers.buses.spi.contract import SpiChip
from pi_drivers.buses.video.contract import Cameras
from pi_drivers.host.claims import Claims, Holder
from pi_drivers.host.finding import Finding
from pi_drivers.host.outlets import Outlets
from pi_drivers.host.serial_ports import SerialPart, SerialPorts
from pi_drivers.host.spi_buses import SharedSpi, SpiBuses
from pi_drivers.host.vitals import Vitals
from pi_drivers.runtime.worker import BusWorker

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000

B = TypeVar("B")


class PinView(Protocol):
    """A pin in use, as others may look at it: reading disturbs nobody."""

    def level(self) -> bool:
        """The level now."""

    def duty(self) -> float:
        """The share of time it is driven high, 0 to 1."""


class Cancellable(Protocol):
    """Something that is going to happen."""

    def cancel(self) -> None:
        """Keep it from happening. Idempotent."""


class Host(ABC):
    """One machine. Buses open when first used, so a host without hardware libraries can still be asked the time."""

    name: str
    """`real` or `mock`, as in a component's `backend`."""

    def __init__(self) -> None:
        self.claims = Claims()
        self.pins_in_use: dict[int, PinView] = {}
        self._i2c: dict[int, SharedBus[I2cBus]] = {}
        self._onewire: SharedBus[OneWireBus] | None = None
        self._serial = SerialPorts(self.open_serial, self.serial_place, self.new_worker)
        self._spi = SpiBuses(self.open_spi, self.new_worker)

    @property
    @abstractmethod
    def gpio(self) -> Gpio:
        """The header's GPIO chip, opened at first use.

        Raises:
            MissingLibraryError: the libraries for real pins are not installed.
            BusAbsentError: this machine has no header.
        """

    @property
    @abstractmethod
    def pwm(self) -> HardwarePwm:
        """The PWM block."""

    @abstractmethod
    def now_ns(self) -> int:
        """The time in nanoseconds on CLOCK_MONOTONIC's scale: the one kernel edges carry."""

    @abstractmethod
    def sleep(self, duration_ns: int) -> None:
        """Let time pass on a bus worker's thread. Never on the event loop."""

    @abstractmethod
    async def wait(self, duration_ns: int) -> None:
        """Let time pass on the event loop."""

    @abstractmethod
    def after(self, duration_ns: int, action: Callable[[], None]) -> "Cancellable":
        """Call something on the event loop when a time has passed: what `wait` does, at half the price.

        Cancelling it keeps it from being called, unless it is due already.
        """

    @abstractmethod
    def diagnose(self) -> list[Finding]:
        """What this machine still lacks for its drivers. Reads files: not on the event loop."""

    @property
    @abstractmethod
    def outlets(self) -> Outlets:
        """Where something can be plugged in."""

    @abstractmethod
    def vitals(self, disk: str) -> Vitals:
        """How this machine is doing. Reads files: not on the event loop.

        Args:
            disk: any path on the file system whose space counts.
        """

    @property
    @abstractmethod
    def kernel_sensors(self) -> KernelSensors:
        """The sensors that the kernel has drivers for."""

    @property
    @abstractmethod
    def cameras(self) -> Cameras:
        """The cameras that V4L2 shows: those on USB."""

    @property
    @abstractmethod
    def csi_cameras(self) -> Cameras:
        """The cameras that libcamera shows: those on a ribbon cable."""

    @abstractmethod
    def open_i2c(self, number: int) -> I2cBus:
        """Open bus `number` anew; drivers use `i2c`, which shares it."""

    @abstractmethod
    def open_onewire(self) -> OneWireBus:
        """Open the 1-Wire bus anew; drivers use `onewire`, which shares it."""

    @abstractmethod
    def open_serial(self, path: str, baud: int) -> SerialPort:
        """Open a serial port; drivers use `serial`, which shares it."""

    @abstractmethod
    def open_spi(self, bus: int, chip_select: int, speed_hz: int, mode: int) -> SpiChip:
        """Open a chip select of an SPI bus anew; drivers use `spi`, which shares it."""

    @abstractmethod
    def serial_place(self, path: str) -> str:
        """Where the path of a serial port leads to: the same for two names of one port."""

    @abstractmethod
    def new_worker(self, name: str) -> BusWorker:
        """A thread for one bus."""

    def i2c(self, number: int) -> "SharedBus[I2cBus]":
        """Take part in an I2C bus; the first one opens it, the last one to `leave` closes it.

        Raises:
            BusAbsentError, BusPermissionError, MissingLibraryError: as opening it does.
        """
        shared = self._i2c.get(number)
        if shared is None:
            bus = self.open_i2c(number)
            shared = SharedBus(bus, bus.close, self.new_worker(f"i2c-{number}"), lambda: self._i2c.pop(number, None))
            self._i2c[number] = shared
        shared.join()
        return shared

    def onewire(self) -> "SharedBus[OneWireBus]":
        """Take part in the 1-Wire bus, as `i2c` does.

        Raises:
            BusAbsentError: as opening it does.
        """
        if self._onewire is None:
            bus = self.open_onewire()
            self._onewire = SharedBus(bus, bus.close, self.new_worker("1-wire"), self._forget_onewire)
        self._onewire.join()
        return self._onewire

    def serial(self, path: str, baud: int, holder: Holder, *, share: bool = False) -> SerialPart:
        """Take part in a serial port; the first one opens it, the last one to leave closes it.

        Args:
            path: of its device, or of a link to it.
            baud: bits per second.
            holder: who wants it, and what for.
            share: it only writes, whole packets, and lets others do so as well. Otherwise the port is its own.

        Raises:
            ArgumentError: no path, or no speed.
            ClaimedError: another user has it for itself, or at another speed; the message names the user.
            BusAbsentError, BusPermissionError, MissingLibraryError: as opening it does.
        """
        return self._serial.join(path, baud, holder, share=share)

    def serial_holder(self, path: str) -> Holder | None:
        """Who uses a serial port now; of several who share it, all names."""
        return self._serial.holder_of(path)

    def spi(self, bus: int, chip_select: int, *, speed_hz: int, mode: int = 0) -> SharedSpi:
        """Take part in a chip select of an SPI bus; the first one opens it, the last one to `leave` closes it.

        Args:
            bus: 0 for /dev/spidev0.*.
            chip_select: 1 for /dev/spidev0.1.
            speed_hz: the chip's clock at most.
            mode: the chip's SPI mode, 0 to 3.

        Raises:
            ArgumentError: a clock or a mode out of range.
            ClaimedError: it is in use with another clock or mode.
            BusAbsentError, BusPermissionError: as opening it does.
        """
        return self._spi.join(bus, chip_select, speed_hz, mode)

    def _forget_onewire(self) -> None:
        self._onewire = None


class SharedBus(Generic[B]):
    """A bus with its worker thread, open as long as somebody uses it. Used on the event loop only."""

    def __init__(self, bus: B, close: Callable[[], None], worker: BusWorker, forget: Callable[[], object]) -> None:
        self.bus = bus
        self.worker = worker
        self._close = close
        self._forget = forget
        self._users = 0

    def join(self) -> None:
        """One more user."""
        self._users += 1

    def leave(self) -> None:
        """One user less; the last one closes the bus, behind the jobs that are still queued. Call once per `join`."""
        self._users -= 1
        if self._users == 0:
            self._forget()
            self.worker.stop(last_job=self._close)
