"""Plays what happens to a machine on the mock, such as: fault.py signal barrier low."""

import asyncio
import sys

from connect import connect
from viam.components.board import Board


async def main(target: str, kind: str) -> None:
    async with await connect() as robot:
        await Board.from_robot(robot, "pi").do_command({"command": "fault", "target": target, "kind": kind})


asyncio.run(main(" ".join(sys.argv[1:-1]), sys.argv[-1]))
