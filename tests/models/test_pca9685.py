"""The PCA9685 board through gRPC, seen at the wires of its channels and at its registers."""

import logging
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import ConfigError
from pi_drivers.models.board.pca9685_twin import Pca9685Twin
from pi_drivers.world.devices import RegisterFile
from pi_drivers.world.wires import Pwm, Wire, duty_of
from tests.models.conftest import I2C_1_PINS, Bench

ADDRESS = 0x40
MODE1, PRE_SCALE, LED3 = 0x00, 0xFE, 0x06 + 4 * 3
PERIOD_S = 0.02


def wire(bench: Bench, channel: int, place: str = "i2c-1 0x40") -> Wire:
    """The wire of a channel."""
    return bench.world.wire(f"{place} channel {channel}")


def duty(bench: Bench, channel: int) -> float:
    return duty_of(wire(bench, channel).signal)


def registers(bench: Bench, first: int, count: int, address: int = ADDRESS) -> bytes:
    """What the chip has in its registers, read as another program would."""
    segment = bench.world.i2c(1)
    answer = b""
    for register in range(first, first + count):
        segment.write(address, bytes([register]))
        answer += segment.read(address, 1)
    return answer


async def hat(bench: Bench, **attributes: Any) -> tuple[Any, Any]:
    """A board and its client."""
    board = await bench.make("pca9685", "hat", **attributes)
    return board, await bench.client(board)


async def refusal(call: Any) -> tuple[Status, str]:
    with pytest.raises(GRPCError) as caught:
        await call
    return caught.value.status, caught.value.message or ""


@pytest.mark.parametrize(
    ("wanted", "prescale", "real"),
    [(50, 121, 50.03), (60, 101, 59.84), (200, 30, 196.89), (1000, 5, 1017.25), (1526, 3, 1525.88), (24, 253, 24.03)],
)
async def test_the_nearest_frequency_is_set_and_the_real_one_told(bench: Bench, wanted, prescale, real):
    board, client = await hat(bench, frequency_hz=wanted)
    await (await client.gpio_pin_by_name("3")).set_pwm(0.25)
    await bench.wait(0.05)

    assert registers(bench, PRE_SCALE, 1) == bytes([prescale])
    signal = wire(bench, 3).signal
    assert isinstance(signal, Pwm)
    assert 1e9 / signal.period_ns == pytest.approx(real, abs=0.01)
    assert (await board.get_status())["frequency_hz"] == pytest.approx(real, abs=0.01)
    assert await (await client.gpio_pin_by_name("3")).get_pwm_frequency() == round(real)


async def test_the_example_of_the_data_sheet_is_met(bench: Bench):
    # Section 7.3.5: 200 Hz is a prescale of 0x1E; it is what the chip has when it is switched on.
    assert (await hat(bench, frequency_hz=200))[0]._link.chip.prescale == 0x1E


async def test_a_duty_is_on_the_wire_in_steps_of_a_4096th_and_both_ends_are_steady(bench: Bench):
    _, client = await hat(bench)
    pin = await client.gpio_pin_by_name("3")
    for share, held in ((0.5, b"\0\0\0\x08"), (1.0, b"\0\x10\0\0"), (1 / 4096, b"\0\0\x01\0"), (0.0, b"\0\0\0\x10")):
        await pin.set_pwm(share)
        await bench.wait(PERIOD_S)
        assert duty(bench, 3) == share
        assert registers(bench, LED3, 4) == held
        assert await pin.get_pwm() == share
        assert await pin.get() is (share > 0)
    assert wire(bench, 3).signal is False


async def test_set_and_get(bench: Bench):
    _, client = await hat(bench)
    for name in ("0", "15"):
        pin = await client.gpio_pin_by_name(name)
        assert await pin.get() is False
        await pin.set(True)
        await bench.wait(PERIOD_S)
        assert wire(bench, int(name)).signal is True
        assert await pin.get() is True
        await pin.set(False)
        await bench.wait(PERIOD_S)
        assert wire(bench, int(name)).signal is False


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
async def test_a_duty_that_is_none_is_refused(bench: Bench, share):
    _, client = await hat(bench)
    status, message = await refusal((await client.gpio_pin_by_name("3")).set_pwm(share))
    assert (status, "between 0 and 1" in message) == (Status.INVALID_ARGUMENT, True)


async def test_the_frequency_is_for_the_config_to_set(bench: Bench):
    _, client = await hat(bench, frequency_hz=50)
    pin = await client.gpio_pin_by_name("3")
    await pin.set_pwm_frequency(50)
    await pin.set_pwm_frequency(0)
    status, message = await refusal(pin.set_pwm_frequency(800))
    assert status is Status.INVALID_ARGUMENT
    assert "all channels of a PCA9685 have one frequency, here 50.0 Hz" in message
    assert 'Set frequency_hz of board "hat"' in message


@pytest.mark.parametrize("name", ["16", "-1", "GPIO17", "", "1.0", "²"])
async def test_pins_that_are_none_are_not_found(bench: Bench, name):
    _, client = await hat(bench)
    status, message = await refusal((await client.gpio_pin_by_name(name)).set(True))
    assert (status, '"0" to "15"' in message) == (Status.NOT_FOUND, True)


async def test_what_it_cannot_do_is_said_so(bench: Bench):
    _, client = await hat(bench)
    assert (await refusal((await client.analog_by_name("a")).read()))[0] is Status.NOT_FOUND
    assert (await refusal((await client.digital_interrupt_by_name("3")).value()))[0] is Status.NOT_FOUND
    status, message = await refusal(client.set_power_mode(1))
    assert (status, "SetPowerMode Unimplemented" in message) == (Status.UNIMPLEMENTED, True)


async def test_status_and_channels_show_what_runs(bench: Bench):
    board, client = await hat(bench)
    await (await client.gpio_pin_by_name("3")).set_pwm(0.25)
    status = await board.get_status()
    assert (status["i2c_bus"], status["i2c_addr"], status["prescale"], status["failures"]) == (1, "0x40", 121, 0)
    assert status["channels"] == {"3": 'board "hat" (pin)'}
    channels = await client.do_command({"command": "channels"})
    assert len(channels) == 16
    assert channels["3"] == {"duty": 0.25, "pulse_us": pytest.approx(4997.12), "held_by": 'board "hat" (pin)'}
    assert channels["4"] == {"duty": 0.0, "pulse_us": 0.0}
    assert set(bench.host.claims.listing()) == {*I2C_1_PINS, "i2c-1 0x40", "i2c-1 0x40 channel 3"}


async def test_two_boards_are_two_chips(bench: Bench):
    first = await bench.make("pca9685", "one")
    second = await bench.make("pca9685", "two", i2c_addr="0x41", i2c_bus=3)
    await (await first.gpio_pin_by_name("0")).set(True)
    await (await second.gpio_pin_by_name("1")).set(True)
    await bench.wait(PERIOD_S)
    assert (duty(bench, 0), duty(bench, 1)) == (1.0, 0.0)
    assert (duty_of(wire(bench, 0, "i2c-3 0x41").signal), duty_of(wire(bench, 1, "i2c-3 0x41").signal)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"i2c_addr": 0x3F}, "i2c_addr"),
        ({"i2c_addr": 0x78}, "i2c_addr"),
        ({"i2c_addr": 0x70}, "all PCA9685 answer"),
        ({"frequency_hz": 23}, "frequency_hz"),
        ({"frequency_hz": 1527}, "frequency_hz"),
        ({"i2c_bus": "one"}, "i2c_bus"),
        ({"frequency": 50}, "frequency_hz"),
    ],
)
async def test_mistakes_in_the_config_are_named(bench: Bench, attributes, why):
    with pytest.raises(ConfigError, match=why):
        await bench.make("pca9685", "hat", **attributes)


async def test_zeros_where_nothing_was_entered_are_the_defaults(bench: Bench):
    board, _ = await hat(bench, i2c_addr=0, frequency_hz=0)
    assert (board.settings.i2c_addr, board.settings.frequency_hz) == (0x40, 50)


async def test_a_chip_that_is_not_there_fails_the_creation(bench: Bench):
    bench.world.i2c(1).faults(ADDRESS).unplugged = True
    with pytest.raises(Exception, match="i2c-1 0x40: no answer"):
        await bench.make("pca9685", "hat")


@pytest.mark.parametrize("held", [{MODE1: 0x39, 0x01: 0xE0}, {PRE_SCALE: 2}, {PRE_SCALE: 30, 0x07: 0x9F}])
async def test_another_chip_is_told_from_a_pca9685_and_nothing_is_written_to_it(bench: Bench, held):
    chip = RegisterFile(held)
    before = bytes(chip.registers)
    bench.world.i2c(1).plug_in(ADDRESS, chip)
    with pytest.raises(Exception, match=r"is no PCA9685.*INA219"):
        await bench.make("pca9685", "hat")
    assert bytes(chip.registers) == before


async def test_a_chip_that_keeps_nothing_is_no_pca9685(bench: Bench):
    class Deaf(RegisterFile):
        def write(self, data: bytes) -> None:
            super().write(data[:1])

    bench.world.i2c(1).plug_in(ADDRESS, Deaf({PRE_SCALE: 30}))
    with pytest.raises(Exception, match="does not keep what is written"):
        await bench.make("pca9685", "hat")


async def test_it_does_not_answer_at_the_address_of_all_chips(bench: Bench):
    await hat(bench)
    assert registers(bench, MODE1, 1) == bytes([0x20])


async def test_a_rebuild_leaves_alone_what_others_drive_on_the_chip(bench: Bench):
    board = await bench.make("pca9685", "hat")
    await board.close()
    bench.world.i2c(1).write(ADDRESS, bytes([0x06, 0, 0, 0, 8]))  # channel 0, by another program
    await bench.wait(PERIOD_S)
    seen: list[float] = []
    wire(bench, 0).on_signal(lambda: seen.append(duty(bench, 0)))
    board = await bench.make("pca9685", "hat")
    await bench.wait(1)
    await board.close()
    await bench.wait(1)
    assert seen == []
    assert duty(bench, 0) == 0.5


async def test_another_frequency_lets_what_runs_go_on(bench: Bench):
    board = await bench.make("pca9685", "hat")
    await board.close()
    bench.world.i2c(1).write(ADDRESS, bytes([0x06, 0, 0, 0, 8]))
    await bench.wait(PERIOD_S)
    await bench.make("pca9685", "hat", frequency_hz=100)
    await bench.wait(PERIOD_S)
    signal = wire(bench, 0).signal
    assert isinstance(signal, Pwm)
    assert (duty(bench, 0), signal.period_ns) == (0.5, 4096 * 40 * 61)


async def test_a_chip_that_sleeps_wakes_with_all_channels_off(bench: Bench):
    twin = Pca9685Twin(bench.world, "i2c-1 0x40")
    for written in (b"\x09\x08", b"\x0d\x00", b"\x0b\x10"):  # channel 0 at a half, channel 1 always on
        twin.write(written)
    bench.world.i2c(1).plug_in(ADDRESS, twin)
    seen: list[float] = []
    for channel in (0, 1):
        wire(bench, channel).on_signal(lambda: seen.append(duty(bench, 0) + duty(bench, 1)))
    await hat(bench)
    await bench.wait(1)
    assert set(seen) <= {0.0}
    assert registers(bench, 0x06, 4) == b"\0\0\0\x10"


async def test_closing_switches_off_what_it_drove(bench: Bench):
    board, client = await hat(bench)
    await (await client.gpio_pin_by_name("3")).set_pwm(0.5)
    await (await client.gpio_pin_by_name("4")).set(True)
    await board.close()
    await bench.wait(PERIOD_S)
    assert (duty(bench, 3), duty(bench, 4)) == (0.0, 0.0)
    assert registers(bench, MODE1, 1) == bytes([0x20])
    assert await board.get_status()
    with pytest.raises(Exception, match="was closed"):
        await board.gpio_pin_by_name("3")


async def test_a_chip_that_is_unplugged_is_told_once_and_back_with_its_channels_off(bench: Bench, caplog):
    board, client = await hat(bench)
    board.logger.propagate = True
    pin = await client.gpio_pin_by_name("3")
    await pin.set(True)
    bench.world.i2c(1).faults(ADDRESS).unplugged = True
    assert duty(bench, 3) == 0.0
    status, message = await refusal(pin.get())
    assert (status, "i2c-1 0x40: no answer" in message) == (Status.UNAVAILABLE, True)
    await bench.wait(10)
    assert "no answer" in (await board.get_status())["error"]
    bench.world.i2c(1).faults(ADDRESS).unplugged = False
    await bench.wait(6)

    assert "error" not in await board.get_status()
    assert duty(bench, 3) == 0.0
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    assert caplog.text.count("had lost its power and was set up anew") == 1
    assert (await board.get_status())["power_losses"] == 1
    await pin.set(True)
    await bench.wait(PERIOD_S)
    assert duty(bench, 3) == 1.0


async def test_a_power_loss_too_short_to_be_missed_is_seen_within_a_second(bench: Bench):
    board, client = await hat(bench)
    pin = await client.gpio_pin_by_name("3")
    await pin.set(True)
    device = bench.world.i2c(1).device(ADDRESS)
    assert device is not None
    device.lose_power()
    # Written to a chip that sleeps: it must not come to life by itself when the chip is woken.
    for written in (b"\x11\x00", b"\x0f\x10"):  # channel 2: not always off, and always on
        bench.world.i2c(1).write(ADDRESS, written)
    await bench.wait(1.1)
    assert (await board.get_status())["power_losses"] == 1
    assert (duty(bench, 2), duty(bench, 3)) == (0.0, 0.0)
    await pin.set(True)
    await bench.wait(PERIOD_S)
    assert duty(bench, 3) == 1.0


async def test_a_wrong_bit_now_and_then_is_no_other_chip(bench: Bench):
    board, client = await hat(bench)
    bench.world.i2c(1).faults(ADDRESS).corrupt_reads = 1
    await bench.wait(3)
    await (await client.gpio_pin_by_name("3")).set(True)
    await bench.wait(PERIOD_S)
    assert duty(bench, 3) == 1.0
    assert "error" not in await board.get_status()
