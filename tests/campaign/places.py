"""Where faults begin: the places on the simulated buses, and what can go wrong at each.

A place has a fuse, which lets transactions pass before the fault has its turn, and by which they are counted.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from pi_drivers.world.faults import Fuse
from pi_drivers.world.world import World

Action = Callable[[], None]


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
