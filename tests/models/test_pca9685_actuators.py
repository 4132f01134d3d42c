"""Motors and servos on a PCA9685: driven through gRPC, seen at the chip's wires, on a bus that fails when it likes."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from grpclib import GRPCError

from pi_drivers import host as hosts
from pi_drivers import registry
from pi_drivers.buses.i2c.mock import MockI2c
from pi_drivers.errors import BusError, ClaimedError, ClosedError, ConfigError
from pi_drivers.host.mock import MockHost
from pi_drivers.models.board.pca9685_twin import Pca9685Twin
from pi_drivers.runtime.safety import SAFETY
from pi_drivers.world.devices import Nack
from pi_drivers.world.servos import ServoHorn
from pi_drivers.world.wires import Pwm, duty_of
from tests.models.conftest import I2C_1_PINS, Bench

ADDRESS = 0x40
A, B, PWM, SIGNAL = 8, 9, 10, 3
MOTOR = {"board": "hat", "pins": {"a": "8", "b": "9", "pwm": "10"}, "max_rpm": 200}
SERVO = {"board": "hat", "pin": "3"}
STEP_US = 4.88
"""Of the width of a pulse, at 50 Hz."""
PERIOD_S = 0.02
OFF = (0.0, 0.0, 0.0)


def place(channel: int) -> str:
    return f"i2c-1 0x40 channel {channel}"


def duties(bench: Bench, *channels: int) -> tuple[float, ...]:
    return tuple(duty_of(bench.world.wire(place(channel)).signal) for channel in channels or (A, B, PWM))


def faults(bench: Bench) -> Any:
    return bench.world.i2c(1).faults(ADDRESS)


def horn(bench: Bench) -> ServoHorn:
    return bench.world._servos[place(SIGNAL)]


async def motor_on_hat(bench: Bench, **attributes: Any) -> tuple[Any, Any, Any]:
    """A motor hat: the board, the motor and its client. At 1526 Hz a period is over in 0.7 ms."""
    board = await bench.make("pca9685", "hat", frequency_hz=1526)
    motor = await bench.make("dc-motor", "left", **MOTOR | attributes)
    return board, motor, await bench.client(motor)


async def servo_on_hat(bench: Bench, **attributes: Any) -> tuple[Any, Any]:
    """A servo hat: its servo and the servo's client."""
    await bench.make("pca9685", "hat")
    servo = await bench.make("servo", "arm", **SERVO | attributes)
    return servo, await bench.client(servo)


@pytest.fixture
async def bench(bench: Bench) -> AsyncIterator[Bench]:
    """The bench; in the end the chip answers, and what was tried again and again has landed."""
    yield bench
    for resource in reversed(bench._built):
        await resource.close()
    faults(bench).unplugged, faults(bench).nacks = False, 0
    await bench.wait(5)
    assert duties(bench, A, B, PWM, SIGNAL) == (0.0,) * 4


async def test_a_motor_runs_at_the_frequency_of_its_board(bench: Bench):
    _, _, client = await motor_on_hat(bench)
    await client.set_power(-0.25)
    await bench.wait(0.001)
    assert duties(bench) == (0.0, 1.0, 0.25)
    signal = bench.world.wire(place(PWM)).signal
    assert isinstance(signal, Pwm)
    assert 1e9 / signal.period_ns == pytest.approx(1525.9, abs=0.1)
    await client.stop()
    await bench.wait(0.001)
    assert duties(bench) == OFF


async def test_the_other_wirings(bench: Bench):
    _, motor, client = await motor_on_hat(bench, pins={"a": "8", "b": "9"})
    await client.set_power(0.75)
    await bench.wait(0.001)
    assert duties(bench, A, B) == (1.0, 0.25)
    await motor.close()

    motor = await bench.make("dc-motor", "left", **MOTOR | {"pins": {"dir": "8", "pwm": "10", "en_low": "11"}})
    await bench.wait(0.001)
    assert duties(bench, A, PWM, 11) == (0.0, 0.0, 1.0)
    await motor.set_power(0.25)
    await bench.wait(0.001)
    assert duties(bench, A, PWM, 11) == (1.0, 0.25, 0.0)
    await motor.close()
    await bench.wait(0.001)
    assert duties(bench, A, PWM, 11) == (0.0, 0.0, 1.0)


async def test_a_frequency_of_its_own_is_refused_with_what_to_change(bench: Bench):
    await bench.make("pca9685", "hat", frequency_hz=1526)
    with pytest.raises(ConfigError, match=r'have one frequency, here 1525\.9 Hz.*Set frequency_hz of board "hat"'):
        await bench.make("dc-motor", "left", **MOTOR, pwm_freq=800)
    with pytest.raises(ConfigError, match="one alone cannot have 50 Hz"):
        await bench.make("servo", "arm", **SERVO)
    assert set(bench.host.claims.listing()) == {*I2C_1_PINS, "i2c-1 0x40"}
    await bench.make("dc-motor", "left", **MOTOR, pwm_freq=1500)


async def test_a_closed_loop_ends_within_a_tick_with_its_encoder_on_the_header(bench: Bench):
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    _, _, client = await motor_on_hat(bench, encoder="e1", ticks_per_rotation=400)
    await client.go_for(60, 3)
    assert bench.world.shaft("e1").angle_rev() == pytest.approx(3, abs=1 / 400)
    assert await client.get_position() == pytest.approx(3, abs=1 / 400)
    await bench.wait(0.001)
    assert duties(bench) == OFF


async def test_inputs_are_for_the_header(bench: Bench):
    await bench.make("pca9685", "hat")
    with pytest.raises(ConfigError, match="outputs only"):
        await bench.make("incremental-encoder", "e1", board="hat", pins={"a": "1", "b": "2"})
    with pytest.raises(ConfigError, match='has no pin "16"'):
        await bench.make("servo", "arm", board="hat", pin="16")


async def test_what_a_motor_holds_the_board_shows_but_does_not_switch(bench: Bench):
    board, _, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    pin = await board.gpio_pin_by_name("10")
    assert await pin.get_pwm() == 0.5
    with pytest.raises(ClaimedError, match=r'channel 10 is held by motor "left" \(pin pwm\)'):
        await pin.set(False)
    with pytest.raises(ClaimedError, match='held by motor "left"'):
        await bench.make("servo", "arm", board="hat", pin="8", frequency_hz=333)
    assert await pin.get_pwm() == 0.5
    assert (await board.get_status())["channels"]["10"] == 'motor "left" (pin pwm)'


@pytest.mark.parametrize("missed", range(4))  # two channels go off, two come on
async def test_a_nack_at_each_of_the_writes_of_a_reversal_raises_and_leaves_the_motor_off(bench: Bench, missed):
    _, _, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    chip = bench.world.i2c(1).device(ADDRESS)
    assert isinstance(chip, Pca9685Twin)
    write, seen = chip.write, []

    def refuse_one(data: bytes) -> None:
        if len(data) == 5:
            seen.append(data)
            if len(seen) == missed + 1:
                raise Nack
        write(data)

    chip.write = refuse_one  # type: ignore[method-assign]
    with pytest.raises(GRPCError, match="i2c-1 0x40: no answer"):
        await client.set_power(-0.5)
    await bench.wait(0.5)
    assert duties(bench) == OFF
    assert await client.is_powered() == (False, 0.0)


async def test_a_nack_raises_and_names_the_chip_and_the_safe_level_is_tried_until_it_lands(bench: Bench):
    _, motor, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    faults(bench).nacks = 1_000_000
    with pytest.raises(GRPCError, match="i2c-1 0x40: no answer"):
        await client.set_power(0.6)
    await bench.wait(2)
    assert duties(bench) == (1.0, 0.0, 0.5)
    assert await client.is_powered() == (True, pytest.approx(0.6))
    assert "confirm" in (await motor.get_status())["waits_for"]
    faults(bench).nacks = 0
    await bench.wait(3)
    assert duties(bench) == OFF
    assert await client.is_powered() == (False, 0.0)


async def test_commands_are_answered_at_once_while_the_safe_level_is_tried_again_and_again(bench: Bench):
    _, _, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    faults(bench).nacks = 1_000_000
    for _ in range(5):
        began_ns = bench.host.now_ns()
        with pytest.raises(GRPCError, match="no answer"):
            await client.set_power(0.6)
        assert bench.host.now_ns() - began_ns < 10_000_000
        await bench.wait(5.3)


async def test_a_command_does_not_wait_for_a_sensor_on_the_same_bus(bench: Bench):
    _, _, client = await motor_on_hat(bench)
    bus = bench.host.i2c(1)
    slowest_ns = 0
    for _ in range(50):
        # As a chip is asked that must be waited for.
        asking = asyncio.ensure_future(bus.worker.run(lambda: bench.host.sleep(16_000_000)))
        await bench.wait(0.0037)
        began_ns = bench.host.now_ns()
        await client.set_power(0.5)
        slowest_ns = max(slowest_ns, bench.host.now_ns() - began_ns)
        await asking
    bus.leave()
    assert slowest_ns < 3_000_000  # three channels take 1.6 ms


async def test_a_motor_does_not_start_again_when_its_chip_gets_its_power_back(bench: Bench):
    board, _, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    faults(bench).unplugged = True
    assert duties(bench) == OFF
    await bench.wait(1.5)
    faults(bench).unplugged = False
    for _ in range(100):
        await bench.wait(0.1)
        assert duties(bench) == OFF
    assert (await board.get_status())["power_losses"] == 1
    await client.set_power(0.5)
    await bench.wait(0.001)
    assert duties(bench) == (1.0, 0.0, 0.5)


@pytest.mark.parametrize("after_s", [0.0001, 0.0006, 0.0011, 0.0016, 0.002, 0.5])
async def test_a_caller_who_goes_away_stops_the_motor_wherever_it_was(bench: Bench, after_s):
    _, motor, _ = await motor_on_hat(bench)
    move = asyncio.create_task(motor.go_for(50, 10))
    await bench.wait(after_s)
    move.cancel()
    await asyncio.wait({move})
    await bench.wait(0.1)
    assert duties(bench) == OFF


@pytest.mark.parametrize("after_s", [0.0001, 0.0006, 0.0011, 0.0016, 0.5])
@pytest.mark.parametrize("first", ["motor", "board"])
async def test_closing_in_the_middle_of_a_move_switches_off_whoever_is_closed_first(bench: Bench, after_s, first):
    board, motor, _ = await motor_on_hat(bench)
    move = asyncio.create_task(motor.go_for(50, 10))
    await bench.wait(after_s)
    for resource in (motor, board) if first == "motor" else (board, motor):
        await resource.close()
        await bench.wait(0.001)
        assert duties(bench) == OFF
    await asyncio.wait({move})


async def test_a_motor_closed_while_its_chip_does_not_answer_is_switched_off_when_it_does(bench: Bench):
    board, motor, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    faults(bench).nacks = 1_000_000
    await motor.close()
    await board.close()
    await bench.wait(10)
    assert duties(bench) == (1.0, 0.0, 0.5)
    faults(bench).nacks = 0
    await bench.wait(3)
    assert duties(bench) == OFF


async def test_what_was_left_behind_does_not_stop_who_has_the_channel_by_now(bench: Bench):
    board, motor, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    faults(bench).nacks = 1_000_000
    await motor.close()
    await board.close()
    await bench.wait(3.05)
    faults(bench).nacks = 0
    await bench.make("pca9685", "hat", frequency_hz=1526)
    motor = await bench.make("dc-motor", "left", **MOTOR)
    await motor.set_power(0.5)
    for _ in range(40):
        await bench.wait(0.1)
        assert duties(bench) == (1.0, 0.0, 0.5)


async def test_after_make_safe_nothing_powers_a_motor_again(bench: Bench):
    _, motor, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    SAFETY.make_all_safe("a test")
    await bench.wait(0.1)
    assert duties(bench) == OFF
    with pytest.raises(ClosedError, match="was made safe for good"):
        await motor.set_power(0.5)
    await bench.wait(0.1)
    assert duties(bench) == OFF


async def test_each_channel_is_with_the_keeper_until_it_was_let_go_at_its_safe_level(bench: Bench, monkeypatch):
    kept: list[tuple[int, bytes]] = []

    def keep(_bus: MockI2c, address: int, data: bytes) -> Callable[[], None]:
        kept.append((address, data))
        return lambda: kept.remove((address, data)) if (address, data) in kept else None

    monkeypatch.setattr(MockI2c, "keep_write", keep)
    await bench.make("pca9685", "hat", frequency_hz=1526)
    motor = await bench.make("dc-motor", "left", **MOTOR | {"pins": {"dir": "8", "pwm": "10", "en_low": "9"}})
    assert sorted(kept) == [
        (0x40, bytes([0x06 + 4 * A, 0, 0, 0, 0x10])),
        (0x40, bytes([0x06 + 4 * B, 0, 0x10, 0, 0])),  # an enable input that is active low
        (0x40, bytes([0x06 + 4 * PWM, 0, 0, 0, 0x10])),
    ]
    await motor.set_power(0.5)
    faults(bench).nacks = 1_000_000
    await motor.close()
    assert len(kept) == 3
    faults(bench).nacks = 0
    await bench.wait(3)
    assert kept == []
    bench.world.i2c(1).faults(ADDRESS).unplugged = True  # else the enable input would stay high


async def test_a_write_on_its_way_powers_nothing_when_another_thread_has_made_everything_safe(bench: Bench):
    board, _, _ = await motor_on_hat(bench)
    seen: list[float] = []
    bench.world.wire(place(PWM)).on_signal(lambda: seen.append(*duties(bench, PWM)))
    output = board._link.output_on(PWM)
    guard = threading.Thread(target=output.lock_safe)
    guard.start()
    guard.join()
    await output._send(0.5, 0)  # what the loop, which has not heard of it, had taken up before
    await bench.wait(0.1)
    assert set(seen) <= {0.0}
    assert duties(bench) == OFF


@pytest.mark.parametrize("angle", [0, 1, 45, 90, 137, 180])
async def test_a_servo_stands_at_its_angle_within_a_step(bench: Bench, angle):
    _, client = await servo_on_hat(bench)
    await client.move(angle)
    await bench.wait(PERIOD_S)
    signal = bench.world.wire(place(SIGNAL)).signal
    assert isinstance(signal, Pwm)
    assert signal.high_ns / 1000 == pytest.approx(500 + angle / 180 * 2000, abs=STEP_US / 2 + 0.6)
    assert horn(bench).angle_deg() == pytest.approx(angle, abs=0.3)
    assert await client.get_position() == angle


async def test_a_servo_s_pulses_are_right_where_its_frequency_is_not(bench: Bench):
    await bench.make("pca9685", "hat", frequency_hz=52)
    servo = await bench.make("servo", "arm", **SERVO)
    await servo.move(90)
    await bench.wait(PERIOD_S)
    signal = bench.world.wire(place(SIGNAL)).signal
    assert isinstance(signal, Pwm)
    assert signal.high_ns / 1000 == pytest.approx(1500, abs=STEP_US / 2)


async def test_no_pulse_is_ever_cut_by_moves_or_rebuilds(bench: Bench):
    servo, client = await servo_on_hat(bench, speed_deg_per_s=300)
    await client.move(77)
    for moment in range(30):
        await bench.wait(0.0007 * moment)  # at every moment of a period, in the pulse as well
        await servo.move(70 if moment % 2 else 77)
        await servo.close()
        await bench.wait(0.001)
        assert horn(bench).limp
        servo = await bench.make("servo", "arm", **SERVO, speed_deg_per_s=300)
        await bench.wait(0.05)
        assert not horn(bench).limp
    assert horn(bench).odd_pulses == []
    assert await servo.get_position() == 70


async def test_a_servo_is_released_and_takes_hold_again(bench: Bench):
    _, client = await servo_on_hat(bench)
    await client.move(120)
    await client.do_command({"command": "release"})
    await bench.wait(0.05)
    assert horn(bench).limp
    await client.move(60)
    await bench.wait(0.05)
    assert horn(bench).angle_deg() == pytest.approx(60, abs=0.3)
    assert horn(bench).odd_pulses == []


async def test_a_servo_whose_chip_does_not_answer_raises(bench: Bench):
    servo, client = await servo_on_hat(bench)
    await client.move(90)
    faults(bench).unplugged = True
    with pytest.raises(GRPCError, match="i2c-1 0x40: no answer"):
        await client.move(20)
    with pytest.raises(BusError):
        await servo.move(30)


def test_a_loop_that_stands_still_keeps_no_channel_from_being_made_safe(host: MockHost):
    paced = MockHost.paced()
    hosts.install(paced)

    def built(model: str, name: str, attributes: dict[str, Any]) -> Any:
        return registry.load(model).new(Bench(paced).config(model, name, attributes), {})

    async def stand_still() -> tuple[float, ...]:
        board = built("pca9685", "hat", {"frequency_hz": 1526})
        await board.ready()
        motor = built("dc-motor", "left", MOTOR)
        await motor.set_power(0.5)
        await asyncio.sleep(0.01)
        before = duties_of(paced)
        guard = threading.Thread(target=SAFETY.make_all_safe, args=("a test",))
        guard.start()
        time.sleep(0.15)  # noqa: ASYNC251 - this is the loop that stands still
        stopped = duties_of(paced)
        guard.join()
        await motor.close()
        await board.close()
        return *before, *stopped

    assert asyncio.run(stand_still()) == (1.0, 0.0, 0.5, *OFF)


def duties_of(machine: MockHost) -> tuple[float, ...]:
    with machine.world.held():
        return tuple(duty_of(machine.world.wire(place(channel)).signal) for channel in (A, B, PWM))


async def test_a_change_of_power_in_the_same_direction_is_one_transfer(bench: Bench, monkeypatch):
    _, _, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    written: list[bytes] = []
    write = Pca9685Twin.write

    def noted(twin: Pca9685Twin, data: bytes) -> None:
        written.append(data)
        write(twin, data)

    monkeypatch.setattr(Pca9685Twin, "write", noted)
    await client.set_power(0.7)
    await bench.wait(0.001)

    assert [data[0] for data in written if len(data) > 1] == [6 + 4 * PWM]
    assert duties(bench) == pytest.approx((1.0, 0.0, 0.7), abs=0.001)


async def test_after_a_power_loss_all_of_a_motors_channels_are_written_anew(bench: Bench):
    board, _, client = await motor_on_hat(bench)
    await client.set_power(0.5)
    faults(bench).unplugged = True
    chip = bench.world.i2c(1).device(ADDRESS)
    assert isinstance(chip, Pca9685Twin)
    chip.lose_power()
    faults(bench).unplugged = False
    await bench.wait(2.5)
    assert (await board.get_status())["power_losses"] == 1
    assert duties(bench) == OFF
    await client.set_power(0.5)
    await bench.wait(0.001)

    assert duties(bench) == pytest.approx((1.0, 0.0, 0.5), abs=0.001)
