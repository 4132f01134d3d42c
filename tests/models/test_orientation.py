"""The complementary filter, fed with what sensors would feel on a robot that turns, and compared with how it then lies.

The robot's attitude is worked out with matrices by the world, the filter's with quaternions.
"""

import math

import pytest

from pi_drivers.models.movement_sensor.mpu6050_chip import Vector
from pi_drivers.models.movement_sensor.orientation import (
    LONGEST_GAP_NS,
    OrientationFilter,
    angles_of,
    orientation_of,
)
from pi_drivers.world.clock import HandClock
from pi_drivers.world.pose import GRAVITY, Matrix, Pose, Triple, product, turned

STEP_NS = 20_000_000
NO_BIAS: Triple = (0.0, 0.0, 0.0)


class Flight:
    """A robot with a sensor on it, and the filter that hears of it fifty times a second."""

    def __init__(self, roll: float = 0, pitch: float = 0, bias: Triple = NO_BIAS) -> None:
        self.clock = HandClock()
        self.pose = Pose(self.clock)
        self.pose.put(roll, pitch, 0)
        self.bias = bias
        self.filter = OrientationFilter()
        self.hear()

    def hear(self) -> None:
        now_ns = self.clock.now_ns()
        rates = Vector(*(rate + bias for rate, bias in zip(self.pose.rates_at(now_ns), self.bias, strict=True)))
        self.filter.take(now_ns, rates, Vector(*self.pose.force_at(now_ns)))

    def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds * 1e9 / STEP_NS)):
            self.clock.advance(STEP_NS)
            self.hear()

    @property
    def angles(self) -> tuple[float, float, float]:
        assert self.filter.attitude is not None
        return angles_of(self.filter.attitude)

    def off_by_deg(self) -> float:
        """The angle between what Viam's orientation vector says and how it lies."""
        assert self.filter.attitude is not None
        said = orientation_of(self.filter.attitude)
        return apart_deg(
            as_viam_reads_it(said.o_x, said.o_y, said.o_z, said.theta), self.pose.attitude_at(self.clock.now_ns())
        )


def as_viam_reads_it(x: float, y: float, z: float, theta_deg: float) -> Matrix:
    """The rotation that an orientation vector stands for: about z, y and z; the first is none when it points up."""
    longitude = math.atan2(y, x) if 1 - abs(z) > 1e-4 else 0.0
    latitude = math.acos(max(-1.0, min(1.0, z)))
    return product(
        product(turned((0, 0, longitude)), turned((0, latitude, 0))), turned((0, 0, math.radians(theta_deg)))
    )


def apart_deg(one: Matrix, other: Matrix) -> float:
    trace = sum(a * b for row, other_row in zip(one, other, strict=True) for a, b in zip(row, other_row, strict=True))
    return math.degrees(math.acos(max(-1.0, min(1.0, (trace - 1) / 2))))


LYING = [(roll, pitch) for roll in range(-180, 181, 45) for pitch in (-89, -60, -30, 0, 30, 60, 89)]


@pytest.mark.parametrize(("roll", "pitch"), LYING)
def test_the_first_sample_tells_how_it_lies_in_every_quadrant(roll, pitch):
    flight = Flight(roll, pitch)
    found = flight.angles
    assert math.remainder(found[0] - roll, 360) == pytest.approx(0, abs=1e-6)
    assert found[1] == pytest.approx(pitch, abs=1e-6)
    assert found[2] == pytest.approx(0, abs=1e-6)
    assert flight.off_by_deg() < 1.0  # as far as an orientation vector is vague near the poles


@pytest.mark.parametrize(
    "rates", [(90, 0, 0), (-90, 0, 0), (0, 90, 0), (0, -90, 0), (0, 0, 90), (0, 0, -90), (40, -70, 25)]
)
@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 4.0, 9.0])
def test_it_follows_any_turn_through_all_quadrants_and_over_the_top(rates, seconds):
    flight = Flight()
    flight.pose.turn(*rates)
    flight.hear()
    flight.go_on(seconds)
    assert flight.off_by_deg() < 1.0


def test_a_turn_of_90_degrees_a_second_is_90_degrees_after_a_second_whatever_the_sampling():
    for step_ns in (10_000_000, 20_000_000, 37_000_000):
        flight = Flight()
        flight.pose.turn(0, 0, 90)
        flight.hear()
        while flight.clock.now_ns() < 1_000_000_000:
            flight.clock.advance(min(step_ns, 1_000_000_000 - flight.clock.now_ns()))
            flight.hear()
        assert flight.angles == pytest.approx((0, 0, 90), abs=1e-6)


def test_straight_up_all_of_the_turn_counts_as_yaw_and_nothing_jumps_about():
    flight = Flight(0, 90)
    flight.pose.turn(90, 0, 0)  # about the sensor's own x axis, which points down
    flight.hear()
    flight.go_on(1)
    roll, pitch, yaw = flight.angles
    assert (roll, pitch) == pytest.approx((0, 90), abs=0.1)
    assert yaw == pytest.approx(-90, abs=0.5)
    assert flight.off_by_deg() < 0.5


def test_what_the_gyroscope_adds_up_wrongly_gravity_leads_back():
    flight = Flight(20, 10)
    flight.filter = OrientationFilter()
    flight.filter.take(flight.clock.now_ns(), Vector(0, 0, 0), Vector(0, 0, GRAVITY))  # taken to lie level
    flight.go_on(1)
    assert flight.angles[0] == pytest.approx(20 * (1 - math.exp(-1)), abs=1)
    flight.go_on(9)
    assert flight.angles[:2] == pytest.approx((20, 10), abs=0.1)


def test_a_bias_tilts_it_a_little_and_turns_yaw_on_and_on():
    flight = Flight(bias=(1.0, 0.0, 1.0))
    flight.go_on(60)
    roll, _, yaw = flight.angles
    assert roll == pytest.approx(1.0, abs=0.1)
    assert yaw == pytest.approx(60, abs=1)


def test_a_push_forward_is_not_taken_for_a_tilt():
    flight = Flight()
    flight.pose.push(12, 0, 0)
    flight.go_on(2)
    assert flight.off_by_deg() < 0.01


def test_upside_down_it_is_led_back_though_every_way_is_as_long():
    flight = Flight()
    flight.pose.put(180, 0, 0)
    flight.go_on(20)
    assert abs(flight.angles[0]) == pytest.approx(180, abs=0.1)


def test_after_a_gap_it_begins_anew_from_gravity_and_counts_it():
    flight = Flight()
    flight.pose.turn(0, 0, 90)
    flight.go_on(1)
    flight.pose.turn(0, 0, 0)
    flight.pose.put(-120, 45, 0)
    flight.clock.advance(LONGEST_GAP_NS + 1)
    flight.hear()
    assert flight.angles == pytest.approx((-120, 45, 0), abs=1e-6)
    assert flight.filter.restarts == 1
    flight.clock.advance(LONGEST_GAP_NS)
    flight.hear()
    assert flight.filter.restarts == 1


def test_turns_that_are_not_known_make_it_begin_anew():
    flight = Flight()
    flight.go_on(1)
    flight.clock.advance(STEP_NS)
    flight.filter.take(flight.clock.now_ns(), None, Vector(0, 0, GRAVITY))
    assert flight.filter.attitude is None
    flight.pose.put(0, 30, 0)
    flight.go_on(0.1)
    assert flight.angles == pytest.approx((0, 30, 0), abs=1e-6)
    assert flight.filter.restarts == 1


@pytest.mark.parametrize("acceleration", [Vector(0, 0, 0), Vector(15, 0, 8), None])
def test_without_gravity_alone_nothing_is_known_of_how_it_lies(acceleration):
    fresh = OrientationFilter()
    fresh.take(0, Vector(0, 0, 0), acceleration)
    assert fresh.attitude is None


def test_swaying_is_followed():
    flight = Flight()
    flight.pose.sway_deg = 30
    flight.filter = OrientationFilter()
    flight.hear()
    for _ in range(40):
        flight.go_on(0.2)
        assert flight.off_by_deg() < 1.0
