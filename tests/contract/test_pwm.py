"""The contract of the PWM block, on the mock and on a tree of files as the kernel shows it."""

import pytest

from pi_drivers.errors import ArgumentError, BusAbsentError, ClaimedError

from .pwm_grounds import HIGH, LOW, MockPwmGround, PwmGround, Seen, SysfsTree

PERIOD = 20_000_000


@pytest.fixture(params=["mock", "sysfs"])
def ground(request, tmp_path, monkeypatch) -> PwmGround:
    return MockPwmGround() if request.param == "mock" else SysfsTree(tmp_path, monkeypatch)


def test_without_an_overlay_no_pin_is_connected_and_the_remedy_is_told(ground: PwmGround):
    for offset, line in ((12, "dtoverlay=pwm,pin=12,func=4"), (13, "dtoverlay=pwm,pin=13,func=4"),
                         (18, "dtoverlay=pwm,pin=18,func=2"), (19, "dtoverlay=pwm,pin=19,func=2")):  # fmt: skip
        assert not ground.pwm.available(offset)
        assert ground.pwm.overlay_line(offset) == line
        with pytest.raises(BusAbsentError, match=f"GPIO{offset}.*{line}.*reboot"):
            ground.pwm.open(offset)


@pytest.mark.parametrize("offset", [17, 14, 40, -1])
def test_no_overlay_helps_another_pin(ground: PwmGround, offset):
    ground.connect(18)
    assert not ground.pwm.available(offset)
    assert ground.pwm.overlay_line(offset) is None
    with pytest.raises(BusAbsentError, match=f"GPIO{offset}"):
        ground.pwm.open(offset)


def test_pins_that_are_to_be_connected_together_get_one_line_as_far_as_there_is_one(ground: PwmGround):
    assert ground.pwm.overlay_line(13, {12, 17}) == "dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4"
    assert ground.pwm.overlay_line(18, [12, 18]) == "dtoverlay=pwm,pin=18,func=2"
    assert ground.pwm.overlay_line(17, [12]) is None


def test_only_the_pins_that_the_overlay_connects_are_there(ground: PwmGround):
    ground.connect(18)

    assert ground.pwm.available(18)
    assert not ground.pwm.available(12)
    with pytest.raises(BusAbsentError, match="GPIO12"):
        ground.pwm.open(12)


def test_a_pulse_and_a_period_come_out_as_they_are_set(ground: PwmGround):
    ground.connect(18)
    channel = ground.pwm.open(18)
    channel.set(PERIOD, 1_500_000)

    assert ground.seen(18) == Seen(PERIOD, 1_500_000)


def test_every_change_of_period_and_pulse_comes_through(ground: PwmGround):
    ground.connect(18)
    channel = ground.pwm.open(18)
    for period, pulse in ((1000, 400), (100, 50), (5000, 4000), (4001, 4000), (3999, 1), (3999, 2), (10, 9)):
        channel.set(period, pulse)
        assert ground.seen(18) == Seen(period, pulse)


def test_a_pulse_of_nothing_is_low_and_one_of_the_whole_period_is_high(ground: PwmGround):
    ground.connect(18)
    channel = ground.pwm.open(18)
    for pulse, level in ((PERIOD, HIGH), (0, LOW), (PERIOD, HIGH)):
        channel.set(PERIOD, pulse)
        assert ground.seen(18) == level


@pytest.mark.parametrize(("period", "pulse"), [(100, 101), (100, -1), (0, 0), (-5, -6), (0, 1)])
def test_impossible_pulses_are_refused_and_what_ran_runs_on(ground: PwmGround, period, pulse):
    ground.connect(18)
    channel = ground.pwm.open(18)
    channel.set(1000, 300)
    with pytest.raises(ArgumentError, match="GPIO18"):
        channel.set(period, pulse)

    assert ground.seen(18) == Seen(1000, 300)


def test_a_closed_channel_is_low_and_free(ground: PwmGround):
    ground.connect(18)
    first = ground.pwm.open(18)
    first.set(1000, 300)
    first.close()
    assert ground.seen(18) == LOW
    assert ground.pwm.available(18)

    second = ground.pwm.open(18)
    second.set(1000, 700)
    first.close()
    assert ground.seen(18) == Seen(1000, 700)


@pytest.mark.parametrize("pulse", [0, 300, 1000, 5_000_000])
def test_a_closed_channel_that_rests_high_is_high(ground: PwmGround, pulse):
    ground.connect(18)
    channel = ground.pwm.open(18, rest_high=True)
    channel.set(max(1000, pulse), pulse)
    channel.close()
    assert ground.seen(18) == HIGH
    assert ground.pwm.available(18)


def test_a_channel_has_one_user_at_a_time(ground: PwmGround):
    ground.connect(18, 19)
    ground.pwm.open(18)
    assert not ground.pwm.available(18)
    with pytest.raises(ClaimedError, match="GPIO18"):
        ground.pwm.open(18)

    ground.pwm.open(19).set(1000, 300)
    assert ground.seen(19) == Seen(1000, 300)
