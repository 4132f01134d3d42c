"""Steppers whose motion does not end as planned: the position is the shaft's all the same, every time."""

import asyncio
import random
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import BusError, ClosedError
from pi_drivers.runtime.safety import SAFETY
from tests.models.conftest import Bench
from tests.models.steppers import COIL_LINES, COILS, ENABLE_LOW, STEP, Recorder, make, motor, turned
from tests.models.test_remote_board import esp  # noqa: F401 - a fixture

RAMPS: dict[str, dict[str, Any]] = {
    "at once": {},
    "with ramps": {"microsteps": 8, "acceleration_rpm_per_s": 600},
    "coils": {"pins": COILS, "ticks_per_rotation": 2048, "phases": "half"},
    "coils with ramps": {"pins": COILS, "ticks_per_rotation": 2048, "acceleration_rpm_per_s": 60},
}
RPM = {"at once": 120, "with ramps": 240, "coils": 12, "coils with ramps": 20}
TRIES = 60

kinds = pytest.mark.parametrize("kind", list(RAMPS))


async def assert_stands_and_knows_where(bench: Bench, client: Any) -> None:
    assert not await client.is_moving()
    at = turned(bench)
    assert await client.get_position() == pytest.approx(at, abs=1e-6)
    await bench.wait(0.3)
    assert turned(bench) == at
    assert motor(bench).lost == 0


@kinds
async def test_a_stop_at_any_moment_knows_where_it_stopped(bench: Bench, kind):
    client = await bench.client(await make(bench, **RAMPS[kind]))
    moments = random.Random(1)
    for _ in range(TRIES):
        await client.set_rpm(RPM[kind] * moments.choice([1, -1, 0.3]))
        await bench.wait(moments.uniform(0, 0.6))
        await client.stop()
        await assert_stands_and_knows_where(bench, client)


@kinds
async def test_a_caller_who_goes_away_leaves_a_motor_that_stands_soon_and_knows_where(bench: Bench, kind):
    client = await bench.client(await make(bench, **RAMPS[kind]))
    moments = random.Random(2)
    for _ in range(TRIES):
        move = asyncio.create_task(client.go_for(RPM[kind], 50))
        await bench.wait(moments.uniform(0.001, 0.6))
        move.cancel()
        await asyncio.wait({move})
        await bench.wait(0.6)
        await assert_stands_and_knows_where(bench, client)


@kinds
async def test_a_deadline_leaves_a_motor_that_stands_soon_and_knows_where(bench: Bench, kind):
    client = await bench.client(await make(bench, **RAMPS[kind]))
    with pytest.raises((GRPCError, asyncio.TimeoutError)):
        await client.go_for(RPM[kind], 50, timeout=0.31)
    await bench.wait(0.6)
    await assert_stands_and_knows_where(bench, client)


async def test_a_ramp_that_would_take_long_is_steeper_when_the_caller_has_gone(bench: Bench):
    client = await bench.client(await make(bench, microsteps=8, acceleration_rpm_per_s=60))
    move = asyncio.create_task(client.go_for(120, 50))
    await bench.wait(3)
    move.cancel()
    await bench.wait(0.6)
    await assert_stands_and_knows_where(bench, client)


@kinds
async def test_a_newer_command_lets_the_older_stand_first_and_its_caller_is_told(bench: Bench, kind):
    client = await bench.client(await make(bench, **RAMPS[kind]))
    first = asyncio.create_task(client.go_for(RPM[kind], 50))
    await bench.wait(0.5)
    await client.go_to(RPM[kind], -0.2)
    with pytest.raises(GRPCError, match="go_for was superseded by go_to") as caught:
        await first
    assert caught.value.status is Status.ABORTED
    assert turned(bench) == pytest.approx(-0.2, abs=1 / 4096)
    await assert_stands_and_knows_where(bench, client)


@kinds
async def test_of_many_commands_at_once_one_is_in_charge(bench: Bench, kind):
    stepper = await make(bench, **RAMPS[kind])
    moments = random.Random(3)
    rpm = RPM[kind]
    for _ in range(15):
        calls = [stepper.go_for(rpm, 3), stepper.go_to(rpm, -1), stepper.set_rpm(rpm / 2), stepper.set_rpm(-rpm)]
        moments.shuffle(calls)
        commands = [asyncio.create_task(call) for call in calls]
        await bench.wait(moments.uniform(0, 0.1))
        commands[0].cancel()
        await bench.wait(moments.uniform(0, 0.1))
        await stepper.stop()
        await asyncio.wait(commands)
        await assert_stands_and_knows_where(bench, stepper)


@kinds
async def test_closing_ends_a_motion_along_a_ramp_and_the_next_motor_knows_where(bench: Bench, kind):
    stepper = await make(bench, **RAMPS[kind])
    await stepper.reset_zero_position(1.0)
    move = asyncio.create_task(stepper.go_for(RPM[kind], 50))
    await bench.wait(0.7123)
    began_ns = bench.host.now_ns()
    await asyncio.gather(stepper.close(), stepper.close())
    assert bench.host.now_ns() - began_ns < 500_000_000
    with pytest.raises(ClosedError, match="was closed during go_for"):
        await move
    at = turned(bench)
    await bench.wait(1)
    assert turned(bench) == at
    again = await make(bench, **RAMPS[kind])
    assert await again.get_position() == pytest.approx(at - 1, abs=1e-6)
    assert (await again.get_status())["position_unsure_by_steps"] == 0
    await again.go_to(RPM[kind], -0.8)
    assert turned(bench) == pytest.approx(0.2, abs=1 / 4096)
    assert motor(bench).lost == 0


async def test_however_slow_its_steps_are_a_motor_whose_caller_has_gone_stands_soon(bench: Bench):
    client = await bench.client(await make(bench, acceleration_rpm_per_s=0.01))  # the second step is seconds away
    move = asyncio.create_task(client.go_for(60, 50))
    await bench.wait(1)
    move.cancel()
    await asyncio.wait({move})
    await bench.wait(0.6)
    await assert_stands_and_knows_where(bench, client)


async def test_however_slow_its_steps_are_closing_is_quick_and_the_position_sure(bench: Bench):
    stepper = await make(bench, acceleration_rpm_per_s=0.01)
    await stepper.set_rpm(60)
    await bench.wait(1)
    began_ns = bench.host.now_ns()
    await stepper.close()
    assert bench.host.now_ns() - began_ns < 350_000_000
    again = await make(bench)
    assert await again.get_position() == turned(bench)
    assert (await again.get_status())["position_unsure_by_steps"] == 0


async def test_nothing_new_begins_while_it_is_closed(bench: Bench):
    stepper = await make(bench, acceleration_rpm_per_s=60)
    await stepper.set_rpm(60)
    await bench.wait(2)
    closing = asyncio.create_task(stepper.close())
    await asyncio.sleep(0)
    with pytest.raises(ClosedError):
        await stepper.set_rpm(60)
    await closing


@kinds
async def test_make_safe_cuts_it_off_for_good_and_says_how_unsure_the_position_is(bench: Bench, kind):
    stepper = await make(bench, **RAMPS[kind])
    await stepper.set_rpm(RPM[kind])
    await bench.wait(0.7037)
    SAFETY.make_all_safe("a test")
    at = turned(bench)
    assert bench.duties(STEP, *COIL_LINES) == (0.0,) * 5
    await bench.wait(1)
    assert turned(bench) == at
    unsure = (await stepper.get_status())["position_unsure_by_steps"]
    step = 1 / (await stepper.get_status())["steps_per_rotation"]
    assert 0 <= unsure <= 6_400 * 0.006 + 1  # the steps of one packet
    assert 0 <= at - await stepper.get_position() + 1e-9 <= (unsure + 1) * step
    with pytest.raises((ClosedError, BusError)):
        await stepper.go_for(60, 1)
    assert turned(bench) == at


async def test_an_unsure_position_is_told_until_it_is_set_anew(bench: Bench, caplog):
    stepper = await make(bench)
    await stepper.set_rpm(240)
    await bench.wait(0.3)
    stepper.evict()
    again = await make(bench)
    again.logger.propagate = True
    assert (await again.get_status())["position_unsure_by_steps"] > 0
    await again.go_to(60, 0)
    assert "may be off by" in caplog.text
    await again.reset_zero_position(0)
    assert (await again.get_status())["position_unsure_by_steps"] == 0


async def test_a_motion_that_nobody_renews_is_stopped(bench: Bench):
    client = await bench.client(await make(bench, command_timeout_ms=300))
    await client.set_rpm(60)
    await bench.wait(0.2)
    await client.set_rpm(90)
    await bench.wait(0.25)
    assert await client.is_moving()
    await bench.wait(0.15)
    await assert_stands_and_knows_where(bench, client)
    assert (await client.get_status())["command_timeouts"] == 1
    await client.go_for(60, 1)  # somebody waits for this one


async def test_a_motor_at_rest_is_not_moved_by_being_built_or_closed(bench: Bench):
    wire = Recorder(bench, STEP)
    stepper = await make(bench)
    await stepper.stop()
    await stepper.close()
    await bench.wait(1)
    assert wire.rises == []
    assert bench.duties(ENABLE_LOW) == (1.0,)


async def test_a_pin_that_fails_at_the_beginning_leaves_no_current_and_is_its_caller_s_error(bench: Bench, monkeypatch):
    stepper = await make(bench)

    def fail(source: object) -> None:
        raise BusError("the chip is gone")

    monkeypatch.setattr(stepper._drive._way._step, "pulses", fail)
    for command in (stepper.set_rpm(60), stepper.go_for(60, 1)):
        with pytest.raises(BusError, match="the chip is gone"):
            await command
        assert bench.duties(ENABLE_LOW) == (1.0,)
        assert not await stepper.is_moving()


async def test_a_coil_that_fails_half_way_ends_the_motion_without_current(bench: Bench, monkeypatch):
    stepper = await make(bench, pins=COILS, ticks_per_rotation=2048)
    move = asyncio.create_task(stepper.go_for(12, 1))
    await bench.wait(0.2)

    def fail(high: bool) -> None:
        raise BusError("pin 33 is gone")

    monkeypatch.setattr(stepper._drive._way._inputs[2], "write_blocking", fail)
    with pytest.raises(BusError, match="stopped on the way: pin 33 is gone"):
        await move
    assert bench.duties(*COIL_LINES) == (0.0, 0.0, 0.0, 0.0)
    assert (await stepper.get_status())["position_unsure_by_steps"] == 1
    assert abs(turned(bench) - await stepper.get_position()) <= 1 / 2048
    monkeypatch.undo()
    await stepper.go_for(12, 0.1)


async def test_pulses_that_end_early_are_no_silent_success(bench: Bench, monkeypatch):
    stepper = await make(bench)
    move = asyncio.create_task(stepper.go_for(60, 1))
    await bench.wait(0.2)
    stepper._drive._plan.stop()
    with pytest.raises(BusError, match=r"ended after \d+ of 200 steps"):
        await move
    await assert_stands_and_knows_where(bench, stepper)


async def test_a_jammed_shaft_loses_steps_that_only_homing_finds(bench: Bench):
    client = await bench.client(await make(bench, home={"pin": "36", "rpm": 60}))
    await client.do_command({"command": "home"})
    at_home = turned(bench)
    with bench.world.held():
        motor(bench).jam()
    await client.go_for(60, 0.1)
    with bench.world.held():
        motor(bench).jam(False)
    assert motor(bench).lost == 20
    assert turned(bench) == at_home
    await client.do_command({"command": "home"})
    assert turned(bench) == at_home
    assert await client.get_position() == 0


async def test_on_another_module_s_board_each_step_is_a_write_and_counted(bench: Bench, esp):  # noqa: F811
    board, dependencies = esp
    pins = {"step": "D1", "dir": "D2", "en_low": "E1"}
    stepper = await make(bench, dependencies=dependencies, board="esp", pins=pins)
    began_ns = bench.host.now_ns()
    await stepper.go_for(30, 0.1)
    assert await stepper.get_position() == pytest.approx(0.1)
    assert bench.host.now_ns() - began_ns >= 200_000_000
    await bench.wait(0.3)
    assert board.duty["E1"] == 1.0


async def test_a_board_that_breaks_in_a_motion_ends_it_with_an_error(bench: Bench, esp):  # noqa: F811
    board, dependencies = esp
    stepper = await make(bench, dependencies=dependencies, board="esp", pins={"step": "D1", "dir": "D2"})
    move = asyncio.create_task(stepper.go_for(30, 10))
    await bench.wait(0.5)
    board.broken = True
    with pytest.raises(BusError, match="stopped on the way"):
        await move
    assert 0 < await stepper.get_position() < 0.3
    assert not await stepper.is_moving()
