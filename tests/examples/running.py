"""A machine of the examples on the mock, and its client: each a process of its own, as in two terminals."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.cli.processes import PATIENCE_S, Up, up
from tests.examples.page import EXAMPLES


@asynccontextmanager
async def machine(example: str | Path, directory: Path, trace: Path | str = "") -> AsyncIterator[tuple[str, Up]]:
    """The machine, by name or by its config, when it is up, and where it listens; it must end well."""
    path = directory / "m.sock"
    config = example if isinstance(example, Path) else EXAMPLES / f"{example}.json"
    async with up(config, "--backend", "mock", "--listen", path, PI_DRIVERS_TRACE=str(trace)) as running:
        yield await running.address(), running
        running.process.terminate()
        status, _ = await running.end()
    assert status == 0


@asynccontextmanager
async def client(address: str, script: str, *arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A client, as `.venv/bin/python` starts it: nothing but installed packages, and what lies beside it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIAM", "PI_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, EXAMPLES / f"{script}.py", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**env, "PI_ADDRESS": address},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def line_of(process: asyncio.subprocess.Process) -> str:
    """The next line that a client prints."""
    stdout: Any = process.stdout
    line: bytes = await asyncio.wait_for(stdout.readline(), PATIENCE_S)
    return line.decode().rstrip("\n")


async def rest_of(process: asyncio.subprocess.Process) -> list[str]:
    """What else a client prints until its end, which must be a good one."""
    out, errors = await asyncio.wait_for(process.communicate(), 2 * PATIENCE_S)
    assert (process.returncode, errors.decode()) == (0, "")
    return out.decode().splitlines()


async def run(address: str, script: str, *arguments: str | Path) -> list[str]:
    """What a client prints from its start to its end."""
    async with client(address, script, *arguments) as process:
        return await rest_of(process)
