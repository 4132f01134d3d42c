"""The board model on real pins: asked through viam-server, judged by what is on the wires outside."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import pytest
from grpclib import GRPCError, Status
from viam.components.board.board import Tick
from viam.components.board.client import BoardClient

from tests.contract.grounds import Facility, GpioGround
from tests.hil.inside import KERNEL_HELD_LINE
from tests.hil.machine import configured, pin
from tests.hil.watching import Watch, seen
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOW_HZ = 20
SEVERAL_PERIODS_S = 0.4
PULSES_OFF = 0.1
"""By which share pulses may be off where every edge may come a millisecond late."""
EDGE_S = 0.01
"""Between two edges from outside."""


@asynccontextmanager
async def board(server: FakeViamServer, **attributes: Any) -> AsyncIterator[BoardClient]:
    """A board as viam-server gives it to its users."""
    async with configured(server, component("board", "board", "pi", attributes)):
        yield server.client(BoardClient, "pi")


async def test_what_is_set_is_on_the_wire(server: FakeViamServer, ground: GpioGround):
    async with board(server) as pi:
        lamp = await pi.gpio_pin_by_name(pin(ground.a))
        for level in (True, False, True):
            await lamp.set(level)
            assert ground.level(ground.a) is level
            assert await lamp.get() is level


async def test_what_is_on_the_wire_is_read(server: FakeViamServer, ground: GpioGround):
    async with board(server) as pi:
        button = await pi.gpio_pin_by_name(pin(ground.a))
        for level in (True, False, True):
            ground.drive(ground.a, level)
            assert await button.get() is level


@pytest.mark.parametrize("up", [True, False])
async def test_the_pull_holds_a_wire_that_nobody_drives(server: FakeViamServer, ground: GpioGround, up):
    ground.drive(ground.a, not up)
    ground.release(ground.a)
    async with board(server, pins=[{"pin": pin(ground.a), "pull": "up" if up else "down"}]) as pi:
        assert await (await pi.gpio_pin_by_name(pin(ground.a))).get() is up


async def test_on_an_active_low_pin_low_counts_as_high(server: FakeViamServer, ground: GpioGround):
    pins = [{"pin": pin(line), "active_low": True} for line in (ground.a, ground.b)]
    async with board(server, pins=pins) as pi:
        output, reader = await pi.gpio_pin_by_name(pin(ground.a)), await pi.gpio_pin_by_name(pin(ground.b))
        for level in (True, False, True):
            await output.set(level)
            assert ground.level(ground.a) is not level
            assert await output.get() is level
            ground.drive(ground.b, level)
            assert await reader.get() is not level


@pytest.mark.parametrize("active_low", [False, True])
async def test_pwm_comes_out_with_its_frequency_and_its_duty(server: FakeViamServer, ground: GpioGround, active_low):
    async with board(server, pins=[{"pin": pin(ground.a), "active_low": active_low}]) as pi:
        lamp = await pi.gpio_pin_by_name(pin(ground.a))
        await lamp.set_pwm_frequency(LOW_HZ)
        for duty in (0.2, 0.7):
            await lamp.set_pwm(duty)
            wanted = pytest.approx((LOW_HZ, 1 - duty if active_low else duty), rel=PULSES_OFF)
            assert await seen(lambda: pulses(ground), wanted) == wanted
            assert await lamp.get_pwm() == duty
            assert await lamp.get_pwm_frequency() == LOW_HZ


@pytest.mark.parametrize("level", [False, True])
async def test_duty_0_and_1_are_steady_and_so_is_a_level_set_after_pwm(
    server: FakeViamServer, ground: GpioGround, level
):
    async with board(server) as pi:
        lamp = await pi.gpio_pin_by_name(pin(ground.a))
        steady_ways: tuple[Callable[[], Awaitable[None]], ...] = (
            lambda: lamp.set_pwm(float(level)),
            lambda: lamp.set(level),
        )
        for steady in steady_ways:
            await lamp.set_pwm_frequency(LOW_HZ)
            await lamp.set_pwm(0.5)
            await asyncio.sleep(2 / LOW_HZ)
            await steady()
            await asyncio.sleep(1 / LOW_HZ)
            with Watch(ground, ground.a) as watch:
                await asyncio.sleep(3 / LOW_HZ)
            assert watch.combinations == [(level,)]


async def test_an_interrupt_counts_rising_edges_from_outside(server: FakeViamServer, ground: GpioGround):
    async with board(server, digital_interrupts=[{"name": "hall", "pin": pin(ground.a)}]) as pi:
        hall = await pi.digital_interrupt_by_name("hall")
        for expected in (1, 2, 3):
            await toggle(ground, True, False)
            assert await hall.value() == expected


async def test_ticks_come_for_both_edges_with_the_time_at_which_they_happened(
    server: FakeViamServer, ground: GpioGround
):
    async with board(server) as pi, ticks_of(pi, pin(ground.a)) as stream:
        moments = [time.monotonic_ns()]
        for level in (True, False, True):
            await toggle(ground, level)
            moments.append(time.monotonic_ns())
        await asyncio.sleep(0.1)
        ticks = [await anext(stream) for _ in range(3)]

    assert [(tick.pin_name, tick.high) for tick in ticks] == [
        (pin(ground.a), True),
        (pin(ground.a), False),
        (pin(ground.a), True),
    ]
    for tick, before, after in zip(ticks, moments, moments[1:], strict=False):
        assert before < tick.time < after


async def test_an_initial_level_is_there_from_the_start_and_gone_in_the_end(server: FakeViamServer, ground: GpioGround):
    ground.need(Facility.KEPT_LEVELS)
    with Watch(ground, ground.a) as watch:
        async with board(server, pins=[{"pin": pin(ground.a), "initial": "high"}]):
            await watch.looked()

    assert watch.combinations == [(False,), (True,), (False,)]


async def test_removing_a_board_makes_what_it_drove_low_and_leaves_the_rest_alone(
    server: FakeViamServer, ground: GpioGround
):
    ground.need(Facility.KEPT_LEVELS)
    ground.drive(ground.c, True)
    async with board(server) as pi:
        await (await pi.gpio_pin_by_name(pin(ground.a))).set(True)
        await (await pi.gpio_pin_by_name(pin(ground.b))).set_pwm(0.9)
        assert await (await pi.gpio_pin_by_name(pin(ground.c))).get()
    with Watch(ground, ground.a, ground.b, ground.c) as watch:
        await watch.looked()

    assert watch.combinations == [(False, False, True)]


async def test_a_line_that_another_process_holds_is_refused_by_its_holders_name_until_it_is_free(
    server: FakeViamServer, ground: GpioGround
):
    async with board(server) as pi:
        lamp = await pi.gpio_pin_by_name(pin(ground.a))
        with ground.held_elsewhere(ground.a) as holder:
            for call in (lamp.set(True), lamp.get(), lamp.set_pwm(0.5)):
                status, text = await refused(call)
                assert status is Status.FAILED_PRECONDITION
                assert f'{pin(ground.a)}: in use by "{holder}"' in text
        await lamp.set(True)
        assert ground.level(ground.a)


async def test_a_line_that_the_kernel_holds_is_refused_by_its_holders_name(
    server: FakeViamServer, ground: GpioGround, pytestconfig: pytest.Config
):
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("which lines the kernel holds differs from Pi to Pi")
    held = {"pin": pin(KERNEL_HELD_LINE), "initial": "high"}
    status, text = await refused(server.configure(component("board", "board", "pi", {"pins": [held]})))

    assert status is Status.FAILED_PRECONDITION
    assert f'{pin(KERNEL_HELD_LINE)}: in use by "spi0 CS0"' in text
    async with board(server):
        pass  # what failed has left nothing behind


async def pulses(ground: GpioGround) -> tuple[float, float]:
    """The frequency in Hz and the duty of what is on the first wire, once a change has come through."""
    await asyncio.sleep(2 / LOW_HZ)
    with Watch(ground, ground.a) as watch:
        await asyncio.sleep(SEVERAL_PERIODS_S)
    return watch.frequency_hz(ground.a), watch.duty(ground.a)


async def refused(call: Any) -> tuple[Status, str]:
    """The status and text of a call that must fail."""
    with pytest.raises(GRPCError) as error:
        await call
    return error.value.status, error.value.message or ""


async def toggle(ground: GpioGround, *levels: bool) -> None:
    """Levels from outside, one after the other."""
    for level in levels:
        ground.drive(ground.a, level)
        await asyncio.sleep(EDGE_S)


@asynccontextmanager
async def ticks_of(pi: BoardClient, name: str) -> AsyncIterator[AsyncIterator[Tick]]:
    """The ticks of one interrupt, from when the board listens."""
    stream = await pi.stream_ticks([await pi.digital_interrupt_by_name(name)])
    async with aclosing(cast("AsyncGenerator[Tick]", aiter(stream))) as ticks:
        assert (await anext(ticks)).pin_name == ""
        yield ticks
