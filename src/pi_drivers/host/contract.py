"""What a machine gives its drivers: buses, claims and time.

There are two: the Raspberry Pi this process runs on, and the simulated one. A driver takes everything from its host and
nothing from the operating system, so it cannot tell them apart. **Whatever reads or spends time asks the host.**
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from pi_drivers.buses.gpio.contract import Gpio
from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.pwm.contract import HardwarePwm
from pi_drivers.host.claims import Claims
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


class Host(ABC):
    """One machine. Buses open when first used, so a host without hardware libraries can still be asked the time."""

    name: str
    """`real` or `mock`, as in a component's `backend`."""

    def __init__(self) -> None:
        self.claims = Claims()
        self.pins_in_use: dict[int, PinView] = {}
        self._i2c: dict[int, SharedBus[I2cBus]] = {}

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
    def open_i2c(self, number: int) -> I2cBus:
        """Open bus `number` anew; drivers use `i2c`, which shares it."""

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
