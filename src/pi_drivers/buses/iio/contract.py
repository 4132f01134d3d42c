"""What a back end for the kernel's own sensor drivers must do.

For several hundred chips Linux has a driver that does the talking, some of it with timing that no program could keep.
It shows their values as files: the drivers of sensors below /sys/bus/iio (Industrial I/O), those that watch over
computers below /sys/class/hwmon. The contract is as small as files are: which devices there are, which attributes each
has, and the text of one. What the texts mean is the model's business.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

HWMON = "hwmon"


@dataclass(frozen=True)
class KernelSensor:
    """One device as the kernel has it."""

    name: str
    """What its driver calls it: `bme280`, `dht11@4`, `cpu_thermal`."""
    place: str
    """Where it is, the same after a reboot: `1-0076` for address 0x76 of i2c-1, `dht11@4` for GPIO4, `spi0.0`; empty
    where the kernel names no place."""
    driver: str
    """The name of the driver itself, where there is one: `bmp280`, `dht11`."""
    number: str
    """Its folder: `iio:device0` or `hwmon3`, as they were found, so not the same after a reboot."""

    @property
    def is_hwmon(self) -> bool:
        """Whether its attributes are named as those of /sys/class/hwmon."""
        return self.number.startswith(HWMON)

    def __str__(self) -> str:
        return f"{self.name} ({self.place})" if self.place and self.place != self.name else self.name


class KernelSensors(ABC):
    """All such devices of a machine. Blocking, and nothing is kept open: called on any thread but the event loop's."""

    @abstractmethod
    def devices(self) -> list[KernelSensor]:
        """The devices that are there now, by number."""

    @abstractmethod
    def attributes(self, device: KernelSensor) -> list[str]:
        """The names of a device's attributes, sorted.

        Raises:
            NoAnswerError: the device is gone.
        """

    @abstractmethod
    def read(self, device: KernelSensor, attribute: str) -> str:
        """The text of an attribute, without the line's end. It may take seconds: most drivers measure meanwhile.

        It is this device's: of another one that got its number meanwhile nothing is read.

        Raises:
            ArgumentError: this cannot be the name of an attribute; nothing was opened.
            NotFoundError: the device has no such attribute, or no value there now.
            NoAnswerError: the device is gone, or its chip does not answer its driver.
            BusTimeoutError: its driver waited in vain.
            BusPermissionError: this user may not read it.
            BusError: its driver reports something else, such as a wrong checksum.
        """
