"""Plans of steps, without a motor: every step is counted, and every ramp is one that a motor can follow."""

import math
import random
from itertools import pairwise

import pytest

from pi_drivers.buses.gpio.contract import LOOKAHEAD_US, Pulses
from pi_drivers.buses.gpio.ranges import check_pulses
from pi_drivers.models.motor.step_plan import SHORTEST_US, StepPlan

ENOUGH = 100_000


def rest_of(plan: StepPlan) -> list[Pulses]:
    """All packets to come; each is one that a line can send."""
    packets: list[Pulses] = []
    for _ in range(ENOUGH):
        packet = plan.next_pulses()
        if packet is None:
            return packets
        check_pulses(0, packet)
        packets.append(packet)
    raise AssertionError("the plan does not end")


def steps_in(packets: list[Pulses]) -> int:
    return sum(packet.number for packet in packets if packet.high_us)


def duration_us(packets: list[Pulses]) -> int:
    return sum((packet.high_us + packet.low_us) * packet.number for packet in packets)


def speeds(packets: list[Pulses]) -> list[float]:
    """Steps per second, packet by packet; a slow step has its pauses behind it."""
    found: list[tuple[int, int]] = []
    for packet in packets:
        if packet.high_us:
            found.append((packet.number, duration_us([packet])))
        elif found:
            number, before_us = found[-1]
            found[-1] = (number, before_us + duration_us([packet]))
    return [number * 1e6 / us for number, us in found]


@pytest.mark.parametrize("acceleration", [0.0, 5.0, 300.0, 20_000.0, 1e6])
@pytest.mark.parametrize("speed", [0.3, 7.0, 333.3, 10_000.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 50, 1001])
def test_a_plan_has_exactly_the_steps_asked_for(steps, speed, acceleration):
    if steps / speed < ENOUGH / 100:
        assert steps_in(rest_of(StepPlan(steps, speed, acceleration))) == steps


@pytest.mark.parametrize("acceleration", [0.0, 2_000.0, 50_000.0])
@pytest.mark.parametrize("packets_before", [0, 1, 2, 3, 7, 40, 200])
def test_a_stop_at_any_moment_ends_after_exactly_the_steps_of_the_ramp(packets_before, acceleration):
    plan = StepPlan(None, 4_000, acceleration)
    before = [plan.next_pulses() for _ in range(packets_before)]
    reached = speeds([packet for packet in before if packet])[-1:] or [0.0]
    plan.stop()
    after = rest_of(plan)
    if acceleration:
        assert steps_in(after) == pytest.approx(reached[0] ** 2 / 2 / acceleration, abs=0.04 * reached[0] + 1)
        assert all(later <= earlier + 1 for earlier, later in pairwise(speeds(after)))
    else:
        assert after == []


def test_the_speed_rises_and_falls_within_the_acceleration():
    acceleration, top = 8_000.0, 4_000.0
    packets = rest_of(StepPlan(5_000, top, acceleration))
    shown = speeds(packets)
    peak = shown.index(max(shown))
    assert max(shown) == pytest.approx(top, rel=0.001)
    assert all(later >= earlier - 1 for earlier, later in pairwise(shown[: peak + 1]))
    at_us, moments = 0, []
    for packet in packets:
        moments.append(at_us + duration_us([packet]) / 2)
        at_us += duration_us([packet])
    for (earlier, later), (before_us, after_us) in zip(pairwise(shown), pairwise(moments), strict=True):
        # Between the middles of two packets; what is below a whole step may look steeper than it is.
        assert abs(later - earlier) <= acceleration * (after_us - before_us) / 1e6 * 1.15 + 20


def test_a_move_too_short_for_the_top_speed_is_a_triangle():
    shown = speeds(rest_of(StepPlan(200, 10_000, 2_000)))
    assert max(shown) == pytest.approx(math.sqrt(2_000 * 200), rel=0.05)
    assert shown[0] < max(shown) / 5
    assert shown[-1] < max(shown) / 5


def test_a_move_takes_the_time_that_physics_says():
    packets = rest_of(StepPlan(10_000, 5_000, 10_000))
    assert duration_us(packets) == pytest.approx(1e6 * (10_000 / 5_000 + 5_000 / 10_000), rel=0.002)


@pytest.mark.parametrize("speed", [0.7, 29.9, 7_300.7, 15_100.3])
def test_no_speed_drifts_though_pulses_are_whole_microseconds(speed):
    plan = StepPlan(None, speed)
    packets: list[Pulses] = []
    while duration_us(packets) < 100e6 and len(packets) < 3_000:
        packet = plan.next_pulses()
        assert packet is not None
        packets.append(packet)
    assert steps_in(packets) == pytest.approx(duration_us(packets) / 1e6 * speed, abs=1)


@pytest.mark.parametrize("speed", [0.01, 3.0, 40.0])
def test_a_slow_plan_ends_within_the_lookahead(speed):
    plan = StepPlan(None, speed)
    for _ in range(20):
        packet = plan.next_pulses()
        assert packet is not None
        assert duration_us([packet]) < LOOKAHEAD_US
    plan.stop()
    assert plan.next_pulses() is None


def test_a_stop_that_has_to_be_quick_takes_a_steeper_ramp():
    plan = StepPlan(None, 2_000, 400)
    gone = 0
    while gone < 6_000:
        packet = plan.next_pulses()
        assert packet is not None
        gone += packet.number
    plan.stop(0.5)
    after = rest_of(plan)
    assert duration_us(after) == pytest.approx(500_000, rel=0.02)
    assert steps_in(after) == pytest.approx(2_000 * 0.5 / 2, rel=0.02)


@pytest.mark.parametrize("packets_before", [1, 2, 9, 60])
@pytest.mark.parametrize("acceleration", [0.0, 0.04, 1.0, 30.0])
@pytest.mark.parametrize("speed", [0.001, 0.7, 5.0, 60.0])
@pytest.mark.parametrize("within_s", [0.5, 0.3, 0.0])
def test_a_stop_that_has_to_be_quick_is_so_however_slow_the_steps(within_s, speed, acceleration, packets_before):
    plan = StepPlan(None, speed, acceleration)
    for _ in range(packets_before):
        plan.next_pulses()
    plan.stop(within_s)
    after = rest_of(plan)
    assert duration_us(after) <= within_s * 1e6
    assert steps_in(after) <= speed * within_s


def test_a_new_speed_is_reached_along_the_ramp():
    plan = StepPlan(None, 1_000, 5_000)
    packets = [plan.next_pulses() for _ in range(60)]
    assert plan.change_speed(3_000)
    packets += [plan.next_pulses() for _ in range(100)]
    assert plan.change_speed(200)
    packets += [plan.next_pulses() for _ in range(200)]
    shown = speeds([packet for packet in packets if packet])
    assert shown[59] == pytest.approx(1_000, rel=0.01)
    assert shown[159] == pytest.approx(3_000, rel=0.01)
    assert shown[-1] == pytest.approx(200, rel=0.01)
    assert all(abs(later - earlier) < 200 for earlier, later in pairwise(shown[5:]))


def test_a_slow_plan_that_shall_be_fast_does_not_sit_its_long_pause_out():
    plan = StepPlan(None, 0.01)
    plan.next_pulses()
    assert plan.change_speed(100)
    packets: list[Pulses] = []
    while steps_in(packets) == 0:
        packet = plan.next_pulses()
        assert packet is not None
        packets.append(packet)
    assert duration_us(packets) < 50_000


def test_a_plan_that_ends_takes_no_new_speed():
    counted = StepPlan(10, 100)
    stopping = StepPlan(None, 100)
    stopping.stop()
    assert not counted.change_speed(50)
    assert not stopping.change_speed(50)


def test_no_two_steps_come_closer_than_pulses_can_be_sent():
    packets = rest_of(StepPlan(1_000, 1e6))
    assert {packet.high_us + packet.low_us for packet in packets} == {SHORTEST_US}


def test_whatever_is_asked_in_whatever_order_each_step_is_in_a_packet_and_the_end_comes():
    dice = random.Random(5)
    for _ in range(300):
        plan = StepPlan(dice.choice([None, 1, 10, 5_000]), dice.uniform(1, 9_000), dice.choice([0, 10, 1e3, 1e5]))
        for _ in range(dice.randrange(60)):
            if dice.random() < 0.1:
                plan.change_speed(dice.uniform(0.1, 9_000))
            plan.next_pulses()
        plan.stop(dice.choice([math.inf, 0.5, 0.0]))
        rest_of(plan)
        assert plan.next_pulses() is None
        assert plan.speed == 0.0
