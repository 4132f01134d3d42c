"""How much faster than real time a robot is simulated: ten revolutions of a wheel under closed-loop control."""

import asyncio
import time
from collections.abc import Mapping

from viam.proto.app.robot import ComponentConfig
from viam.utils import dict_to_struct

from pi_drivers import host as hosts
from pi_drivers import registry
from pi_drivers.host.mock import MockHost
from pi_drivers.world.clock import HandClock
from pi_drivers.world.world import World
from tests.hand_driven import HandDrivenLoop

ENCODER = {"backend": "mock", "pins": {"a": "38", "b": "40"}}
MOTOR = {
    "backend": "mock",
    "pins": {"a": "29", "b": "31", "pwm": "22"},
    "encoder": "e",
    "ticks_per_rotation": 400,
    "max_rpm": 200,
}


def measure_simulation(moves: int) -> float:
    """Robot seconds for each second of this machine, the median of some moves `go_for(60, 10)`."""
    clock = HandClock()
    hosts.install(MockHost(World(clock)))
    with asyncio.Runner(loop_factory=lambda: HandDrivenLoop(clock)) as runner:
        return runner.run(_move(clock, moves))


async def _move(clock: HandClock, moves: int) -> float:
    encoder = registry.load("incremental-encoder").new(_config("e", ENCODER), {})
    motor = registry.load("dc-motor").new(_config("m", MOTOR), {})
    ratios = []
    for _ in range(moves):
        begin, begin_ns = time.perf_counter(), clock.now_ns()
        await motor.go_for(60, 10)  # type: ignore[attr-defined]
        ratios.append((clock.now_ns() - begin_ns) / 1e9 / (time.perf_counter() - begin))
    await motor.close()
    await encoder.close()
    return sorted(ratios)[len(ratios) // 2]


def _config(name: str, attributes: Mapping[str, object]) -> ComponentConfig:
    return ComponentConfig(name=name, attributes=dict_to_struct(attributes))  # type: ignore[arg-type]
