"""Steppers, seen at their pins and at the shaft they turn: GPIO23 is step, GPIO24 direction, GPIO25 enable (low)."""

import math
from itertools import pairwise

import pytest
from grpclib import GRPCError, Status
from viam.components.motor import Motor

from pi_drivers import registry
from pi_drivers.errors import ClaimedError, ConfigError
from tests.models.conftest import Bench
from tests.models.steppers import (
    COIL_LINES,
    COILS,
    DIR,
    ENABLE_LOW,
    SECOND,
    STEP,
    STEP_DIR,
    Recorder,
    make,
    motor,
    turned,
)


@pytest.mark.parametrize(
    ("rpm", "revolutions", "steps"), [(60, 1, 200), (-60, 1.5, -300), (60, -0.5, -100), (-60, -0.005, 1)]
)
async def test_go_for_makes_exactly_its_steps(bench: Bench, rpm, revolutions, steps):
    client = await bench.client(await make(bench))
    wire = Recorder(bench, STEP)
    await client.go_for(rpm, revolutions)
    assert len(wire.rises) == abs(steps)
    assert turned(bench) == steps / 200
    assert await client.get_position() == pytest.approx(steps / 200)
    assert motor(bench).lost == motor(bench).hasty == 0  # type: ignore[union-attr]


async def test_go_for_takes_its_time_and_has_ended_when_it_returns(bench: Bench):
    client = await bench.client(await make(bench))
    before_ns = bench.host.now_ns()
    await client.go_for(60, 2)
    assert bench.host.now_ns() - before_ns == pytest.approx(2 * SECOND, abs=SECOND / 100)
    assert not await client.is_moving()


async def test_go_to_goes_to_the_position_itself_from_either_side(bench: Bench):
    client = await bench.client(await make(bench))
    for position in (0.9, -0.1, 0.0, 0.0, 0.345):
        await client.go_to(-120, position)
        assert await client.get_position() == pytest.approx(position)
        assert turned(bench) == position


@pytest.mark.parametrize("rpm", [0.9, -0.9, 0.4, 40, -40])
async def test_set_rpm_keeps_its_sign_and_size_below_one(bench: Bench, rpm):
    client = await bench.client(await make(bench))
    await client.set_rpm(rpm)
    await bench.wait(30)
    assert turned(bench) == pytest.approx(rpm / 2, abs=1 / 150)
    await client.stop()
    assert turned(bench) == await client.get_position()


@pytest.mark.parametrize("rpm", [1e-300, -1e-300, 5e-324, 8e-5])
async def test_less_than_a_step_in_an_hour_is_no_speed(bench: Bench, rpm):
    client = await bench.client(await make(bench))
    with pytest.raises(GRPCError, match=r"an RPM that is nearly 0: .* less than a step in an hour") as caught:
        await client.set_rpm(rpm)
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert not await client.is_moving()
    await client.set_rpm(60)
    with pytest.raises(GRPCError, match="nearly 0"):
        await client.set_rpm(rpm)
    await bench.wait(1)
    assert turned(bench) == pytest.approx(1, abs=0.02)  # what ran before runs on


@pytest.mark.parametrize("rpm", [1e-4, -1e-4])
async def test_a_step_in_some_minutes_is_a_speed(bench: Bench, rpm):
    client = await bench.client(await make(bench, microsteps=16))
    await client.set_rpm(rpm)
    await bench.wait(200)
    assert await client.get_position() == math.copysign(2, rpm) / 3200
    assert turned(bench) == await client.get_position()


async def test_a_top_speed_of_hardly_anything_is_no_speed_either(bench: Bench):
    client = await bench.client(await make(bench, max_rpm=1e-300))
    for call in (client.set_power(1), client.go_for(60, 1), client.go_to(60, 1)):
        with pytest.raises(GRPCError, match="nearly 0"):
            await call
    assert turned(bench) == 0


async def test_set_rpm_0_and_power_0_stop(bench: Bench):
    client = await bench.client(await make(bench, max_rpm=120))
    for stop in (client.set_rpm(0), client.set_power(0.005)):
        await client.set_rpm(60)
        await bench.wait(0.3)
        await stop
        assert await client.is_powered() == (False, 0.0)
        assert not await client.is_moving()


async def test_power_is_a_share_of_the_top_speed(bench: Bench):
    client = await bench.client(await make(bench, max_rpm=120))
    await client.set_power(-0.5)
    await bench.wait(3)
    assert turned(bench) == pytest.approx(-3, abs=0.02)
    assert await client.is_powered() == (True, pytest.approx(-0.5, abs=0.001))


async def test_the_built_in_motor_s_step_delay_is_a_top_speed(bench: Bench):
    client = await bench.client(await make(bench, stepper_delay_usec=2_500))  # 400 steps/s: 120 rpm
    await client.set_power(0.5)
    await bench.wait(1)
    assert turned(bench) == pytest.approx(1, abs=0.02)


async def test_power_without_a_top_speed_is_refused(bench: Bench):
    client = await bench.client(await make(bench))
    with pytest.raises(GRPCError, match="set max_rpm or stepper_delay_usec") as caught:
        await client.set_power(0.5)
    assert caught.value.status is Status.UNIMPLEMENTED


async def test_a_speed_above_the_top_speed_is_cut_with_a_warning(bench: Bench, caplog):
    stepper = await make(bench, max_rpm=60)
    stepper.logger.propagate = True
    await stepper.set_rpm(500)
    await bench.wait(1)
    assert turned(bench) == pytest.approx(1, abs=0.02)
    assert "above, its max_rpm of 60" in caplog.text


@pytest.mark.parametrize(
    ("rpm", "revolutions", "message"),
    [
        (60, 0, "Cannot move motor for 0 revolutions"),
        (0.05, 1, "Cannot move motor at an RPM that is nearly 0"),
        (math.nan, 1, "rpm must be a number"),
        (60, math.inf, "revolutions must be a number"),
        (60, 0.001, "less than half a step of 1/200"),
    ],
)
async def test_go_for_refuses_what_is_no_motion(bench: Bench, rpm, revolutions, message):
    client = await bench.client(await make(bench))
    with pytest.raises(GRPCError, match=message) as caught:
        await client.go_for(rpm, revolutions)
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert turned(bench) == 0


async def test_the_position_is_reported_and_can_be_set(bench: Bench):
    client = await bench.client(await make(bench))
    assert await client.get_properties() == Motor.Properties(position_reporting=True)
    await client.go_for(60, 0.5)
    await client.reset_zero_position(0.25)
    assert await client.get_position() == pytest.approx(-0.25)
    await client.go_to(60, 0)
    assert turned(bench) == 0.75


async def test_microsteps_are_pulses_of_a_full_step(bench: Bench):
    client = await bench.client(await make(bench, microsteps=16))
    wire = Recorder(bench, STEP)
    await client.go_for(60, 0.5)
    assert len(wire.rises) == 1600
    assert turned(bench) == 0.5


async def test_dir_flip_turns_the_pin_and_nothing_the_caller_sees(bench: Bench):
    client = await bench.client(await make(bench, dir_flip=True))
    await client.go_for(60, 0.5)
    assert bench.duties(DIR) == (0.0,)
    assert await client.get_position() == 0.5
    assert turned(bench) == 0.5


async def test_ten_thousand_steps_a_second_are_made_and_counted(bench: Bench):
    client = await bench.client(await make(bench, microsteps=16, acceleration_rpm_per_s=300))
    wire = Recorder(bench, STEP)
    await client.go_for(187.5, 10)
    assert min(wire.intervals) == 100_000
    assert wire.intervals.count(100_000) > 20_000
    assert len(wire.rises) == 32_000
    assert turned(bench) == 10
    assert motor(bench).lost == 0


async def test_the_wire_shows_ramps_within_the_acceleration(bench: Bench):
    client = await bench.client(await make(bench, microsteps=8, acceleration_rpm_per_s=600))  # 16,000 steps/s²
    wire = Recorder(bench, STEP)
    await client.go_for(150, 3)
    intervals = wire.intervals
    top = intervals.index(min(intervals))
    assert all(later <= earlier + 1000 for earlier, later in pairwise(intervals[: top + 1]))
    assert all(later >= earlier - 1000 for earlier, later in pairwise(intervals[top:])) or min(intervals) == 250_000
    rates = [(SECOND / interval, at) for interval, at in zip(intervals, wire.rises, strict=False)]
    for (before, at_ns), (after, later_ns) in zip(rates, rates[200:], strict=False):
        assert abs(after - before) <= 16_000 * (later_ns - at_ns) / SECOND * 1.2


async def test_without_ramps_such_a_start_would_lose_steps(bench: Bench):
    client = await bench.client(await make(bench, microsteps=1))
    await client.go_for(900, 1)  # 3000 full steps/s from standstill: no motor does it
    assert motor(bench).lost == 200


async def test_a_new_speed_in_the_same_direction_needs_no_stop(bench: Bench):
    client = await bench.client(await make(bench, acceleration_rpm_per_s=120))
    await client.set_rpm(60)
    await bench.wait(2)
    wire = Recorder(bench, STEP)
    await client.set_rpm(120)
    await bench.wait(2)
    assert max(wire.intervals) <= SECOND / 200 * 1.01
    assert min(wire.intervals) == pytest.approx(SECOND / 400, rel=0.01)


async def test_a_reversal_passes_through_standstill_along_the_ramp(bench: Bench):
    client = await bench.client(await make(bench, acceleration_rpm_per_s=240))
    await client.set_rpm(120)
    await bench.wait(2)
    wire = Recorder(bench, STEP)
    await client.set_rpm(-120)
    await bench.wait(2)
    assert max(wire.intervals) > 3 * min(wire.intervals)
    await client.stop()
    assert motor(bench).lost == motor(bench).hasty == 0  # type: ignore[union-attr]
    assert turned(bench) == pytest.approx(await client.get_position())


async def test_the_direction_stands_before_the_first_step_and_the_current_longer(bench: Bench):
    client = await bench.client(await make(bench))
    await client.go_for(60, 0.1)
    wire, began_ns = Recorder(bench, STEP), bench.host.now_ns()
    await client.go_for(60, -0.1)
    assert wire.rises[0] - began_ns >= 20_000
    await bench.wait(1)
    wire, began_ns = Recorder(bench, STEP), bench.host.now_ns()
    await client.go_for(60, -0.1)
    assert wire.rises[0] - began_ns >= 2_000_000


async def test_the_current_goes_off_behind_a_motion_and_the_position_stays(bench: Bench):
    client = await bench.client(await make(bench))
    await client.go_for(60, 0.25)
    await bench.wait(0.3)
    assert bench.duties(ENABLE_LOW) == (1.0,)
    assert (await client.get_status())["energised"] is False
    await client.go_for(60, 0.25)
    assert turned(bench) == await client.get_position() == 0.5


async def test_with_hold_torque_the_current_stays_on(bench: Bench):
    client = await bench.client(await make(bench, hold_torque=True))
    await client.go_for(60, 0.25)
    await bench.wait(5)
    assert bench.duties(ENABLE_LOW) == (0.0,)
    assert await client.is_powered() == (True, 0.0)
    assert not await client.is_moving()


async def test_an_enable_input_that_is_active_high(bench: Bench):
    client = await bench.client(await make(bench, pins={"step": "16", "dir": "18", "en_high": "22"}))
    assert bench.duties(ENABLE_LOW) == (0.0,)
    await client.go_for(60, 0.25)
    assert bench.duties(ENABLE_LOW) == (1.0,)
    await bench.wait(0.3)
    assert bench.duties(ENABLE_LOW) == (0.0,)
    assert turned(bench) == 0.25


@pytest.mark.parametrize(("phases", "steps_a_turn"), [("full", 2048), ("half", 4096)])
async def test_four_coils_turn_the_shaft_step_by_step(bench: Bench, phases, steps_a_turn):
    stepper = await make(bench, pins=COILS, ticks_per_rotation=2048, phases=phases)
    client = await bench.client(stepper)
    await client.go_for(12, 0.25)
    assert turned(bench) == 0.25
    await client.go_for(-12, 0.1)
    assert turned(bench) == round(await client.get_position(), 9)
    assert turned(bench) == round((0.25 - round(0.1 * steps_a_turn) / steps_a_turn), 9)
    assert motor(bench).lost == motor(bench).impossible == 0  # type: ignore[union-attr]


async def test_coils_go_off_behind_a_motion_and_the_next_begins_where_the_rotor_is(bench: Bench):
    client = await bench.client(await make(bench, pins=COILS, ticks_per_rotation=2048, phases="half"))
    for part in (0.1, 0.0137, -0.3, 0.02):
        await client.go_for(10, part)
        await bench.wait(0.5)
        assert bench.duties(*COIL_LINES) == (0.0, 0.0, 0.0, 0.0)
    assert turned(bench) == round(await client.get_position(), 9)
    assert motor(bench).lost == 0


async def test_home_is_found_to_the_step_from_wherever_it_is_looked_for(bench: Bench):
    client = await bench.client(await make(bench, home={"pin": "36", "rpm": 60}))
    found = await client.do_command({"command": "home"})
    at_switch = turned(bench)
    assert found["was"] == pytest.approx(at_switch)
    assert at_switch == -0.255  # the first step inside the part of the turn in which the switch is pressed
    for start in (0.0, 0.3, -0.02, 0.9):
        await client.go_to(60, start)
        assert (await client.do_command({"command": "home"}))["position"] == 0.0
        assert turned(bench) % 1 == pytest.approx(at_switch % 1)


async def test_home_forward_with_ramps_and_a_switch_that_is_active_low(bench: Bench):
    home = {"pin": "36", "rpm": 60, "direction": "forward", "active_low": True}
    client = await bench.client(await make(bench, microsteps=4, acceleration_rpm_per_s=120, home=home))
    await client.do_command({"command": "home"})
    assert turned(bench) == 0.7
    assert await client.get_position() == 0.0


async def test_a_switch_that_is_passed_over_in_one_go_is_found_all_the_same(bench: Bench):
    home = {"pin": "36", "rpm": 300}
    client = await bench.client(await make(bench, acceleration_rpm_per_s=1_200, home=home))
    await client.do_command({"command": "home"})
    assert turned(bench) % 1 == pytest.approx(0.745)


async def test_a_switch_that_never_comes_is_an_error_and_the_motor_stands(bench: Bench):
    client = await bench.client(await make(bench, home={"pin": "36", "rpm": 60, "max_revs": 0.2}))
    with pytest.raises(
        GRPCError, match=r"home switch on pin 36 did not come within 0\.2 revolutions backward"
    ) as caught:
        await client.do_command({"command": "home"})
    assert caught.value.status is Status.DEADLINE_EXCEEDED
    assert turned(bench) == -0.2
    assert not await client.is_moving()


async def test_home_without_a_switch_is_refused(bench: Bench):
    client = await bench.client(await make(bench))
    with pytest.raises(GRPCError, match='has no switch to look for: set "home"'):
        await client.do_command({"command": "home"})
    assert "home" in await client.do_command({"command": "help"})


async def test_a_built_in_config_runs_after_changing_only_the_model(bench: Bench):
    await bench.make("board", "local")
    pins = {"dir": "18", "step": "16", "en_high": "", "en_low": ""}
    stepper = await make(bench, board="local", pins=pins, stepper_delay_usec=0)
    await stepper.go_for(60, 1)
    assert turned(bench) == 1


async def test_the_status_tells_what_it_is_and_does(bench: Bench):
    client = await bench.client(await make(bench, max_rpm=100))
    await client.set_rpm(30)
    await bench.wait(1)
    status = await client.get_status()
    assert status["backend"] == "mock"
    assert status["pins"] == STEP_DIR
    assert status["motion"] == "set_rpm"
    assert status["speed_rpm"] == pytest.approx(30, rel=0.01)
    assert status["steps_per_rotation"] == 200
    assert status["position_unsure_by_steps"] == 0
    assert status["energised"] is True


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"pins": {"step": "16"}}, "must be step and dir, or a, b, c and d; got step"),
        ({"pins": {**STEP_DIR, "a": "29"}}, "must be step and dir, or a, b, c and d; got step and dir and a"),
        ({"pins": STEP_DIR, "phases": "half"}, "phases: is for pins a, b, c and d"),
        ({"pins": COILS, "microsteps": 8}, "microsteps: is for pins step and dir"),
        ({"pins": STEP_DIR, "home": {"pin": "16"}}, "home.pin"),
        ({"pins": STEP_DIR, "max_rpm": 7000}, "max_rpm: must be at most 6000 with 200 steps in a turn"),
        ({"home": {"pin": "36", "rpm": 61}, "max_rpm": 60}, "home.rpm: must be at most 60, the motor's top speed"),
        ({"home": {"pin": "36"}, "max_rpm": 5}, "home.rpm: must be at most 5, the motor's top speed"),
        ({"home": {"pin": "36", "rpm": 200}, "stepper_delay_usec": 2500}, "home.rpm: must be at most 120, the motor's"),
        ({"home": {"pin": "36", "rpm": 7000}}, "home.rpm: must be at most 6000 with 200 steps in a turn"),
        ({"home": {"pin": "36", "rpm": 1e-300}}, "home.rpm"),
        ({"acceleration_rpm_per_s": 1e-300}, "acceleration_rpm_per_s"),
        ({"pins": STEP_DIR, "ticks_per_rotation": 0}, "ticks_per_rotation"),
        ({"pins": STEP_DIR, "micro_steps": 8}, "microsteps"),
    ],
)
async def test_every_mistake_in_a_config_is_told(bench: Bench, attributes, message):
    config = bench.config("stepper", "m", {"ticks_per_rotation": 200, "pins": STEP_DIR, **attributes})
    with pytest.raises(ConfigError) as caught:
        registry.load("stepper").validate_config(config)
    assert message in str(caught.value)


async def test_a_pin_that_somebody_holds_is_named(bench: Bench):
    await make(bench)
    with pytest.raises(ClaimedError, match='motor "m"'):
        await make(bench, "other", pins={"step": "16", "dir": "29"})
