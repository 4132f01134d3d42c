"""The stepper model on real pins: how many steps its driver would get to see, and when."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from viam.components.motor.client import MotorClient

from tests.contract.grounds import GpioGround
from tests.hil.machine import configured, pin, until
from tests.hil.watching import Watch, seen
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS_A_TURN = 20
SLOW_RPM = 150
"""50 steps per second: slow enough for each to be seen by looking."""
STANDS_S = 0.3
NUMBERS = itertools.count()


@asynccontextmanager
async def stepper(server: FakeViamServer, pins: dict[str, str], **more: Any) -> AsyncIterator[MotorClient]:
    attributes = {"pins": pins, "ticks_per_rotation": STEPS_A_TURN, **more}
    name = f"slide-{next(NUMBERS)}"  # a motor that is called as one before is where that one was left
    async with configured(server, component("motor", "stepper", name, attributes)):
        yield server.client(MotorClient, name)


def step_dir(ground: GpioGround) -> dict[str, str]:
    return {"step": pin(ground.a), "dir": pin(ground.b), "en_low": pin(ground.c)}


@pytest.mark.parametrize("revolutions", [1.0, -0.6])
async def test_a_move_has_exactly_its_steps_in_its_direction(server: FakeViamServer, ground: GpioGround, revolutions):
    async with stepper(server, step_dir(ground)) as slide:

        async def moved() -> int:
            await slide.reset_zero_position(0)
            with Watch(ground, ground.a) as watch:
                await slide.go_for(SLOW_RPM, revolutions)
            assert ground.level(ground.b) is (revolutions > 0)
            assert await slide.get_position() == pytest.approx(revolutions)
            assert not ground.level(ground.a)
            return len(watch.wave(ground.a).rises)

        steps = abs(round(revolutions * STEPS_A_TURN))
        assert await seen(moved, steps) == steps


async def test_a_stop_in_the_middle_knows_how_many_steps_went_out(server: FakeViamServer, ground: GpioGround):
    async with stepper(server, step_dir(ground), acceleration_rpm_per_s=600) as slide:

        async def told_and_seen() -> tuple[float, int]:
            await slide.reset_zero_position(0)
            with Watch(ground, ground.a) as watch:
                await slide.set_rpm(SLOW_RPM)
                await asyncio.sleep(0.7)
                await slide.stop()
                stood = await slide.get_position()
                await asyncio.sleep(0.1)
            assert stood > 1
            return stood * STEPS_A_TURN, len(watch.wave(ground.a).rises)

        assert await agree(told_and_seen)


async def test_a_caller_who_cancels_leaves_a_motor_that_stands_and_knows_where(
    server: FakeViamServer, ground: GpioGround
):
    async with stepper(server, step_dir(ground)) as slide:

        async def told_and_seen() -> tuple[float, int]:
            await slide.reset_zero_position(0)
            with Watch(ground, ground.a) as watch:
                moving = asyncio.create_task(slide.go_for(SLOW_RPM, 1000))
                await asyncio.sleep(0.5)
                moving.cancel()
                await asyncio.gather(moving, return_exceptions=True)
                await asyncio.sleep(STANDS_S)
                stood = await slide.get_position()
                await asyncio.sleep(0.1)
            assert stood > 0
            return stood * STEPS_A_TURN, len(watch.wave(ground.a).rises)

        assert await agree(told_and_seen)


async def agree(told_and_seen: Callable[[], Awaitable[tuple[float, int]]]) -> bool:
    """Whether the steps told and the steps seen are as many, tried again where a look came too late for one."""

    async def off() -> int:
        told, looked = await told_and_seen()
        return round(told) - looked

    return await seen(off, 0) == 0


async def test_the_current_is_on_while_it_turns_and_off_soon_after(server: FakeViamServer, ground: GpioGround):
    async with stepper(server, step_dir(ground)) as slide:
        assert ground.level(ground.c)
        await slide.go_for(SLOW_RPM, 0.2)
        assert not ground.level(ground.c)
        await until(lambda: ground.level(ground.c), 1.0)


async def test_a_fast_move_takes_the_time_of_its_ramps_and_its_steps(server: FakeViamServer, ground: GpioGround):
    async with stepper(server, step_dir(ground), microsteps=10, acceleration_rpm_per_s=1_200) as slide:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await slide.go_for(600, 10)  # 2000 steps/s for half a second, and two ramps of half a second each
        assert 1.48 < loop.time() - began_s < 1.9
        assert await slide.get_position() == pytest.approx(10)


async def test_four_coils_go_round_in_their_order(server: FakeViamServer, ground: GpioGround):
    coils = dict(zip("abcd", map(pin, ground.lines), strict=True))
    async with stepper(server, coils, phases="half") as slide:
        with Watch(ground, *ground.lines) as watch:
            await slide.go_for(60, 0.2)  # 8 half steps, 25 ms each
        await until(lambda: not any(map(ground.level, ground.lines)), 1.0)
    # The first pattern only draws the rotor to where it was left: it is too short to be seen by looking.
    assert patterns_of(watch) == ["1100", "0100", "0110", "0010", "0011", "0001", "1001", "1000"]


def patterns_of(watch: Watch) -> list[str]:
    """What was on the coils for long enough to draw a rotor, in its order."""
    changes = [*watch.changes]
    lasted = zip(changes, [*changes[1:], (changes[-1][0] + 100_000_000, changes[-1][1])], strict=True)
    return [
        "".join(map(str, map(int, levels))) for (at, levels), (end, _) in lasted if end - at > 8_000_000 and any(levels)
    ]
