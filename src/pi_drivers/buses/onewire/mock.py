"""The simulated Pi's 1-Wire bus, standing on the world's line.

A read takes the time of a conversion, as the kernel's does, whether or not the sensor still answers.
"""

from pi_drivers.buses.onewire import answers
from pi_drivers.buses.onewire.contract import CONVERSION_NS, THERMOMETERS, OneWireBus, crc8
from pi_drivers.buses.onewire.ranges import check_sensor_id
from pi_drivers.world.world import World


class MockOneWire(OneWireBus):
    """The simulated bus."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._line = world.onewire
        self._closed = False
        with world.held():
            self._check_bus()

    def scan(self) -> list[str]:
        with self._world.held():
            self._check_bus()
            return self._line.listed()

    def read(self, sensor_id: str) -> bytes:
        check_sensor_id(sensor_id)
        with self._world.held():
            self._check_sensor(sensor_id)
            self._line.convert(sensor_id)
        self._world.clock.sleep(CONVERSION_NS)
        with self._world.held():
            data = self._line.scratchpad(sensor_id)
        return answers.checked(sensor_id, data, crc_right=crc8(data[:-1]) == data[-1])

    def close(self) -> None:
        self._closed = True

    def _check_bus(self) -> None:
        if self._closed:
            raise answers.closed()
        if not self._line.present:
            raise answers.bus_absent()

    def _check_sensor(self, sensor_id: str) -> None:
        self._check_bus()
        if sensor_id not in self._line.listed():
            raise answers.not_found(sensor_id, self._line.listed())
        if sensor_id.partition("-")[0] not in THERMOMETERS:
            raise answers.no_thermometer(sensor_id)
