"""Texas Instruments INA219 as a power sensor: voltage, current and power of a battery or a load, over I2C."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, Field
from viam.components.power_sensor import PowerSensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.config.attributes import Problem, SensorAttributes
from pi_drivers.config.buses import BusNumber, I2cAddress, i2c_bus_field
from pi_drivers.config.example import Example
from pi_drivers.config.pace import TRANSFERS_MS, pace_problems
from pi_drivers.host.contract import MILLISECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.i2c_chip import join_i2c, place_of, place_status
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.models.polled import PolledModel
from pi_drivers.models.power_sensor.ina219_chip import CONVERSION_NS, Flow, Ina219, Scale, identify
from pi_drivers.models.power_sensor.ina219_twin import Ina219Twin


class Ina219Config(SensorAttributes):
    """The attributes of `ina219`."""

    EXAMPLE: ClassVar[Example] = Example("battery", {"i2c_bus": 1, "shunt_ohms": 0.1, "max_current_a": 2})

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"i2c_addr", "shunt_ohms", "max_current_a"})

    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: I2cAddress = Field(
        default=0x40, ge=0x40, le=0x4F, description='The address: 64, or "0x40"; up to "0x4f" by A0 and A1.'
    )
    shunt_ohms: float = Field(
        default=0.1,
        gt=0,
        le=100,
        validation_alias=AliasChoices("shunt_ohms", "shunt_resistance"),
        description="The resistance of the shunt, in ohms. Most boards have 0.1, printed R100.",
    )
    max_current_a: float = Field(
        default=3.2,
        gt=0,
        le=1000,
        validation_alias=AliasChoices("max_current_a", "max_current_amps"),
        description="The largest current to be measured, in amperes. The smaller, the finer; more is an error.",
    )
    average: Literal[1, 2, 4, 8, 16, 32, 64, 128] = Field(
        default=1,
        description="How many measurements are averaged into one sample, each about a millisecond: for a load that is "
        "switched on and off.",
    )

    @property
    def scale(self) -> Scale:
        """How the chip is calibrated."""
        return Scale.chosen(self.shunt_ohms, self.max_current_a)

    def problems(self) -> Iterator[Problem]:
        """Shunt and current must suit the chip, and a measurement must be over before the next one."""
        yield from super().problems()
        if self.shunt_ohms is not None and self.max_current_a is not None:
            try:
                Scale.chosen(self.shunt_ohms, self.max_current_a)
            except ValueError as error:
                yield Problem("max_current_a", str(error))
        if self.average is not None:
            sample_ms = math.ceil(2 * self.average * CONVERSION_NS / MILLISECOND) + TRANSFERS_MS
            yield from pace_problems(self, sample_ms, "with this average")


class Ina219PowerSensor(PolledModel[Ina219Config, Flow], PowerSensor):
    """Texas Instruments INA219 voltage, current and power sensor over I2C."""

    CONFIG = Ina219Config
    I2C_CHIP = I2cIdentity("INA219", identify)

    def _open(self, settings: Ina219Config, dependencies: Dependencies) -> None:
        place = place_of(settings.i2c_bus, settings.i2c_addr)
        shared = join_i2c(self, settings, "power sensor", lambda world: Ina219Twin(world, place, settings.shunt_ohms))
        self._run = shared.worker.run
        self._chip = Ina219(shared.bus, settings.i2c_addr, settings.scale, settings.average)
        self._start_polling(self._sample, lambda: self._run(self._chip.set_up))

    async def get_voltage(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[float, bool]:
        """The voltage behind the shunt in V, and that it is not AC. Never touches the hardware.

        Raises:
            StaleReadingError: the newest sample is too old, or there is none; with its age and the cause.
            OutOfRangeError: more current flows than can be measured.
            NoCaptureToStoreError: data capture has this sample already, and the config says `skip_unchanged`.
            ClosedError: the resource was closed.
        """
        return self._newest("get_voltage", extra).volts, False

    async def get_current(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> tuple[float, bool]:
        """The current in A, negative towards IN+, and that it is not AC. Raises: as `get_voltage` does."""
        return self._newest("get_current", extra).amperes, False

    async def get_power(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """The power in W, with the sign of the current. Raises: as `get_voltage` does."""
        return self._newest("get_power", extra).watts

    async def _sample(self) -> Flow:
        await self._run(self._chip.begin)
        await self.host.wait(self._chip.measurement_ns)
        return await self._run(self._chip.finish)

    def _readings(self, sample: Flow) -> Mapping[str, SensorReading]:
        return {
            "volts": sample.volts,
            "amps": sample.amperes,
            "watts": sample.watts,
            "is_ac": False,
            "shunt_voltage_mv": sample.shunt_volts * 1000,
        }

    def _place(self) -> dict[str, ValueTypes]:
        return place_status(self.settings.i2c_bus, self.settings.i2c_addr)
