"""Prints once what every sensor of a machine reads: a first look at whatever `up` runs."""

import asyncio
from typing import Any

from connect import connect
from grpclib import GRPCError
from viam.components.movement_sensor import MovementSensor
from viam.components.power_sensor import PowerSensor
from viam.components.sensor import Sensor

KINDS: dict[str, Any] = {"sensor": Sensor, "movement_sensor": MovementSensor, "power_sensor": PowerSensor}


async def main() -> None:
    async with await connect() as robot:
        for name in sorted(robot.resource_names, key=lambda one: one.name):
            if name.subtype in KINDS:
                try:
                    readings = await KINDS[name.subtype].from_robot(robot, name.name).get_readings()
                    for key in sorted(readings):
                        print(f"{name.name}:", key, *str(readings[key]).split())
                except GRPCError as error:
                    print(f"{name.name}: {error.message}")


asyncio.run(main())
