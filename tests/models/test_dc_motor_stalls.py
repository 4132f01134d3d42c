"""A DC motor whose shaft does not follow: blocked, its encoder gone, or its chip no longer answering."""

import asyncio
from typing import Any

import pytest

from pi_drivers.errors import BusError, ConfigError, StallError
from pi_drivers.models.encoder.contract import EncoderSample
from pi_drivers.runtime.directory import DIRECTORY
from pi_drivers.world.mechanics import MotorKind
from tests.models.conftest import Bench
from tests.models.dc_motors import ATTRIBUTES, MOTORS, OFF, PINS, motor_with_encoder


async def until_off(bench: Bench, longest_s: float) -> float:
    """How long it takes until the pins are off, in seconds."""
    for step in range(round(longest_s * 200)):
        if bench.duties(5, 6, 12) == OFF:
            return step / 200
        await bench.wait(0.005)
    raise AssertionError("the motor still has power")


@pytest.mark.parametrize("kind", MOTORS.values(), ids=MOTORS)
@pytest.mark.parametrize("rpm", [4.5, 10, 30, 60, 80])
async def test_an_encoder_unplugged_at_30_ticks_a_second_or_more_is_noticed_within_300_ms(bench: Bench, kind, rpm):
    motor = await motor_with_encoder(bench, kind)
    await motor.set_rpm(rpm)
    await bench.wait(4)
    bench.world.discs_of("e1")[0].unplug()
    assert await until_off(bench, 1) <= 0.3
    assert "stalled" in (await motor.get_status())["last_failure"]


@pytest.mark.parametrize("call", ["go_for", "go_to"])
async def test_an_encoder_unplugged_in_a_move_is_noticed_within_300_ms(bench: Bench, call):
    motor = await motor_with_encoder(bench)
    move = asyncio.create_task(getattr(motor, call)(60, 50))
    await bench.wait(2)
    bench.world.discs_of("e1")[0].unplug()
    assert await until_off(bench, 1) <= 0.3
    with pytest.raises(StallError):
        await move


async def test_a_slower_shaft_is_known_to_be_stalled_after_some_tick_intervals(bench: Bench):
    motor = await motor_with_encoder(bench)
    await motor.set_rpm(1.5)
    await bench.wait(4)
    bench.world.discs_of("e1")[0].unplug()
    assert await until_off(bench, 5) <= 8 / 10 + 2


@pytest.mark.parametrize("kind", MOTORS.values(), ids=MOTORS)
async def test_no_speed_of_a_sound_motor_is_taken_for_a_stall(bench: Bench, kind):
    motor = await motor_with_encoder(bench, kind)
    for rpm in (0.5, 3, -3, 10, 80, 5, -80, 80, -2, 40, 4):
        await motor.set_rpm(rpm)
        await bench.wait(4)
        assert await motor.is_moving(), f"at {rpm} rpm: {(await motor.get_status()).get('last_failure')}"


async def test_a_load_that_comes_on_is_driven_and_no_stall(bench: Bench):
    motor = await motor_with_encoder(bench)
    twin = bench.world.motor_on("e1", {"a": 5, "b": 6, "pwm": 12}, MotorKind()).motor
    await motor.set_rpm(30)
    for load in (0.2, 0.5, 0.0):
        await bench.wait(3)
        twin.put_load(load)
    await bench.wait(1)
    before = bench.world.shaft("e1").angle_rev()
    await bench.wait(10)
    assert bench.world.shaft("e1").angle_rev() - before == pytest.approx(5, rel=0.03)
    twin.put_load(1.0)
    await bench.wait(2)
    assert bench.duties(5, 6, 12) == OFF


@pytest.mark.parametrize("power", [0.5, -1.0])
async def test_stall_ms_stops_any_motion_until_the_fault_is_cleared(bench: Bench, power):
    motor = await motor_with_encoder(bench, stall_ms=400)
    client = await bench.client(motor)
    await client.set_power(power)
    await bench.wait(2)
    assert await client.is_powered() == (True, power)
    bench.world.shaft("e1").jam()
    assert await until_off(bench, 1) == pytest.approx(0.4, abs=0.03)
    status = await client.get_status()
    assert "stall_ms" in status["fault"]
    assert "clear_fault" in status["waits_for"]
    for call in (motor.set_power(0.5), motor.set_rpm(30), motor.go_for(30, 1), motor.go_to(30, 1)):
        with pytest.raises(StallError, match="clear_fault"):
            await call
        assert bench.duties(5, 6, 12) == OFF
    await client.stop()
    await client.set_power(0)
    bench.world.shaft("e1").jam(jammed=False)
    assert "stalled" in (await client.do_command({"command": "clear_fault"}))["cleared"]
    assert not {"fault", "last_failure", "waits_for"} & set(await client.get_status())
    await client.go_for(60, 1)
    assert await client.do_command({"command": "clear_fault"}) == {"cleared": "none"}


async def test_stall_ms_counts_in_a_closed_loop_too(bench: Bench):
    motor = await motor_with_encoder(bench, stall_ms=150)
    move = asyncio.create_task(motor.go_for(60, 100))
    await bench.wait(2)
    bench.world.shaft("e1").jam()
    with pytest.raises(StallError, match="stall_ms"):
        await move
    assert bench.duties(5, 6, 12) == OFF
    with pytest.raises(StallError, match="clear_fault"):
        await motor.set_power(0.1)


async def test_a_flood_of_commands_does_not_hide_a_stall(bench: Bench):
    motor = await motor_with_encoder(bench, stall_ms=300)
    bench.world.shaft("e1").jam()
    commands = 0
    while "fault" not in await motor.get_status():
        await motor.set_power(0.4)
        await bench.wait(0.007)
        commands += 1
    assert commands < 60
    assert bench.duties(5, 6, 12) == OFF


async def test_a_motor_that_has_rested_is_not_stalled_when_it_starts(bench: Bench):
    motor = await motor_with_encoder(bench, stall_ms=300)
    for _ in range(3):
        await motor.set_power(0.5)
        await bench.wait(1)
        assert await motor.is_moving()
        await motor.stop()
        await bench.wait(5)


async def test_without_stall_ms_a_move_that_stalls_leaves_no_fault(bench: Bench):
    motor = await motor_with_encoder(bench)
    bench.world.shaft("e1").jam()
    with pytest.raises(StallError):
        await motor.go_for(60, 1)
    bench.world.shaft("e1").jam(jammed=False)
    await motor.go_for(60, 1)


async def test_stall_ms_needs_an_encoder(bench: Bench):
    with pytest.raises(ConfigError, match="stall_ms: needs an encoder"):
        await bench.make("dc-motor", "m", pins=PINS, max_rpm=100, stall_ms=100)
    await bench.make("dc-motor", "m", pins=PINS, max_rpm=100, stall_ms=0)


async def test_a_heavy_shaft_that_is_reversed_at_full_speed_is_not_counted_the_wrong_way(bench: Bench):
    motor = await motor_with_encoder(bench, MOTORS["very heavy"])
    await motor.set_power(1.0)
    await bench.wait(3)
    await motor.set_rpm(-60)
    await bench.wait(6)
    assert bench.world.shaft("e1").speed_rev_s() == pytest.approx(-1, rel=0.05)


class AngleSensor:
    """An absolute encoder with 4096 ticks a turn, which is read every 10 ms and may tremble by a tick."""

    def __init__(self, bench: Bench) -> None:
        self.name = "angle"
        self._bench = bench
        self._sample = EncoderSample(0, 0)
        self.gone = False
        self.trembles = True

    def sample(self) -> EncoderSample:
        if self.gone:
            raise BusError("i2c-1 0x36: no answer")
        now_ns = self._bench.host.now_ns()
        poll = now_ns // 10_000_000
        if poll * 10_000_000 > self._sample.at_ns:
            ticks = int(self._bench.world.shaft("angle").angle_rev() * 4096 // 1) + (poll % 2 if self.trembles else 0)
            self._sample = EncoderSample(ticks, poll * 10_000_000)
        return self._sample


@pytest.fixture
async def angle_wheel(bench: Bench):
    """A motor with such an encoder."""
    sensor = AngleSensor(bench)
    DIRECTORY.enter(("encoder", "angle"), sensor)
    motor = await bench.make(
        "dc-motor", "m", pins=PINS, encoder="angle", ticks_per_rotation=4096, max_rpm=200, position_tolerance_ticks=8
    )
    yield motor, sensor
    DIRECTORY.leave(("encoder", "angle"), sensor)


async def test_an_absolute_encoder_that_is_polled_closes_the_loop_as_well(bench: Bench, angle_wheel):
    motor, _ = angle_wheel
    await motor.go_for(60, 2.5)
    assert bench.world.shaft("angle").angle_rev() == pytest.approx(2.5, abs=10 / 4096)
    await motor.go_to(100, -1)
    assert bench.world.shaft("angle").angle_rev() == pytest.approx(-1, abs=10 / 4096)


async def test_half_a_turn_a_minute_is_held_with_an_encoder_of_many_ticks(bench: Bench, angle_wheel):
    motor, sensor = angle_wheel
    sensor.trembles = False
    await motor.set_rpm(-0.5)
    await bench.wait(5)
    before = bench.world.shaft("angle").angle_rev()
    await bench.wait(60)
    assert bench.world.shaft("angle").angle_rev() - before == pytest.approx(-0.5, rel=0.02)


async def test_an_absolute_encoder_that_no_longer_answers_stops_the_motor_and_says_why(bench: Bench, angle_wheel):
    motor, sensor = angle_wheel
    move = asyncio.create_task(motor.go_for(60, 50))
    await bench.wait(2)
    sensor.gone = True
    assert await until_off(bench, 1) <= 0.02
    with pytest.raises(BusError, match="no answer"):
        await move


async def test_a_blocked_shaft_whose_encoder_trembles_is_a_stall_all_the_same(bench: Bench, angle_wheel):
    motor, _ = angle_wheel
    await motor.set_rpm(60)
    await bench.wait(2)
    bench.world.shaft("angle").jam()
    assert await until_off(bench, 1) <= 0.35


async def test_an_encoder_of_one_phase_is_told_where_its_motor_drives(bench: Bench):
    class OnePhase(AngleSensor):
        direction: Any = None

        def follow_direction(self, direction):
            self.direction = direction

            def undo():
                self.direction = None

            return undo

    sensor = OnePhase(bench)
    DIRECTORY.enter(("encoder", "angle"), sensor)
    try:
        motor = await bench.make("dc-motor", "m", pins=PINS, encoder="angle", ticks_per_rotation=400, max_rpm=200)
        assert sensor.direction() == 0
        await motor.set_power(-0.5)
        assert sensor.direction() == -1
        await motor.close()
        assert sensor.direction is None
    finally:
        DIRECTORY.leave(("encoder", "angle"), sensor)


async def test_a_stall_that_nobody_has_cleared_outlives_a_rebuild(bench: Bench):
    motor = await motor_with_encoder(bench, stall_ms=300)
    bench.world.shaft("e1").jam()
    await motor.set_power(0.5)
    await bench.wait(1)
    await motor.close()
    again = await bench.make("dc-motor", "m", **ATTRIBUTES, stall_ms=300)
    assert "stall_ms" in (await again.get_status())["fault"]
    with pytest.raises(StallError, match="clear_fault"):
        await again.set_power(0.5)
    await again.do_command({"command": "clear_fault"})
    await again.close()
    last = await bench.make("dc-motor", "m", **ATTRIBUTES, stall_ms=300)
    assert "fault" not in await last.get_status()


async def test_a_failure_is_told_until_a_move_ends_well(bench: Bench):
    motor = await motor_with_encoder(bench)
    bench.world.shaft("e1").jam()
    with pytest.raises(StallError):
        await motor.go_for(60, 1)
    bench.world.shaft("e1").jam(jammed=False)
    await motor.set_power(0.5)
    await motor.stop()
    assert "stalled" in (await motor.get_status())["last_failure"]
    await motor.go_for(60, 1)
    assert "last_failure" not in await motor.get_status()
