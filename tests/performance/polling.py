"""What a call costs while twenty sensors are polled: `get_readings` beside that of a bare SDK sensor.

The sensors sit on one simulated I2C bus at 100 kHz and are read ten times a second each.
"""

import itertools
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from viam.components.movement_sensor.client import MovementSensorClient
from viam.components.power_sensor.client import PowerSensorClient
from viam.components.sensor.client import SensorClient

from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer, component
from tests.performance.timing import timed
from tests.twenty import TWENTY

BATCH = 50
WARM_UP = 200
CLIENTS = {"sensor": SensorClient, "power_sensor": PowerSensorClient, "movement_sensor": MovementSensorClient}


class Polling(NamedTuple):
    """Times of all calls in seconds, and what the sensors missed meanwhile."""

    bare: Sequence[float]
    ours: Sequence[float]
    overruns: int
    failures: int


async def measure_polling(calls: int) -> Polling:
    """Both modules side by side, some calls to the one, some to the other, whose sensors take turns."""
    bare: list[float] = []
    ours: list[float] = []
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(FakeViamServer(Start(entry=("-m", "tests.performance.bare_module"))))
        other = await stack.enter_async_context(FakeViamServer(Start(entry=("-m", "pi_drivers"))))
        await one.ready()
        await other.ready()
        await one.configure(component("sensor", "test:bare:sensor", "s"))
        for polled in TWENTY:
            await other.configure(component(polled.api, polled.model, polled.name, polled.attributes))
        sensor: Any = one.direct(SensorClient, "s")
        polled_clients: list[Any] = [other.direct(CLIENTS[polled.api], polled.name) for polled in TWENTY]
        turns = itertools.cycle(polled_clients)
        await timed(sensor.get_readings, WARM_UP)
        await timed(lambda: next(turns).get_readings(), WARM_UP)
        for _ in range(calls // BATCH):
            bare.extend(await timed(sensor.get_readings, BATCH))
            ours.extend(await timed(lambda: next(turns).get_readings(), BATCH))
        statuses = [await client.get_status() for client in polled_clients]
    return Polling(
        bare,
        ours,
        round(sum(status["overruns"] for status in statuses)),
        round(sum(status["failures"] for status in statuses)),
    )
