"""The Linux kernel's own simulated devices as a ground: gpio-sim and two I2C buses under the real back ends.

Runs inside the kernel that init.sh has prepared: a gpio-sim chip with the label of a Pi 4's header, and i2c-stub with
chips at 0x40, 0x50 and 0x76. The outside of a gpio-sim line is its pair of sysfs files: `pull` drives it, `value` is
what a meter would show. Of the two I2C buses i2c-stub is the kernel's own work, but knows SMBus calls only and never
fails; the chips of the other are played by a program, so that everything can go wrong there. So are those of the SPI
bus, which is none of the kernel's own, and the USB camera, which the kernel's own driver takes for a real one.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

from pi_drivers.buses.gpio.real import RealGpio
from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.i2c.real import SmbusI2c
from tests.contract.gpiod_outside import held_by_another_process
from tests.contract.grounds import MILLISECOND, Facility, GpioGround, I2cGround, Wave, watch_by_looking
from tests.contract.spi_grounds import KernelSpiGround, SpiGround
from tests.contract.video_grounds import VideoGround
from tests.hil.outside_chips import OutsideChips, Player, bus_number, outside_chips
from tests.hil.outside_spi import outside_spi

LOOK_EVERY_S = 0.0004

RealGpio().close()  # loads lgpio, whose thread stays, before the first test looks for threads left behind


@contextmanager
def gpio_ground() -> Iterator[GpioGround]:
    ground = SimulatedGpioGround()
    try:
        yield ground
    finally:
        ground.gpio.close()
        ground.close()


@contextmanager
def stub_ground() -> Iterator[I2cGround]:
    """The kernel's own simulated bus."""
    with ExitStack() as opened:
        yield StubI2cGround(opened)


@contextmanager
def outside_ground() -> Iterator[I2cGround]:
    """A bus whose chips another process plays."""
    with outside_chips() as chips, ExitStack() as opened:
        yield OutsideI2cGround(opened, chips)


@contextmanager
def spi_ground() -> Iterator[SpiGround]:
    """A bus whose chips another process plays."""
    with outside_spi() as player, ExitStack() as opened:
        yield OutsideSpiGround(opened, player)


def video_ground() -> AbstractContextManager[VideoGround]:
    """A USB camera that another process plays."""
    # OpenCV makes its pictures, and nothing else here needs that.
    from tests.hil.played_ground import played_ground

    return played_ground()


class SimulatedGpioGround(GpioGround):
    lacks: ClassVar = {
        Facility.EXACT_TIME: "the simulated kernel runs in real time, with a tick of 1 ms",
    }
    gpio: RealGpio
    tolerance_ns = 3 * MILLISECOND

    def __init__(self) -> None:
        self.gpio = RealGpio()
        chip = next(Path("/sys/devices/platform").glob(f"gpio-sim.*/{self.gpio.path.name}"))
        self._chip = chip
        self._values: dict[int, int] = {}
        for offset in self.lines:
            self.drive(offset, False)

    def close(self) -> None:
        for fd in self._values.values():
            os.close(fd)

    def drive(self, offset: int, level: bool) -> None:
        self.driving_file(offset).write_text("pull-up" if level else "pull-down")

    def driving_file(self, offset: int) -> Path:
        return self._chip / f"sim_gpio{offset}" / "pull"

    def release(self, offset: int) -> None:
        pass

    def level(self, offset: int) -> bool:
        if offset not in self._values:
            self._values[offset] = os.open(self._chip / f"sim_gpio{offset}" / "value", os.O_RDONLY)
        return os.pread(self._values[offset], 1, 0) == b"1"

    def settle(self, duration_ns: int = 10 * MILLISECOND) -> None:
        time.sleep(duration_ns / 1e9)

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def watch(self, offset: int, duration_ns: int) -> Wave:
        return watch_by_looking(lambda: self.level(offset), self.now_ns, lambda: time.sleep(LOOK_EVERY_S), duration_ns)

    def held_elsewhere(self, offset: int) -> AbstractContextManager[str]:
        return held_by_another_process(self.gpio.path, offset)


class KernelI2cGround(I2cGround):
    """A bus of this kernel. What a test opened is closed before the next and in the end."""

    def __init__(self, opened: ExitStack, number: int) -> None:
        self.number = number
        self._opened = opened

    def fresh(self) -> None:
        self._opened.close()

    def open(self, number: int) -> I2cBus:
        bus = SmbusI2c(number)
        self._opened.callback(bus.close)
        return bus


class StubI2cGround(KernelI2cGround):
    """The bus of i2c-stub."""

    lacks: ClassVar = {
        Facility.PLAIN_TRANSFERS: "i2c-stub knows SMBus only",
        Facility.FAULTS: "i2c-stub has no faults",
    }

    def __init__(self, opened: ExitStack) -> None:
        super().__init__(opened, bus_number("SMBus stub driver"))


class OutsideI2cGround(KernelI2cGround):
    """The bus whose chips a program plays."""

    def __init__(self, opened: ExitStack, chips: OutsideChips) -> None:
        super().__init__(opened, chips.bus)
        self._chips = chips

    def fresh(self) -> None:
        super().fresh()
        self._chips.tell("clear")
        for address in (self.registers_at, self.eeprom_at):
            self.plug_in(address, "registers")

    def plug_in(self, address: int, chip: str) -> None:
        self._chips.tell(f"plug {chip}@0x{address:02x}")

    def unplug(self, address: int) -> None:
        self._chips.tell(f"unplug 0x{address:02x}")

    def replug(self, address: int) -> None:
        self._chips.tell(f"replug 0x{address:02x}")

    def hang(self, address: int) -> None:
        self._chips.tell(f"hang 0x{address:02x} 1")


class OutsideSpiGround(KernelSpiGround):
    """The bus whose chips a program plays."""

    def __init__(self, opened: ExitStack, player: Player) -> None:
        super().__init__(opened)
        self._player = player

    def fresh(self) -> None:
        super().fresh()
        self._player.tell("clear")
        for chip_select, chip in ((self.chip_select, "jumper"), (self.other_chip_select, "register")):
            self._player.tell(f"plug {chip}@{chip_select}")

    def unplug(self, chip_select: int) -> None:
        self._player.tell(f"unplug {chip_select}")

    def replug(self, chip_select: int) -> None:
        self._player.tell(f"replug {chip_select}")

    def stuck(self, chip_select: int) -> None:
        self._player.tell(f"stuck {chip_select} 1")

    def corrupt(self, chip_select: int) -> None:
        self._player.tell(f"corrupt {chip_select} 1")

    def rest(self, *, high: bool) -> None:
        self._player.tell(f"rest {'high' if high else 'low'}")


I2C_GROUNDS: Mapping[str, Callable[[], AbstractContextManager[I2cGround]]] = {
    "i2c-stub": stub_ground,
    "outside": outside_ground,
}
