"""What a sensor's `get_readings` takes while four clients ask a camera of the same module without a pause.

A camera that works on the event loop keeps the sensor waiting; sending pictures does so in any case.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from viam.components.sensor.client import SensorClient

from tests.module.child import REPOSITORY
from tests.performance.camera_rigs import MOST_CLIENTS, NAME, Rig, Size, Subject
from tests.performance.timing import percentile_of

ROUNDS = 3
ALONE_S, BESIDE_S = 0.3, 0.8
PAUSE_S = 0.002
"""Between two calls, so that they and the pictures do not take turns."""


@dataclass
class Neighbour:
    """How long a sensor's answers took, in seconds, without a camera and beside one."""

    name: str
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)


async def measure_neighbours(pairs: Sequence[tuple[Subject, Rig]], size: Size) -> Sequence[Neighbour]:
    """All in turn."""
    measured = [Neighbour(subject.name) for subject, _ in pairs]
    for _ in range(ROUNDS):
        for (subject, rig), neighbour in zip(pairs, measured, strict=True):
            neighbour.alone.extend(await _ask_sensor(rig, ALONE_S))
            async with rig.plugged_in(subject, size), _clients_elsewhere(rig.server.child.address):
                neighbour.beside.extend(await _ask_sensor(rig, BESIDE_S))
    return measured


async def _ask_sensor(rig: Rig, seconds: float) -> list[float]:
    sensor = rig.server.direct(SensorClient, "sensor")
    times = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        await sensor.get_readings()
        times.append(time.perf_counter() - begin)
        await asyncio.sleep(PAUSE_S)
    return times


@asynccontextmanager
async def _clients_elsewhere(address: str) -> AsyncIterator[None]:
    """The camera's clients in a process of their own, so that they cannot keep the sensor's waiting."""
    command = (sys.executable, "-m", "tests.performance.camera_clients", address, NAME, str(MOST_CLIENTS))
    process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise RuntimeError("the camera's clients ended before they had a picture")
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def neighbours_text(measured: Sequence[Neighbour]) -> str:
    """What was found."""
    lines = [
        f"\n`get_readings` of a sensor while {MOST_CLIENTS} clients ask the camera without a pause:\n",
        "| camera | p50 | p99 | p50 without it | p99 | ratio of p50 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in measured:
        values = [percentile_of(times, at) * 1e3 for times in (each.beside, each.alone) for at in (50, 99)]
        cells = [each.name, *(f"{value:.2f} ms" for value in values), f"{values[0] / values[2]:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
