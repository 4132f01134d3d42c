"""The servo, driven through gRPC: its pulses as they are on the wire, and its horn as the world has it."""

import asyncio

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import ConfigError, SupersededError
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.world.servos import ServoHorn, ServoKind
from pi_drivers.world.wires import Pwm
from tests.models.conftest import Bench

GPIO = 17
PIN = "11"
PERIOD_US = 20_000


def pulse_us(bench: Bench) -> float:
    """The pulse on the wire; 0 where there are none."""
    signal = bench.world.wire(GPIO).signal
    return signal.high_ns / 1000 if isinstance(signal, Pwm) else 0.0


def horn(bench: Bench) -> ServoHorn:
    """The horn on the wire, whichever kind the servo has plugged in."""
    return bench.world._servos[GPIO]


async def servo(bench: Bench, **attributes):
    """A servo and its client."""
    built = await bench.make("servo", "arm", pin=PIN, **attributes)
    return built, await bench.client(built)


async def test_it_does_not_move_before_it_is_told_to_and_tells_nobody_a_position(bench: Bench):
    _, client = await servo(bench)
    await bench.wait(1)

    assert pulse_us(bench) == 0
    assert horn(bench).limp
    assert await client.is_moving() is False
    with pytest.raises(GRPCError, match="not known before the end of its first move") as caught:
        await client.get_position()
    assert caught.value.status is Status.UNAVAILABLE


@pytest.mark.parametrize(("angle", "width"), [(0, 500), (1, 511), (2, 522), (90, 1500), (91, 1511), (180, 2500)])
async def test_every_degree_has_its_own_pulse(bench: Bench, angle, width):
    _, client = await servo(bench)
    await client.move(angle)

    assert pulse_us(bench) == width
    assert horn(bench).angle_deg() == pytest.approx(angle, abs=0.1)
    assert await client.get_position() == angle


async def test_widths_have_the_resolution_of_a_microsecond(bench: Bench):
    _, client = await servo(bench, min_angle_deg=0, max_angle_deg=360, min_width_us=1000, max_width_us=1360)
    for angle in (7, 8, 9):
        await client.move(angle)
        await bench.wait(0.02)
        assert pulse_us(bench) == 1000 + angle


async def test_a_move_lasts_as_long_as_the_horn_travels_and_it_is_moving_meanwhile(bench: Bench):
    _, client = await servo(bench, slew_deg_per_s=90)
    await client.move(0)
    before_ns = bench.host.now_ns()
    moving = asyncio.create_task(client.move(90))
    await bench.wait(0.5)
    assert await client.is_moving() is True
    assert await client.get_position() == pytest.approx(45, abs=1)
    assert horn(bench).angle_deg() == pytest.approx(45, abs=2)
    await moving

    assert (bench.host.now_ns() - before_ns) / 1e9 == pytest.approx(1.0, abs=0.01)
    assert await client.is_moving() is False


async def test_the_first_move_is_given_the_time_of_the_longest_way(bench: Bench):
    _, client = await servo(bench, slew_deg_per_s=100)
    before_ns = bench.host.now_ns()
    await client.move(30)
    assert (bench.host.now_ns() - before_ns) / 1e9 == pytest.approx(1.5, abs=0.01)


async def test_stopped_in_its_first_move_it_goes_limp_instead_of_turning_to_a_guess(bench: Bench):
    _, client = await servo(bench, slew_deg_per_s=90)
    moving = asyncio.create_task(client.move(150))
    await bench.wait(0.5)
    with pytest.raises(GRPCError, match="not known before the end of its first move"):
        await client.get_position()
    await client.stop()
    await asyncio.wait({moving})
    await bench.wait(1)

    assert horn(bench).limp
    assert horn(bench).angle_deg() == pytest.approx(45 + 0.5 * 90, abs=3)
    assert await client.is_moving() is False


async def test_speed_is_kept_by_pulses_on_the_way(bench: Bench):
    _, client = await servo(bench, speed_deg_per_s=45)
    await client.move(0)
    moving = asyncio.create_task(client.move(90))
    angles = []
    for _ in range(4):
        await bench.wait(0.5)
        angles.append(horn(bench).angle_deg())
    await moving

    assert angles == pytest.approx([22.5, 45, 67.5, 90], abs=1.5)
    assert horn(bench).odd_pulses == []


async def test_speed_is_kept_from_where_it_was_let_go_as_well(bench: Bench):
    _, client = await servo(bench, speed_deg_per_s=45, hold_position=False)
    await client.move(0)
    moving = asyncio.create_task(client.move(90))
    await bench.wait(1)
    assert horn(bench).angle_deg() == pytest.approx(45, abs=1.5)
    await moving
    await bench.wait(0.05)
    assert horn(bench).limp
    assert horn(bench).odd_pulses == []


async def test_stop_freezes_where_the_horn_is(bench: Bench):
    _, client = await servo(bench, slew_deg_per_s=90)
    await client.move(0)
    moving = asyncio.create_task(client.move(180))
    await bench.wait(1)
    await client.stop()
    with pytest.raises(GRPCError, match="superseded by stop"):
        await moving
    await bench.wait(1)

    assert horn(bench).angle_deg() == pytest.approx(90, abs=2)
    assert await client.get_position() == pytest.approx(90, abs=1)
    assert await client.is_moving() is False


async def test_a_caller_who_goes_away_stops_it_where_it_is(bench: Bench):
    _, client = await servo(bench, slew_deg_per_s=90)
    await client.move(0)
    moving = asyncio.create_task(client.move(180))
    await bench.wait(1)
    moving.cancel()
    await asyncio.wait({moving})
    await bench.wait(1)

    assert horn(bench).angle_deg() == pytest.approx(90, abs=2)
    assert not horn(bench).limp


async def test_a_newer_move_begins_where_the_older_one_was(bench: Bench):
    built, client = await servo(bench, slew_deg_per_s=90)
    await client.move(0)
    older = asyncio.create_task(built.move(180))
    await bench.wait(1)
    before_ns = bench.host.now_ns()
    await client.move(0)
    with pytest.raises(SupersededError):
        await older

    assert (bench.host.now_ns() - before_ns) / 1e9 == pytest.approx(1.0, abs=0.02)
    assert horn(bench).angle_deg() == pytest.approx(0, abs=2)
    assert horn(bench).odd_pulses == []


async def test_without_hold_position_it_is_limp_behind_every_move(bench: Bench):
    _, client = await servo(bench, hold_position=False)
    await client.move(120)
    await bench.wait(0.05)

    assert horn(bench).limp
    assert horn(bench).angle_deg() == pytest.approx(120, abs=0.1)
    assert await client.get_position() == 120
    assert horn(bench).odd_pulses == []


async def test_release_lets_go_and_the_next_move_takes_hold_again(bench: Bench):
    _, client = await servo(bench)
    await client.move(120)
    assert await client.do_command({"command": "release"}) == {"pulse_us": 0}
    await bench.wait(0.05)
    assert horn(bench).limp
    await client.move(60)
    assert horn(bench).angle_deg() == pytest.approx(60, abs=0.1)


async def test_a_rebuild_does_not_twitch(bench: Bench):
    built, client = await servo(bench, starting_position_deg=10)
    await client.move(77)
    for moment in range(40):
        await bench.wait(0.0005 * moment)  # at every moment of a period, in the pulse as well
        await built.stop()
        await built.close()
        assert pulse_us(bench) == 0
        built = await bench.make("servo", "arm", pin=PIN, starting_position_deg=10)
        await bench.wait(0.05)
        assert pulse_us(bench) == 500 + round(77 / 180 * 2000)
        assert await built.get_position() == 77
        assert await built.is_moving() is False

    assert horn(bench).odd_pulses == []
    assert horn(bench).angle_deg() == pytest.approx(77, abs=0.1)


async def test_a_rebuild_with_another_trim_keeps_the_pulse_and_tells_the_angle_anew(bench: Bench):
    built, client = await servo(bench)
    await client.move(90)
    await built.close()
    built = await bench.make("servo", "arm", pin=PIN, trim_deg=9)
    await bench.wait(0.05)

    assert pulse_us(bench) == 1500
    assert await built.get_position() == 81


async def test_a_limp_servo_stays_limp_over_a_rebuild(bench: Bench):
    built, client = await servo(bench, hold_position=False)
    await client.move(90)
    await built.close()
    built = await bench.make("servo", "arm", pin=PIN, hold_position=False)
    await bench.wait(0.1)

    assert horn(bench).limp
    assert await built.get_position() == 90


async def test_closing_in_the_middle_of_a_move_ends_it_and_the_pulses(bench: Bench):
    built, client = await servo(bench, slew_deg_per_s=90)
    await client.move(0)
    moving = asyncio.create_task(built.move(180))
    await bench.wait(0.5)
    await asyncio.gather(built.close(), built.close())
    with pytest.raises(Exception, match="closed"):
        await moving
    await bench.wait(1)

    assert horn(bench).limp
    assert horn(bench).odd_pulses == []
    assert bench.host.claims.listing() == {}


async def test_the_starting_position_is_taken_at_the_first_start(bench: Bench):
    _, client = await servo(bench, starting_position_degs=45)
    assert await client.is_moving() is True
    await bench.wait(0.001)
    assert pulse_us(bench) == 1000
    await bench.wait(1)
    assert await client.get_position() == 45


async def test_an_angle_out_of_range_becomes_the_nearest_with_a_warning(bench: Bench, caplog):
    built, client = await servo(bench, min_angle_deg=20, max_angle_deg=160)
    built.logger.propagate = True
    await client.move(170)
    assert await client.get_position() == 160
    assert pulse_us(bench) == 2500
    assert "170 degrees is not within 20 to 160" in caplog.text
    await client.move(0)
    assert await client.get_position() == 20
    assert pulse_us(bench) == 500


async def test_min_and_max_of_the_pi_module_only_limit(bench: Bench):
    _, client = await servo(bench, min=20, max=160)
    await client.move(0)
    assert (await client.get_position(), pulse_us(bench)) == (20, 722)
    await client.move(90)
    assert pulse_us(bench) == 1500


async def test_max_rotation_is_the_angle_of_the_longest_pulse(bench: Bench):
    _, client = await servo(bench, max_rotation_deg=270)
    await client.move(135)
    assert pulse_us(bench) == 1500


async def test_trim_and_invert(bench: Bench):
    _, client = await servo(bench, invert=True, trim_deg=18)
    await client.move(90)
    assert pulse_us(bench) == 1300
    assert horn(bench).angle_deg() == pytest.approx(90, abs=0.1)


async def test_other_frequencies(bench: Bench):
    _, client = await servo(bench, frequency_hz=100)
    await client.move(90)
    signal = bench.world.wire(GPIO).signal
    assert isinstance(signal, Pwm)
    assert (signal.period_ns, signal.high_ns) == (10_000_000, 1_500_000)


async def test_what_ends_the_process_ends_the_pulses_for_good(bench: Bench):
    _, client = await servo(bench)
    await client.move(90)
    SAFETY.make_all_safe("a test")
    assert pulse_us(bench) == 0
    with pytest.raises(GRPCError, match="made safe for good"):
        await client.move(10)


async def test_status_tells_pulse_and_angle(bench: Bench):
    _, client = await servo(bench)
    await client.move(90)
    status = await client.get_status()
    assert (status["backend"], status["pin"], status["pulse_us"], status["angle_deg"]) == ("mock", PIN, 1500, 90)


async def test_help_lists_release(bench: Bench):
    _, client = await servo(bench)
    assert "release" in await client.do_command({"command": "help"})


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"pin": "1"}, "pin: pin 1 is 3.3 V power"),
        ({"min_angle_deg": 90, "max_angle_deg": 90}, "min_angle_deg: must be below max_angle_deg"),
        ({"min": 90, "max": 80}, "min: must be below max"),
        ({"max": 200}, "max: must not be above max_rotation_deg"),
        ({"min": 10, "max_angle_deg": 90}, "means another thing than max_angle_deg"),
        ({"starting_position_deg": 170, "max_angle_deg": 160}, "starting_position_deg: must be between 0 and 160"),
        ({"starting_position_deg": 10, "starting_position_degs": 20}, "leave one out"),
        ({"min_width_us": 2000, "max_width_us": 1000}, "min_width_us: must be below max_width_us"),
        ({"frequency_hz": 400}, "max_width_us: must fit into the period of 2500"),
        ({"frequency_hz": 10}, "frequency_hz"),
        ({"min_width_us": 499}, "min_width_us"),
        ({"hold_position": "yes"}, "hold_position"),
        ({"speed_deg_s": 5}, 'speed_deg_s: unknown key.*did you mean "speed_deg_per_s"'),
    ],
)
async def test_mistakes_are_named_and_nothing_is_taken(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await bench.make("servo", "arm", **({"pin": PIN} | attributes))
    assert bench.host.claims.listing() == {}


async def test_the_example_of_the_built_in_gpio_servo_runs_after_changing_its_model(bench: Bench):
    await bench.make("board", "local")
    example = {
        "pin": "16",
        "board": "local",
        "min_angle_deg": 0,
        "max_angle_deg": 180,
        "starting_position_deg": 90,
        "frequency_hz": 50,
        "pwm_resolution": 0,
        "min_width_us": 500,
        "max_width_us": 2500,
    }
    built = await bench.make("servo", "my_servo", **example)
    await built.move(30)
    assert await built.get_position() == 30


async def test_the_example_of_the_pi_modules_servo_runs_after_changing_its_model(bench: Bench):
    await bench.make("board", "local")
    example = {
        "pin": "16",
        "board": "local",
        "min": 0,
        "max": 180,
        "starting_position_degs": 0,
        "hold_position": True,
        "max_rotation_deg": 180,
        "frequency_hz": 50,
    }
    built = await bench.make("servo", "my_servo", **example)
    await built.move(30)
    assert await built.get_position() == 30


async def test_the_simulated_servo_notices_a_pulse_that_is_cut(bench: Bench):
    line = bench.host.gpio.output(GPIO)
    seen = bench.world.servo_on(GPIO, ServoKind(lambda width: width / 10))
    line.servo(1500)
    await bench.wait(0.5009)
    line.write(False)
    line.close()
    assert seen.odd_pulses == [900]
