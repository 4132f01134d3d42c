"""Prints once what every sensor of a machine reads: a first look at whatever `up` runs."""

import asyncio
from typing import Any

from connect import connect
from google.protobuf.message import Message
from grpclib import GRPCError
from viam.components.movement_sensor import MovementSensor
from viam.components.power_sensor import PowerSensor
from viam.components.sensor import Sensor

KINDS: dict[str, Any] = {"sensor": Sensor, "movement_sensor": MovementSensor, "power_sensor": PowerSensor}


def shown(value: Any) -> Any:
    """On one line. A vector, an orientation or a place on the globe is a message with fields."""
    if isinstance(value, Message):
        return ", ".join(f"{field.name} {shown(getattr(value, field.name))}" for field in value.DESCRIPTOR.fields)
    return round(value, 6) if isinstance(value, float) else value


async def main() -> None:
    async with await connect() as robot:
        sensors = sorted((one.name, one.subtype) for one in robot.resource_names if one.subtype in KINDS)
        if not sensors:
            print("this machine has no sensors")
        for name, kind in sensors:
            try:
                readings = await KINDS[kind].from_robot(robot, name).get_readings()
            except GRPCError as error:
                print(f"{name}: {error.message}")
                continue
            for key, value in sorted(readings.items()):
                print(f"{name}: {key}", shown(value))


asyncio.run(main())
