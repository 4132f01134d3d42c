"""Motors on a Sabertooth when nobody commands them any more, whatever the reason: the driver must have stopped them."""

import asyncio
import threading

import pytest

from pi_drivers.errors import BusError, ClosedError
from pi_drivers.models.motor.sabertooth_packets import stop_packets
from pi_drivers.runtime import keeper
from pi_drivers.runtime.keeper import BytesTo
from pi_drivers.runtime.safety import SAFETY
from tests.models.conftest import Bench
from tests.models.sabertooths import PORT, driver, make, power_after, twin

DRIVER_STOPS_S = 0.5


async def test_what_it_was_told_is_repeated_so_that_the_driver_does_not_stop(bench: Bench):
    motor = await make(bench)
    await motor.set_power(0.5)
    await bench.wait(60)
    assert driver(bench).timeout_ms == 500
    assert (driver(bench).powers[1], driver(bench).timeouts) == (64, 0)
    heard = len(twin(bench).heard)
    await motor.stop()
    await bench.wait(60)
    told = [command for _, command, _ in twin(bench).heard[heard:]]
    # A stop is told more than once, and then only the timeout, now and then.
    assert 4 <= told.count(0) <= 6
    assert told[12:] == [14] * len(told[12:])


async def test_a_stop_that_is_lost_on_the_way_is_told_again(bench: Bench):
    motor = await make(bench)
    driver(bench).knows_timeout = False
    driver(bench).timeout_ms = 0
    await motor.set_power(0.5)
    await bench.wait(1)
    await motor.stop()
    bench.world.serial(PORT).to_far_end.drop()
    assert await power_after(bench) == 64
    await bench.wait(0.2)
    assert driver(bench).powers[1] == 0


async def test_a_driver_that_was_switched_off_in_the_middle_has_its_timeout_again(bench: Bench):
    motor = await make(bench)
    await motor.set_power(0.5)
    await bench.wait(1)
    driver(bench).switch_off()
    await bench.wait(0.5)
    assert driver(bench).timeout_ms == 500


async def test_one_of_the_older_generation_is_woken_after_it_was_switched_off_and_on(bench: Bench):
    motor = await make(bench)
    client = await bench.client(motor)
    twin(bench).switch_off_and_on()
    await motor.set_power(0.5)
    assert await power_after(bench) == 0
    assert await client.do_command({"command": "wake"}) == {}
    assert not (await client.is_powered())[0]
    await motor.set_power(0.5)
    assert await power_after(bench) == 64


async def test_nobody_who_commands_any_more_ends_the_motion(bench: Bench):
    motor = await make(bench, command_timeout_ms=1000)
    await motor.set_power(0.5)
    await bench.wait(0.9)
    await motor.set_power(0.75)
    await bench.wait(0.9)
    assert driver(bench).powers[1] == 95
    await bench.wait(0.2)
    assert driver(bench).powers[1] == 0
    assert (await motor.get_status())["command_timeouts"] == 1
    await motor.go_for(50, 5)
    assert (await motor.get_status())["command_timeouts"] == 1


async def test_nobody_who_commands_any_more_ends_a_ramp(bench: Bench):
    motor = await make(bench, command_timeout_ms=500, ramp_ms=5000)
    await motor.set_power(1.0)
    await bench.wait(3)
    assert driver(bench).powers[1] == 0
    assert not await motor.is_moving()


async def test_a_cable_that_is_pulled_ends_a_move_with_an_error_and_the_driver_stops_by_itself(bench: Bench, caplog):
    motor = await make(bench)
    motor.logger.propagate = True
    line = bench.world.serial(PORT)
    moving = asyncio.create_task(motor.go_for(50, 1000))
    await bench.wait(1)
    line.unplug()
    with pytest.raises(BusError, match=f'motor "left" cannot be reached.*{PORT}.*unplugged'):
        await asyncio.wait_for(moving, 0.5)
    await bench.wait(DRIVER_STOPS_S)
    assert driver(bench).powers[1] == 0

    assert (await motor.is_powered())[0]  # nobody has heard that it is off
    status = await motor.get_status()
    assert "unplugged" in status["waits_for"]
    with pytest.raises(BusError, match="is told to stop once it can"):
        await motor.set_power(0.5)
    with pytest.raises(BusError):
        await motor.stop()
    await bench.wait(10)

    line.replug()
    await bench.wait(3)
    assert await motor.is_powered() == (False, 0.0)
    assert driver(bench).powers[1] == 0
    assert "waits_for" not in await motor.get_status()
    await motor.set_power(0.5)
    assert await power_after(bench) == 64
    told = [record.levelname for record in caplog.records if "reached" in record.message]
    assert told == ["ERROR", "INFO"]


async def test_a_pulled_cable_is_an_error_for_who_commands_next(bench: Bench):
    motor = await make(bench)
    bench.world.serial(PORT).unplug()
    with pytest.raises(BusError, match="unplugged"):
        await motor.set_power(0.5)
    assert not (await motor.is_moving() and await power_after(bench))


async def test_a_cable_that_is_out_for_a_while_at_rest_costs_no_command(bench: Bench):
    motor = await make(bench)
    bench.world.serial(PORT).unplug()
    await bench.wait(10)
    assert "unplugged" in (await motor.get_status())["waits_for"]
    bench.world.serial(PORT).replug()
    await bench.wait(3)
    await motor.set_power(0.5)
    assert await power_after(bench) == 64


async def test_a_driver_that_was_running_when_the_cable_was_pulled_is_stopped_at_its_return(bench: Bench):
    motor = await make(bench)
    driver(bench).knows_timeout = False  # the older generation runs on
    driver(bench).timeout_ms = 0
    driver(bench)._wait_anew()
    await motor.set_power(0.5)
    await bench.wait(1)
    bench.world.serial(PORT).unplug()
    await bench.wait(5)
    assert driver(bench).powers[1] == 64
    bench.world.serial(PORT).replug()
    await bench.wait(3)
    assert driver(bench).powers[1] == 0


async def test_an_adapter_that_hangs_is_noticed_and_its_motor_stops(bench: Bench):
    motor = await make(bench)
    await motor.set_power(0.5)
    await bench.wait(1)
    bench.world.serial(PORT).to_far_end.hold(True)
    await bench.wait(1)
    assert driver(bench).powers[1] == 0
    for _ in range(100):
        await bench.wait(0.05)
        assert "does not send" in (await motor.get_status())["waits_for"]
    with pytest.raises(BusError, match="does not send"):
        await motor.set_power(1.0)
    bench.world.serial(PORT).to_far_end.hold(False)
    await bench.wait(3)
    assert driver(bench).powers[1] == 0
    await motor.set_power(0.5)
    assert await power_after(bench) == 64


async def test_a_process_that_stood_still_does_not_start_its_motor_again(bench: Bench):
    motor = await make(bench)
    await motor.set_power(0.5)
    await bench.wait(1)
    bench.world.clock.advance(2_000_000_000)  # the loop does not run meanwhile
    assert driver(bench).timeouts == 1
    await bench.wait(1)
    assert driver(bench).powers[1] == 0
    assert await motor.is_powered() == (False, 0.0)
    assert (await motor.get_status())["failures"] == 1
    await motor.set_power(0.5)
    assert await power_after(bench) == 64


@pytest.mark.parametrize("ramp_ms", [0, 5000])
async def test_a_process_that_stood_still_ends_its_moves(bench: Bench, ramp_ms: int):
    motor = await make(bench, ramp_ms=ramp_ms)
    moving = asyncio.create_task(motor.go_for(100, 1000))
    await bench.wait(1)
    bench.world.clock.advance(2_000_000_000)
    stopped_at = len(twin(bench).heard)
    with pytest.raises(BusError, match="nothing could be sent for 2"):
        await moving
    await bench.wait(3)
    assert all(data == 0 for _, command, data in twin(bench).heard[stopped_at:] if command in (0, 1))


async def test_make_safe_from_another_thread_is_for_good(bench: Bench):
    motor = await make(bench)
    moving = asyncio.create_task(motor.go_for(50, 1000))
    await bench.wait(1)
    thread = threading.Thread(target=SAFETY.make_all_safe, args=("a test",), name="make safe")
    thread.start()
    thread.join()
    assert await power_after(bench) == 0
    with pytest.raises(ClosedError, match="was made safe for good"):
        await moving
    with pytest.raises(ClosedError, match="was made safe for good"):
        await motor.set_power(0.5)
    await motor.stop()
    await bench.wait(1)
    assert driver(bench).powers[1] == 0


async def test_make_safe_of_a_motor_that_cannot_be_reached_is_said_once_it_can_be(bench: Bench):
    motor = await make(bench)
    driver(bench).knows_timeout = False
    driver(bench).timeout_ms = 0
    await motor.set_power(0.5)
    await bench.wait(0.1)
    bench.world.serial(PORT).unplug()
    SAFETY.make_all_safe("a test")
    SAFETY.make_all_safe("a test")
    assert (await motor.is_powered())[0]
    bench.world.serial(PORT).replug()
    await bench.wait(1)
    assert driver(bench).powers[1] == 0
    assert await motor.is_powered() == (False, 0.0)
    with pytest.raises(ClosedError):
        await motor.set_power(0.5)


async def test_closing_stops_the_motor_leaves_the_other_one_alone_and_lets_go(bench: Bench):
    left, right = await make(bench), await make(bench, "right", channel=2)
    await left.set_power(0.5)
    await right.set_power(0.5)
    await left.close()
    await bench.wait(1)
    assert driver(bench).powers == {1: 0, 2: 64}
    assert len(SAFETY) == 1
    await right.close()
    await bench.wait(1)
    assert driver(bench).powers == {1: 0, 2: 0}
    assert not bench.world.serial(PORT).in_use
    with pytest.raises(ClosedError):
        await right.set_power(0.5)


async def test_closing_ends_a_motion_at_once_also_without_its_cable(bench: Bench):
    motor = await make(bench)
    moving = asyncio.create_task(motor.go_for(50, 1000))
    await bench.wait(1)
    bench.world.serial(PORT).unplug()
    await motor.close()
    await asyncio.wait({moving}, timeout=0.2)
    assert moving.done()
    assert moving.exception() is not None


async def test_a_stop_is_left_with_the_keeper_until_the_motor_was_told_it_for_good(bench: Bench, monkeypatch):
    kept: list[keeper.Entry] = []

    def keep(entry: keeper.Entry) -> keeper.Forget:
        kept.append(entry)
        return lambda: kept.remove(entry)

    monkeypatch.setattr("pi_drivers.models.motor.sabertooth.keep_for", lambda host: keep)
    left, right = await make(bench), await make(bench, "right", channel=2)
    assert kept == [BytesTo(PORT, 9600, stop_packets(128, channel)) for channel in (1, 2)]
    await left.close()
    assert kept == [BytesTo(PORT, 9600, stop_packets(128, 2))]
    bench.world.serial(PORT).unplug()
    await right.close()
    assert kept == [BytesTo(PORT, 9600, stop_packets(128, 2))]
