"""Many sensors share one bus: nobody waits for another's conversion, and nothing of it happens on the event loop."""

import threading

from pi_drivers.buses.i2c.mock import MockI2c
from tests.models.conftest import Bench
from tests.twenty import TWENTY


async def test_twenty_sensors_on_one_bus_at_ten_hertz_keep_their_pace(bench: Bench, monkeypatch):
    threads = set()
    transact = MockI2c._transact

    def watched(*args):
        threads.add(threading.current_thread().name)
        return transact(*args)

    monkeypatch.setattr(MockI2c, "_transact", watched)
    sensors = [await bench.make(one.model, one.name, **one.attributes) for one in TWENTY]
    await bench.wait(10)
    for sensor in sensors:
        status = await sensor.get_status()
        assert (sensor.name, status["overruns"], status["failures"]) == (sensor.name, 0, 0)
        assert status["sample_age_ms"] <= 220
        assert await sensor.get_readings()
    assert len(sensors) == 20
    assert threads == {"bus i2c-1"}
