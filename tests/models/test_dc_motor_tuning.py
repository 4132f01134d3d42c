"""Finding a DC motor's gains by an experiment, and using what was found."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pi_drivers.errors import (
    ArgumentError,
    MotionTimeoutError,
    NotFoundError,
    StallError,
    SupersededError,
    UnsupportedError,
)
from pi_drivers.runtime import kept_state
from pi_drivers.world.mechanics import MotorKind
from tests.models.conftest import Bench
from tests.models.dc_motors import ATTRIBUTES, MOTORS, OFF, PINS, motor_with_encoder


async def step_response(bench: Bench, motor: Any, rpm: float) -> tuple[float, float]:
    """From rest to a speed: by how much it overshoots, as a share, and when it stays within 5 %, in seconds."""
    await motor.set_rpm(rpm)
    seen = []
    for _ in range(300):
        await bench.wait(0.01)
        seen.append(bench.world.shaft("e1").speed_rev_s() * 60 / rpm)
    await motor.stop()
    await bench.wait(5)
    settled = max(index for index, speed in enumerate(seen) if abs(speed - 1) > 0.05)
    return max(seen) - 1, settled / 100


@pytest.mark.parametrize("kind", ["plain", "heavy", "sticky", "weak"])
async def test_a_tuned_motor_does_at_least_as_well_as_one_with_the_default_gains(bench: Bench, kind):
    motor = await motor_with_encoder(bench, MOTORS[kind])
    default_overshoot, default_settling_s = await step_response(bench, motor, 60)
    client = await bench.client(motor)
    before_ns = bench.host.now_ns()
    found = await client.do_command({"command": "tune"})
    assert (bench.host.now_ns() - before_ns) / 1e9 < 10
    assert bench.duties(5, 6, 12) == OFF
    assert found["ultimate_gain"] > found["p"] > 0 < found["i"]
    assert 0.05 < found["ultimate_period_s"] < 0.2
    assert await client.do_command({"command": "get_tuned_pid"}) == found
    await bench.wait(5)
    overshoot, settling_s = await step_response(bench, motor, 60)
    assert settling_s <= default_settling_s
    assert overshoot <= max(default_overshoot, 0.02)
    await motor.go_for(60, 2)
    assert await motor.is_powered() == (False, 0.0)


async def test_what_was_found_outlives_a_restart_and_ends_with_the_attributes_it_was_found_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    motor = await motor_with_encoder(bench)
    found = await motor.do_command({"command": "tune"})
    await motor.close()
    kept_state._in_process.clear()
    again = await bench.make("dc-motor", "m", **ATTRIBUTES)
    assert await again.do_command({"command": "get_tuned_pid"}) == found
    await again.close()
    other = await bench.make("dc-motor", "m", **(ATTRIBUTES | {"max_rpm": 100}))
    with pytest.raises(NotFoundError, match="was not tuned with its present attributes"):
        await other.do_command({"command": "get_tuned_pid"})


async def test_gains_of_the_config_come_before_those_that_were_found(bench: Bench):
    motor = await motor_with_encoder(bench, control_parameters={"p": 0.2, "i": 1.0})
    await motor.do_command({"command": "tune"})
    assert motor._motions._loop_settings().gains.p == 0.2
    assert motor._motions._loop_settings().gains.i == 1.0


async def test_gains_of_zero_in_the_config_are_none(bench: Bench):
    motor = await motor_with_encoder(bench, control_parameters={"p": 0, "i": 0, "d": 0})
    found = await motor.do_command({"command": "tune"})
    assert motor._motions._loop_settings().gains.p == found["p"]


async def test_a_motor_of_unknown_speed_is_tuned_too(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    motor = await bench.make("dc-motor", "m", pins=PINS, encoder="e1", ticks_per_rotation=400)
    await motor.do_command({"command": "tune"})
    await bench.wait(2)
    overshoot, settling_s = await step_response(bench, motor, 60)
    assert overshoot < 0.1
    assert settling_s < 1


async def test_tuning_keeps_to_max_power_and_never_reverses(bench: Bench):
    motor = await motor_with_encoder(bench, max_power_pct=0.6)
    tuning = asyncio.create_task(motor.do_command({"command": "tune"}))
    await asyncio.sleep(0)
    seen = []
    while not tuning.done():
        seen.append((await motor.is_powered())[1])
        await bench.wait(0.005)
    assert max(seen) == pytest.approx(0.45)
    assert min(power for power in seen if power) == pytest.approx(0.15)


@pytest.mark.parametrize("limits", [{"min_rev": -0.2, "max_rev": 10}, {"max_rev": 0.5}])
async def test_tuning_turns_where_there_is_room(bench: Bench, limits):
    motor = await motor_with_encoder(bench, soft_limits=limits)
    await motor.do_command({"command": "tune"})
    low, high = limits.get("min_rev", -50), limits.get("max_rev", 50)
    assert low <= bench.world.shaft("e1").angle_rev() <= high


async def test_tuning_without_room_is_stopped_within_the_limits(bench: Bench):
    motor = await motor_with_encoder(bench, soft_limits={"min_rev": -1, "max_rev": 1})
    with pytest.raises(ArgumentError, match="may not turn further than"):
        await motor.do_command({"command": "tune"})
    assert bench.duties(5, 6, 12) == OFF
    await bench.wait(2)
    assert abs(bench.world.shaft("e1").angle_rev()) <= 1
    with pytest.raises(ArgumentError, match="max_revolutions"):
        await motor.do_command({"command": "tune", "max_revolutions": 0.5})
    with pytest.raises(ArgumentError, match="must be a number above 0"):
        await motor.do_command({"command": "tune", "max_revolutions": "far"})


async def test_tuning_a_blocked_shaft_is_a_stall(bench: Bench):
    motor = await motor_with_encoder(bench)
    bench.world.shaft("e1").jam()
    with pytest.raises(StallError, match="while it was tuned"):
        await motor.do_command({"command": "tune"})
    assert bench.duties(5, 6, 12) == OFF


async def test_tuning_ends_after_ten_seconds_at_the_latest(bench: Bench):
    motor = await motor_with_encoder(bench, MotorKind(free_rpm=200, time_constant_s=20.0))
    before_ns = bench.host.now_ns()
    with pytest.raises(MotionTimeoutError, match="did not settle"):
        await motor.do_command({"command": "tune"})
    assert (bench.host.now_ns() - before_ns) / 1e9 < 10.1
    assert bench.duties(5, 6, 12) == OFF


@pytest.mark.parametrize("after_s", [0.005, 0.5, 1.0])
async def test_tuning_that_is_cancelled_or_superseded_leaves_the_motor_off(bench: Bench, after_s):
    motor = await motor_with_encoder(bench)
    tuning = asyncio.create_task(motor.do_command({"command": "tune"}))
    await bench.wait(after_s)
    tuning.cancel()
    await asyncio.wait({tuning})
    assert bench.duties(5, 6, 12) == OFF
    tuning = asyncio.create_task(motor.do_command({"command": "tune"}))
    await bench.wait(after_s)
    await motor.stop()
    with pytest.raises(SupersededError):
        await tuning
    assert bench.duties(5, 6, 12) == OFF
    with pytest.raises(NotFoundError):
        await motor.do_command({"command": "get_tuned_pid"})


async def test_a_motor_without_encoder_cannot_be_tuned(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=PINS, max_rpm=100)
    for command in ("tune", "get_tuned_pid"):
        with pytest.raises(UnsupportedError):
            await motor.do_command({"command": command})
