"""Measures this module beside a bare SDK module, turn by turn in one run, and prints a table in Markdown.

Both run as child processes of a fake viam-server on unix sockets; calls go over the module's own socket, as
viam-server's do. What else the machine does meanwhile hits both alike.
"""

import argparse
import asyncio
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from viam.components.motor.client import MotorClient
from viam.components.sensor.client import SensorClient
from viam.proto.app.robot import ComponentConfig

from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer, component
from tests.performance.latency import measure_latency
from tests.performance.polling import Polling, measure_polling
from tests.performance.simulation import measure_simulation
from tests.performance.timing import percentile_of, timed

MOCK = {"backend": "mock"}
PINS = {"a": "11", "b": "13", "pwm": "15"}

SIMULATED_MOVES = 5
BATCH = 50
WARM_UP = 100


@dataclass
class Subject:
    """A module under measurement, and what was measured, in seconds and MiB."""

    name: str
    start: Start
    configs: Sequence[ComponentConfig]
    to_ready: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    memory_in_use: list[float] = field(default_factory=list)
    readings: list[float] = field(default_factory=list)
    power: list[float] = field(default_factory=list)


OURS = Subject("pi-drivers (mock)", Start(entry=("-m", "pi_drivers")), [
    component("board", "board", "pi", MOCK),
    component("motor", "dc-motor", "m", {**MOCK, "board": "pi", "pins": PINS, "max_rpm": 100}),
    component("sensor", "sht31", "s", MOCK),
])  # fmt: skip

BARE = Subject("bare SDK module", Start(entry=("-m", "tests.performance.bare_module")), [
    component("motor", "test:bare:motor", "m"),
    component("sensor", "test:bare:sensor", "s"),
])  # fmt: skip


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--calls", type=int, default=12000)
    wanted = parser.parse_args()
    for turn in range(wanted.starts):
        for subject in (BARE, OURS) if turn % 2 else (OURS, BARE):
            await measure_start(subject)
    await measure_calls(wanted.calls)
    print(report(wanted.starts, wanted.calls))
    print(polling_text(await measure_polling(wanted.calls)))
    motor, servo = await measure_latency()
    print(
        "\nFrom the start of the RPC handler to the last written pin of the simulated Pi: "
        f"`set_power` on three pins {motor.p50:.3f} ms (p99 {motor.p99:.3f} ms), "
        f"a servo's `move` {servo.p50:.3f} ms (p99 {servo.p99:.3f} ms)."
    )
    ratio = await asyncio.to_thread(measure_simulation, SIMULATED_MOVES)
    print(f"\nSimulating a wheel's `go_for(60, 10)` in tests, in closed loop: {ratio:.0f} times faster than real time.")


async def measure_start(subject: Subject) -> None:
    """From the spawn of the process to its answer to Ready, and its memory then and with its resources."""
    server = FakeViamServer(subject.start)
    begin = time.perf_counter()
    async with server:
        await server.ready()
        subject.to_ready.append(time.perf_counter() - begin)
        subject.memory.append(resident_mib(server.child.pid))
        for config in subject.configs:
            await server.configure(config)
        subject.memory_in_use.append(resident_mib(server.child.pid))


async def measure_calls(calls: int) -> None:
    """Both modules side by side, some calls to the one, some to the other."""
    async with AsyncExitStack() as stack:
        rounds: list[tuple[list[float], Callable[[], Awaitable[object]]]] = []
        for subject in (BARE, OURS):
            server = await stack.enter_async_context(FakeViamServer(subject.start))
            await server.ready()
            for config in subject.configs:
                await server.configure(config)
            sensor, motor = server.direct(SensorClient, "s"), server.direct(MotorClient, "m")
            rounds.append((subject.readings, sensor.get_readings))
            rounds.append((subject.power, partial(motor.set_power, 0.5)))
        for _, call in rounds:
            await timed(call, WARM_UP)
        for _ in range(calls // BATCH):
            for times, call in rounds:
                times.extend(await timed(call, BATCH))


def resident_mib(pid: int) -> float:
    """The resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def report(starts: int, calls: int) -> str:
    """The table."""
    rows = [
        row("start to Ready, median", "ms", 1e3, 50, "to_ready"),
        row("resident memory after Ready", "MiB", 1, 50, "memory"),
        row("resident memory with its resources", "MiB", 1, 50, "memory_in_use"),
        row("`get_readings`, p50", "ms", 1e3, 50, "readings"),
        row("`get_readings`, p99", "ms", 1e3, 99, "readings"),
        row("`set_power`, p50", "ms", 1e3, 50, "power"),
        row("`set_power`, p99", "ms", 1e3, 99, "power"),
    ]
    head = [f"| | {BARE.name} | {OURS.name} | difference | ratio |", "| --- | ---: | ---: | ---: | ---: |"]
    what = f"Python {platform.python_version()} on {platform.machine()}, {starts} starts and {calls} calls of each."
    return "\n".join([what, "", *head, *rows])


def polling_text(polling: Polling) -> str:
    """What the calls cost while sensors are polled, and what the sensors missed."""
    rows = []
    for percentile in (50, 99):
        bare, ours = (percentile_of(times, percentile) * 1e3 for times in (polling.bare, polling.ours))
        rows.append(f"p{percentile} {ours:.2f} ms, {ours / bare:.2f} times the bare module's {bare:.2f} ms")
    return (
        f"\nWhile twenty sensors on one I2C bus are read ten times a second each, `get_readings` takes: "
        f"{'; '.join(rows)}. "
        f"Of their samples {polling.overruns} came late and {polling.failures} failed."
    )


def row(label: str, unit: str, scale: float, percentile: int, key: str) -> str:
    """One line: both values, how they differ, and ours as a multiple of the bare one."""
    bare, ours = (percentile_of(getattr(s, key), percentile) * scale for s in (BARE, OURS))
    return f"| {label} | {bare:.2f} {unit} | {ours:.2f} {unit} | {ours - bare:+.2f} {unit} | {ours / bare:.2f} |"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
