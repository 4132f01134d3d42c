"""The outlets of the simulated Pi: its buses with what is plugged into them, and bus 1, which every header has."""

import re
from collections.abc import Mapping

from pi_drivers.host.outlets import Outlets, SerialOutlet
from pi_drivers.world.world import World

HEADER_BUS = 1
KERNEL_PLACE = re.compile(r"([0-9]+)-00([0-7][0-9a-f])")


class MockOutlets(Outlets):
    """The outlets of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def i2c_buses(self) -> list[int]:
        with self._world.held():
            return sorted({HEADER_BUS, *(bus for bus, _ in self._world.i2c_chips)})

    def i2c_drivers(self, bus: int) -> Mapping[int, str]:
        with self._world.held():
            devices = self._world.kernel_sensors.listed()
        found = {}
        for device in devices:
            place = KERNEL_PLACE.fullmatch(device.place)
            if place is not None and int(place[1]) == bus:
                found[int(place[2], 16)] = device.driver
        return found

    def spi_chip_selects(self) -> list[tuple[int, int]]:
        with self._world.held():
            return self._world.spi_chips

    def has_onewire(self) -> bool:
        with self._world.held():
            return self._world.onewire.present

    def serial_ports(self) -> list[SerialOutlet]:
        with self._world.held():
            return [SerialOutlet(path, path.rpartition("/")[2]) for path in self._world.serial_ports]
