"""DC motors that may only turn so far, and that come to rest where they were sent."""

import asyncio

import pytest

from pi_drivers.errors import ArgumentError, ConfigError, MotionTimeoutError, SupersededError
from tests.models.conftest import Bench
from tests.models.dc_motors import MOTORS, OFF, PINS, angle, motor_with_encoder

SOUND = [name for name in MOTORS if name != "very heavy"]
LIMITS = {"min_rev": -1.0, "max_rev": 2.0}


async def test_a_move_beyond_a_soft_limit_is_refused_and_what_ran_runs_on(bench: Bench):
    motor = await motor_with_encoder(bench, soft_limits=LIMITS)
    await motor.set_power(0.05)
    for call in (motor.go_to(60, 2.5), motor.go_to(60, -1.01), motor.go_for(60, 3), motor.go_for(-60, 1.5)):
        with pytest.raises(ArgumentError, match=r"soft limits \(min_rev -1, max_rev 2\)"):
            await call
        assert await motor.is_powered() == (True, 0.05)
    await motor.go_to(60, 2.0)
    assert angle(bench) == pytest.approx(2, abs=2 / 400)


@pytest.mark.parametrize("kind", [MOTORS["plain"], MOTORS["heavy"], MOTORS["sticky"]], ids=["plain", "heavy", "sticky"])
@pytest.mark.parametrize("motion", ["set_power", "set_rpm"])
async def test_a_motion_without_end_comes_to_rest_at_the_end_of_the_travel(bench: Bench, kind, motion):
    motor = await motor_with_encoder(bench, kind, soft_limits=LIMITS, command_timeout_ms=60_000)
    fast = {"set_power": 1.0, "set_rpm": 150}[motion]
    furthest = 0.0
    await getattr(motor, motion)(fast)
    for _ in range(800):
        await bench.wait(0.01)
        furthest = max(furthest, angle(bench))
    assert angle(bench) == pytest.approx(2, abs=2 / 400)
    assert furthest < 2.05
    assert not await motor.is_moving()
    assert "last_failure" not in await motor.get_status()
    with pytest.raises(ArgumentError, match="end of its travel"):
        await getattr(motor, motion)(fast)
    assert bench.duties(5, 6, 12) == OFF
    await getattr(motor, motion)(-fast)
    await bench.wait(8)
    assert angle(bench) == pytest.approx(-1, abs=2 / 400)


async def test_a_held_speed_may_change_on_its_way_to_the_end(bench: Bench):
    motor = await motor_with_encoder(bench, soft_limits={"max_rev": 2})
    for rpm in (30, 60, -60, 120):
        await motor.set_rpm(rpm)
        await bench.wait(0.5)
    await bench.wait(3)
    assert angle(bench) == pytest.approx(2, abs=2 / 400)
    await motor.set_rpm(-60)
    await bench.wait(10)
    assert angle(bench) < -5


async def test_soft_limits_count_from_the_motor_s_zero(bench: Bench):
    motor = await motor_with_encoder(bench, soft_limits={"max_rev": 1})
    await motor.go_to(60, 1)
    await motor.reset_zero_position(0)
    await motor.set_rpm(60)
    await bench.wait(4)
    assert angle(bench) == pytest.approx(2, abs=3 / 400)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({}, "soft_limits: needs min_rev, max_rev or both"),
        ({"min_rev": 1, "max_rev": 1}, "soft_limits.min_rev: must be below max_rev"),
        ({"min": 1}, "soft_limits"),
    ],
)
async def test_soft_limits_must_make_sense(bench: Bench, limits, problem):
    with pytest.raises(ConfigError, match=problem):
        await motor_with_encoder(bench, soft_limits=limits)


async def test_soft_limits_need_an_encoder(bench: Bench):
    with pytest.raises(ConfigError, match="soft_limits: needs an encoder"):
        await bench.make("dc-motor", "m", pins=PINS, max_rpm=100, soft_limits=LIMITS)


@pytest.mark.parametrize("kind", MOTORS.values(), ids=MOTORS)
@pytest.mark.parametrize("tolerance", [1, 10])
async def test_a_move_at_top_speed_ends_within_its_tolerance_or_says_so(bench: Bench, kind, tolerance):
    motor = await motor_with_encoder(bench, kind, position_tolerance_ticks=tolerance)
    furthest = 0.0
    move = asyncio.create_task(motor.go_to(190, 5))
    while not move.done():
        furthest = max(furthest, angle(bench))
        await bench.wait(0.01)
    if move.exception() is None:
        await bench.wait(3)
        assert angle(bench) == pytest.approx(5, abs=(tolerance + 1) / 400)
        assert furthest < (6 if kind is MOTORS["very heavy"] else 5.05)
    else:
        # With the default gains the heaviest one swings; see below.
        assert kind is MOTORS["very heavy"]
        assert isinstance(move.exception(), MotionTimeoutError)
    assert bench.duties(5, 6, 12) == OFF


async def test_the_heaviest_motor_arrives_once_it_is_tuned(bench: Bench):
    motor = await motor_with_encoder(bench, MOTORS["very heavy"])
    await motor.do_command({"command": "tune"})
    await bench.wait(5)
    await motor.reset_zero_position(0)
    zero = angle(bench)
    await motor.go_to(190, 5)
    await bench.wait(3)
    assert angle(bench) - zero == pytest.approx(5, abs=3 / 400)


@pytest.mark.parametrize("rpm", [0.5, -0.5])
async def test_half_a_turn_a_minute_is_half_a_turn_a_minute(bench: Bench, rpm):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    motor = await bench.make("dc-motor", "m", pins=PINS, encoder="e1", ticks_per_rotation=4000, max_rpm=200)
    await motor.set_rpm(rpm)
    await bench.wait(5)
    before = angle(bench)
    await bench.wait(60)
    assert angle(bench) - before == pytest.approx(rpm, rel=0.02)


async def test_a_stream_of_speeds_is_driven_without_a_gap_in_the_power(bench: Bench):
    motor = await motor_with_encoder(bench)
    await motor.set_rpm(60)
    await bench.wait(2)
    least = most = (await motor.is_powered())[1]
    for step in range(100):
        await motor.set_rpm(60 + step % 3)
        for _ in range(4):
            await bench.wait(0.01)
            power = (await motor.is_powered())[1]
            least, most = min(least, power), max(most, power)
    assert least > 0.33
    assert most < 0.41
    await motor.set_rpm(-60)
    await bench.wait(2)
    assert bench.world.shaft("e1").speed_rev_s() == pytest.approx(-1, rel=0.03)


async def test_a_move_that_follows_a_held_speed_begins_with_its_power(bench: Bench):
    motor = await motor_with_encoder(bench, MOTORS["heavy"])
    await motor.set_rpm(100)
    await bench.wait(3)
    move = asyncio.create_task(motor.go_for(100, 3))
    slowest = 10.0
    for _ in range(100):
        await bench.wait(0.01)
        slowest = min(slowest, bench.world.shaft("e1").speed_rev_s())
    await motor.stop()
    with pytest.raises(SupersededError):
        await move
    assert slowest > 1.2


@pytest.mark.parametrize("kind", [MOTORS["plain"], MOTORS["heavy"], MOTORS["sticky"]], ids=["plain", "heavy", "sticky"])
async def test_without_tolerance_a_move_ends_on_the_very_tick_both_ways(bench: Bench, kind):
    motor = await motor_with_encoder(bench, kind, position_tolerance_ticks=0)
    for revolutions, count in ((1, 400), (-1, 0), (0.1, 40), (1 / 400, 41), (-0.5, -159)):
        await motor.go_for(60, revolutions)
        assert await motor.get_position() * 400 == pytest.approx(count)
    for position in (1, 2, 1):
        await motor.go_to(100, position)
        assert await motor.get_position() == pytest.approx(position)


# The heaviest one swings around its target until it is tuned.
@pytest.mark.parametrize("kind", [MOTORS[name] for name in SOUND], ids=SOUND)
@pytest.mark.parametrize(("rpm", "revolutions", "times"), [(200, 0.1, 10), (60, 1 / 400, 20), (60, -0.3 / 400, 20)])
async def test_the_errors_of_many_moves_do_not_add_up(bench: Bench, kind, rpm, revolutions, times):
    motor = await motor_with_encoder(bench, kind)
    for _ in range(times):
        await motor.go_for(rpm, revolutions)
    assert await motor.get_position() * 400 == pytest.approx(times * revolutions * 400, abs=1.01)


async def test_a_shaft_that_was_moved_meanwhile_starts_from_where_it_is(bench: Bench):
    motor = await motor_with_encoder(bench)
    await motor.go_for(60, 1)
    bench.world.shaft("e1").turn_by_hand(0.5)
    await bench.wait(0.1)
    await motor.go_for(60, 1)
    assert await motor.get_position() == pytest.approx(2.5, abs=2 / 400)
    await motor.set_power(0.3)
    await bench.wait(0.2)
    await motor.stop()
    await bench.wait(1)
    here = await motor.get_position()
    await motor.go_for(60, 1)
    assert await motor.get_position() == pytest.approx(here + 1, abs=1.01 / 400)


@pytest.mark.parametrize(("rpm", "revolutions"), [(60, 2), (60, 1), (-100, 1), (190, 3), (20, 1)])
async def test_a_move_takes_little_longer_than_its_distance_at_its_speed(bench: Bench, rpm, revolutions):
    motor = await motor_with_encoder(bench)
    before_ns = bench.host.now_ns()
    await motor.go_for(rpm, revolutions)
    at_speed_s = revolutions * 60 / abs(rpm)
    ramp_s = abs(rpm) / 200
    assert (bench.host.now_ns() - before_ns) / 1e9 < at_speed_s + ramp_s + 0.9


async def test_a_heavy_shaft_is_slowed_down_in_time(bench: Bench):
    motor = await motor_with_encoder(bench, MOTORS["heavy"])
    furthest = 0.0
    for target in (2, 4, 6):
        move = asyncio.create_task(motor.go_to(60, target))
        while not move.done():
            furthest = max(furthest, angle(bench) - target)
            await bench.wait(0.01)
    assert furthest < 2 / 400


async def test_a_shaft_beyond_a_limit_may_be_sent_nearer_to_it_and_no_further_away(bench: Bench):
    motor = await motor_with_encoder(bench, soft_limits=LIMITS)
    for _ in range(10):
        bench.world.shaft("e1").turn_by_hand(0.5)
        await bench.wait(0.1)
    await motor.go_for(60, -1)
    assert await motor.get_position() == pytest.approx(4, abs=1.01 / 400)
    for call in (motor.go_for(60, 0.5), motor.go_to(60, 4.5), motor.go_to(60, -1.5)):
        with pytest.raises(ArgumentError, match="beyond its soft limits"):
            await call
    await motor.go_to(60, 1)
    with pytest.raises(ArgumentError, match="beyond its soft limits"):
        await motor.go_to(60, 2.5)


async def test_a_tolerance_is_no_distance_that_is_left_out(bench: Bench):
    motor = await motor_with_encoder(bench, position_tolerance_ticks=20)
    for revolutions, count in ((1, 400), (10 / 400, 410), (-15 / 400, 395)):
        await motor.go_for(60, revolutions)
        assert await motor.get_position() * 400 == pytest.approx(count, abs=1.01)
