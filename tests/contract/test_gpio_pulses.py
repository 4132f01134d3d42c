"""The contract of outputs that send pulses: PWM, servo pulses and counted ones."""

import math

import pytest

from pi_drivers.buses.gpio.contract import LOOKAHEAD_US, Pulses
from pi_drivers.errors import ArgumentError

from .grounds import MILLISECOND, SECOND, Facility, GpioGround
from .pulse_sources import Endless, Listed

AFTER_MS = 60
"""A change of pulses has come through after so long: the period that runs, and the start of a sending thread."""


@pytest.mark.parametrize("duty", [0.1, 0.5, 0.93])
def test_pwm_has_its_frequency_and_its_duty(ground: GpioGround, duty):
    ground.gpio.output(ground.a).pwm(20, duty)
    ground.settle(2 * AFTER_MS * MILLISECOND)
    wave = ground.watch(ground.a, 400 * MILLISECOND)

    assert ground.near(wave.periods, 50 * MILLISECOND)
    assert ground.near(wave.highs, round(50 * MILLISECOND * duty))


def test_the_duty_is_no_whole_number_of_percents(ground: GpioGround):
    ground.gpio.output(ground.a).pwm(1, 0.0075)
    ground.settle(2 * SECOND)
    wave = ground.watch(ground.a, 2 * SECOND)

    assert ground.near(wave.highs, 7_500_000)


@pytest.mark.parametrize(("frequency_hz", "duty"), [(50, 0.07531), (800, 0.3337), (10_000, 0.51)])
def test_the_duty_is_right_to_the_microsecond(ground: GpioGround, frequency_hz, duty):
    ground.need(Facility.EXACT_TIME)
    ground.tolerance_ns = 1000
    ground.gpio.output(ground.a).pwm(frequency_hz, duty)
    wave = ground.watch(ground.a, 3 * SECOND // frequency_hz)

    assert ground.near(wave.periods, SECOND // frequency_hz)
    assert ground.near(wave.highs, round(SECOND / frequency_hz * duty))


@pytest.mark.parametrize("duty", [0.0, 1.0])
def test_duty_0_and_1_are_steady_levels(ground: GpioGround, duty):
    line = ground.gpio.output(ground.a, initial=duty == 0.0)
    line.pwm(20, duty)

    assert ground.level(ground.a) is (duty == 1.0)
    assert ground.watch(ground.a, 200 * MILLISECOND).steady


@pytest.mark.parametrize("duty", [0.0, 1.0])
def test_pwm_that_goes_to_duty_0_or_1_comes_to_rest_there(ground: GpioGround, duty):
    line = ground.gpio.output(ground.a)
    for _ in range(3):
        line.pwm(20, 0.5)
        ground.settle(137 * MILLISECOND)
        line.pwm(20, duty)
        ground.settle(AFTER_MS * MILLISECOND)
        wave = ground.watch(ground.a, 150 * MILLISECOND)

        assert wave.steady
        assert wave.last is (duty == 1.0)


def test_pwm_changes_while_it_runs(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    line.pwm(20, 0.2)
    ground.settle(100 * MILLISECOND)
    line.pwm(20, 0.6)
    ground.settle(2 * AFTER_MS * MILLISECOND)
    assert ground.near(ground.watch(ground.a, 300 * MILLISECOND).highs, 30 * MILLISECOND)

    line.pwm(40, 0.4)
    ground.settle(2 * AFTER_MS * MILLISECOND)
    assert ground.near(ground.watch(ground.a, 300 * MILLISECOND).highs, 10 * MILLISECOND)


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("moment_ms", [105, 117, 141, 162])
def test_a_write_ends_pwm_at_once(ground: GpioGround, level, moment_ms):
    line = ground.gpio.output(ground.a)
    line.pwm(20, 0.5)
    ground.settle(moment_ms * MILLISECOND)
    line.write(level)

    assert ground.level(ground.a) is level
    assert line.read() is level
    assert ground.watch(ground.a, 150 * MILLISECOND).steady


def test_pwm_of_an_active_low_output_is_inverted(ground: GpioGround):
    line = ground.gpio.output(ground.a, active_low=True)
    line.pwm(20, 0.2)
    ground.settle(2 * AFTER_MS * MILLISECOND)
    assert ground.near(ground.watch(ground.a, 300 * MILLISECOND).highs, 40 * MILLISECOND)

    line.pwm(20, 0.0)
    ground.settle(AFTER_MS * MILLISECOND)
    assert ground.watch(ground.a, 150 * MILLISECOND).steady
    assert ground.level(ground.a)


@pytest.mark.parametrize("pulse_us", [500, 1000, 1500, 2500])
def test_servo_pulses_have_their_width_fifty_times_a_second(ground: GpioGround, pulse_us):
    ground.gpio.output(ground.a).servo(pulse_us)
    ground.settle(2 * AFTER_MS * MILLISECOND)
    wave = ground.watch(ground.a, 300 * MILLISECOND)

    assert ground.near(wave.periods, 20 * MILLISECOND)
    assert ground.near(wave.highs, pulse_us * 1000)


def test_a_servo_goes_limp_with_pulse_0(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    line.servo(1500, 40)
    ground.settle(100 * MILLISECOND)
    line.servo(0)
    ground.settle(AFTER_MS * MILLISECOND)

    assert ground.watch(ground.a, 200 * MILLISECOND).steady
    assert not ground.level(ground.a)


@pytest.mark.parametrize("number", [1, 2, 7])
def test_counted_pulses_are_exactly_as_many_and_end_low(ground: GpioGround, number):
    line = ground.gpio.output(ground.a)
    for _ in range(3):
        run = line.pulses(Listed(Pulses(10_000, 15_000, number)))
        assert run.progress().running
        wave = ground.watch(ground.a, (25 * number + 2 * AFTER_MS) * MILLISECOND)

        assert len(wave.rises) == number - wave.first
        assert ground.near(wave.highs, 10 * MILLISECOND) or (number, wave.first) == (1, True)
        assert not wave.last
        assert run.progress() == (number, 0, False)
        assert ground.watch(ground.a, 100 * MILLISECOND).steady


def test_packets_follow_each_other_without_a_gap_and_pauses_are_kept(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    packets = [Pulses(10_000, 10_000, 3), Pulses(0, 30_000), Pulses(5000, 5000, 4), Pulses(15_000, 5000, 2)]
    run = line.pulses(Listed(*packets))
    wave = ground.watch(ground.a, (200 + 2 * AFTER_MS) * MILLISECOND)

    gaps = [20, 20, 50, 10, 10, 10, 10, 20]
    seen = wave.periods[-len(gaps) :] if not wave.first else [gaps[0] * MILLISECOND, *wave.periods]
    assert len(wave.rises) + wave.first == 9
    assert ground.near([abs(one - gap * MILLISECOND) for one, gap in zip(seen, gaps, strict=True)], 0)
    assert run.progress() == (9, 0, False)


def test_a_source_that_ends_is_obeyed_soon_and_every_pulse_is_counted(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    source = Endless(Pulses(2500, 2500, 2))
    run = line.pulses(source)
    wave = ground.watch(ground.a, 400 * MILLISECOND)
    assert 0 < run.progress().sent <= source.handed_out
    assert run.progress().running
    source.ended = True
    rest = ground.watch(ground.a, (LOOKAHEAD_US // 1000 + AFTER_MS + 60) * MILLISECOND)

    assert run.progress() == (source.handed_out, 0, False)
    if Facility.EXACT_TIME not in ground.lacks:
        between = rest.first and not wave.last
        assert wave.first + len(wave.rises) + between + len(rest.rises) == source.handed_out
    assert ground.watch(ground.a, 100 * MILLISECOND).steady


@pytest.mark.parametrize("level", [False, True])
def test_a_write_cuts_counted_pulses_off_and_says_how_many_are_not_certain(ground: GpioGround, level):
    line = ground.gpio.output(ground.a)
    run = line.pulses(Listed(Pulses(10_000, 10_000, 3), Pulses(10_000, 10_000, 1000)))
    ground.settle(117 * MILLISECOND)
    line.write(level)

    assert ground.level(ground.a) is level
    assert run.progress() == (3, 1000, False)
    assert ground.watch(ground.a, 150 * MILLISECOND).steady


def test_a_new_run_does_not_wait_for_the_old_one(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    old = line.pulses(Listed(Pulses(10_000, 10_000, 1000)))
    ground.settle(100 * MILLISECOND)
    new = line.pulses(Listed(Pulses(10_000, 10_000, 3)))
    assert not old.progress().running
    wave = ground.watch(ground.a, (60 + 2 * AFTER_MS) * MILLISECOND)

    assert len(wave.rises) <= 4  # a rise may have been on its way
    assert new.progress() == (3, 0, False)
    assert ground.watch(ground.a, 100 * MILLISECOND).steady


def test_pwm_follows_counted_pulses_and_they_follow_pwm(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    run = line.pulses(Listed(Pulses(10_000, 10_000, 1000)))
    ground.settle(100 * MILLISECOND)
    line.pwm(20, 0.2)
    assert not run.progress().running
    ground.settle(2 * AFTER_MS * MILLISECOND)
    assert ground.near(ground.watch(ground.a, 300 * MILLISECOND).periods, 50 * MILLISECOND)

    run = line.pulses(Listed(Pulses(10_000, 10_000, 3)))
    assert run.progress().running
    ground.settle((60 + 3 * AFTER_MS) * MILLISECOND)
    assert run.progress() == (3, 0, False)
    assert ground.watch(ground.a, 150 * MILLISECOND).steady


def test_a_new_servo_width_never_makes_another_pulse_than_the_old_or_the_new(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    line.servo(2500)
    ground.settle(2 * AFTER_MS * MILLISECOND)
    widths: list[int] = []
    for pulse_us in (500, 2500, 500, 0):
        line.servo(pulse_us)
        widths += ground.watch(ground.a, (2 * AFTER_MS + 7) * MILLISECOND).highs

    off = [min(abs(width - 500_000), abs(width - 2_500_000)) for width in widths]
    assert ground.near(off, 0)
    assert not ground.level(ground.a)


@pytest.mark.parametrize("end", ["write low", "write high", "end of a train", "close"])
def test_pulses_that_end_on_one_line_leave_those_on_another_alone(ground: GpioGround, end):
    running = ground.gpio.output(ground.a)
    ground.gpio.output(ground.c)  # an idle line, as the direction pin of a driver is
    running.pwm(100, 0.5)
    ground.settle(AFTER_MS * MILLISECOND)
    ending = ground.gpio.output(ground.b)
    rests = []
    for _ in range(4):
        if end == "end of a train":
            ending.pulses(Listed(Pulses(5000, 5000, 2)))
        else:
            ending.pwm(100, 0.5)
            ground.settle(AFTER_MS * MILLISECOND)
        if end.startswith("write"):
            ending.write(end == "write high")
        elif end == "close":
            ending.close()
            ending = ground.gpio.output(ground.b)
        wave = ground.watch(ground.a, 2 * AFTER_MS * MILLISECOND)
        rests.append(wave.longest_rest)
        assert ground.near(wave.periods, 10 * MILLISECOND)

    # The least of them: what disturbs does so every time, a late look does not.
    assert min(rests) <= 5 * MILLISECOND + 2 * ground.tolerance_ns


def test_a_servo_that_goes_limp_leaves_the_only_other_one_alone(ground: GpioGround):
    first = ground.gpio.output(ground.a)
    second = ground.gpio.output(ground.b)
    first.servo(2500)
    rests = []
    for _ in range(4):
        second.servo(2500)
        ground.settle(2 * AFTER_MS * MILLISECOND)
        second.servo(0)
        rests.append(ground.watch(ground.a, 2 * AFTER_MS * MILLISECOND).longest_rest)

    assert min(rests) <= 17_500_000 + 2 * ground.tolerance_ns


def test_pulses_end_low_when_their_line_is_closed(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    line.pwm(20, 0.9)
    ground.settle(2 * AFTER_MS * MILLISECOND)
    line.close()

    wave = ground.watch(ground.a, 150 * MILLISECOND)
    assert wave.steady
    if Facility.KEPT_LEVELS not in ground.lacks:
        assert not wave.last


@pytest.mark.parametrize(
    ("frequency_hz", "duty"),
    [(0, 0.5), (-1, 0.5), (10_001, 0.5), (50, -0.01), (50, 1.01), (50, math.nan), (50, math.inf)],
)
def test_pwm_out_of_range_is_refused_and_what_ran_runs_on(ground: GpioGround, frequency_hz, duty):
    line = ground.gpio.output(ground.a)
    line.pwm(20, 0.2)
    ground.settle(AFTER_MS * MILLISECOND)
    with pytest.raises(ArgumentError, match=f"GPIO{ground.a}"):
        line.pwm(frequency_hz, duty)

    assert ground.near(ground.watch(ground.a, 300 * MILLISECOND).highs[1:], 10 * MILLISECOND)


@pytest.mark.parametrize(
    ("pulse_us", "frequency_hz"), [(499, 50), (2501, 50), (-1, 50), (1500, 39), (1500, 501), (2000, 500)]
)
def test_servo_pulses_out_of_range_are_refused(ground: GpioGround, pulse_us, frequency_hz):
    line = ground.gpio.output(ground.a)
    with pytest.raises(ArgumentError, match=f"GPIO{ground.a}"):
        line.servo(pulse_us, frequency_hz)

    assert ground.watch(ground.a, 100 * MILLISECOND).steady


@pytest.mark.parametrize(
    "packet",
    [Pulses(-1, 100), Pulses(100, 0), Pulses(100, 100, 0), Pulses(1, 1, 5), Pulses(2**31, 1), Pulses(10, 10, 2**31)],
)
def test_counted_pulses_out_of_range_end_the_run_and_are_logged(ground: GpioGround, packet, caplog):
    line = ground.gpio.output(ground.a)
    run = line.pulses(Listed(Pulses(10_000, 10_000, 2), packet, Pulses(10_000, 10_000, 5)))
    ground.settle((40 + 2 * AFTER_MS) * MILLISECOND)

    assert run.progress() == (2, 0, False)
    assert f"GPIO{ground.a}" in caplog.text
    assert ground.watch(ground.a, 100 * MILLISECOND).steady
