"""Where faults begin: the places on the simulated buses, and what can go wrong at each.

A place has a fuse, which lets transactions pass before the fault has its turn, and by which they are counted.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping

from pi_drivers.models.sensor.ds18b20 import EXAMPLE_ID
from pi_drivers.world.cameras import CameraShelf
from pi_drivers.world.faults import Fuse
from pi_drivers.world.world import World

Action = Callable[[], None]

TRIGGER_LINE, ECHO_LINE = 23, 24
"""GPIOs, at pins 16 and 18."""


class Place(ABC):
    """One sensor's place in a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    @abstractmethod
    def fuse(self) -> Fuse:
        """What lets transactions pass."""

    @property
    @abstractmethod
    def kinds(self) -> Mapping[str, Action]:
        """The faults by name: each begins with the next transaction that the fuse does not let pass."""

    @abstractmethod
    def mend(self) -> None:
        """End whatever does not end by itself."""

    def arm(self, kind: str, skip: int) -> None:
        """Let a fault begin behind so many transactions."""
        with self.world.held():
            self.fuse.skip = skip
            self.kinds[kind]()


class I2cPlace(Place):
    """An address on an I2C bus."""

    def __init__(self, world: World, address: int, number: int = 1) -> None:
        super().__init__(world)
        self._faults = world.i2c(number).faults(address)
        self._segment, self._address = world.i2c(number), address

    @property
    def fuse(self) -> Fuse:
        return self._faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        faults = self._faults
        return {
            "one NACK": lambda: setattr(faults, "nacks", 1),
            "five NACKs": lambda: setattr(faults, "nacks", 5),
            "one wrong bit": lambda: setattr(faults, "corrupt_reads", 1),
            "a wrong bit in the second byte": lambda: self._corrupt(1, 1),
            "four wrong bits": lambda: self._corrupt(4, 0),
            "bus hangs once": lambda: setattr(faults, "hangs", 1),
            "unplugged": lambda: setattr(faults, "at_end", self._unplug),
            "power lost for a moment": lambda: setattr(faults, "at_end", self._lose_power),
        }

    def mend(self) -> None:
        self._faults.unplugged = False

    def _corrupt(self, count: int, byte: int) -> None:
        self._faults.corrupt_reads, self._faults.corrupt_byte = count, byte

    def _unplug(self) -> None:
        self._faults.unplugged = True

    def _lose_power(self) -> None:
        device = self._segment.device(self._address)
        if device is not None:
            device.lose_power()


class SpiPlace(Place):
    """A chip select of an SPI bus whose line from the chip is pulled up, so that a chip that is gone shows."""

    def __init__(self, world: World, chip_select: int, number: int = 0) -> None:
        super().__init__(world)
        world.spi(number).rests_high = True
        self._faults = world.spi(number).faults(chip_select)

    @property
    def fuse(self) -> Fuse:
        return self._faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        faults = self._faults
        return {
            **{f"a wrong bit in byte {byte}": self._wrong_bit(byte) for byte in range(3)},
            "four wrong bits": lambda: setattr(faults, "corrupt_reads", 4),
            "chip select not heard": lambda: setattr(faults, "stuck", 1),
            "unplugged": lambda: setattr(faults, "at_end", self._unplug),
        }

    def mend(self) -> None:
        self._faults.unplugged = False

    def _wrong_bit(self, byte: int) -> Action:
        def arm() -> None:
            self._faults.corrupt_reads, self._faults.corrupt_byte = 1, byte

        return arm

    def _unplug(self) -> None:
        self._faults.unplugged = True


class OneWirePlace(Place):
    """A thermometer on the 1-Wire line."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._line, self._faults = world.onewire, world.onewire.faults(EXAMPLE_ID)

    @property
    def fuse(self) -> Fuse:
        return self._faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        faults = self._faults
        return {
            "one wrong bit": lambda: setattr(faults, "corrupt_reads", 1),
            "four wrong bits": lambda: setattr(faults, "corrupt_reads", 4),
            "power lost in a conversion": lambda: setattr(faults, "resets", 1),
            "power lost in four conversions": lambda: setattr(faults, "resets", 4),
            "power lost for a moment": lambda: setattr(faults, "at_end", self._lose_power),
            "line held low": lambda: setattr(faults, "at_end", self._short),
            "unplugged": lambda: setattr(faults, "at_end", lambda: self._line.unplug(EXAMPLE_ID)),
        }

    def mend(self) -> None:
        self._line.held_low = False
        self._line.replug(EXAMPLE_ID)

    def _lose_power(self) -> None:
        device = self._line.device(EXAMPLE_ID)
        if device is not None:
            device.power_up()

    def _short(self) -> None:
        self._line.held_low = True


class SerialPlace(Place):
    """A serial port; its transactions are the bytes that arrive."""

    def __init__(self, world: World, path: str = "/dev/serial0") -> None:
        super().__init__(world)
        self._line = world.serial(path)

    @property
    def fuse(self) -> Fuse:
        return self._line.faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        faults = self._line.faults
        return {
            "one byte garbled": lambda: setattr(faults, "garbage", 1),
            "five bytes garbled": lambda: setattr(faults, "garbage", 5),
            "one byte lost": lambda: setattr(faults, "lost", 1),
            "five bytes lost": lambda: setattr(faults, "lost", 5),
            "eighty bytes lost": lambda: setattr(faults, "lost", 80),
            "silence": lambda: setattr(faults, "at_end", self._silence),
            "unplugged": lambda: setattr(faults, "at_end", self._line.unplug),
        }

    def mend(self) -> None:
        self._line.faults.stuck = False
        self._line.replug()

    def _silence(self) -> None:
        self._line.faults.stuck = True


class KernelPlace(Place):
    """A chip with a driver in the kernel; its transactions are reads of an attribute."""

    def __init__(self, world: World, name: str, place: str) -> None:
        super().__init__(world)
        self._shelf, self._key = world.kernel_sensors, (name, place)
        self._faults = world.kernel_sensors.faults(name, place)

    @property
    def fuse(self) -> Fuse:
        return self._faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        names = ("timeouts", "io_errors", "busy", "no_data", "silent", "garbage")
        counted = {f"{name}, {count}": self._counted(name, count) for name in names for count in (1, 7)}
        return counted | {
            "unplugged": lambda: setattr(self._faults, "at_end", lambda: self._shelf.unplug(*self._key)),
            "back with another number": lambda: setattr(self._faults, "at_end", self._renumber),
        }

    def mend(self) -> None:
        self._shelf.replug(*self._key)

    def _counted(self, name: str, count: int) -> Action:
        return lambda: setattr(self._faults, name, count)

    def _renumber(self) -> None:
        self._shelf.unplug(*self._key)
        self._shelf.replug(*self._key)


class HealthPlace(Place):
    """The Pi itself; a transaction is a look at it."""

    @property
    def fuse(self) -> Fuse:
        return self.world.vitals.faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        faults = self.world.vitals.faults
        return {
            "nothing seen once": lambda: setattr(faults, "silent", 1),
            "nothing seen five times": lambda: setattr(faults, "silent", 5),
        }

    def mend(self) -> None:
        """It ends by itself."""


class EchoPlace(Place):
    """An ultrasonic sensor; its transactions are pings."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._faults = world.echo_on("s", TRIGGER_LINE, ECHO_LINE).faults

    @property
    def fuse(self) -> Fuse:
        return self._faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        names = ("missing", "spikes", "dropouts", "late")
        counted = {f"{name}, {count}": self._counted(name, count) for name in names for count in (1, 2, 5)}
        return counted | {
            "stuck high for seconds": self._counted("stuck_high", 1),
            "unplugged": lambda: setattr(self._faults, "at_end", self._unplug),
        }

    def mend(self) -> None:
        self._faults.unplugged = False

    def _counted(self, name: str, count: int) -> Action:
        return lambda: setattr(self._faults, name, count)

    def _unplug(self) -> None:
        self._faults.unplugged = True


class CameraPlace(Place):
    """The only camera of its kind; its transactions are frames."""

    def __init__(self, world: World, shelf: CameraShelf, without: Collection[str] = ()) -> None:
        """Args: without: kinds that nobody could see in its frames, or that it cannot have."""
        super().__init__(world)
        self._shelf, self._without = shelf, without
        [self._twin] = shelf.twins

    @property
    def fuse(self) -> Fuse:
        return self._twin.faults

    @property
    def kinds(self) -> Mapping[str, Action]:
        names = ("garbage", "half", "broken", "other_size", "lost", "late")
        kinds = {f"{name}, {count}": self._counted(name, count) for name in names for count in (1, 5)}
        kinds["silence"] = lambda: setattr(self._twin.faults, "at_end", self._silence)
        kinds["unplugged"] = lambda: setattr(self._twin.faults, "at_end", self._twin.unplug)
        kinds["back with another number"] = lambda: setattr(self._twin.faults, "at_end", self._renumber)
        return {kind: action for kind, action in kinds.items() if not kind.startswith(tuple(self._without))}

    def mend(self) -> None:
        self._twin.faults.silent = False
        self._twin.plug_in()

    def _counted(self, name: str, count: int) -> Action:
        return lambda: setattr(self._twin.faults, name, count)

    def _silence(self) -> None:
        self._twin.faults.silent = True

    def _renumber(self) -> None:
        self._shelf.replug_elsewhere(self._twin)
