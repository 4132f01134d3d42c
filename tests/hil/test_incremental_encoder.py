"""The encoder model on real pins: a program outside turns it, and what it turned is compared with what was counted."""

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
from tests.hil.outside_motor import TIME_CONSTANT_S, OutsideMotor
from tests.hil.turning import Turner, interrupts
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

TICKS_PER_ROTATION = 100
FREE_SPEED = 200.0
"""Of the motor outside, in edges per second: 120 rpm."""


@pytest.fixture
def turner(ground: GpioGround, edge_program: Path) -> Turner:
    """Turns the encoder on the first two lines."""
    ground.need(Facility.DRIVING_FILES)
    return Turner(edge_program, ground, ground.a, ground.b)


@asynccontextmanager
async def encoder(server: FakeViamServer, ground: GpioGround, **more: Any) -> AsyncIterator[EncoderClient]:
    """An encoder that counts every edge, as viam-server gives it to its users."""
    attributes = {"pins": {"a": pin(ground.a), "b": pin(ground.b)}, "ticks_per_cycle": 4, **more}
    async with configured(server, component("encoder", "incremental-encoder", "e1", attributes)):
        made = server.client(EncoderClient, "e1")
        await made.reset_position()  # a rebuild keeps the position
        yield made


async def position(encoder: EncoderClient) -> float:
    ticks, _ = await encoder.get_position()
    return ticks


async def troubles(encoder: EncoderClient) -> tuple[Any, Any]:
    """Its illegal transitions and its lost edges, by its own account."""
    status = await encoder.get_status()
    return status["illegal_transitions"], status["lost_edges"]


@pytest.mark.parametrize(("per_second", "edges"), [(100, 40), (1000, 600)])
async def test_it_counts_what_was_turned_forward_and_back(
    server: FakeViamServer, ground: GpioGround, turner: Turner, per_second, edges
):
    async with encoder(server, ground) as e1:
        before = interrupts(ground.a, ground.b)
        await turner.turn(edges, per_second=per_second)
        assert await position(e1) == edges
        await turner.turn(2 * edges, per_second=per_second, forward=False)
        assert await position(e1) == -edges
        assert interrupts(ground.a, ground.b) - before == 3 * edges
        assert await troubles(e1) == (0, 0)


async def test_it_counts_while_it_is_asked(server: FakeViamServer, ground: GpioGround, turner: Turner):
    seen = []
    async with encoder(server, ground) as e1:
        turning = asyncio.create_task(turner.turn(800, per_second=1000))
        while not turning.done():
            seen.append(await position(e1))
        assert await position(e1) == 800

    assert seen == sorted(seen)
    assert len(set(seen)) > 20


async def test_as_fast_as_it_goes_every_edge_the_kernel_saw_is_counted_or_told_as_lost(
    server: FakeViamServer, ground: GpioGround, turner: Turner
):
    edges = 30_000
    async with encoder(server, ground) as e1:
        before = interrupts(ground.a, ground.b)
        await turner.turn(edges, per_second=0)
        _, lost = await troubles(e1)
        assert interrupts(ground.a, ground.b) - before == edges
        assert await position(e1) == edges - lost


@pytest.mark.parametrize(("ticks_per_cycle", "ticks"), [(1, 25), (2, 50), (4, 100)])
async def test_a_cycle_has_as_many_ticks_as_the_config_says(
    server: FakeViamServer, ground: GpioGround, turner: Turner, ticks_per_cycle, ticks
):
    async with encoder(server, ground, ticks_per_cycle=ticks_per_cycle) as e1:
        await turner.turn(100, per_second=1000)
        assert await position(e1) == ticks


async def test_an_encoder_that_is_inverted_counts_the_other_way(
    server: FakeViamServer, ground: GpioGround, turner: Turner
):
    async with encoder(server, ground, invert=True) as e1:
        await turner.turn(100, per_second=1000)
        assert await position(e1) == -100


async def test_it_may_start_anywhere_in_a_cycle(server: FakeViamServer, ground: GpioGround, turner: Turner):
    for _ in range(4):
        await turner.turn(1, per_second=0)
        async with encoder(server, ground) as e1:
            await turner.turn(9, per_second=1000)
            await turner.turn(4, per_second=1000, forward=False)
            assert await position(e1) == 5
            assert await troubles(e1) == (0, 0)


@pytest.mark.parametrize("revolutions", [1.0, -0.5])
async def test_a_motor_with_encoder_ends_where_it_was_sent(server: FakeViamServer, ground: GpioGround, revolutions):
    wheel = component("motor", "dc-motor", "wheel", {
        "pins": {"pwm": pin(ground.c), "dir": pin(ground.d)}, "pwm_freq": 100, "max_rpm": 120, "encoder": "e1",
        "ticks_per_rotation": TICKS_PER_ROTATION,
    })  # fmt: skip
    outside = OutsideMotor(ground, inputs=(ground.c, ground.d), disc=(ground.a, ground.b), free_speed=FREE_SPEED)
    async with encoder(server, ground) as e1, configured(server, wheel):
        with outside:
            await server.client(MotorClient, "wheel").go_for(60, revolutions)
            assert not ground.level(ground.c)
            await asyncio.sleep(3 * TIME_CONSTANT_S)  # what rolls comes to rest
        assert outside.edges == pytest.approx(revolutions * TICKS_PER_ROTATION, abs=2)
        assert await position(e1) == outside.edges
