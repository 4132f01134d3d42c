"""Any sensor that the kernel has a driver for: a DHT22, whose timing no program keeps, and several hundred others.

The driver talks to the chip; this reads what it shows below /sys/bus/iio or /sys/class/hwmon, in units that readings
have. Numbers of devices change from boot to boot and when a chip is plugged in again, so a device is found by its name,
and where there are several of one name by its place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.buses.iio.contract import KernelSensor, KernelSensors
from pi_drivers.config.attributes import Problem, SensorAttributes, poll_interval_field
from pi_drivers.config.example import Example
from pi_drivers.errors import (
    BusAbsentError,
    BusError,
    BusPermissionError,
    ConfigError,
    NoAnswerError,
    NotFoundError,
)
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.host.i2c_lines import claim_chip
from pi_drivers.models.base import Dependencies
from pi_drivers.models.i2c_chip import BY_KERNEL, place_from_kernel, place_of
from pi_drivers.models.polled import PolledModel
from pi_drivers.models.sensor.iio_channels import Channel, channels_of
from pi_drivers.world.kernel_drivers import device_of

SAME_DRIVER = {"dht22": "dht11", "dht21": "dht11", "am2302": "dht11", "am2301": "dht11"}
"""Chips that the kernel reads with the driver of another one, whose name is then the device's."""

OVERLAYS = {
    "dht11": "dtoverlay=dht11,gpiopin=4",
    **{
        name: f"dtoverlay=i2c-sensor,{name}"
        for name in ("aht10", "bh1750", "bme280", "bme680", "bmp180", "bmp280", "htu21", "lm75", "sht3x", "sht4x",
                     "shtc3", "si7020", "tmp102")
    },
}  # fmt: skip
"""The line for config.txt that makes the kernel look for a chip; on i2c-1, at the chip's usual address."""

TRIES = 3
PAUSE_NS = 500 * MILLISECOND
"""A DHT22 that was asked in vain needs a moment before it listens again."""


@dataclass(frozen=True)
class Sampled:
    """One look at a device."""

    values: Mapping[str, float]
    missing: Mapping[str, str] = field(default_factory=dict)
    """The channels that had no value, with the reason."""


class KernelChip:
    """A device that a driver of the kernel serves. Blocking: used on a worker's thread."""

    def __init__(self, sensors: KernelSensors, name: str, place: str | None, chosen: Sequence[str] | None) -> None:
        self._sensors = sensors
        self._name = name
        self._place = place
        self._chosen = chosen
        self._channels: list[Channel] = []
        self.device: KernelSensor | None = None

    def set_up(self) -> KernelSensor:
        """Find the device, and what it measures.

        Raises:
            BusAbsentError: it is not there; the message lists those that are, and how a driver is switched on.
            ConfigError: there are several of its name, or not the channels that were chosen.
            BusError: as reading its labels does.
        """
        device = self._find()
        attributes = self._sensors.attributes(device)
        channels = channels_of(
            attributes, is_hwmon=device.is_hwmon, text_of=lambda name: self._sensors.read(device, name)
        )
        if not channels:
            raise ConfigError(f"kernel sensor {device}: it has no channel that could be read; choose another device")
        self._channels = self._choose(device, channels)
        self.device = device
        return device

    def read(self) -> Sampled:
        """The values of all channels.

        Raises:
            NoAnswerError: the device is gone, or its chip does not answer.
            NotFoundError: no channel has a value, or not each of those that were chosen.
            CorruptDataError, BusError: as reading a channel does.
        """
        device = self.device
        if device is None:
            raise NoAnswerError(f"kernel sensor {self._name}: it has not been found yet")
        values: dict[str, float] = {}
        missing: dict[str, str] = {}
        for channel in self._channels:
            try:
                values[channel.key] = channel.read(lambda name: self._sensors.read(device, name))
            except NotFoundError as error:
                missing[channel.key] = str(error)
        if missing and (self._chosen is not None or not values):
            reasons = dict.fromkeys(missing.values())  # channels that share a file share its error
            raise NotFoundError("; ".join(reasons))
        return Sampled(values, missing)

    def _find(self) -> KernelSensor:
        devices = self._sensors.devices()
        found = matching(devices, self._name, self._place)
        if not found:
            raise _absent(self._name, self._place, devices)
        if len(found) > 1:
            places = ", ".join(repr(device.place) for device in found)
            raise ConfigError(f'there are several kernel sensors "{self._name}"; set place to one of {places}')
        return found[0]

    def _choose(self, device: KernelSensor, channels: list[Channel]) -> list[Channel]:
        if self._chosen is None:
            return channels
        unknown = [name for name in self._chosen if all(name not in (each.key, each.source) for each in channels)]
        if unknown:
            there_are = ", ".join(each.key for each in channels)
            raise ConfigError(f"kernel sensor {device}: it has no channel {', '.join(unknown)}; there are: {there_are}")
        return [each for each in channels if each.key in self._chosen or each.source in self._chosen]


def matching(devices: Sequence[KernelSensor], name: str, place: str | None) -> list[KernelSensor]:
    """The devices that a config means: by their name, else by their driver's."""
    name = SAME_DRIVER.get(name.lower(), name)
    here = [device for device in devices if place is None or device.place == place]
    named = [device for device in here if name in (device.name, device.name.partition("@")[0])]
    found = named or [device for device in here if name == device.driver]
    if len({device.place for device in found}) == 1:
        # Some drivers show one chip in both ways; the way of sensors is the finer one.
        return [device for device in found if not device.is_hwmon] or found
    return found


def _absent(name: str, place: str | None, devices: Sequence[KernelSensor]) -> BusAbsentError:
    there_are = ", ".join(str(device) for device in devices) or "none at all"
    where = f' at "{place}"' if place else ""
    line = OVERLAYS.get(SAME_DRIVER.get(name.lower(), name))
    remedy = (
        f"For this one put the line {line} into /boot/firmware/config.txt and reboot."
        if line
        else "Its driver is switched on by an overlay in /boot/firmware/config.txt (see overlays/README there), an I2C "
        "chip for a moment by: echo NAME 0xADDRESS | sudo tee /sys/bus/i2c/devices/i2c-1/new_device"
    )
    return BusAbsentError(f'the kernel has no sensor "{name}"{where}. There are: {there_are}. {remedy}')


class IioSensorConfig(SensorAttributes):
    """The attributes of `iio-sensor`."""

    EXAMPLE: ClassVar[Example] = Example(
        "greenhouse", {"device": "dht11", "poll_interval_ms": 5000, "max_age_ms": 30000}
    )

    poll_interval_ms: int = poll_interval_field(2000)
    device: str = Field(
        min_length=1,
        max_length=80,
        description="The name of the chip's driver as the kernel has it: bme280, dht11 (DHT22 as well), cpu_thermal.",
    )
    place: str | None = Field(
        default=None,
        min_length=1,
        max_length=80,
        description="Which of several of one name: 1-0076 for address 0x76 of i2c-1, dht11@4 for GPIO4. Absent: the "
        "only one.",
    )
    channels: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="The readings that are wanted, each by its key (temperature_c) or by the kernel's name (in_temp). "
        "Absent: all there are; those without a value are left out.",
    )

    def problems(self) -> Iterator[Problem]:
        """A channel that is wanted twice is a slip for another one."""
        yield from super().problems()
        channels = self.channels or ()
        for index, name in enumerate(channels):
            if name in channels[:index]:
                yield Problem(f"channels[{index}]", f"{name!r} is there already")


class IioSensor(PolledModel[IioSensorConfig, Sampled], Sensor):
    """Any sensor with a driver in the Linux kernel (IIO or hwmon), such as a DHT22, by its device's name."""

    CONFIG = IioSensorConfig
    WAITS_FOR = "its device to appear, and to be read"

    def _open(self, settings: IioSensorConfig, dependencies: Dependencies) -> None:
        self._plug_in_twin(settings)
        self._missing: Mapping[str, str] = {}
        self._taken: tuple[int, int] | None = None
        self._give_back: Callable[[], None] = lambda: None
        self.lifecycle.push("give back the address", self._let_go)
        worker = self.host.new_worker(self.label)
        self.lifecycle.push("end its thread", worker.stop)
        self._run = worker.run
        self._chip = KernelChip(self.host.kernel_sensors, settings.device, settings.place, settings.channels)
        self._start_polling(self._sample, self._set_up)

    async def _set_up(self) -> None:
        device = await self._run(self._chip.set_up)
        self._take(place_from_kernel(device.place))

    def _take(self, place: tuple[int, int] | None) -> None:
        """Claim the address that the kernel's driver talks to, in place of the one before.

        Raises:
            ClaimedError: a model of ours has the chip; the message names whose it is.
        """
        if place == self._taken:
            return
        self._let_go()
        if place is not None:
            claims, holder = self.host.claims, self.holder("sensor of the kernel")
            self._give_back = claim_chip(claims, place[0], place_of(*place), holder, shared_as=BY_KERNEL)
            self._taken = place

    def _let_go(self) -> None:
        self._give_back()
        self._give_back = lambda: None
        self._taken = None

    async def _sample(self) -> Sampled:
        for _ in range(TRIES - 1):
            try:
                return self._noted(await self._run(self._chip.read))
            except (NoAnswerError, BusPermissionError):
                raise
            except BusError:
                await self.host.wait(PAUSE_NS)
        return self._noted(await self._run(self._chip.read))

    def _noted(self, sample: Sampled) -> Sampled:
        self._missing = sample.missing
        return sample

    def _readings(self, sample: Sampled) -> Mapping[str, SensorReading]:
        return dict(sample.values)

    def _place(self) -> dict[str, ValueTypes]:
        device = self._chip.device
        if device is None:
            return {"device": self.settings.device}
        return {"device": device.name, "place": device.place, "number": device.number}

    def _status(self) -> dict[str, ValueTypes]:
        return super()._status() | ({"without_value": dict(self._missing)} if self._missing else {})

    def _plug_in_twin(self, settings: IioSensorConfig) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is None:
            return
        with world.held():
            shelf = world.kernel_sensors
            known = [KernelSensor(each.name, each.place, each.driver, "") for each in shelf.known()]
            if not matching(known, settings.device, settings.place):
                name = SAME_DRIVER.get(settings.device.lower(), settings.device)
                shelf.plug_in(device_of(world, name, settings.place))
