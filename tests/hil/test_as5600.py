"""The AS5600 model on a real I2C bus, whose chip a program outside plays: it turns the shaft, and pulls the plug."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.encoder.client import EncoderClient
from viam.proto.component.encoder import PositionType

from tests.hil.machine import configured
from tests.hil.outside_chips import OutsideChips
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "0x36"
MAX_AGE_MS = 400
"""Twice what it is by default: the simulated kernel is slow, and kept waiting by the machine it runs on."""
POLLS_S = 0.2
PATIENCE_S = 10.0


@pytest.fixture
def chips(player: OutsideChips) -> OutsideChips:
    """The bus with one new chip on it."""
    player.tell("clear")
    player.tell(f"plug as5600@{ADDRESS}")
    return player


@asynccontextmanager
async def encoder(server: FakeViamServer, chips: OutsideChips) -> AsyncIterator[EncoderClient]:
    """The encoder as viam-server gives it to its users, at zero."""
    attributes = {"i2c_bus": chips.bus, "max_age_ms": MAX_AGE_MS}
    async with configured(server, component("encoder", "as5600", "e1", attributes)):
        made = server.client(EncoderClient, "e1")
        await made.reset_position()  # a rebuild keeps the position
        yield made


async def ticks(e1: EncoderClient) -> float:
    position, _ = await e1.get_position()
    return position


async def test_it_follows_the_shaft_over_turns_and_back(server: FakeViamServer, chips: OutsideChips):
    async with encoder(server, chips) as e1:
        for quarter in (1, 2, 3, 4, 5):
            chips.tell("turn 0.25")
            await asyncio.sleep(POLLS_S)
            assert await ticks(e1) == pytest.approx(1024 * quarter, abs=1)
        degrees, _ = await e1.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES)
        assert degrees == pytest.approx(90, abs=0.1)
        for _ in range(7):
            chips.tell("turn -0.25")
            await asyncio.sleep(POLLS_S)
        assert await ticks(e1) == pytest.approx(-512 * 4, abs=1)


async def test_a_reading_is_one_transaction_on_the_wires(server: FakeViamServer, chips: OutsideChips):
    async with encoder(server, chips):
        chips.seen()
        await asyncio.sleep(POLLS_S)
        seen = chips.seen()
    assert set(seen) <= {"write 0x36 0b + read 0x36 3", "write 0x36 1a + read 0x36 3"}
    assert seen.count("write 0x36 0b + read 0x36 3") >= 5


async def test_speed_is_measured(server: FakeViamServer, chips: OutsideChips):
    async with encoder(server, chips) as e1:
        chips.tell("drive -2")
        await asyncio.sleep(POLLS_S)
        rpm: list[Any] = [(await e1.do_command({"command": "velocity"}))["rpm"] for _ in range(5)]
        chips.tell("drive 0")
    assert sorted(rpm)[2] == pytest.approx(-120, rel=0.1)


async def test_a_chip_that_is_unplugged_is_an_error_soon_and_back_when_it_is_plugged_in(
    server: FakeViamServer, chips: OutsideChips
):
    async with encoder(server, chips) as e1:
        chips.tell(f"unplug {ADDRESS}")
        began = time.monotonic()
        refusal = await refused(e1)
        assert time.monotonic() - began < 2 * MAX_AGE_MS / 1000
        assert refusal.status is Status.UNAVAILABLE
        assert f"s old: i2c-{chips.bus} {ADDRESS}: no answer (NACK)" in (refusal.message or "")

        chips.tell(f"replug {ADDRESS}")
        async with asyncio.timeout(PATIENCE_S):
            while await refusal_of(e1) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert await ticks(e1) == pytest.approx(0, abs=1)


async def refused(e1: EncoderClient) -> GRPCError:
    """Wait until the position is refused; gives the error."""
    async with asyncio.timeout(PATIENCE_S):
        while (refusal := await refusal_of(e1)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return refusal


async def refusal_of(e1: EncoderClient) -> GRPCError | None:
    """The error that positions come with, if they do."""
    try:
        await e1.get_position()
    except GRPCError as error:
        return error
    return None
