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
                print(f"{name}: {key}", round(value, 6) if isinstance(value, float) else value)


asyncio.run(main())
