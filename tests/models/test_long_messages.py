"""An error message is a header of the answer: however long its cause, the client gets it and stays connected."""

from collections.abc import Mapping
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.sensor import Sensor
from viam.utils import SensorReading

from pi_drivers.errors import LONGEST_MESSAGE, BusError, ClaimedError, ConfigError
from tests.models.conftest import Bench

ENDLESS = 70_000


class Verbose(Sensor):
    def __init__(self, message: str) -> None:
        super().__init__("verbose")
        self.message = message

    async def get_readings(self, **_: Any) -> Mapping[str, SensorReading]:
        raise BusError(self.message)


@pytest.mark.parametrize("character", ["x", "°", "\n", "\U0001f600"])
async def test_a_message_without_end_reaches_its_client_as_its_beginning(bench: Bench, character):
    client = await bench.client(sensor := Verbose(character * ENDLESS))
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert (caught.value.status, caught.value.message) == (Status.UNAVAILABLE, str(BusError(sensor.message)))
    said = str(caught.value.message)
    assert said.startswith(character * 1000)
    assert said.endswith(f"{character}…")
    assert len(said.encode()) <= LONGEST_MESSAGE


@pytest.mark.parametrize("message", ["", "i2c-1 0x44: no answer", "x" * LONGEST_MESSAGE, "\ud800"])
def test_a_message_that_is_short_enough_stays_as_it_is(message):
    assert str(BusError(message)) == message


async def test_a_name_without_end_leaves_room_for_what_is_wrong(bench: Bench):
    name = "n" * ENDLESS
    with pytest.raises(ConfigError, match=r'^sensor "n+\.\.\.": i2c_bus: '):
        await bench.make("sht31", name, i2c_bus="x")
    await bench.make("sht31", name)
    with pytest.raises(ClaimedError, match=r'0x44 is held by sensor "n+\.\.\." .* so sensor "air" cannot have it'):
        await bench.make("sht31", "air")
