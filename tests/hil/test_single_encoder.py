"""The single-phase encoder on a real pin: a program outside turns it, and its motor says which way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from viam.components.encoder.client import EncoderClient
from viam.components.motor.client import MotorClient

from tests.contract.grounds import Facility, GpioGround
from tests.hil.machine import configured, pin
from tests.hil.turning import Turner, interrupts
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def turner(ground: GpioGround, edge_program: Path) -> Turner:
    """Turns a disc with two light barriers, of which the encoder knows the first: half of the edges are its own."""
    ground.need(Facility.DRIVING_FILES)
    return Turner(edge_program, ground, ground.a, ground.b)


@asynccontextmanager
async def encoder(server: FakeViamServer, ground: GpioGround, **more: Any) -> AsyncIterator[EncoderClient]:
    """An encoder, as viam-server gives it to its users, at zero."""
    attributes = {"pins": {"i": pin(ground.a)}, **more}
    async with configured(server, component("encoder", "single-encoder", "e1", attributes)):
        made = server.client(EncoderClient, "e1")
        await made.reset_position()  # a rebuild keeps the position
        yield made


async def position(encoder: EncoderClient) -> float:
    ticks, _ = await encoder.get_position()
    return ticks


@pytest.mark.parametrize(("edges", "ticks"), [("both", 300), ("rising", 150)])
async def test_without_a_motor_it_counts_every_edge_up(
    server: FakeViamServer, ground: GpioGround, turner: Turner, edges, ticks
):
    async with encoder(server, ground, edges=edges) as e1:
        before = interrupts(ground.a)
        await turner.turn(600, per_second=1000)
        assert interrupts(ground.a) - before == 300
        assert await position(e1) == ticks
        status = await e1.get_status()
        assert (status["illegal_transitions"], status["lost_edges"]) == (0, 0)


async def test_it_may_start_on_either_level(server: FakeViamServer, ground: GpioGround, turner: Turner):
    for _ in range(2):
        await turner.turn(2, per_second=0)
        async with encoder(server, ground) as e1:
            await turner.turn(4, per_second=1000)
            assert await position(e1) == 2
            assert (await e1.get_status())["illegal_transitions"] == 0


async def test_it_counts_the_way_its_motor_drives_and_drove_last(
    server: FakeViamServer, ground: GpioGround, turner: Turner
):
    wheel = component("motor", "dc-motor", "wheel", {
        "pins": {"pwm": pin(ground.c), "dir": pin(ground.d)}, "pwm_freq": 100, "max_rpm": 120, "encoder": "e1",
        "ticks_per_rotation": 100,
    })  # fmt: skip
    async with encoder(server, ground) as e1, configured(server, wheel):
        motor = server.client(MotorClient, "wheel")
        await turner.turn(40, per_second=1000)
        await motor.set_power(-0.5)
        await turner.turn(80, per_second=1000, forward=False)
        await motor.stop()
        await turner.turn(20, per_second=1000, forward=False)
        assert await position(e1) == 20 - 40 - 10
        await motor.set_power(0.5)
        await asyncio.sleep(0.05)
        await turner.turn(40, per_second=1000)
        await motor.stop()
        assert await position(e1) == 20 - 40 - 10 + 20
