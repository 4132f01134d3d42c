"""Says how the greenhouse is, and waters each bed that is dry for two seconds."""

import asyncio

from connect import connect
from viam.components.motor import Motor
from viam.components.sensor import Sensor

DRY_PCT = 30


async def main() -> None:
    async with await connect() as robot:
        air = await Sensor.from_robot(robot, "air").get_readings()
        light = await Sensor.from_robot(robot, "light").get_readings()
        print(f"{air['temperature_c']:.1f} °C, {air['relative_humidity_pct']:.0f} %, {light['lux']:.0f} lx", flush=True)
        for bed, moisture in sorted((await Sensor.from_robot(robot, "soil").get_readings()).items()):
            print(f"{bed}: {moisture:.0f} % moist, {'watering' if moisture < DRY_PCT else 'fine'}", flush=True)
            if moisture < DRY_PCT:
                await Motor.from_robot(robot, f"{bed}-pump").go_for(90, 3)  # 3 turns at 90 rpm take 2 s


asyncio.run(main())
