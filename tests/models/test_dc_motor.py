"""DC motors, seen at their pins: GPIO5 is input a, GPIO6 input b, GPIO12 PWM."""

import asyncio
import itertools
import math

import pytest
from viam.components.motor import Motor

from pi_drivers import registry
from pi_drivers.errors import ArgumentError, BusError, ClaimedError, ClosedError, ConfigError, UnsupportedError
from pi_drivers.host.outputs import PwmOutput
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.world.wires import Pwm
from tests.models.conftest import Bench

A, B, PWM, DIR = 5, 6, 12, 16
TWO_INPUTS = {"a": "29", "b": "31"}
WITH_PWM = {"a": "29", "b": "31", "pwm": "32"}
DIR_PWM = {"dir": "36", "pwm": "32"}


async def test_two_inputs_drive_the_active_side_high_and_the_other_with_the_rest(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=TWO_INPUTS, max_rpm=100)
    await motor.set_power(0.75)
    assert bench.duties(A, B) == pytest.approx((1.0, 0.25))
    await motor.set_power(-0.4)
    assert bench.duties(A, B) == pytest.approx((0.6, 1.0))
    await motor.set_power(1.0)
    assert bench.duties(A, B) == (1.0, 0.0)


async def test_two_inputs_with_pwm_choose_the_direction_and_then_the_power(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    await motor.set_power(0.75)
    assert bench.duties(A, B, PWM) == pytest.approx((1.0, 0.0, 0.75))
    await motor.set_power(-0.25)
    assert bench.duties(A, B, PWM) == pytest.approx((0.0, 1.0, 0.25))


async def test_direction_and_pwm(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=DIR_PWM, max_rpm=100)
    await motor.set_power(0.5)
    assert bench.duties(DIR, PWM) == (1.0, 0.5)
    await motor.set_power(-0.5)
    assert bench.duties(DIR, PWM) == (0.0, 0.5)


async def test_a_reversal_passes_through_off_and_never_shorts_the_bridge(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    both = [bench.duties(A, B, PWM)]
    for offset in (A, B, PWM):
        bench.world.wire(offset).on_signal(lambda: both.append(bench.duties(A, B, PWM)))
    for power in (1.0, -1.0, 0.5, -0.02, 0.0):
        await motor.set_power(power)
    assert all(a + b <= 1.0 for a, b, _ in both)
    assert {(1.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 0.0, 0.5), (0.0, 1.0, 0.02)} <= set(both)
    # The power is away whenever an input changes sides.
    assert all(after[2] == 0.0 for before, after in itertools.pairwise(both) if before[:2] != after[:2])


async def test_enable_pins_follow_the_power(bench: Bench):
    pins = {**DIR_PWM, "en_high": "38", "en_low": "40"}
    motor = await bench.make("dc-motor", "m", pins=pins, max_rpm=100)
    await motor.set_power(0.5)
    assert bench.duties(20, 21) == (1.0, 0.0)
    await motor.stop()
    assert bench.duties(20, 21)[0] == 0.0
    assert bench.duties(21) == (1.0,)


async def test_power_of_a_hundredth_or_less_stops(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, min_power_pct=0.3)
    await motor.set_power(0.5)
    await motor.set_power(0.01)
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)
    assert await motor.is_powered() == (False, 0.0)


async def test_power_is_lifted_to_the_minimum_and_cut_at_the_maximum(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, min_power_pct=0.3, max_power_pct=0.8)
    await motor.set_power(-0.1)
    assert await motor.is_powered() == (True, -0.3)
    await motor.set_power(1.0)
    assert await motor.is_powered() == (True, 0.8)
    assert bench.duties(PWM) == (0.8,)


@pytest.mark.parametrize("power", [math.nan, math.inf, -math.inf, 1.001, -2.0])
async def test_power_that_is_none_is_refused_and_what_ran_runs_on(bench: Bench, power: float):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    await motor.set_power(0.5)
    with pytest.raises(ArgumentError, match="power must be between -1 and 1"):
        await motor.set_power(power)
    assert bench.duties(PWM) == (0.5,)


async def test_dir_flip_turns_the_pins_and_nothing_the_caller_sees(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, dir_flip=True)
    await motor.set_power(0.5)
    assert bench.duties(A, B) == (0.0, 1.0)
    assert await motor.is_powered() == (True, 0.5)


async def test_pwm_frequency_is_the_configured_one_and_800_hz_by_default(bench: Bench):
    first = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    await first.set_power(0.5)
    assert isinstance(bench.world.wire(PWM).signal, Pwm)
    assert bench.world.wire(PWM).signal.period_ns == 1_250_000  # type: ignore[union-attr]
    await first.close()
    second = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, pwm_freq=2000)
    await second.set_power(0.5)
    assert bench.world.wire(PWM).signal.period_ns == 500_000  # type: ignore[union-attr]


async def test_the_hardware_s_pwm_is_used_where_its_overlay_is_loaded(bench: Bench):
    bench.host.pwm.overlays.add(PWM)
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    await motor.set_power(0.3)
    assert bench.duties(PWM) == (0.3,)
    assert isinstance(bench.host.pins_in_use[PWM]._line, PwmOutput)  # type: ignore[attr-defined]
    await motor.stop()
    assert bench.duties(PWM) == (0.0,)


async def test_go_for_without_encoder_runs_for_the_time_it_takes(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=120)
    before_ns = bench.host.now_ns()
    await motor.go_for(60, 5)
    assert bench.host.now_ns() - before_ns == pytest.approx(5_000_000_000, rel=0.001)
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("rpm", "revolutions", "forward"), [(60, 1, True), (-60, 1, False), (60, -1, False), (-60, -1, True)]
)
async def test_the_direction_is_the_sign_of_rpm_times_revolutions(bench: Bench, rpm, revolutions, forward):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=120)
    await motor.go_for(rpm, revolutions)
    turned = bench.world.shaft("of m").angle_rev()
    assert (turned > 0.3) if forward else (turned < -0.3)


@pytest.mark.parametrize(
    ("rpm", "revolutions", "message"),
    [
        (60, 0, "Cannot move motor for 0 revolutions"),
        (0.05, 1, "Cannot move motor at an RPM that is nearly 0"),
        (math.nan, 1, "rpm must be a number"),
        (60, math.inf, "revolutions must be a number"),
    ],
)
async def test_go_for_refuses_what_is_no_motion(bench: Bench, rpm, revolutions, message):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=120)
    with pytest.raises(ArgumentError, match=message):
        await motor.go_for(rpm, revolutions)
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)


async def test_a_speed_above_the_maximum_is_cut_with_a_warning(bench: Bench, caplog):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=120)
    motor.logger.propagate = True
    await motor.set_rpm(500)
    assert await motor.is_powered() == (True, 1.0)
    assert "above, its max_rpm of 120" in caplog.text


@pytest.mark.parametrize(("rpm", "power"), [(0.9, 0.09), (-0.9, -0.09), (5, 0.5)])
async def test_set_rpm_keeps_its_sign_and_size_below_one(bench: Bench, rpm, power):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=10)
    await motor.set_rpm(rpm)
    assert await motor.is_powered() == (True, pytest.approx(power))


async def test_without_encoder_position_is_unimplemented(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=120)
    assert await motor.get_properties() == Motor.Properties(position_reporting=False)
    for call in (motor.get_position(), motor.reset_zero_position(0), motor.go_to(60, 1)):
        with pytest.raises(UnsupportedError, match="Unimplemented"):
            await call


async def test_closing_takes_the_power_away_and_lets_the_pins_go(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    await motor.set_power(0.7)
    await motor.close()
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)
    assert len(bench.host.claims) == 0
    assert len(SAFETY) == 0
    await motor.close()


async def test_closing_ends_a_motion_at_once(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    moving = asyncio.ensure_future(motor.go_for(50, 1000))
    await bench.wait(1)
    await motor.close()
    await asyncio.wait({moving}, timeout=0.1)
    assert moving.done()
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)
    assert not await motor.is_moving()


async def test_a_motor_with_pwm_on_both_inputs_is_off_after_close(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=TWO_INPUTS, max_rpm=100)
    await motor.set_power(-0.7)
    await motor.close()
    assert bench.duties(A, B) == (0.0, 0.0)


async def test_make_safe_works_at_any_time_and_on_any_motor(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=DIR_PWM, max_rpm=100)
    await motor.set_power(-0.7)
    SAFETY.make_all_safe("a test")
    assert bench.duties(DIR, PWM) == (0.0, 0.0)
    assert await motor.is_powered() == (False, 0.0)


async def test_after_make_safe_no_loop_that_still_runs_can_power_the_motor_again(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    await motor.set_rpm(60)
    await bench.wait(1)
    SAFETY.make_all_safe("a test")
    await bench.wait(1)
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)
    with pytest.raises(ClosedError, match="was made safe for good"):
        await motor.set_power(0.5)
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)
    await motor.stop()


async def test_half_written_pins_are_switched_off(bench: Bench, monkeypatch):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    pwm = bench.host.pins_in_use[PWM]

    def fail(duty: float, frequency_hz: int) -> None:
        raise BusError("GPIO12: the line is gone")

    monkeypatch.setattr(pwm, "pwm_now", fail)
    with pytest.raises(BusError):
        await motor.set_power(0.5)
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)
    assert await motor.is_powered() == (False, 0.0)


async def test_a_pin_somebody_holds_is_refused_with_their_name_and_nothing_stays_taken(bench: Bench):
    await bench.make("dc-motor", "left", pins=WITH_PWM, max_rpm=100)
    with pytest.raises(ClaimedError, match=r'GPIO12 \(pin 32\) is held by motor "left" \(pin pwm\)'):
        await bench.make("dc-motor", "right", pins={"pwm": "33", "dir": "GPIO12"}, max_rpm=100)
    assert {holder.name for holder in bench.host.claims.listing().values()} == {'motor "left"'}
    await bench.make("dc-motor", "right", pins={"a": "35", "b": "37", "pwm": "33"}, max_rpm=100)


async def test_a_holder_that_was_never_closed_is_evicted_by_its_own_name(bench: Bench):
    dropped = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    await dropped.set_power(0.9)
    fresh = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    assert bench.duties(A, B, PWM) == (0.0, 0.0, 0.0)
    await fresh.set_power(0.4)
    await dropped.close()
    assert bench.duties(PWM) == (0.4,)


async def test_a_motor_on_a_mock_board_cannot_claim_to_be_real(bench: Bench):
    await bench.make("board", "pi")
    with pytest.raises(ConfigError, match='its board "pi" runs on "mock"'):
        await bench.make("dc-motor", "m", board="pi", pins=WITH_PWM, max_rpm=100, backend="real")


async def test_a_board_that_is_not_there_is_named(bench: Bench):
    with pytest.raises(ConfigError, match='there is no board "pi"'):
        await bench.make("dc-motor", "m", board="pi", pins=WITH_PWM, max_rpm=100)


async def test_names_of_the_user_s_board_work_for_motors(bench: Bench):
    await bench.make("board", "pi", pins=[{"name": "drive", "pin": "32"}])
    motor = await bench.make("dc-motor", "m", board="pi", pins={"dir": "36", "pwm": "drive"}, max_rpm=100)
    await motor.set_power(0.25)
    assert bench.duties(PWM) == (0.25,)


@pytest.mark.parametrize(
    ("attributes", "problems"),
    [
        ({"pins": {"a": "29", "pwm": "32"}, "max_rpm": 1}, ["pins: must be one of these wirings"]),
        ({"pins": {**WITH_PWM, "dir": "36"}, "max_rpm": 1}, ["pins: must be one of these wirings"]),
        ({"pins": {"a": "1", "b": "31"}, "max_rpm": 1}, ["pins.a: pin 1 is 3.3 V power"]),
        ({"pins": {"a": "29", "b": "GPIO5"}, "max_rpm": 1}, ['pins.b: "GPIO5" is GPIO5']),
        ({"pins": WITH_PWM}, ["max_rpm: is required without an encoder"]),
        ({"pins": WITH_PWM, "encoder": "e"}, ["ticks_per_rotation: is required with an encoder"]),
        (
            {"pins": WITH_PWM, "max_rpm": 1, "position_tolerance_ticks": 4},
            ["position_tolerance_ticks: needs an encoder"],
        ),
        (
            {"pin": WITH_PWM, "max_rpm": True, "min_power_pct": 0.9, "max_power_pct": 0.5},
            [
                'did you mean "pins"',
                "max_rpm: expected a number, got true",
                "min_power_pct: must be below max_power_pct",
            ],
        ),
        ({"pins": WITH_PWM, "max_rpm": 1, "max_power_pct": 0.05, "pwm_freq": 17.5}, ["max_power_pct", "pwm_freq"]),
    ],
)
async def test_every_mistake_in_the_config_is_named(bench: Bench, attributes, problems):
    with pytest.raises(ConfigError) as caught:
        await bench.make("dc-motor", "m", **attributes)
    for problem in problems:
        assert problem in caught.value.message
    assert len(bench.host.claims) == 0


async def test_status_tells_pins_power_and_motion(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    await motor.set_power(0.5)
    client = await bench.client(motor)
    status = await client.get_status()
    assert status == {
        "backend": "mock",
        "closed": False,
        "pins": WITH_PWM,
        "power": 0.5,
        "braking": False,
        "motion": "set_power",
    }
    await client.set_rpm(30)
    assert (await client.get_status())["motion"] == "set_rpm"
    await client.stop()
    assert (await client.get_status())["motion"] == "none"
    commands = await client.do_command({"command": "help"})
    assert set(commands) == {"brake", "clear_fault", "tune", "get_tuned_pid"}


async def test_the_board_and_the_encoder_it_names_are_its_dependencies(bench: Bench):
    names = {"board": "pi", "encoder": "e1", "ticks_per_rotation": 400}
    config = bench.config("dc-motor", "m", {"pins": WITH_PWM, **names})
    needs = ["rdk:component:board/pi", "rdk:component:encoder/e1"]
    assert registry.load("dc-motor").validate_config(config) == (needs, [])
    alone = bench.config("dc-motor", "m", {"pins": WITH_PWM, "max_rpm": 100})
    assert registry.load("dc-motor").validate_config(alone) == ([], [])


async def test_slow_speeds_without_encoder_are_driven_and_end(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=200)
    await motor.set_rpm(1.5)
    assert await motor.is_powered() == (True, pytest.approx(0.0075))
    before_ns = bench.host.now_ns()
    await motor.go_for(1, 0.01)
    assert bench.host.now_ns() - before_ns == pytest.approx(600_000_000, rel=0.01)
    assert await motor.is_powered() == (False, 0.0)


async def test_an_enable_input_that_is_active_low_disables_at_every_end(bench: Bench):
    pins = {**DIR_PWM, "en_low": "40"}
    motor = await bench.make("dc-motor", "m", pins=pins, max_rpm=100)
    assert bench.duties(21) == (1.0,)
    await motor.set_power(0.5)
    assert bench.duties(21) == (0.0,)
    SAFETY.make_all_safe("a test")
    assert bench.duties(21) == (1.0,)
    await motor.close()
    assert bench.duties(DIR, PWM, 21) == (0.0, 0.0, 1.0)


async def test_a_built_in_motor_s_config_with_its_empty_values_moves_over(bench: Bench):
    await bench.make("board", "pi")
    motor = await bench.make(
        "dc-motor",
        "m",
        board="pi",
        pins={**WITH_PWM, "dir": "", "en_high": "", "en_low": ""},
        encoder="",
        max_rpm=100,
        max_power_pct=0,
        min_power_pct=0,
        pwm_freq=0,
        ticks_per_rotation=0,
        ramp_rate=0,
        dir_flip=False,
    )
    await motor.set_power(1.0)
    assert await motor.is_powered() == (True, 1.0)


async def test_a_name_that_is_none_is_refused_before_anybody_waits_for_it(bench: Bench):
    with pytest.raises(ConfigError, match="board: must be a name"):
        await bench.make("dc-motor", "m", board="a/b", pins=WITH_PWM, max_rpm=100)


async def test_gains_of_zero_are_the_default_gains(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    motor = await bench.make(
        "dc-motor",
        "m",
        pins=WITH_PWM,
        encoder="e1",
        ticks_per_rotation=400,
        max_rpm=200,
        control_parameters={"p": 0, "i": 0, "d": 0},
    )
    await motor.go_for(60, 1)
    assert bench.world.shaft("e1").angle_rev() == pytest.approx(1, abs=1 / 400)
