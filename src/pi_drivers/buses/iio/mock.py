"""The simulated Pi's kernel sensors, standing on the world's shelf of them."""

from pi_drivers.buses.iio import answers
from pi_drivers.buses.iio.contract import KernelSensor, KernelSensors
from pi_drivers.buses.iio.ranges import check_attribute
from pi_drivers.errors import NotFoundError
from pi_drivers.world.kernel_sensors import ReadFailure
from pi_drivers.world.world import World


class MockKernelSensors(KernelSensors):
    """The simulated devices."""

    def __init__(self, world: World) -> None:
        self._world = world

    def devices(self) -> list[KernelSensor]:
        with self._world.held():
            return self._world.kernel_sensors.listed()

    def attributes(self, device: KernelSensor) -> list[str]:
        with self._world.held():
            self._check(device)
            return sorted(self._world.kernel_sensors.texts(device.number))

    def read(self, device: KernelSensor, attribute: str) -> str:
        check_attribute(attribute)
        with self._world.held():
            try:
                text = self._world.kernel_sensors.read(device.number, attribute)
            except KeyError:
                self._check(device)
                raise NotFoundError(f"kernel sensor {device}: it has no attribute {attribute}") from None
            except ReadFailure as failure:
                self._check(device)
                raise answers.failed(device, attribute, failure.number) from None
            self._check(device)
            return text

    def _check(self, device: KernelSensor) -> None:
        if device not in self._world.kernel_sensors.listed():
            raise answers.gone(device)
