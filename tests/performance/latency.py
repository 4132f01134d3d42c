"""How long a command takes from the start of its RPC handler until the last of its pins is written.

Handler and driver run as in the module, on one event loop behind a gRPC channel, with the pins of the simulated Pi.
Commands differ from one to the next, so that each has something to write.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Self

from grpclib.testing import ChannelFor
from viam.components.motor.client import MotorClient
from viam.components.motor.service import MotorRPCService
from viam.components.servo.client import ServoClient
from viam.components.servo.service import ServoRPCService
from viam.proto.app.robot import ComponentConfig
from viam.rpc.server import Server
from viam.utils import dict_to_struct

from pi_drivers import registry
from pi_drivers.buses.gpio.mock import MockOutput

COMMANDS = 2000
WARM_UP = 100
HANDLERS = ((MotorRPCService, "SetPower"), (ServoRPCService, "Move"))
WRITES = ("write", "pwm", "servo")


class Latency(NamedTuple):
    """Times of one kind of command, in milliseconds."""

    p50: float
    p99: float


class Stopwatch:
    """Runs from the start of a handler to the newest write of a pin, within a `with`."""

    def __init__(self) -> None:
        self._began_ns = 0
        self._written_ns = 0
        self._before: list[tuple[type, str, Any]] = []

    def __enter__(self) -> Self:
        for service, handler in HANDLERS:
            self._replace(service, handler, self._starting)
        for write in WRITES:
            self._replace(MockOutput, write, self._stopping)
        return self

    def __exit__(self, *_: object) -> None:
        for owner, name, original in self._before:
            setattr(owner, name, original)

    @property
    def ms(self) -> float:
        """What it shows."""
        return (self._written_ns - self._began_ns) / 1e6

    def _replace(self, owner: type, name: str, wrapped: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        self._before.append((owner, name, original))
        setattr(owner, name, wrapped(original))

    def _starting(self, handle: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def timed(*args: Any) -> None:
            self._began_ns = time.perf_counter_ns()
            await handle(*args)

        return timed

    def _stopping(self, write: Callable[..., None]) -> Callable[..., None]:
        def timed(*args: Any) -> None:
            write(*args)
            self._written_ns = time.perf_counter_ns()

        return timed


async def measure_latency() -> tuple[Latency, Latency]:
    """A motor's `set_power` on three pins, and a servo's `move`."""
    pins = {"a": "11", "b": "13", "pwm": "15"}
    motor: Any = registry.load("dc-motor").new(_config("m", {"pins": pins, "max_rpm": 100}), {})
    # A servo of this speed is there at once, so that the next command need not wait.
    servo: Any = registry.load("servo").new(_config("s", {"pin": "16", "slew_deg_per_s": 10_000}), {})
    try:
        with Stopwatch() as stopwatch:
            # The server keeps the handlers that it finds when it is made.
            server = Server([motor, servo])
            services = type("Services", (), {"__mapping__": lambda _: server._server._mapping})()
            async with ChannelFor([services]) as channel:
                motor_client, servo_client = MotorClient("m", channel), ServoClient("s", channel)
                return (
                    await _times(stopwatch, lambda number: motor_client.set_power(0.3 + number % 2 / 2)),
                    await _times(stopwatch, lambda number: servo_client.move(60 + number % 2)),
                )
    finally:
        await motor.close()
        await servo.close()


async def _times(stopwatch: Stopwatch, command: Callable[[int], Awaitable[None]]) -> Latency:
    times = []
    for number in range(WARM_UP + COMMANDS):
        await command(number)
        times.append(stopwatch.ms)
    if not 0 < min(times) <= max(times) < 60_000:
        raise RuntimeError(f"the stopwatch missed handlers or writes: it shows up to {max(times):.3f} ms")
    percentiles = statistics.quantiles(times[WARM_UP:], n=100, method="inclusive")
    return Latency(percentiles[49], percentiles[98])


def _config(name: str, attributes: Mapping[str, Any]) -> ComponentConfig:
    return ComponentConfig(name=name, attributes=dict_to_struct({"backend": "mock", **attributes}))
