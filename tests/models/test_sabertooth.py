"""Motors on a Sabertooth, seen by what arrives at the driver and by the shafts it turns."""

import asyncio
import itertools
import math

import pytest
from viam.components.motor import Motor

from pi_drivers import registry
from pi_drivers.errors import ArgumentError, BusError, ClaimedError, ConfigError, SupersededError, UnsupportedError
from pi_drivers.models.motor.sabertooth_packets import packet, power_packet, stop_packets, timeout_packet
from pi_drivers.models.motor.sabertooth_twin import PacketReader, SabertoothTwin
from tests.models.conftest import Bench
from tests.models.sabertooths import PORT, driver, make, power_after, twin


def test_packets_are_the_manual_s():
    # "Sabertooth 2x5 User's Guide", figure 7.1: address 130, command 0, data 64, checksum 66.
    assert packet(130, 0, 64) == bytes([130, 0, 64, 66])
    assert power_packet(130, 1, 64) == bytes([130, 0, 64, 66])
    assert power_packet(128, 2, -127) == bytes([128, 5, 127, 4])
    # "Sabertooth 2x12 User's Guide", setting 14: a unit is 100 ms. Its checksum is reckoned by hand.
    assert timeout_packet(128, 1000) == bytes([128, 14, 10, 24])
    assert stop_packets(128, 1) == bytes([128, 0, 0, 0, 128, 1, 0, 1])


async def test_power_arrives_in_the_driver_s_own_steps_and_what_is_reported_is_what_was_sent(bench: Bench):
    client = await bench.client(await make(bench))
    for power, step in ((1.0, 127), (-1.0, -127), (0.5, 64), (-0.25, -32), (0.011, 1), (0.01, 0)):
        await client.set_power(power)
        assert await power_after(bench) == step
        assert await client.is_powered() == (step != 0, pytest.approx(step / 127))
        assert await client.is_moving() is (step != 0)


async def test_each_channel_turns_its_own_motor(bench: Bench):
    left, right = await make(bench), await make(bench, "right", channel=2)
    await left.set_power(0.5)
    await right.set_power(-1.0)
    await bench.wait(2)
    assert driver(bench).powers == {1: 64, 2: -127}
    assert bench.world.shaft("of left").speed_rev_s() > 0.5
    assert bench.world.shaft("of right").speed_rev_s() == pytest.approx(-100 / 60, rel=0.01)
    await left.stop()
    await bench.wait(1)
    assert driver(bench).powers == {1: 0, 2: -127}


async def test_two_drivers_share_a_line_by_their_addresses(bench: Bench):
    front, rear = await make(bench, "front", address=128), await make(bench, "rear", address=135)
    await front.set_power(0.5)
    await rear.set_power(-0.5)
    assert (await power_after(bench), await power_after(bench, address=135)) == (64, -64)


async def test_limits_are_kept_to_the_step(bench: Bench):
    motor = await make(bench, min_power_pct=0.3, max_power_pct=0.8)
    await motor.set_power(-0.1)
    assert await power_after(bench) == -38
    await motor.set_power(1.0)
    assert await power_after(bench) == 101  # 102 steps would be more than 0.8
    assert (await motor.is_powered())[1] <= 0.8


async def test_dir_flip_turns_the_motor_and_nothing_the_caller_sees(bench: Bench):
    motor = await make(bench, dir_flip=True)
    await motor.set_power(0.5)
    assert await power_after(bench) == -64
    assert await motor.is_powered() == (True, pytest.approx(64 / 127))


@pytest.mark.parametrize("power", [math.nan, math.inf, 1.001, -2.0])
async def test_power_that_is_none_is_refused_and_what_ran_runs_on(bench: Bench, power: float):
    motor = await make(bench)
    await motor.set_power(0.5)
    with pytest.raises(ArgumentError, match="power must be between -1 and 1"):
        await motor.set_power(power)
    assert await power_after(bench) == 64


async def test_a_command_is_in_the_port_before_anything_else_runs(bench: Bench):
    motor = await make(bench)
    waiting = bench.world.serial(PORT).to_far_end
    before = waiting.waiting
    with pytest.raises(StopIteration):  # the call ends without waiting for anything
        motor.set_power(0.5).send(None)
    assert waiting.waiting == before + 8


async def test_commands_faster_than_the_line_are_not_queued_and_the_newest_wins(bench: Bench):
    motor = await make(bench)
    for step in range(1, 101):
        commands = [asyncio.create_task(motor.set_power(step / 127))]
        await bench.wait(0.001)
    await asyncio.wait(commands)
    assert bench.world.serial(PORT).to_far_end.waiting <= 8
    assert await power_after(bench) == 100


async def test_a_stop_overtakes_a_command_that_waits(bench: Bench):
    motor = await make(bench)
    await motor.set_power(0.5)
    late = asyncio.create_task(motor.set_power(1.0))
    await asyncio.sleep(0)
    await motor.stop()
    await late
    await bench.wait(1)
    assert driver(bench).powers[1] == 0
    assert (128, 0, 127) not in twin(bench).heard


async def test_speeds_are_shares_of_max_rpm_also_below_1_rpm(bench: Bench):
    client = await bench.client(await make(bench))
    await client.set_rpm(-50)
    assert await power_after(bench) == -64
    await client.set_rpm(0.5)
    assert await power_after(bench) == 1
    await client.set_rpm(0)
    assert await power_after(bench) == 0


@pytest.mark.parametrize(("rpm", "revolutions", "sign"), [(50, 5, 1), (-50, 5, -1), (50, -5, -1), (-50, -5, 1)])
async def test_go_for_runs_for_the_time_it_takes_and_stops(bench: Bench, rpm, revolutions, sign):
    client = await bench.client(await make(bench))
    before_ns = bench.host.now_ns()
    moving = asyncio.create_task(client.go_for(rpm, revolutions))
    await bench.wait(1)
    assert driver(bench).powers[1] == sign * 64
    await moving
    # A step of 64 is a bit more than half of the power, and the time is reckoned with it.
    assert bench.host.now_ns() - before_ns == pytest.approx(5 / (100 * 64 / 127) * 60e9, rel=0.001)
    assert await power_after(bench) == 0


@pytest.mark.parametrize(
    ("rpm", "revolutions", "message"),
    [
        (60, 0, "Cannot move motor for 0 revolutions"),
        (0.05, 1, "Cannot move motor at an RPM that is nearly 0"),
        (math.nan, 1, "rpm must be a number"),
    ],
)
async def test_go_for_refuses_what_is_no_motion(bench: Bench, rpm, revolutions, message):
    motor = await make(bench)
    with pytest.raises(ArgumentError, match=message):
        await motor.go_for(rpm, revolutions)
    assert not await motor.is_moving()


async def test_without_max_rpm_a_speed_is_refused_with_its_remedy(bench: Bench):
    motor = await bench.make("sabertooth", "m", serial_path=PORT, channel=1)
    for call in (motor.set_rpm(10), motor.go_for(10, 1)):
        with pytest.raises(UnsupportedError, match='motor "m": a speed needs max_rpm'):
            await call


async def test_position_is_unimplemented(bench: Bench):
    motor = await make(bench)
    assert await motor.get_properties() == Motor.Properties(position_reporting=False)
    for call in (motor.get_position(), motor.reset_zero_position(0), motor.go_to(60, 1)):
        with pytest.raises(UnsupportedError, match="Unimplemented"):
            await call
    client = await bench.client(motor)
    with pytest.raises(Exception, match="Position Unimplemented"):
        await client.get_position()


async def test_power_ramps_up_down_and_through_zero_in_its_time(bench: Bench):
    motor = await make(bench, ramp_ms=1000)
    await motor.set_power(1.0)
    await bench.wait(0.5)
    assert driver(bench).powers[1] == pytest.approx(64, abs=8)
    await bench.wait(0.6)
    assert driver(bench).powers[1] == 127
    await motor.set_power(-1.0)
    await bench.wait(1.0)
    assert driver(bench).powers[1] == pytest.approx(0, abs=8)
    await bench.wait(1.1)
    assert driver(bench).powers[1] == -127
    steps = [data if command == 0 else -data for _, command, data in twin(bench).heard if command in (0, 1)]
    assert max(abs(after - before) for before, after in itertools.pairwise(steps)) <= 8


async def test_a_stop_does_not_ramp(bench: Bench):
    motor = await make(bench, ramp_ms=5000)
    await motor.set_power(1.0)
    await bench.wait(2)
    await motor.stop()
    assert await power_after(bench) == 0
    await bench.wait(5)
    assert driver(bench).powers[1] == 0


@pytest.mark.parametrize("revolutions", [5, 0.2])
async def test_ramps_do_not_change_how_far_a_move_goes(bench: Bench, revolutions: float):
    motor = await make(bench, ramp_ms=1000)
    bench.world.shaft("of left")
    kind = driver(bench).motors[1].kind
    driver(bench).motors[1].kind = type(kind)(free_rpm=100, dead_band=0.0, time_constant_s=0.001)
    await motor.go_for(100, revolutions)
    await bench.wait(0.5)
    assert bench.world.shaft("of left").angle_rev() == pytest.approx(revolutions, rel=0.1)


async def test_a_newer_command_takes_over_from_a_move(bench: Bench):
    motor = await make(bench)
    moving = asyncio.create_task(motor.go_for(50, 100))
    await bench.wait(1)
    await motor.set_power(-0.25)
    with pytest.raises(SupersededError, match="superseded by set_power"):
        await moving
    assert await power_after(bench) == -32


async def test_a_move_whose_caller_has_gone_ends(bench: Bench):
    client = await bench.client(await make(bench))
    moving = asyncio.create_task(client.go_for(50, 100))
    await bench.wait(1)
    moving.cancel()
    await asyncio.wait({moving})
    assert await power_after(bench) == 0


async def test_noise_on_the_line_costs_a_packet_and_no_more(bench: Bench):
    motor = await make(bench)
    for noise in (b"\x80", b"\x80\x00\x40\x41", b"\x00\xff\x81\x80\x00", bytes(range(256))):
        with bench.world.held():
            twin(bench).received(noise)
        await motor.set_power(0.5)
        await bench.wait(0.4)
        assert driver(bench).powers[1] == 64
        await motor.stop()
    assert twin(bench).reader.broken > 0


async def test_at_another_speed_than_the_driver_s_nothing_turns(bench: Bench):
    motor = await make(bench)
    twin(bench).baud = 38_400
    await motor.set_power(1.0)
    await bench.wait(1)
    assert driver(bench).powers == {1: 0, 2: 0}


async def test_a_channel_somebody_has_is_refused_with_their_name_and_nothing_stays_taken(bench: Bench):
    await make(bench)
    claimed = f'channel 1 of the Sabertooth with address 128 on {PORT} is held by motor "left"'
    with pytest.raises(ClaimedError, match=claimed):
        await make(bench, "right")
    with pytest.raises(ClaimedError, match="Give both the same baud rate"):
        await make(bench, "right", channel=2, baud_rate=38400)
    await make(bench, "right", channel=2)


async def test_two_hundred_rebuilds_while_it_runs_start_from_standstill(bench: Bench):
    for _ in range(200):
        motor = await make(bench)
        assert driver(bench).powers[1] == 0
        await motor.set_power(0.5)
        assert await power_after(bench) == 64
        await motor.close()


async def test_one_that_was_never_closed_is_evicted(bench: Bench):
    dropped = await make(bench)
    await dropped.set_power(0.9)
    fresh = await make(bench)
    assert driver(bench).powers[1] == 0
    await fresh.set_power(0.4)
    await dropped.close()
    assert await power_after(bench) == 51


async def test_a_port_that_is_not_there_is_told(bench: Bench):
    bench.world.serial(PORT).plug_in(SabertoothTwin(bench.world.clock, 9600))
    bench.world.serial(PORT).unplug()
    with pytest.raises(BusError, match=f"{PORT}: there is no such serial port"):
        await make(bench)


@pytest.mark.parametrize(
    ("attributes", "problems"),
    [
        ({}, ["serial_path: is required", "channel: is required"]),
        ({"serial_path": "ttyUSB0", "channel": 1}, ["serial_path: must be the whole path of a serial port"]),
        ({"serial_path": "/dev/tty\tx", "channel": 1}, ["serial_path: must be the whole path"]),
        ({"serial_path": PORT, "channel": 3}, ["channel: must be one of 1, 2, got 3"]),
        ({"serial_path": PORT, "channel": 1, "address": 127}, ["address: must be between 128 and 135, got 127"]),
        ({"serial_path": PORT, "motor_channel": 1, "serial_address": 136}, ["serial_address: must be between 128"]),
        ({"serial_path": PORT, "channel": 1, "baud_rate": 57600}, ["baud_rate: must be one of 2400, 9600"]),
        ({"serial_path": PORT, "channel": 1, "motor_channel": 2}, ["motor_channel: is another name for"]),
        (
            {"serial_path": PORT, "chanel": 1, "min_power_pct": 0.9, "max_power_pct": 0.5, "ramp_ms": -1},
            ['did you mean "channel"', "min_power_pct: must be below max_power_pct", "ramp_ms: must be"],
        ),
        ({"serial_path": PORT, "channel": 1, "controller_ramp_value": 5}, ["controller_ramp_value: would stay"]),
        ({"serial_path": PORT, "channel": 1, "encoder": "e"}, ["encoder: a Sabertooth reports no position"]),
    ],
)
async def test_every_mistake_in_the_config_is_named(bench: Bench, attributes, problems):
    with pytest.raises(ConfigError) as caught:
        await bench.make("sabertooth", "m", **attributes)
    for problem in problems:
        assert problem in caught.value.message
    assert len(bench.host.claims) == 0


async def test_a_built_in_motor_s_config_moves_over_with_its_empty_values(bench: Bench):
    motor = await bench.make(
        "sabertooth",
        "m",
        serial_path=PORT,
        serial_baud_rate=38400,
        serial_address=129,
        motor_channel=2,
        dir_flip=False,
        controller_ramp_value=0,
        max_rpm=100,
        encoder="",
        min_power_pct=0,
        max_power_pct=0,
        ticks_per_rotation=0,
    )
    await motor.set_power(1.0)
    assert await power_after(bench, channel=2, address=129) == 127


async def test_it_depends_on_nothing(bench: Bench):
    config = bench.config("sabertooth", "m", {"serial_path": PORT, "channel": 1})
    assert registry.load("sabertooth").validate_config(config) == ([], [])


async def test_status_tells_the_place_the_power_and_what_went_wrong(bench: Bench):
    client = await bench.client(await make(bench, channel=2, address=130))
    await client.set_power(1.0)
    assert await client.get_status() == {
        "backend": "mock",
        "closed": False,
        "serial_path": PORT,
        "baud_rate": 9600,
        "address": 130,
        "channel": 2,
        "power": 1.0,
        "motion": "set_power",
        "failures": 0,
        "command_timeouts": 0,
    }
    await client.stop()
    assert (await client.get_status())["motion"] == "none"
    assert list(await client.do_command({"command": "help"})) == ["wake"]


def test_the_twin_takes_no_command_before_the_bauding_character():
    reader = PacketReader()
    assert [reader.take(byte) for byte in packet(128, 0, 64)] == [None] * 4
    assert [reader.take(byte) for byte in b"\xaa" + packet(128, 0, 64)] == [None] * 4 + [(128, 0, 64)]
    assert [reader.take(byte) for byte in b"\x80\x00" + packet(128, 1, 3)] == [None] * 5 + [(128, 1, 3)]
    assert reader.broken == 1
