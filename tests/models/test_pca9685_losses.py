"""A PCA9685 that loses its power, stops answering or is removed, while motors and servos on it are on their way."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import BusError
from pi_drivers.models.board.pca9685_twin import Pca9685Twin
from pi_drivers.world.servos import ServoHorn
from pi_drivers.world.wires import duty_of
from tests.models.conftest import Bench

ADDRESS = 0x40
A, B, PWM, SIGNAL = 8, 9, 10, 3
OFF = (0.0, 0.0, 0.0)
MOTOR = {"board": "hat", "pins": {"a": "8", "b": "9", "pwm": "10"}, "max_rpm": 200}
ENCODER = {"encoder": "e1", "ticks_per_rotation": 400}
SERVO = {"board": "hat", "pin": "3"}
COILS = {"a": "4", "b": "5", "c": "6", "d": "7"}
AT_ONCE_S = 1.2
"""The chip is asked each second, and three times where it does not answer."""


def duties(bench: Bench, *channels: int) -> tuple[float, ...]:
    wires = [bench.world.wire(f"i2c-1 0x40 channel {channel}") for channel in channels or (A, B, PWM)]
    return tuple(duty_of(wire.signal) for wire in wires)


def faults(bench: Bench) -> Any:
    return bench.world.i2c(1).faults(ADDRESS)


def horn(bench: Bench) -> ServoHorn:
    return bench.world._servos[f"i2c-1 0x40 channel {SIGNAL}"]


def lose_power(bench: Bench) -> None:
    """For a moment in which nobody says anything to the chip."""
    chip = bench.world.i2c(1).device(ADDRESS)
    assert isinstance(chip, Pca9685Twin)
    chip.lose_power()


@pytest.fixture
async def bench(bench: Bench) -> AsyncIterator[Bench]:
    """The bench; in the end the chip answers, and everything on it is off."""
    yield bench
    faults(bench).unplugged, faults(bench).nacks = False, 0
    for resource in reversed(bench._built):
        await resource.close()
    await bench.wait(5)
    assert duties(bench, A, PWM, SIGNAL) == OFF


async def motor_on_hat(bench: Bench, **attributes: Any) -> tuple[Any, Any, Any]:
    """The board, the motor and the motor's client."""
    if "encoder" in attributes:
        await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    board = await bench.make("pca9685", "hat", frequency_hz=1526)
    motor = await bench.make("dc-motor", "left", **MOTOR | attributes)
    return board, motor, await bench.client(motor)


async def servo_on_hat(bench: Bench, **attributes: Any) -> tuple[Any, Any, Any]:
    """The board, the servo and the servo's client."""
    board = await bench.make("pca9685", "hat")
    servo = await bench.make("servo", "arm", **SERVO | attributes)
    return board, servo, await bench.client(servo)


async def refusal(call: Any) -> tuple[Status, str]:
    with pytest.raises(GRPCError) as caught:
        await call
    return caught.value.status, caught.value.message or ""


async def outcome_after(bench: Bench, move: Any, seconds: float) -> tuple[Status, str]:
    """How a move that is under way has failed by then."""
    await bench.wait(seconds)
    assert move.done()
    return await refusal(move)


@pytest.mark.parametrize("how", [{}, ENCODER, {"ramp_ms": 30_000}])
async def test_a_move_fails_when_its_chip_has_lost_its_power(bench: Bench, how):
    _, motor, client = await motor_on_hat(bench, **how)
    move = asyncio.create_task(client.go_for(60, 20))
    await bench.wait(0.3)
    lose_power(bench)
    status, message = await outcome_after(bench, move, AT_ONCE_S)
    assert status in (Status.UNAVAILABLE, Status.ABORTED)  # with an encoder, the stall may be seen before
    if status is Status.UNAVAILABLE:
        assert 'board "hat": the chip at i2c-1 0x40 had lost its power, and all its channels are off' in message
        assert "then give the command again" in message
    assert await client.is_powered() == (False, 0.0)
    assert await client.is_moving() is False
    assert duties(bench) == OFF
    assert (await motor.get_status())["last_failure"] == message


async def test_a_motor_that_nobody_waits_for_is_off_as_well_and_says_why(bench: Bench, caplog):
    _, motor, client = await motor_on_hat(bench)
    motor.logger.propagate = True
    await client.set_power(0.5)
    lose_power(bench)
    await bench.wait(AT_ONCE_S)
    assert await client.is_powered() == (False, 0.0)
    assert await client.is_moving() is False
    assert "had lost its power" in (await motor.get_status())["last_failure"]
    assert caplog.text.count('motor "left" was stopped: board "hat": the chip at i2c-1 0x40 had lost its power') == 1
    await client.set_power(0.5)
    await bench.wait(0.001)
    assert duties(bench) == (1.0, 0.0, 0.5)
    assert await client.is_powered() == (True, 0.5)


async def test_a_motor_whose_chip_is_gone_is_told_as_on_only_while_nobody_knows(bench: Bench):
    _, motor, client = await motor_on_hat(bench)
    move = asyncio.create_task(client.go_for(60, 20))
    await bench.wait(0.3)
    faults(bench).unplugged = True
    status, message = await outcome_after(bench, move, AT_ONCE_S)
    assert status is Status.UNAVAILABLE
    assert "its chip does not answer as it should (i2c-1 0x40: no answer" in message
    assert "Check its supply and wires" in message
    assert await client.is_powered() == (True, 0.3)
    assert "confirm" in (await motor.get_status())["waits_for"]
    faults(bench).unplugged = False
    await bench.wait(1.5)
    assert await client.is_powered() == (False, 0.0)
    assert "waits_for" not in await motor.get_status()
    assert duties(bench) == OFF


@pytest.mark.parametrize("how", [{}, ENCODER])
async def test_a_chip_that_does_not_answer_but_runs_is_switched_off_when_it_does(bench: Bench, how):
    _, _, client = await motor_on_hat(bench, **how)
    await client.set_rpm(60)
    await bench.wait(0.5)
    faults(bench).nacks = 1_000_000
    await bench.wait(100)  # longer than the safe level is tried by itself
    assert duties(bench) != OFF
    assert (await client.is_powered())[0] is True
    faults(bench).nacks = 0
    await bench.wait(6)
    assert duties(bench) == OFF
    assert await client.is_powered() == (False, 0.0)


async def test_one_question_without_an_answer_stops_nobody(bench: Bench):
    board, _, client = await motor_on_hat(bench)
    move = asyncio.create_task(client.go_for(60, 10))
    await bench.wait(0.5)
    for _ in range(5):
        faults(bench).nacks = 1
        await bench.wait(1)
    assert faults(bench).nacks == 0
    await move
    assert (await board.get_status())["failures"] == 0


async def test_a_motor_at_rest_is_not_told_of_anything(bench: Bench):
    _, motor, client = await motor_on_hat(bench, pins={"dir": "8", "pwm": "10", "en_low": "9"})
    await bench.wait(0.01)
    assert duties(bench, B) == (1.0,)
    lose_power(bench)
    assert duties(bench, B) == (0.0,)
    await bench.wait(AT_ONCE_S)
    assert duties(bench, B) == (1.0,)  # its enable input is active low
    assert "last_failure" not in await motor.get_status()
    assert await client.is_moving() is False


@pytest.mark.parametrize("how", [{}, {"stop_mode": "brake"}])
async def test_a_motor_whose_board_is_removed_is_off_and_says_what_to_do(bench: Bench, how):
    board, motor, client = await motor_on_hat(bench, **how)
    move = asyncio.create_task(client.go_for(60, 20))
    await bench.wait(0.3)
    await board.close()
    status, message = await refusal(move)
    assert (status, 'board "hat", which this is on, was removed or rebuilt' in message) == (Status.UNAVAILABLE, True)
    assert await client.is_powered() == (False, 0.0)
    assert await client.is_moving() is False
    assert duties(bench) == OFF
    status, message = await refusal(client.set_power(0.5))
    assert (status, "rebuild what is on it as well; viam-server does so" in message) == (Status.UNAVAILABLE, True)
    assert await client.is_powered() == (False, 0.0)
    assert "was removed or rebuilt" in (await motor.get_status())["last_failure"]


async def test_a_servo_at_rest_tells_that_its_pulses_have_ended(bench: Bench):
    _, servo, client = await servo_on_hat(bench)
    await client.move(120)
    await bench.wait(2)
    lose_power(bench)
    await bench.wait(AT_ONCE_S)
    status = await servo.get_status()
    assert status["pulse_us"] == 0
    assert "had lost its power" in status["last_failure"]
    assert await client.get_position() == 120
    assert horn(bench).limp
    await client.move(60)
    await bench.wait(0.05)
    assert horn(bench).angle_deg() == pytest.approx(60, abs=0.3)
    assert (await servo.get_status())["pulse_us"] == 1167


async def test_a_servo_s_pulses_are_told_as_on_while_nobody_knows(bench: Bench):
    _, servo, client = await servo_on_hat(bench)
    await client.move(120)
    faults(bench).unplugged = True
    await bench.wait(AT_ONCE_S)
    status = await servo.get_status()
    assert status["pulse_us"] == 1833
    assert await client.get_position() == 120
    assert "whether there are pulses is not known" in status["waits_for"]
    faults(bench).unplugged = False
    await bench.wait(AT_ONCE_S)
    status = await servo.get_status()
    assert status["pulse_us"] == 0
    assert "waits_for" not in status
    assert await client.get_position() == 120


async def test_a_servo_whose_pulses_stay_away_is_told_where_the_last_one_led(bench: Bench):
    _, _, client = await servo_on_hat(bench, speed_deg_per_s=90)
    await client.move(90)
    await bench.wait(2)
    move = asyncio.create_task(client.move(170))
    await bench.wait(0.33)
    faults(bench).unplugged = True
    status, message = await outcome_after(bench, move, 0.1)
    assert (status, "no answer" in message) == (Status.UNAVAILABLE, True)
    assert await client.is_moving() is False
    assert await client.get_position() == pytest.approx(120, abs=2)
    assert horn(bench).angle_deg() == pytest.approx(120, abs=3)
    await bench.wait(2)
    assert await client.is_moving() is False
    assert await client.get_position() == pytest.approx(120, abs=2)


async def test_a_servo_that_cannot_be_stopped_ends_where_its_last_pulse_led(bench: Bench):
    _, servo, client = await servo_on_hat(bench, speed_deg_per_s=90)
    await client.move(90)
    move = asyncio.create_task(servo.move(170))
    await bench.wait(0.33)
    faults(bench).unplugged = True
    move.cancel()
    await asyncio.wait({move})
    await bench.wait(1)
    assert await client.is_moving() is False
    assert await client.get_position() == pytest.approx(120, abs=2)


@pytest.mark.parametrize("gone_s", [0.0, 3.0])
async def test_where_a_servo_is_whose_chip_failed_on_the_way_nobody_claims_to_know(bench: Bench, gone_s):
    _, servo, client = await servo_on_hat(bench, slew_deg_per_s=20)
    await client.move(0)
    move = asyncio.create_task(client.move(170))
    await bench.wait(1.5)
    lose_power(bench)
    faults(bench).unplugged = gone_s > 0
    await bench.wait(gone_s)
    faults(bench).unplugged = False
    status, message = await outcome_after(bench, move, AT_ONCE_S)
    assert (status, 'board "hat"' in message) == (Status.UNAVAILABLE, True)
    assert await client.is_moving() is False
    assert "not known" in (await refusal(client.get_position()))[1]
    assert "angle_deg" not in await servo.get_status()
    assert (await servo.get_status())["pulse_us"] == 0


async def test_a_release_that_does_not_get_there_is_told_when_it_has(bench: Bench):
    _, servo, client = await servo_on_hat(bench)
    await client.move(120)
    faults(bench).nacks = 1_000_000
    with pytest.raises(GRPCError, match="no answer"):
        await client.do_command({"command": "release"})
    assert (await servo.get_status())["pulse_us"] == 1833
    faults(bench).nacks = 0
    await bench.wait(2.5)
    assert (await servo.get_status())["pulse_us"] == 0
    assert horn(bench).limp


async def test_a_servo_goes_on_with_its_pulse_whose_board_was_rebuilt_before_it(bench: Bench):
    board, servo, client = await servo_on_hat(bench)
    await client.move(120)
    await board.close()
    await bench.wait(0.05)
    assert horn(bench).limp
    assert (await servo.get_status())["pulse_us"] == 0
    status, message = await refusal(client.move(20))
    assert (status, "rebuild what is on it as well" in message) == (Status.UNAVAILABLE, True)
    await servo.close()
    await bench.make("pca9685", "hat")
    servo = await bench.make("servo", "arm", **SERVO)
    await bench.wait(0.05)
    assert not horn(bench).limp
    assert await servo.get_position() == 120
    assert horn(bench).odd_pulses == []


@pytest.mark.parametrize("moment_s", [0.4, 1.25])
async def test_a_stepper_s_position_is_unsure_by_the_steps_its_chip_lost(bench: Bench, moment_s):
    await bench.make("pca9685", "hat", frequency_hz=1526)
    motor = await bench.make("stepper", "m", board="hat", pins=COILS, ticks_per_rotation=2048)
    client = await bench.client(motor)
    move = asyncio.create_task(client.go_for(3, 1))
    await bench.wait(moment_s)
    lose_power(bench)
    status, message = await outcome_after(bench, move, AT_ONCE_S)
    assert (status, "had lost its power" in message) == (Status.UNAVAILABLE, True)
    assert await client.is_moving() is False
    told = await motor.get_status()
    assert (told["energised"], "had lost its power" in told["last_failure"]) == (False, True)
    shaft = bench.world.shaft("of m").angle_rev() * 2048
    off_by = abs(await client.get_position() * 2048 - shaft)
    assert 30 < off_by <= told["position_unsure_by_steps"] <= 103 * AT_ONCE_S


async def test_a_stepper_whose_chip_is_gone_stops_and_holds_nothing(bench: Bench, caplog):
    await bench.make("pca9685", "hat", frequency_hz=1526)
    motor = await bench.make("stepper", "m", board="hat", pins=COILS, ticks_per_rotation=2048, hold_torque=True)
    motor.logger.propagate = True
    client = await bench.client(motor)
    await client.go_for(10, 0.1)
    await bench.wait(2)
    assert (await client.is_powered())[0] is True
    lose_power(bench)
    await bench.wait(AT_ONCE_S)
    assert (await client.is_powered())[0] is False
    assert (await motor.get_status())["position_unsure_by_steps"] == 0
    assert 'motor "m": stopped, without current' in caplog.text
    await client.go_for(10, 0.1)
    assert bench.world.shaft("of m").angle_rev() == pytest.approx(0.2, abs=1 / 2048)


async def test_a_chip_that_comes_and_goes_does_not_flood_the_log(bench: Bench, caplog):
    board, motor, _ = await motor_on_hat(bench)
    board.logger.propagate = motor.logger.propagate = True
    for _ in range(30):
        faults(bench).nacks = 3
        await bench.wait(1.5)
        faults(bench).nacks = 0
        await bench.wait(1.5)
    lines = [record for record in caplog.records if record.levelno >= logging.INFO and "hat" in record.getMessage()]
    assert 5 <= len(lines) <= 15  # in 90 s
    assert "failed tries were not logged" in caplog.text
    assert (await board.get_status())["failures"] >= 25


async def test_a_command_while_nobody_knows_is_an_error_and_nothing_else(bench: Bench):
    _, motor, client = await motor_on_hat(bench)
    faults(bench).unplugged = True
    await bench.wait(3)
    with pytest.raises(BusError, match="no answer"):
        await motor.set_power(0.5)
    faults(bench).unplugged = False
    await bench.wait(5)
    assert await client.is_powered() == (False, 0.0)
    assert duties(bench) == OFF
