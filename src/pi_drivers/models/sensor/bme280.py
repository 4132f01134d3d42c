"""Bosch BME280 and BMP280 over I2C: temperature, pressure, and with a BME280 humidity.

Two more readings follow from these: the dew point, and the altitude by the pressure at sea level.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.config.attributes import Problem, SensorAttributes
from pi_drivers.config.buses import BusNumber, I2cAddress, i2c_address_field, i2c_bus_field, one_of_addresses
from pi_drivers.config.example import Example
from pi_drivers.config.pace import TRANSFERS_MS, pace_problems
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.i2c_chip import place_status
from pi_drivers.models.i2c_choice import AddressChoice
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.models.polled import PolledModel
from pi_drivers.models.sensor.bme280_chip import STANDBY_NS, Bme280, Climate, Settings, identify
from pi_drivers.models.sensor.bme280_twin import Bme280Twin

ADDRESSES = (0x77, 0x76)
"""With SDO high and low (section 6.2, page 32). Boards come with either."""

Oversampling = Literal[0, 1, 2, 4, 8, 16]


class Bme280Config(SensorAttributes):
    """The attributes of `bme280`."""

    EXAMPLE: ClassVar[Example] = Example("weather", {"i2c_bus": 1, "sea_level_hpa": 1018.2})

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"i2c_addr", "sea_level_hpa"})

    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: Annotated[I2cAddress, one_of_addresses(*ADDRESSES)] = i2c_address_field(
        ADDRESSES, '"0x76" with SDO low. Absent: both are tried'
    )
    mode: Literal["forced", "normal"] = Field(
        default="forced",
        description="`forced`: the chip sleeps and measures when it is asked. `normal`: it goes on by itself, which "
        "its filter is made for.",
    )
    oversampling_temperature: Literal[1, 2, 4, 8, 16] = Field(
        default=1,
        description="How many measurements are averaged into one sample. More give less noise, take longer and warm "
        "the chip.",
    )
    oversampling_pressure: Oversampling = Field(
        default=4, description="The same for the pressure. 0 leaves the pressure and the altitude out."
    )
    oversampling_humidity: Oversampling = Field(
        default=1, description="The same for the humidity. 0 leaves the humidity and the dew point out."
    )
    filter: Literal[0, 2, 4, 8, 16] = Field(
        default=0,
        description="How strongly the chip smooths temperature and pressure, against slammed doors and gusts. 0 "
        "switches it off.",
    )
    sea_level_hpa: float = Field(
        default=1013.25,
        ge=850,
        le=1100,
        description="The pressure at sea level now, in hPa, as weather services tell it: the altitude goes by it.",
    )

    @property
    def addresses(self) -> tuple[int, ...]:
        """Where it may be: at its address, or without one at the first of these that is free and has it."""
        return (self.i2c_addr,) if self.given("i2c_addr") else ADDRESSES

    @property
    def chip(self) -> Settings:
        """As the chip is told."""
        rests = [i for i, rest_ns in enumerate(STANDBY_NS) if 2 * rest_ns <= self.poll_interval_ms * MILLISECOND]
        return Settings(
            temperature=self.oversampling_temperature,
            pressure=self.oversampling_pressure,
            humidity=self.oversampling_humidity,
            filter=self.filter,
            normal=self.mode == "normal",
            # At most half an interval: then no sample is read twice.
            standby=max(rests, default=0) if self.mode == "normal" else 0,
        )

    def problems(self) -> Iterator[Problem]:
        """A measurement must be over before the next one."""
        yield from super().problems()
        times = (self.oversampling_temperature, self.oversampling_pressure, self.oversampling_humidity)
        if None not in times:
            sample_ms = math.ceil(Settings(*times).measurement_ns / MILLISECOND) + TRANSFERS_MS
            yield from pace_problems(self, sample_ms, "with this oversampling")


class Bme280Sensor(PolledModel[Bme280Config, Climate], Sensor):
    """Bosch BME280 temperature, humidity and pressure sensor, or BMP280, over I2C."""

    CONFIG = Bme280Config
    I2C_CHIP = I2cIdentity("BME280 or BMP280", identify)

    def _open(self, settings: Bme280Config, dependencies: Dependencies) -> None:
        holder = self.holder("sensor")
        self._choice = AddressChoice(self.host.claims, holder, settings.i2c_bus, settings.addresses)
        self.lifecycle.push("give back the address", self._choice.let_go)
        self._plug_in_twin()
        shared = self.host.i2c(settings.i2c_bus)
        self.lifecycle.push("leave the bus", shared.leave)
        self._run, self._bus = shared.worker.run, shared.bus
        self._chip = self._chip_at(self._choice.address)
        self._start_polling(self._sample, lambda: self._choice.settle(self._set_up))

    def _chip_at(self, address: int) -> Bme280:
        return Bme280(self.host, self._bus, address, self.settings.chip)

    async def _set_up(self, address: int) -> None:
        chip = self._chip if address == self._choice.address else self._chip_at(address)
        await self._run(chip.set_up)
        self._chip = chip
        if self.settings.mode == "normal":
            await self.host.wait(self.settings.chip.measurement_ns)

    async def _sample(self) -> Climate:
        if self.settings.mode == "forced":
            await self._run(self._chip.begin)
            await self.host.wait(self.settings.chip.measurement_ns)
        return await self._run(self._chip.finish)

    def _readings(self, sample: Climate) -> Mapping[str, SensorReading]:
        readings: dict[str, SensorReading] = {"temperature_c": sample.temperature_c}
        if sample.pressure_hpa is not None:
            readings["pressure_hpa"] = sample.pressure_hpa
            readings["altitude_m"] = altitude_m(sample.pressure_hpa, self.settings.sea_level_hpa)
        if sample.relative_humidity_pct is not None:
            readings["relative_humidity_pct"] = sample.relative_humidity_pct
            if sample.relative_humidity_pct > 0:
                readings["dew_point_c"] = dew_point_c(sample.temperature_c, sample.relative_humidity_pct)
        return readings

    def _place(self) -> dict[str, ValueTypes]:
        kind: dict[str, ValueTypes] = {} if self._chip.kind is None else {"chip": self._chip.kind}
        return place_status(self.settings.i2c_bus, self._choice.address) | kind

    def _plug_in_twin(self) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is None:
            return
        with world.held():
            segment = world.i2c(self.settings.i2c_bus)
            if not any(segment.device(address) for address in self._choice.possible):
                segment.plug_in(self._choice.address, Bme280Twin(world))


def altitude_m(pressure_hpa: float, sea_level_hpa: float) -> float:
    """The height above sea level in metres at which the standard atmosphere (ISO 2533) has this pressure."""
    return 44330.77 * (1 - math.pow(max(pressure_hpa, 0.0) / sea_level_hpa, 0.190263))


def dew_point_c(temperature_c: float, relative_humidity_pct: float) -> float:
    """The temperature at which this air would be full of water, in degrees Celsius, by Magnus's formula.

    The constants are those over water of WMO-No. 8, annex 4.B, good from -45 to 60 degrees. The humidity is above 0.
    """
    share = math.log(relative_humidity_pct / 100) + 17.62 * temperature_c / (243.12 + temperature_c)
    return 243.12 * share / (17.62 - share)
