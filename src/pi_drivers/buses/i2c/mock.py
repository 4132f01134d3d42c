"""The simulated Pi's I2C buses, standing on the world's chips.

Each transaction takes the time its bits need at 100 kHz, so a bus can be busy here as well. An address that is no 7-bit
address refuses before anything is sent.
"""

from collections.abc import Callable
from typing import TypeVar

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.buses.i2c.ranges import check_address, check_block, check_count, check_register
from pi_drivers.errors import BusAbsentError, BusTimeoutError, ClosedError, NoAnswerError
from pi_drivers.world.devices import BusHang, I2cSegment, Nack
from pi_drivers.world.world import World

T = TypeVar("T")

BUSES = frozenset({0, 1, 3, 4, 5, 6})
"""The buses a Pi 4's header can have; the mock has them all switched on."""
BYTE_NS = 90_000
"""Nine clocks at 100 kHz: eight bits and the acknowledgement."""
GIVE_UP_NS = 1_000_000_000
"""When the Linux controller driver gives up on a bus that hangs (i2c-bcm2835.c, adapter timeout of 1 s)."""


class MockI2c(I2cBus):
    """One simulated bus."""

    def __init__(self, world: World, number: int) -> None:
        if number not in BUSES:
            raise BusAbsentError(f"i2c-{number}: this machine has no such bus; it has {sorted(BUSES)}")
        self._world = world
        self._number = number
        self._closed = False

    @property
    def number(self) -> int:
        return self._number

    def write(self, address: int, data: bytes) -> None:
        check_count(self._number, address, len(data))
        self._transact(address, len(data), lambda bus: bus.write(address, data))

    def read(self, address: int, count: int) -> bytes:
        check_count(self._number, address, count)
        return self._transact(address, count, lambda bus: bus.read(address, count))

    def write_register(self, address: int, register: int, data: bytes) -> None:
        check_register(self._number, address, register)
        check_block(self._number, address, len(data))
        self._transact(address, len(data) + 1, lambda bus: bus.write(address, bytes([register]) + data))

    def read_register(self, address: int, register: int, count: int) -> bytes:
        check_register(self._number, address, register)
        check_block(self._number, address, count)

        def both(bus: I2cSegment) -> bytes:
            bus.write(address, bytes([register]))
            return bus.read(address, count)

        return self._transact(address, count + 2, both)

    def probe(self, address: int) -> bool:
        try:
            self._transact(address, 0, lambda bus: bus.write(address, b""))
        except NoAnswerError:
            return False
        return True

    def keep_write(self, address: int, data: bytes) -> Callable[[], None]:
        """The simulated Pi ends with its process."""
        return lambda: None

    def close(self) -> None:
        self._closed = True

    def _transact(self, address: int, count: int, transfer: Callable[[I2cSegment], T]) -> T:
        if self._closed:
            raise ClosedError(f"i2c-{self._number}: the bus was closed")
        check_address(self._number, address)
        where = f"i2c-{self._number} 0x{address:02x}"
        self._world.clock.sleep((count + 1) * BYTE_NS)
        try:
            with self._world.held():
                return transfer(self._world.i2c(self._number))
        except Nack:
            raise NoAnswerError(
                f"{where}: no answer (NACK). Is the chip wired and powered, and is this its address?"
            ) from None
        except BusHang:
            self._world.clock.sleep(GIVE_UP_NS)
            raise BusTimeoutError(
                f"{where}: the bus hangs (a line is held low). Check the wiring, then power the chips off and on."
            ) from None
