"""Looks round, and saves a picture of each direction in a folder: the one that is named, else a new one."""

import asyncio
import sys
import tempfile
from pathlib import Path

from connect import connect
from viam.components.camera import Camera
from viam.components.servo import Servo


async def main(folder: Path) -> None:
    async with await connect() as robot:
        pan, tilt = Servo.from_robot(robot, "pan"), Servo.from_robot(robot, "tilt")
        for across, up in ((45, 75), (90, 75), (135, 75), (135, 105), (90, 105), (45, 105)):
            await asyncio.gather(pan.move(across), tilt.move(up))
            await asyncio.sleep(0.2)  # until the mast is still
            [image], _ = await Camera.from_robot(robot, "eye").get_images()
            path = folder / f"pan-{across}-tilt-{up}.jpg"
            path.write_bytes(image.data)
            at = f"pan {await pan.get_position()}°, tilt {await tilt.get_position()}°"
            print(f"{at}: {image.width} x {image.height}, {len(image.data)} bytes, {path}", flush=True)


pictures = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
pictures.mkdir(parents=True, exist_ok=True)
asyncio.run(main(pictures))
