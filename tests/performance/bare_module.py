"""The least a module can be: the stock SDK, a sensor and a motor that do nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from viam.components.motor import Motor
from viam.components.sensor import Sensor
from viam.module.module import Module
from viam.resource.easy_resource import EasyResource, stub_model
from viam.resource.types import Model


class BareSensor(Sensor, EasyResource):  # type: ignore[misc,no-untyped-call]
    """Two numbers."""

    MODEL: ClassVar[Model] = Model.from_string("test:bare:sensor")

    async def get_readings(self, **kwargs: Any) -> Mapping[str, Any]:
        return {"temperature_c": 20.0, "relative_humidity_pct": 50.0}


@stub_model
class BareMotor(Motor, EasyResource):  # type: ignore[misc,no-untyped-call]
    """Takes any power and does nothing with it."""

    MODEL: ClassVar[Model] = Model.from_string("test:bare:motor")

    async def set_power(self, power: float, **kwargs: Any) -> None:
        return


if __name__ == "__main__":
    asyncio.run(Module.run_from_registry())  # type: ignore[no-untyped-call]
