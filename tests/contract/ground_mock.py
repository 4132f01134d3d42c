"""The mock as a ground: the simulated Pi, whose outside is its world and whose time is moved by hand."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

from pi_drivers.buses.gpio.mock import MockGpio
from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.i2c.mock import MockI2c
from pi_drivers.world.world import World

from .grounds import MICROSECOND, MILLISECOND, Facility, GpioGround, I2cGround, Wave, watch_by_looking
from .i2c_chips import CHIPS
from .spi_grounds import MockSpiGround, SpiGround
from .video_grounds import MockVideoGround, VideoGround

OUTSIDE = "the test"


@contextmanager
def gpio_ground() -> Iterator[GpioGround]:
    """A simulated Pi with nothing on its wires."""
    ground = MockGpioGround()
    yield ground
    ground.gpio.close()


@contextmanager
def i2c_ground() -> Iterator[I2cGround]:
    """A simulated bus with two chips."""
    yield MockI2cGround()


@contextmanager
def spi_ground() -> Iterator[SpiGround]:
    """A simulated bus with two chips."""
    yield MockSpiGround()


@contextmanager
def video_ground() -> Iterator[VideoGround]:
    """A simulated webcam."""
    yield MockVideoGround()


class MockGpioGround(GpioGround):
    """Time passes in steps of 10 µs while a wire is watched."""

    lacks: ClassVar = {Facility.OTHER_PROCESS: "the simulated Pi has no other processes"}
    tolerance_ns = 10 * MICROSECOND

    def __init__(self) -> None:
        self.world = World.by_hand()
        self.world.clock.advance(1)
        self.gpio = MockGpio(self.world)

    def drive(self, offset: int, level: bool) -> None:
        self.world.wire(offset).drive_from_outside(level, OUTSIDE)

    def release(self, offset: int) -> None:
        self.world.wire(offset).drive_from_outside(None, OUTSIDE)

    def level(self, offset: int) -> bool:
        return self.world.wire(offset).level()

    def settle(self, duration_ns: int = 10 * MILLISECOND) -> None:
        self.world.clock.advance(duration_ns)

    def now_ns(self) -> int:
        return self.world.clock.now_ns()

    def watch(self, offset: int, duration_ns: int) -> Wave:
        return watch_by_looking(
            lambda: self.level(offset), self.now_ns, lambda: self.settle(self.tolerance_ns), duration_ns
        )

    def held_elsewhere(self, offset: int) -> AbstractContextManager[str]:
        raise NotImplementedError(self.lacks[Facility.OTHER_PROCESS])


class MockI2cGround(I2cGround):
    """Bus 1 of a simulated Pi."""

    number = 1

    def fresh(self) -> None:
        self.world = World.by_hand()
        for address in (self.registers_at, self.eeprom_at):
            self.plug_in(address, "registers")

    def open(self, number: int) -> I2cBus:
        return MockI2c(self.world, number)

    def plug_in(self, address: int, chip: str) -> None:
        self.world.i2c(self.number).plug_in(address, CHIPS[chip](self.world))

    def unplug(self, address: int) -> None:
        self.world.i2c(self.number).faults(address).unplugged = True

    def replug(self, address: int) -> None:
        self.world.i2c(self.number).faults(address).unplugged = False

    def hang(self, address: int) -> None:
        self.world.i2c(self.number).faults(address).hangs = 1


I2C_GROUNDS: Mapping[str, Callable[[], AbstractContextManager[I2cGround]]] = {"mock": i2c_ground}
