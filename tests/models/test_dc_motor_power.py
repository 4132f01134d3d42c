"""How a DC motor's power comes and goes: ramps, the pause before a reversal, braking, and nobody who asks for more."""

import asyncio
import itertools
from typing import Any

import pytest

from pi_drivers.errors import BusError, ConfigError, SupersededError, UnsupportedError
from pi_drivers.models.board.header_pins import HeaderOutput
from pi_drivers.runtime.safety import SAFETY
from tests.models.conftest import Bench

A, B, PWM, DIR, EN_HIGH, EN_LOW = 5, 6, 12, 16, 20, 21
TWO_INPUTS = {"a": "29", "b": "31"}
WITH_PWM = {"a": "29", "b": "31", "pwm": "32"}
DIR_PWM = {"dir": "36", "pwm": "32"}
ENABLES = {"en_high": "38", "en_low": "40"}
OFF = (0.0, 0.0, 0.0)


async def powers(bench: Bench, motor, seconds: float) -> list[float]:
    """The power every 10 ms."""
    seen = []
    for _ in range(round(seconds * 100)):
        seen.append((await motor.is_powered())[1])
        await bench.wait(0.01)
    return seen


async def test_a_ramp_takes_its_time_from_nothing_to_full_power_and_through_nothing_back(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, ramp_ms=1000)
    await motor.set_power(1.0)
    assert await motor.is_moving()
    up = await powers(bench, motor, 1.1)
    assert up[50] == pytest.approx(0.5, abs=0.03)
    assert up[98] < 1.0
    assert up[101] == 1.0
    await motor.set_power(-1.0)
    down = await powers(bench, motor, 2.1)
    assert down[100] == pytest.approx(0.0, abs=0.03)
    assert down[201] == -1.0
    assert max(abs(b - a) for a, b in itertools.pairwise([*up, *down])) <= 0.0101


async def test_a_ramp_to_no_power_ends_with_everything_off_but_stop_is_at_once(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, ramp_ms=500)
    await motor.set_power(0.5)
    await bench.wait(1)
    await motor.set_power(0.0)
    assert bench.duties(PWM)[0] > 0.4
    await bench.wait(0.3)
    assert bench.duties(A, B, PWM) == OFF
    assert not await motor.is_moving()
    await motor.set_power(0.5)
    await bench.wait(1)
    await motor.stop()
    assert bench.duties(A, B, PWM) == OFF


async def test_a_flood_of_commands_makes_a_ramp_no_steeper(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, ramp_ms=1000)
    for _ in range(200):
        await motor.set_power(1.0)
        await bench.wait(0.001)
    assert (await motor.is_powered())[1] == pytest.approx(0.2, abs=0.02)


async def test_a_ramp_goes_down_again_where_small_powers_are_lifted(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, ramp_ms=500, min_power_pct=0.4)
    await motor.set_power(0.6)
    seen = await powers(bench, motor, 0.5)
    assert min(seen) == 0.4
    await motor.set_power(0.0)
    await bench.wait(0.5)
    assert bench.duties(A, B, PWM) == OFF


async def test_a_ramp_belongs_to_set_rpm_and_go_for_without_encoder_too(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=120, ramp_ms=1000)
    await motor.set_rpm(60)
    assert (await motor.is_powered())[1] < 0.02
    await bench.wait(1)
    assert await motor.is_powered() == (True, 0.5)
    await motor.stop()
    before_ns = bench.host.now_ns()
    await motor.go_for(60, 2)
    # Two ramps of half a second, each good for half of its time at speed.
    assert (bench.host.now_ns() - before_ns) / 1e9 == pytest.approx(2.5, abs=0.05)
    assert bench.duties(A, B, PWM) == OFF


async def test_a_newer_command_goes_on_from_where_an_older_one_s_ramp_was(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=120, ramp_ms=1000)
    move = asyncio.create_task(motor.go_for(120, 100))
    await bench.wait(0.6)
    before = (await motor.is_powered())[1]
    await motor.set_power(0.9)
    assert (await motor.is_powered())[1] == pytest.approx(before, abs=0.02)
    with pytest.raises(SupersededError):
        await move


@pytest.mark.parametrize("ramp_ms", [0, 200])
async def test_between_two_directions_the_power_stays_off_for_the_delay(bench: Bench, ramp_ms):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, reverse_delay_ms=300, ramp_ms=ramp_ms)
    await motor.set_power(0.8)
    await bench.wait(1)
    await motor.set_power(-0.8)
    seen = await powers(bench, motor, 1)
    assert 29 <= seen.count(0.0) <= 32
    assert seen[-1] == -0.8
    assert all(b >= 0 for a, b in itertools.pairwise(seen) if a > 0)


async def test_the_delay_counts_from_when_the_power_went_off(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, reverse_delay_ms=300)
    await motor.set_power(0.8)
    await motor.stop()
    await motor.set_power(0.5)
    assert bench.duties(PWM) == (0.5,)
    await motor.stop()
    await bench.wait(0.2)
    await motor.set_power(-0.8)
    assert bench.duties(A, B, PWM) == OFF
    await bench.wait(0.12)
    assert bench.duties(A, B, PWM) == (0.0, 1.0, 0.8)
    await motor.stop()
    await bench.wait(0.3)
    await motor.set_power(0.8)
    assert bench.duties(A, B, PWM) == (1.0, 0.0, 0.8)


async def test_the_delay_holds_in_a_closed_loop_and_the_move_still_arrives(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    motor = await bench.make(
        "dc-motor", "m", pins=WITH_PWM, encoder="e1", ticks_per_rotation=400, max_rpm=200, reverse_delay_ms=200
    )
    await motor.set_rpm(100)
    await bench.wait(1)
    move = asyncio.create_task(motor.go_for(100, -2))
    seen = await powers(bench, motor, 3)
    await move
    first_back = next(i for i, power in enumerate(seen) if power < 0)
    assert seen[first_back - 19 : first_back] == [0.0] * 19


@pytest.mark.parametrize(
    ("pins", "levels"),
    [
        (TWO_INPUTS, {A: 1.0, B: 1.0}),
        ({**TWO_INPUTS, **ENABLES}, {A: 1.0, B: 1.0, EN_HIGH: 1.0, EN_LOW: 0.0}),
        (WITH_PWM, {A: 1.0, B: 1.0, PWM: 1.0}),
        ({**WITH_PWM, **ENABLES}, {A: 1.0, B: 1.0, PWM: 1.0, EN_HIGH: 1.0, EN_LOW: 0.0}),
    ],
)
async def test_brake_shorts_the_terminals_until_the_next_command(bench: Bench, pins, levels):
    motor = await bench.make("dc-motor", "m", pins=pins, max_rpm=100)
    client = await bench.client(motor)
    await client.set_power(0.6)
    assert await client.do_command({"command": "brake"}) == {"braking": True}
    assert dict(zip(levels, bench.duties(*levels), strict=True)) == levels
    assert await client.is_powered() == (False, 0.0)
    assert (await client.get_status())["braking"] is True
    await client.set_power(-0.6)
    assert (await client.is_powered())[1] == -0.6
    assert (await client.get_status())["braking"] is False
    await client.do_command({"command": "brake"})
    SAFETY.make_all_safe("a test")
    assert bench.duties(A, B) == (0.0, 0.0)


async def test_a_braked_shaft_stands_sooner_than_one_that_coasts(bench: Bench):
    turned = {}
    for mode in ("coast", "brake"):
        motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=200, stop_mode=mode)
        await motor.set_power(1.0)
        await bench.wait(1)
        before = bench.world.shaft("of m").angle_rev()
        await motor.stop()
        await bench.wait(2)
        turned[mode] = bench.world.shaft("of m").angle_rev() - before
        await motor.close()
    assert turned["brake"] < 0.6 * turned["coast"]


@pytest.mark.parametrize("end", ["stop", "set_power", "set_rpm", "go_for"])
async def test_stop_mode_brake_is_how_every_motion_ends_and_closing_lets_go(bench: Bench, end):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, stop_mode="brake")
    assert bench.duties(A, B, PWM) == OFF
    await motor.set_power(0.5)
    ends = {
        "stop": motor.stop,
        "set_power": lambda: motor.set_power(0),
        "set_rpm": lambda: motor.set_rpm(0),
        "go_for": lambda: motor.go_for(60, 0.1),
    }
    await ends[end]()
    assert bench.duties(A, B, PWM) == (1.0, 1.0, 1.0)
    await motor.close()
    assert bench.duties(A, B, PWM) == OFF


async def test_a_motor_that_brakes_when_it_stops_can_be_stopped_when_it_was_made_safe_for_good(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, stop_mode="brake")
    await motor.set_power(0.5)
    SAFETY.make_all_safe("a test")
    await motor.stop()
    assert bench.duties(A, B, PWM) == OFF


async def test_out_of_braking_the_way_leads_through_off(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    seen = [bench.duties(A, B, PWM)]
    for offset in (A, B, PWM):
        bench.world.wire(offset).on_signal(lambda: seen.append(bench.duties(A, B, PWM)))
    await motor.set_power(0.3)
    for power in (0.3, -0.3):
        await motor.do_command({"command": "brake"})
        await motor.set_power(power)
    # With one input alone and the PWM input high, the motor would have full power for a moment.
    assert {state for state in seen if state[0] != state[1]} <= {
        (1.0, 0.0, 0.0), (1.0, 0.0, 0.3), (0.0, 1.0, 0.0), (0.0, 1.0, 0.3),
    }  # fmt: skip


async def test_a_driver_with_a_direction_input_cannot_be_told_to_brake(bench: Bench):
    with pytest.raises(ConfigError, match='stop_mode: must be "coast" with pins dir and pwm'):
        await bench.make("dc-motor", "m", pins=DIR_PWM, max_rpm=100, stop_mode="brake")
    motor = await bench.make("dc-motor", "m", pins=DIR_PWM, max_rpm=100)
    await motor.set_power(0.5)
    with pytest.raises(UnsupportedError, match="the motor driver itself decides"):
        await motor.do_command({"command": "brake"})
    assert bench.duties(DIR, PWM) == (1.0, 0.5)


class Fragile:
    """Lets one write to a pin of the header fail, the one after so many others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        for name in ("write_now", "pwm_now"):
            monkeypatch.setattr(HeaderOutput, name, self._counting(getattr(HeaderOutput, name)))

    def _counting(self, write: Any) -> Any:
        def write_or_fail(*arguments: Any) -> None:
            self.left -= 1
            if self.left == 0:
                raise BusError("the line is gone")
            write(*arguments)

        return write_or_fail


@pytest.mark.parametrize("pins", [TWO_INPUTS, WITH_PWM, DIR_PWM], ids=["a b", "a b pwm", "dir pwm"])
@pytest.mark.parametrize("enables", [{}, ENABLES], ids=["", "enables"])
@pytest.mark.parametrize("power", [0.5, -0.5, 0.0])
async def test_whichever_write_to_a_pin_fails_the_motor_is_off(bench: Bench, monkeypatch, pins, enables, power):
    motor = await bench.make("dc-motor", "m", pins=pins | enables, max_rpm=100)
    fragile = Fragile(monkeypatch)
    failures = 0
    while True:
        fragile.left = 0
        await motor.set_power(0.7)
        fragile.left = failures + 1
        try:
            await motor.set_power(power)
        except BusError:
            failures += 1
        else:
            break
        assert bench.duties(A, B, PWM, DIR, EN_HIGH) == (0.0,) * 5
        assert bench.duties(EN_LOW) == (1.0 if enables else 0.0,)
        assert await motor.is_powered() == (False, 0.0)
    writes = len(pins | enables)
    assert failures == (2 * writes if power < 0 else writes)


@pytest.mark.parametrize("pins", [TWO_INPUTS, WITH_PWM], ids=["a b", "a b pwm"])
async def test_whichever_write_fails_while_braking_begins_the_motor_is_off(bench: Bench, monkeypatch, pins):
    motor = await bench.make("dc-motor", "m", pins=pins | ENABLES, max_rpm=100)
    fragile = Fragile(monkeypatch)
    failures = 0
    # The stop that comes first may write as well; what fails there is tried again, and no error.
    for failing in range(1, 25):
        fragile.left = 0
        await motor.set_power(0.7)
        fragile.left = failing
        try:
            await motor.do_command({"command": "brake"})
        except BusError:
            failures += 1
            assert bench.duties(A, B, PWM, EN_HIGH, EN_LOW) == (0.0, 0.0, 0.0, 0.0, 1.0)
            assert (await motor.get_status())["braking"] is False
    assert failures == len(pins | ENABLES) + (1 if "pwm" in pins else 0)


@pytest.mark.parametrize("call", ["set_power", "set_rpm"])
async def test_a_motor_whose_commands_stop_coming_stops(bench: Bench, call):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, command_timeout_ms=500)
    value = {"set_power": 0.5, "set_rpm": 50}[call]
    for _ in range(5):
        await getattr(motor, call)(value)
        await bench.wait(0.4)
        assert bench.duties(PWM) == (0.5,)
    await bench.wait(0.2)
    assert bench.duties(A, B, PWM) == OFF
    status = await (await bench.client(motor)).get_status()
    assert status["command_timeouts"] == 1


async def test_a_held_speed_stops_as_well_and_brakes_where_that_is_how_it_stops(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    attributes = {"pins": WITH_PWM, "encoder": "e1", "ticks_per_rotation": 400, "max_rpm": 200}
    motor = await bench.make("dc-motor", "m", command_timeout_ms=500, stop_mode="brake", **attributes)
    await motor.set_rpm(60)
    await bench.wait(0.45)
    assert await motor.is_moving()
    await bench.wait(0.1)
    assert bench.duties(A, B, PWM) == (1.0, 1.0, 1.0)
    assert not await motor.is_moving()


async def test_a_move_whose_caller_waits_outlasts_the_command_timeout(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, command_timeout_ms=200)
    await motor.set_power(0.2)
    before_ns = bench.host.now_ns()
    await motor.go_for(100, 5)
    assert (bench.host.now_ns() - before_ns) / 1e9 == pytest.approx(3, abs=0.01)
    await bench.wait(1)
    assert (await motor.get_status())["command_timeouts"] == 0


def steps_of(coroutine) -> int:
    """How often a coroutine suspends before it ends."""
    for suspensions in itertools.count():
        try:
            coroutine.send(None)
        except StopIteration:
            return suspensions
    raise AssertionError


@pytest.mark.parametrize("more", [{}, {"ramp_ms": 100}, {"command_timeout_ms": 500}, {"reverse_delay_ms": 100}])
async def test_a_new_power_is_on_the_pins_before_the_handler_first_lets_go_of_the_loop(bench: Bench, more):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, **more)
    for power in (0.5, 0.7, 0.0):
        before = bench.duties(PWM)
        assert steps_of(motor.set_power(power)) == 0
        assert bench.duties(PWM) != before
        await bench.wait(0.2)
        assert bench.duties(PWM) == (power,)


async def test_a_new_speed_without_encoder_and_a_stop_never_let_go_of_the_loop(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100)
    assert steps_of(motor.set_rpm(50)) == 0
    assert bench.duties(PWM) == (0.5,)
    assert steps_of(motor.stop()) == 0
    assert bench.duties(PWM) == (0.0,)


async def test_the_direction_is_the_one_driven_last_as_the_caller_means_it(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, dir_flip=True)
    assert motor.direction_now() == 0
    await motor.set_power(0.5)
    assert motor.direction_now() == 1
    await motor.set_power(-0.5)
    await motor.stop()
    assert motor.direction_now() == -1


@pytest.mark.parametrize("flips", [False, True])
async def test_a_motor_that_was_configured_anew_waits_before_it_reverses_all_the_same(bench: Bench, flips):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, reverse_delay_ms=300)
    await motor.set_power(1.0)
    await bench.wait(1)
    await motor.close()
    await bench.wait(0.1)
    again = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, reverse_delay_ms=300, dir_flip=flips)
    await again.set_power(1.0 if flips else -1.0)
    seen = await powers(bench, again, 0.4)
    assert 19 <= seen.count(0.0) <= 22
    assert abs(seen[-1]) == 1.0


async def test_a_motor_that_was_configured_anew_goes_on_in_its_direction_at_once(bench: Bench):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, reverse_delay_ms=300)
    await motor.set_power(1.0)
    await motor.close()
    again = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, reverse_delay_ms=300)
    await again.set_power(0.5)
    assert await again.is_powered() == (True, 0.5)


async def test_the_same_warning_is_not_told_with_every_command(bench: Bench, caplog):
    motor = await bench.make("dc-motor", "m", pins=WITH_PWM, max_rpm=100, command_timeout_ms=1)
    motor.logger.propagate = True
    for _ in range(100):
        await motor.set_rpm(100)
        await bench.wait(0.003)
    assert [message for message in caplog.messages if "max_rpm" in message] == []
    for _ in range(100):
        await motor.set_rpm(130)
        await bench.wait(0.003)
    assert len([message for message in caplog.messages if "its max_rpm of 100 is used" in message]) == 1
    assert len([message for message in caplog.messages if "no command for" in message]) == 1
    assert (await motor.get_status())["command_timeouts"] == 200
