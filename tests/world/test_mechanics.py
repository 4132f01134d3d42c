"""Motors, shafts and discs: physics that a test can reckon by hand."""

import itertools
import math

import pytest

from pi_drivers.world.mechanics import MotorKind
from pi_drivers.world.wires import Pwm
from pi_drivers.world.world import World

S = 1_000_000_000


def test_speed_settles_exponentially_and_the_angle_is_its_integral():
    world = World.by_hand()
    shaft = world.shaft("s")
    shaft.drive(2.0, 0.5)
    world.clock.advance(S // 2)
    assert shaft.speed_rev_s() == pytest.approx(2 * (1 - math.exp(-1)))
    assert shaft.angle_rev() == pytest.approx(2 * (0.5 - 0.5 * (1 - math.exp(-1))))


def test_the_angle_is_the_same_however_time_is_cut():
    whole, pieces = World.by_hand(), World.by_hand()
    for world in (whole, pieces):
        world.shaft("s").drive(3.0, 0.1)
    whole.clock.advance(10 * S)
    for _ in range(1000):
        pieces.clock.advance(S // 100)
    assert whole.shaft("s").angle_rev() == pytest.approx(pieces.shaft("s").angle_rev(), abs=1e-12)


def test_a_coasting_shaft_comes_to_rest():
    world = World.by_hand()
    shaft = world.shaft("s")
    shaft.drive(3.0, 0.1)
    world.clock.advance(2 * S)
    shaft.drive(0.0, 0.1)
    world.clock.advance(2 * S)
    assert shaft.speed_rev_s() == 0.0
    resting = shaft.angle_rev()
    world.clock.advance(100 * S)
    assert shaft.angle_rev() == resting
    assert world.clock.next_event_ns() is None


def test_a_jammed_shaft_stands_and_turns_again_when_let_go():
    world = World.by_hand()
    shaft = world.shaft("s")
    shaft.drive(3.0, 0.1)
    world.clock.advance(S)
    shaft.jam()
    stuck = shaft.angle_rev()
    world.clock.advance(S)
    assert (shaft.angle_rev(), shaft.speed_rev_s()) == (stuck, 0.0)
    shaft.jam(jammed=False)
    world.clock.advance(S)
    assert shaft.angle_rev() > stuck + 1


@pytest.mark.parametrize("start", [5.0, -5.0])
def test_every_edge_comes_once_in_order_and_at_its_angle_through_a_reversal(start):
    world = World.by_hand()
    shaft = world.shaft("s")
    world.disc_on("s", 20, 21, 25)
    edges: list[tuple[int, float]] = []
    for offset in (20, 21):
        world.wire(offset).on_level(lambda level, now_ns: edges.append((now_ns, shaft.angle_rev())))
    shaft.drive(start, 0.1)
    world.clock.advance(S)
    shaft.drive(-start, 0.1)
    world.clock.advance(2 * S)
    quarters = [angle * 100 for _, angle in edges]
    assert all(abs(quarter - round(quarter)) < 1e-5 for quarter in quarters)
    steps = [round(b) - round(a) for a, b in itertools.pairwise(quarters)]
    assert set(steps) <= {1, -1, 0}
    assert steps.count(0) == 1  # at the reversal the same boundary is crossed back


def feed(world: World, bridge, **signals):
    for name, signal in signals.items():
        getattr(bridge, name).drive_from_pi(signal)


def test_a_bridge_turns_its_inputs_into_speed():
    world = World.by_hand()
    bridge = world.motor_on("s", {"a": 5, "b": 6, "pwm": 12}, MotorKind(free_rpm=120, dead_band=0.0))
    half = Pwm(1000, 500, 0)
    for a, b, pwm, speed in (
        (True, False, True, 2.0),
        (False, True, half, -1.0),
        (True, True, True, 0.0),
        (False, False, True, 0.0),
        (True, False, False, 0.0),
    ):
        feed(world, bridge, a=a, b=b, pwm=pwm)
        world.clock.advance(5 * S)
        assert world.shaft("s").speed_rev_s() == pytest.approx(speed, abs=1e-6)
    assert bridge.both_high_seen


def test_direction_and_enable_inputs():
    world = World.by_hand()
    wires = {"direction": 5, "pwm": 6, "enable_high": 12, "enable_low": 13}
    bridge = world.motor_on("s", wires, MotorKind(free_rpm=60, dead_band=0.0))
    feed(world, bridge, direction=False, pwm=True, enable_high=True, enable_low=False)
    world.clock.advance(5 * S)
    assert world.shaft("s").speed_rev_s() == pytest.approx(-1.0)
    feed(world, bridge, enable_low=True)
    world.clock.advance(5 * S)
    assert world.shaft("s").speed_rev_s() == 0.0


def test_power_within_the_dead_band_does_not_turn_the_motor():
    world = World.by_hand()
    bridge = world.motor_on("s", {"a": 5, "b": 6, "pwm": 12}, MotorKind(dead_band=0.2))
    feed(world, bridge, a=True, b=False, pwm=Pwm(1000, 190, 0))
    world.clock.advance(S)
    assert world.shaft("s").angle_rev() == 0.0
    feed(world, bridge, pwm=Pwm(1000, 300, 0))
    world.clock.advance(S)
    assert world.shaft("s").angle_rev() > 0.1


def test_an_unplugged_disc_leaves_its_wires_to_the_pulls():
    world = World.by_hand()
    disc = world.disc_on("s", 20, 21, 25)
    disc.unplug()
    heard: list[bool] = []
    world.wire(20).on_level(lambda level, now_ns: heard.append(level))
    world.shaft("s").drive(2.0, 0.1)
    world.clock.advance(S)
    assert heard == []
    disc.plug()
    world.clock.advance(S)
    assert heard
