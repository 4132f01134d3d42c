"""The AS5600, against its datasheet, its twin on the simulated bus, and a shaft that turns under it."""

import asyncio
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.encoder import Encoder
from viam.proto.component.encoder import PositionType

from pi_drivers.errors import (
    ClaimedError,
    ClosedError,
    ConfigError,
    CorruptDataError,
    NoAnswerError,
    StaleReadingError,
    StallError,
    WrongChipError,
)
from pi_drivers.models.encoder.as5600_chip import CONF, STATUS, As5600, As5600Twin, Magnet, Reading
from pi_drivers.models.encoder.turns import Steady, TurnCounter
from pi_drivers.runtime import kept_state
from pi_drivers.world.devices import I2cDevice, RegisterFile
from tests.models.conftest import Bench

ADDRESS = 0x36
STEP = 1 / 4096
MS = 1_000_000


async def make(bench: Bench, **attributes):
    return await bench.make("as5600", "e", **attributes)


def twin(bench: Bench) -> As5600Twin:
    chip = bench.world.i2c(1).device(ADDRESS)
    assert isinstance(chip, As5600Twin)
    return chip


def faults(bench: Bench) -> Any:
    return bench.world.i2c(1).faults(ADDRESS)


async def ticks(encoder) -> float:
    return float((await encoder.get_position())[0])


async def degrees(encoder) -> float:
    return float((await encoder.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES))[0])


async def turn(bench: Bench, revolutions: float) -> None:
    """Turn the shaft by hand, slowly enough to be followed, in steps that a float has exactly."""
    steps = 1 << int(abs(revolutions) * 4).bit_length()
    for _ in range(steps):
        bench.world.shaft("e").turn_by_hand(revolutions / steps)
        await bench.wait(0.015)


# The chip.


class Recorded(I2cDevice):
    """A chip that answers with bytes written by hand, one answer after the other, and the last for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def read(self, count: int) -> bytes:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer[:count]


def chip_that_says(bench: Bench, *answers: bytes) -> tuple[As5600, Recorded]:
    device = Recorded(*answers)
    bench.world.i2c(1).plug_in(ADDRESS, device)
    return As5600(bench.host.open_i2c(1), ADDRESS), device


@pytest.mark.parametrize(
    ("answer", "angle", "magnet"),
    [
        # By figures 21 and 23 of the datasheet, put together by hand: it prints no example.
        ("67 0000", 0, Magnet.GOOD),
        ("20 0fff", 4095, Magnet.GOOD),
        ("27 0401", 1025, Magnet.GOOD),
        ("30 0800", 2048, Magnet.TOO_WEAK),
        ("28 0800", 2048, Magnet.TOO_STRONG),
        ("57 0123", 291, Magnet.ABSENT),
        ("00 0000", 0, Magnet.ABSENT),
    ],
)
async def test_status_and_angle_are_read_in_one_transaction_high_byte_first(bench: Bench, answer, angle, magnet):
    chip, device = chip_that_says(bench, bytes.fromhex(answer))
    assert chip.measure(None) == Reading(angle, magnet)
    assert device.written == [b"\x0b"]


async def test_a_jump_that_a_second_reading_does_not_confirm_is_not_believed(bench: Bench):
    chip, _ = chip_that_says(bench, bytes.fromhex("670800"), bytes.fromhex("670010"), bytes.fromhex("670800"))
    with pytest.raises(CorruptDataError, match="2048 and 16 of 4096, do not agree"):
        chip.measure(16)
    assert chip.measure(16).angle == 2048


async def test_a_step_over_the_end_of_the_turn_is_no_jump(bench: Bench):
    chip, device = chip_that_says(bench, bytes.fromhex("670005"))
    assert chip.measure(4090).angle == 5
    assert len(device.written) == 1


@pytest.mark.parametrize("register", [0x0C, 0x0E, 0x1B])
async def test_the_pointer_stays_with_a_pair_so_that_it_can_be_read_again_and_again(bench: Bench, register):
    await make(bench)
    bench.world.shaft("e").turn_by_hand(0.3)
    bus = bench.host.open_i2c(1)
    first = bus.read_register(ADDRESS, register, 2)
    assert first != b"\0\0"
    assert bus.read(ADDRESS, 2) == first


async def test_the_twin_has_no_more_registers_than_the_chip(bench: Bench):
    await make(bench)
    bus = bench.host.open_i2c(1)
    with pytest.raises(NoAnswerError):
        bus.read_register(ADDRESS, 0x10, 1)
    with pytest.raises(NoAnswerError):
        bus.write_register(ADDRESS, STATUS, b"\xff")
    # As the datasheet has it (page 13), what lies between is read as zeros.
    assert bus.read_register(ADDRESS, 0x08, 4) == bytes([0, 0, 0, 0x67])


# What it is asked as an encoder.


async def test_the_angle_is_there_at_once_and_turns_are_counted_from_it(bench: Bench):
    bench.world.shaft("e").turn_by_hand(0.25)
    encoder = await make(bench)
    client = await bench.client(encoder)
    assert await client.get_position() == (1024.0, PositionType.POSITION_TYPE_TICKS_COUNT)
    await turn(bench, 2)
    assert (await client.get_position())[0] == 1024 + 2 * 4096
    angle = await client.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES)
    assert angle == (pytest.approx(90), PositionType.POSITION_TYPE_ANGLE_DEGREES)
    await turn(bench, -3)
    assert (await client.get_position())[0] == 1024 - 4096
    assert await client.get_properties() == Encoder.Properties(True, True)
    assert (await client.get_status())["turns_uncertain"] == 0


async def test_within_one_turn_ticks_end_with_the_turn(bench: Bench):
    encoder = await make(bench, multi_turn=False)
    await turn(bench, 2.25)
    assert await ticks(encoder) == 1024
    assert (await encoder.get_status())["position_ticks"] == 1024
    assert encoder.sample().ticks == 1024 + 2 * 4096  # a motor is not to find the shaft a turn back


@pytest.mark.parametrize(
    ("attributes", "at_quarter", "at_half"),
    [
        ({}, 90, 180),
        ({"zero_deg": 90}, 0, 90),
        ({"zero_deg": 180}, 270, 0),
        ({"zero_deg": 90, "multi_turn": False}, 0, 90),
    ],
)
async def test_zero_deg_is_where_the_position_is_zero(bench: Bench, attributes, at_quarter, at_half):
    bench.world.shaft("e").turn_by_hand(0.25)
    encoder = await make(bench, **attributes)
    assert await degrees(encoder) == at_quarter
    assert await ticks(encoder) == at_quarter / 360 * 4096
    await turn(bench, 0.25)
    assert await degrees(encoder) == at_half


async def test_inverted_it_counts_the_other_way(bench: Bench):
    encoder = await make(bench, invert=True)
    chip = twin(bench)
    chip.reverse = False  # the magnet turns as the chip counts
    await bench.wait(0.02)
    await turn(bench, 0.25)
    assert await degrees(encoder) == pytest.approx(270)
    assert await ticks(encoder) == -1024


async def test_resetting_makes_here_zero_for_ticks_and_degrees_and_no_motor_notices(bench: Bench):
    client = await bench.client(encoder := await make(bench))
    await turn(bench, 1.25)
    before = encoder.sample().ticks
    await client.reset_position()
    assert (await client.get_position())[0] == 0
    await turn(bench, 0.25)
    assert await degrees(encoder) == pytest.approx(90)
    assert await ticks(encoder) == 1024
    assert encoder.sample().ticks == before + 1024


async def test_a_position_is_told_without_waiting_and_is_at_most_a_poll_old(bench: Bench):
    encoder = await make(bench)
    bench.world.shaft("e").drive(2.0, 0.01)
    await bench.wait(2)
    before_ns = bench.host.now_ns()
    position = await ticks(encoder)
    assert bench.host.now_ns() == before_ns
    now = bench.world.shaft("e").angle_rev() * 4096
    assert now - 2 * 4096 * 0.011 - 1 <= position <= now


async def test_velocity_is_measured(bench: Bench):
    encoder = await make(bench)
    bench.world.shaft("e").drive(-2.0, 0.01)
    await bench.wait(1)
    answer = await (await bench.client(encoder)).do_command({"command": "velocity"})
    assert answer["rpm"] == pytest.approx(-120, rel=0.01)
    assert answer["ticks_per_s"] == pytest.approx(-8192, rel=0.01)


async def test_noise_of_one_step_is_no_motion(bench: Bench):
    encoder = await make(bench)
    shaft = bench.world.shaft("e")
    shaft.turn_by_hand(100.9 * STEP)
    seen = set()
    for _ in range(50):
        for nudge in (0.2 * STEP, -0.2 * STEP):
            shaft.turn_by_hand(nudge)
            await bench.wait(0.01)
            seen.add(await ticks(encoder))
    assert len(seen - {100}) == 1


def test_one_step_back_is_noise_and_two_are_motion():
    steady = Steady()
    assert [steady.take(value) for value in (5, 6, 5, 6, 7, 6, 5, 4, 5, 4, 6)] == [5, 6, 6, 6, 7, 7, 5, 4, 4, 4, 6]


# Turns that nobody saw.


def counted(*moments: tuple[int, int]) -> TurnCounter:
    turns = TurnCounter(4096)
    for angle, at_ms in moments:
        turns.take(angle, at_ms * MS)
    return turns


def test_the_shorter_way_round_is_taken():
    assert counted((100, 0), (4000, 10)).count == 100 - 196
    assert counted((4000, 0), (100, 10)).count == 4196


@pytest.mark.parametrize(
    ("moments", "uncertain"),
    [
        ([(0, 0), (40, 10), (80, 20)], 0),
        ([(0, 0), (1600, 10), (3200, 20)], 0),  # fast, and seen
        ([(0, 0), (1600, 10), (3200, 30)], 1),  # as fast, and not seen for twice as long
        ([(0, 0), (0, 10), (0, 490)], 0),
        ([(0, 0), (0, 10), (0, 600)], 1),  # it stood, but may have turned since
    ],
)
def test_turns_are_uncertain_where_more_than_half_of_one_may_have_passed_unseen(moments, uncertain):
    assert counted(*moments).uncertain == uncertain


async def test_a_gap_in_which_the_shaft_turned_on_is_told_once_in_the_log_and_counted(bench: Bench, caplog):
    encoder = await make(bench)
    encoder.logger.propagate = True
    bench.world.shaft("e").drive(3.0, 0.01)
    await bench.wait(1)
    for _ in range(2):
        faults(bench).unplugged = True
        await bench.wait(1)
        faults(bench).unplugged = False
        await bench.wait(2)
    assert (await encoder.get_status())["turns_uncertain"] == 2
    assert len([record for record in caplog.records if "turns are not certain" in record.message]) == 1
    # The angle within the turn is as good as ever: at most a poll old.
    behind = (bench.world.shaft("e").angle_rev() - await degrees(encoder) / 360) % 1
    assert behind < 3 * 0.011 + STEP


async def test_a_rebuild_keeps_turns_and_zero_and_a_restart_only_the_angle(bench: Bench):
    encoder = await make(bench)
    await turn(bench, 2.25)
    await encoder.reset_position()
    await turn(bench, 1)
    await encoder.close()
    bench.world.shaft("e").turn_by_hand(0.125)
    again = await make(bench, poll_interval_ms=20)
    assert await ticks(again) == 4096 + 512
    assert (await again.get_status())["turns_uncertain"] == 0
    await again.close()
    kept_state._in_process.clear()  # as a new process would find it
    assert await ticks(await make(bench)) == 0.375 * 4096


@pytest.mark.parametrize("change", [{"zero_deg": 90}, {"invert": True}])
async def test_turns_that_would_mean_another_angle_are_not_kept(bench: Bench, change):
    encoder = await make(bench)
    await turn(bench, 5)
    await encoder.close()
    assert 0 <= await ticks(await make(bench, **change)) < 4096


# Faults.


@pytest.mark.parametrize(
    ("magnet", "remedy"),
    [
        (Magnet.TOO_WEAK, "the magnet is too weak: bring it closer"),
        (Magnet.TOO_STRONG, "the magnet is too strong: move it away"),
        (Magnet.ABSENT, "no magnet is seen"),
    ],
)
async def test_a_magnet_that_is_not_right_is_an_error_with_what_to_do(bench: Bench, magnet, remedy):
    encoder = await make(bench)
    client = await bench.client(encoder)
    twin(bench).magnet = magnet
    await bench.wait(0.3)
    with pytest.raises(GRPCError) as caught:
        await client.get_position()
    assert caught.value.status is Status.UNAVAILABLE
    assert f"i2c-1 0x36: {remedy}" in str(caught.value.message)
    status = await client.get_status()
    assert (status["magnet"], status["waits_for"]) == (magnet.value, "a magnet that is right")
    assert status["agc"] == (0 if magnet is Magnet.TOO_STRONG else 128)
    twin(bench).magnet = Magnet.GOOD
    await bench.wait(6)
    await client.get_position()
    assert (await client.get_status())["magnet"] == "good"


async def test_an_encoder_without_a_magnet_is_there_and_says_so_for_whoever_adjusts_it(bench: Bench):
    bench.world.i2c(1).plug_in(ADDRESS, chip := As5600Twin(bench.world.shaft("e")))
    chip.magnet = Magnet.ABSENT
    encoder = await make(bench)
    status = await encoder.get_status()
    assert (status["magnet"], status["agc"], status["magnitude"]) == ("absent", 128, 12)
    with pytest.raises(StaleReadingError, match=r"no reading yet: .* no magnet is seen"):
        await encoder.get_position()


async def test_a_chip_that_is_missing_fails_at_once_and_works_once_it_is_there(bench: Bench):
    faults(bench).unplugged = True
    with pytest.raises(NoAnswerError, match=r"i2c-1 0x36: no answer \(NACK\). Is the chip wired"):
        await make(bench)
    await bench._built.pop().close()
    assert bench.host.claims.listing() == {}
    faults(bench).unplugged = False
    await make(bench)


async def test_another_chip_at_the_address_is_named_as_such_and_left_alone(bench: Bench):
    # A MAX17048 has its CONFIG, 0x971c after power-up, where this chip has its angle.
    other = RegisterFile({0x0C: 0x97, 0x0D: 0x1C, CONF + 1: 0x03})
    bench.world.i2c(1).plug_in(ADDRESS, other)
    with pytest.raises(WrongChipError, match=r"the chip there is no AS5600: it has 971c where a number of 12 bits"):
        await make(bench)
    assert other.registers[CONF + 1] == 0x03


async def test_a_chip_that_was_burnt_to_sleep_is_kept_awake_and_the_rest_of_its_settings_left(bench: Bench):
    chip = As5600Twin(bench.world.shaft("e"))
    chip.written[CONF], chip.written[CONF + 1] = 0x20 | 0x04, 0x03 | 0x0C
    bench.world.i2c(1).plug_in(ADDRESS, chip)
    await make(bench)
    assert (chip.written[CONF], chip.written[CONF + 1]) == (0x04, 0x0C)


async def test_a_chip_pulled_out_is_an_error_within_300_ms_with_age_and_cause_and_comes_back(bench: Bench):
    encoder = await make(bench)
    client = await bench.client(encoder)
    faults(bench).unplugged = True
    await bench.wait(0.1)
    await client.get_position()
    await bench.wait(0.2)
    with pytest.raises(GRPCError) as caught:
        await client.get_position()
    assert caught.value.status is Status.UNAVAILABLE
    assert "the last good reading is 0.3 s old: i2c-1 0x36: no answer" in str(caught.value.message)
    status = await client.get_status()
    assert status["failures"] >= 2
    assert "no answer" in status["error"]
    assert status["waits_for"] == "the chip to answer"
    faults(bench).unplugged = False
    await bench.wait(6)
    await client.get_position()


@pytest.mark.parametrize("fault", ["nacks", "corrupt_reads", "hangs"])
@pytest.mark.parametrize("when_s", [0.0, 0.0005, 0.003])
async def test_every_kind_of_bus_fault_is_survived(bench: Bench, fault, when_s):
    encoder = await make(bench)
    await turn(bench, 1.5)
    await bench.wait(when_s)
    setattr(faults(bench), fault, 3)
    await bench.wait(10)
    assert await ticks(encoder) == 1.5 * 4096
    assert (await encoder.get_status())["failures"] >= 1


async def test_a_single_nack_is_not_noticed_by_whoever_reads(bench: Bench):
    encoder = await make(bench)
    for _ in range(20):
        faults(bench).nacks = 1
        for _ in range(5):
            await bench.wait(0.01)
            await ticks(encoder)
    assert (await encoder.get_status())["failures"] == 20


async def test_noise_on_a_chip_that_was_known_is_not_called_another_chip(bench: Bench):
    encoder = await make(bench)
    bench.world.i2c(1).plug_in(ADDRESS, RegisterFile({0x0C: 0xFF, 0x0D: 0xFF}))
    await bench.wait(1)
    with pytest.raises(StaleReadingError, match="ffff is no number of 12 bits"):
        await encoder.get_position()


async def test_reading_a_closed_encoder_is_an_error_and_not_an_old_number(bench: Bench):
    encoder = await make(bench)
    await encoder.close()
    with pytest.raises(ClosedError):
        await encoder.get_position()


async def test_its_address_is_its_own(bench: Bench):
    await make(bench)
    with pytest.raises(ClaimedError, match='i2c-1 0x36 is held by encoder "e"'):
        await bench.make("as5600", "f")
    await bench.make("as5600", "l", i2c_addr="0x40")


@pytest.mark.parametrize(
    "attributes",
    [{"i2c_addr": 0x88}, {"zero_deg": 360}, {"zero_deg": -1}, {"poll_interval_ms": 50, "max_age_ms": 20}, {"zero": 1}],
)
async def test_mistakes_in_its_config(bench: Bench, attributes):
    with pytest.raises(ConfigError):
        await make(bench, **attributes)


# With a motor.


async def axle(bench: Bench, **attributes: Any) -> Any:
    """A motor whose shaft this encoder sits on."""
    await make(bench, **attributes)
    return await bench.make(
        "dc-motor",
        "m",
        pins={"a": "29", "b": "31", "pwm": "32"},
        encoder="e",
        ticks_per_rotation=4096,
        max_rpm=200,
        position_tolerance_ticks=8,
    )


@pytest.mark.parametrize("attributes", [{}, {"invert": True, "zero_deg": 77}, {"multi_turn": False}])
async def test_a_motor_goes_for_and_to_what_it_was_told(bench: Bench, attributes):
    motor = await axle(bench, **attributes)
    shaft = bench.world.shaft("e")
    await motor.go_for(60, 3)
    assert shaft.angle_rev() == pytest.approx(3, abs=20 * STEP)
    start = await motor.get_position()
    await motor.go_to(90, start - 2)
    assert shaft.angle_rev() == pytest.approx(1, abs=30 * STEP)


async def test_a_speed_is_held(bench: Bench):
    motor = await axle(bench)
    await motor.set_rpm(60)
    await bench.wait(3)
    before = bench.world.shaft("e").angle_rev()
    await bench.wait(10)
    assert (bench.world.shaft("e").angle_rev() - before) * 6 == pytest.approx(60, rel=0.01)


async def test_an_encoder_unplugged_in_the_middle_of_a_move_stops_the_motor_within_300_ms(bench: Bench):
    motor = await axle(bench)
    move = asyncio.create_task(motor.go_for(60, 100))
    await bench.wait(2)
    faults(bench).unplugged = True
    before_ns = bench.host.now_ns()
    with pytest.raises((StaleReadingError, StallError), match=r"no answer|stalled"):
        await move
    assert bench.host.now_ns() - before_ns < 300 * MS
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)


async def test_a_jammed_shaft_is_a_stall_however_the_angle_quivers(bench: Bench):
    motor = await axle(bench)
    shaft = bench.world.shaft("e")
    shaft.turn_by_hand(0.9 * STEP)
    shaft.jam()
    move = asyncio.create_task(motor.go_for(60, 10))
    for _ in range(200):
        for nudge in (0.2 * STEP, -0.2 * STEP):
            shaft.turn_by_hand(nudge)
            await bench.wait(0.01)
        if move.done():
            break
    with pytest.raises(StallError):
        await asyncio.wait_for(move, 0.01)
    assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)
