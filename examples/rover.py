"""Drives a square by the rover's encoders, and says how far each wheel has turned."""

import asyncio
import math

from connect import connect
from viam.components.motor import Motor

SIDE = 0.2 / (math.pi * 0.065)  # turns of a wheel 6.5 cm wide for a side of 20 cm
CORNER = 0.25 * 0.15 / 0.065  # and for a quarter of a circle, with wheels 15 cm apart


async def main() -> None:
    async with await connect() as robot:
        left, right = Motor.from_robot(robot, "left"), Motor.from_robot(robot, "right")
        await asyncio.gather(left.reset_zero_position(0), right.reset_zero_position(0))
        for side in range(1, 5):
            await asyncio.gather(left.go_for(100, SIDE), right.go_for(100, SIDE))
            await asyncio.gather(left.go_for(100, CORNER), right.go_for(100, -CORNER))
            turns = [await wheel.get_position() for wheel in (left, right)]
            print(f"side {side}: left {turns[0]:.2f} turns, right {turns[1]:.2f} turns", flush=True)


asyncio.run(main())
