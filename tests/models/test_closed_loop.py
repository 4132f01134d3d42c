"""Motors with an encoder: where the shaft really is, told by the world and not by the driver."""

import time

import pytest

from pi_drivers.errors import ArgumentError, ClosedError, MotionTimeoutError, StallError, SupersededError
from pi_drivers.world.mechanics import MotorKind
from tests.models.conftest import Bench

TICK = 1 / 400


def shaft_rev(bench: Bench) -> float:
    return bench.world.shaft("e1").angle_rev()


async def test_go_for_ends_within_one_tick_of_ten_revolutions(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    await motor.go_for(60, 10)
    assert shaft_rev(bench) == pytest.approx(10, abs=TICK)
    assert await motor.get_position() == pytest.approx(10, abs=TICK)
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)
    await bench.wait(1)
    assert shaft_rev(bench) == pytest.approx(10, abs=TICK)


async def test_ten_revolutions_take_a_fiftieth_of_their_time_to_simulate(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    before = time.process_time()
    before_ns = bench.host.now_ns()
    await motor.go_for(60, 10)
    simulated_s = (bench.host.now_ns() - before_ns) / 1e9
    assert simulated_s > 10
    # Python's development mode, with which the suite runs, costs about a factor of three.
    assert (time.process_time() - before) * 50 < simulated_s * 4


@pytest.mark.parametrize(
    "kind",
    [
        MotorKind(free_rpm=200, time_constant_s=0.2, coast_constant_s=0.5),
        MotorKind(free_rpm=200, dead_band=0.25),
        MotorKind(free_rpm=90),
    ],
    ids=["heavy", "sticky", "weak"],
)
async def test_other_motors_arrive_as_well(bench: Bench, rover_wheel, kind):
    motor, _ = rover_wheel
    wires = {"a": 5, "b": 6, "pwm": 12}
    bench.world.motor_on("e1", wires, kind)
    await motor.go_for(60, 3)
    assert shaft_rev(bench) == pytest.approx(3, abs=TICK)
    await motor.go_for(60, -3)
    assert shaft_rev(bench) == pytest.approx(0, abs=2 * TICK)


async def test_an_unknown_motor_is_learnt_on_the_way(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    pins = {"a": "29", "b": "31", "pwm": "32"}
    motor = await bench.make("dc-motor", "m", pins=pins, encoder="e1", ticks_per_rotation=400)
    await motor.go_for(90, 2)
    assert shaft_rev(bench) == pytest.approx(2, abs=TICK)


async def test_go_to_finds_its_position_whatever_the_sign_of_the_speed(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    await motor.go_to(-100, 1.25)
    assert shaft_rev(bench) == pytest.approx(1.25, abs=TICK)
    await motor.go_to(100, -0.5)
    assert shaft_rev(bench) == pytest.approx(-0.5, abs=TICK)
    await motor.go_to(100, -0.5)


async def test_reset_zero_position_makes_here_minus_the_offset(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    await motor.go_for(60, 1)
    await motor.reset_zero_position(0.25)
    assert await motor.get_position() == pytest.approx(-0.25, abs=TICK)
    await motor.go_to(60, 0)
    assert shaft_rev(bench) == pytest.approx(1.25, abs=2 * TICK)


@pytest.mark.parametrize("rpm", [60, -60, 0.8, -0.8])
async def test_set_rpm_holds_its_speed_until_stopped(bench: Bench, rover_wheel, rpm):
    motor, _ = rover_wheel
    await motor.set_rpm(rpm)
    await bench.wait(3)
    before = shaft_rev(bench)
    await bench.wait(30)
    assert (shaft_rev(bench) - before) * 2 == pytest.approx(rpm, rel=0.03)
    assert await motor.is_moving()
    await motor.stop()
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)
    assert not await motor.is_moving()


async def test_a_newer_command_takes_over_and_the_older_caller_is_told(bench: Bench, rover_wheel):
    import asyncio

    motor, _ = rover_wheel
    older = asyncio.create_task(motor.go_for(60, 100))
    await bench.wait(2)
    await motor.go_to(60, 0)
    with pytest.raises(SupersededError, match="go_for was superseded by go_to"):
        await older
    assert shaft_rev(bench) == pytest.approx(0, abs=TICK)


async def test_set_power_during_a_move_ends_the_move(bench: Bench, rover_wheel):
    import asyncio

    motor, _ = rover_wheel
    older = asyncio.create_task(motor.go_for(60, 100))
    await bench.wait(1)
    await motor.set_power(-0.5)
    with pytest.raises(SupersededError):
        await older
    await bench.wait(1)
    assert await motor.is_powered() == (True, -0.5)
    assert shaft_rev(bench) < 1


async def test_a_jammed_shaft_is_a_stall_and_the_motor_is_stopped(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    bench.world.shaft("e1").jam()
    before_ns = bench.host.now_ns()
    with pytest.raises(StallError, match="no tick from its encoder"):
        await motor.go_for(60, 10)
    assert bench.host.now_ns() - before_ns < 1_000_000_000
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)
    assert "stalled" in (await motor.get_status())["last_failure"]


async def test_an_encoder_unplugged_during_a_move_does_not_run_away(bench: Bench, rover_wheel):
    import asyncio

    motor, _ = rover_wheel
    move = asyncio.create_task(motor.go_for(60, 100))
    await bench.wait(2)
    bench.world.discs_of("e1")[0].unplug()
    unplugged_at = shaft_rev(bench)
    with pytest.raises(StallError):
        await move
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)
    assert shaft_rev(bench) - unplugged_at < 3


async def test_an_encoder_that_counts_the_wrong_way_is_found_out(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    # The twin's leads are swapped under a driver that knows nothing of it.
    pins = {"a": "29", "b": "31", "pwm": "32"}
    motor = await bench.make("dc-motor", "m", pins=pins, encoder="e1", ticks_per_rotation=400, max_rpm=200)
    bench.world.motor_on("e1", {"a": 5, "b": 6, "pwm": 12}, MotorKind(free_rpm=-200))
    with pytest.raises(StallError, match="counts against its power"):
        await motor.go_for(60, 10)
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)
    assert abs(shaft_rev(bench)) < 3


@pytest.mark.parametrize(("dir_flip", "invert"), [(True, False), (False, True), (True, True)])
async def test_a_flipped_motor_and_an_inverted_encoder_still_find_forward(bench: Bench, dir_flip, invert):
    encoder = await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"}, invert=invert)
    pins = {"a": "29", "b": "31", "pwm": "32"}
    motor = await bench.make(
        "dc-motor", "m", pins=pins, encoder="e1", ticks_per_rotation=400, max_rpm=200, dir_flip=dir_flip
    )
    await motor.go_for(60, 1)
    assert (await encoder.get_position())[0] == pytest.approx(400, abs=1)


async def test_a_speed_held_in_the_background_stops_when_it_fails(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    await motor.set_rpm(60)
    await bench.wait(1)
    bench.world.shaft("e1").jam()
    await bench.wait(3)
    assert await motor.is_powered() == (False, 0.0)
    assert "stalled" in (await motor.get_status())["last_failure"]


async def test_a_motor_that_cannot_reach_its_target_in_time_says_so(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    bench.world.motor_on("e1", {"a": 5, "b": 6, "pwm": 12}, MotorKind(free_rpm=20))
    with pytest.raises(MotionTimeoutError, match="did not arrive"):
        await motor.go_for(190, 30)
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)


async def test_a_closed_encoder_stops_the_motor(bench: Bench, rover_wheel):
    motor, encoder = rover_wheel
    await motor.set_rpm(60)
    await bench.wait(1)
    await encoder.close()
    await bench.wait(0.1)
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)


async def test_positions_that_are_no_numbers_are_refused(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    with pytest.raises(ArgumentError):
        await motor.go_to(60, float("nan"))
    with pytest.raises(ArgumentError):
        await motor.reset_zero_position(float("inf"))
    with pytest.raises(ArgumentError):
        await motor.set_rpm(float("nan"))


async def test_a_wheel_whose_pins_were_changed_in_the_config_goes_on_with_a_new_twin(bench: Bench, rover_wheel):
    motor, encoder = rover_wheel
    await motor.go_for(60, 1)
    await motor.close()
    await encoder.close()
    await bench.make("incremental-encoder", "e1", board="pi", pins={"a": "36", "b": "38"})
    pins = {"a": "31", "b": "33", "pwm": "35"}
    again = await bench.make(
        "dc-motor", "left", board="pi", pins=pins, encoder="e1", ticks_per_rotation=400, max_rpm=200
    )
    before = shaft_rev(bench)
    await again.go_for(60, 1)
    assert shaft_rev(bench) - before == pytest.approx(1, abs=2 * TICK)


async def test_an_encoder_reset_in_the_middle_of_a_move_does_not_make_it_longer(bench: Bench, rover_wheel):
    import asyncio

    motor, encoder = rover_wheel
    move = asyncio.create_task(motor.go_for(60, 3))
    await bench.wait(2.5)
    await encoder.reset_position()
    await move
    assert shaft_rev(bench) == pytest.approx(3, abs=2 * TICK)


async def test_a_motor_with_a_least_power_still_arrives(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    pins = {"a": "29", "b": "31", "pwm": "32"}
    motor = await bench.make(
        "dc-motor", "m", pins=pins, encoder="e1", ticks_per_rotation=400, max_rpm=200, min_power_pct=0.3
    )
    await motor.go_for(90, 2)
    assert shaft_rev(bench) == pytest.approx(2, abs=TICK)


@pytest.mark.parametrize("rpm", [1e300, -1e308, 2e6])
async def test_a_speed_without_meaning_is_refused_and_nothing_moves(bench: Bench, rpm):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    pins = {"a": "29", "b": "31", "pwm": "32"}
    motor = await bench.make("dc-motor", "m", pins=pins, encoder="e1", ticks_per_rotation=400)
    for call in (motor.set_rpm(rpm), motor.go_for(rpm, 1), motor.go_for(60, rpm), motor.go_to(60, rpm)):
        with pytest.raises(ArgumentError, match="must be a number of at most"):
            await call
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)


async def test_a_motor_s_zero_outlives_a_rebuild(bench: Bench, rover_wheel):
    motor, _ = rover_wheel
    await motor.go_for(60, 1)
    await motor.reset_zero_position(0.25)
    await motor.close()
    pins = {"a": "29", "b": "31", "pwm": "32"}
    again = await bench.make(
        "dc-motor", "left", board="pi", pins=pins, encoder="e1", ticks_per_rotation=400, max_rpm=200
    )
    assert await again.get_position() == pytest.approx(-0.25, abs=TICK)


async def test_a_speed_asked_of_a_closed_encoder_is_the_caller_s_error(bench: Bench, rover_wheel):
    motor, encoder = rover_wheel
    await encoder.close()
    with pytest.raises(ClosedError):
        await motor.set_rpm(60)
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)


async def test_a_caller_whose_motor_is_closed_is_told(bench: Bench, rover_wheel):
    import asyncio

    motor, _ = rover_wheel
    move = asyncio.create_task(motor.go_for(60, 10))
    await bench.wait(1)
    await motor.close()
    with pytest.raises(ClosedError, match="was closed during go_for"):
        await move
