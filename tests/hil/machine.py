"""The module as on a Pi: run.sh under a viam-server, with components on the real back end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from viam.proto.app.robot import ComponentConfig

from tests.module.child import REPOSITORY, Start
from tests.module.fake_viam_server import FakeViamServer, full_name

READY_S = 30.0
SAFE_S = 0.5
"""How soon pins must be safe after whatever ended the motion. On a Pi it takes some milliseconds; the simulated kernel
is slow, and kept waiting by the machine it runs on."""
LOOK_EVERY_S = 0.002


def by_run_sh(environment: Path) -> Start:
    """How viam-server starts the module."""
    return Start(python=str(REPOSITORY / "run.sh"), entry=(), env={"PI_DRIVERS_VENV": str(environment)})


@asynccontextmanager
async def running(start: Start) -> AsyncIterator[FakeViamServer]:
    """A module that is ready; what is left of it in the end is killed."""
    async with FakeViamServer(start) as server:
        await server.ready(READY_S)
        yield server


@asynccontextmanager
async def configured(server: FakeViamServer, *configs: ComponentConfig) -> AsyncIterator[None]:
    """Components, each after those it needs, until the end of the block."""
    async with AsyncExitStack() as added:
        for config in configs:
            await server.configure(config)
            added.push_async_callback(server.remove, full_name(config))
        yield


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> float:
    """Wait until something is so; gives the seconds it took. Fails when it takes longer."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"not so within {within_s} s"
        await asyncio.sleep(LOOK_EVERY_S)
    return time.monotonic() - began


def pin(offset: int) -> str:
    """A line's name in a config."""
    return f"GPIO{offset}"
