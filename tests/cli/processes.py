"""`up` as a process of its own, and clients of it: what a user has on a desk."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from viam.robot.client import RobotClient
from viam.rpc.dial import DialOptions

from tests.cli.machines import board, encoder, file_of, motor, sensor

PATIENCE_S = 20


class Up:
    """A running `up`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def address(self) -> str:
        """Wait for its address."""
        return (await self.line("listening on ")).removeprefix("listening on ")

    async def line(self, beginning: str) -> str:
        """Wait for a line that begins so."""
        assert self.process.stdout is not None
        while True:
            line = (await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)).decode().rstrip("\n")
            self.lines.append(line)
            assert line or not self.process.stdout.at_eof(), f"it ended early: {self.lines}"
            if line.startswith(beginning):
                return line

    async def end(self) -> tuple[int, str]:
        """Wait for its end: the exit status, and what it wrote to stderr."""
        _, errors = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


@asynccontextmanager
async def up(*arguments: str | Path, stdout: int = asyncio.subprocess.PIPE, **env: str) -> AsyncIterator[Up]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pi_drivers", "up", *map(str, arguments),
        stdout=stdout, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONDEVMODE": "", "PYTHONUNBUFFERED": "", **env},
    )  # fmt: skip
    try:
        yield Up(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@asynccontextmanager
async def client(address: str) -> AsyncIterator[RobotClient]:
    options = RobotClient.Options(
        dial_options=DialOptions(insecure=True, disable_webrtc=True), refresh_interval=0, check_connection_interval=0
    )
    robot = await RobotClient.at_address(address, options)
    try:
        yield robot
    finally:
        await robot.close()  # type: ignore[no-untyped-call]


def rover(directory: Path) -> Path:
    return file_of(
        directory, motor(encoder="turns", ticks_per_rotation=400), encoder(), board(), sensor(poll_interval_ms=50)
    )
