"""`demo`: a two-wheeled rover drives a route in the simulated Pi, to show a newcomer drivers at work.

The machine is `examples/rover.json`, built as `up` builds it; nothing of the demo is known to the drivers.
"""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import viam.logging

from pi_drivers import host as hosts
from pi_drivers.cli.checks import judge
from pi_drivers.cli.demo_view import Show, Snapshot, Wheel
from pi_drivers.cli.reading import read_machine
from pi_drivers.cli.running import RunningMachine
from pi_drivers.cli.up import stop_on_signals
from pi_drivers.errors import ConfigError, DriverError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host

ROVER = Path(__file__).parents[3] / "examples" / "rover.json"
"""Beside the sources, in a clone as in the module's archive."""

PERIOD_NS = 250 * MILLISECOND
"""Time between two looks at the rover."""


class Leg(NamedTuple):
    """A piece of the route."""

    name: str
    left: float
    """Power of the left wheel, -1 to 1."""
    right: float
    duration_ns: int


ROUTE = (
    Leg("straight on", 0.8, 0.8, 3 * SECOND),
    Leg("a bend to the right", 0.9, 0.5, 3 * SECOND),
    Leg("turning on the spot", 0.5, -0.5, 2 * SECOND),
    Leg("a rest", 0.0, 0.0, 1 * SECOND),
)
"""Driven over and over."""


async def run_demo(duration_s: float, show: Show) -> None:
    """Drive for so many seconds, until Ctrl-C, or until nobody can see it any more.

    Args:
        duration_s: in robot time.
        show: takes what is to be seen, every quarter of a second.

    Raises:
        ConfigError: the rover's config is missing, or was edited into something that cannot be built.
    """
    viam.logging.setLevel(logging.ERROR)
    viam.logging.getLogger("pi_drivers")  # gives our own loggers the SDK's level
    rover, complaints = _rover()
    stop = asyncio.Event()
    guard = stop_on_signals(stop)
    try:
        await rover.build()
        if complaints:
            raise ConfigError("\n".join(complaints))
        driving = asyncio.create_task(_drive(rover, duration_s, show), name="drive")
        stopping = asyncio.create_task(stop.wait(), name="wait for a signal")
        await asyncio.wait({driving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (driving, stopping):
            task.cancel()
        await asyncio.wait({driving, stopping})
        if not driving.cancelled():
            driving.result()
    finally:
        await rover.close()
        guard.disarm()


def _rover() -> tuple[RunningMachine, list[str]]:
    machine = read_machine(ROVER).with_backend("mock")
    judgement = judge(machine)
    if judgement.problems:
        raise ConfigError("\n".join(judgement.problems))
    complaints: list[str] = []

    def hear(line: str) -> None:
        if line.startswith("error:"):
            complaints.append(line)

    def ignore(_resource: object) -> None:
        """Nobody is served."""

    rover = RunningMachine(
        machine, judgement.needs, judgement.wishes, say=hear, admit=ignore, dismiss=ignore
    )  # fmt: skip
    return rover, complaints


async def _drive(rover: RunningMachine, duration_s: float, show: Show) -> None:
    host = hosts.get("mock")
    start_ns = host.now_ns()
    end_ns = start_ns + round(duration_s * SECOND)
    for leg in itertools.cycle(ROUTE):
        leg_end_ns = min(host.now_ns() + leg.duration_ns, end_ns)
        await _set_wheels(rover, leg)
        while host.now_ns() < leg_end_ns:
            await host.wait(min(PERIOD_NS, leg_end_ns - host.now_ns()))
            if not show(await _look(rover, host, start_ns, leg)):
                return
        if host.now_ns() >= end_ns:
            return


async def _set_wheels(rover: RunningMachine, leg: Leg) -> None:
    for name, power in (("left", leg.left), ("right", leg.right)):
        motor: Any = rover.resource(name)
        await motor.set_power(power)


async def _look(rover: RunningMachine, host: Host, start_ns: int, leg: Leg) -> Snapshot:
    wheels = [await _wheel(rover, name) for name in ("left", "right")]
    return Snapshot((host.now_ns() - start_ns) / SECOND, leg.name, wheels, await _air(rover))


async def _wheel(rover: RunningMachine, name: str) -> Wheel:
    motor: Any = rover.resource(name)
    encoder: Any = rover.resource(f"{name}-encoder")
    _, power = await motor.is_powered()
    ticks, _ = await encoder.get_position()
    return Wheel(name, power, await motor.get_position(), round(ticks))


async def _air(rover: RunningMachine) -> Mapping[str, Any] | str:
    sensor: Any = rover.resource("air")
    try:
        readings: Mapping[str, Any] = await sensor.get_readings()
    except DriverError as error:
        return error.message
    return readings
