"""Homes the belt, takes a parcel on by 240 mm, and then as far as the light barrier, or to 1.2 m."""

import asyncio

from connect import connect
from viam.components.motor import Motor
from viam.components.sensor import Sensor

MM = 1 / 120  # turns of the roller, which is 120 mm round


async def main() -> None:
    async with await connect() as robot:
        belt, barrier = Motor.from_robot(robot, "belt"), Sensor.from_robot(robot, "barrier")
        await belt.do_command({"command": "home"})
        await belt.go_for(60, 240 * MM)
        print(f"at {await belt.get_position() / MM:.1f} mm; on to the light barrier", flush=True)
        try:
            while not (seen := (await barrier.get_readings())["level"]) and await belt.get_position() < 1200 * MM:
                await belt.set_rpm(60)  # again and again: command_timeout_ms stops a belt that nobody minds
                await asyncio.sleep(0.02)
        finally:
            await belt.stop()
        print(f"{'a' if seen else 'no'} parcel at {await belt.get_position() / MM:.1f} mm", flush=True)


asyncio.run(main())
