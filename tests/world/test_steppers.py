"""The steppers of the simulated Pi, alone: what they follow, what they lose, and what sits on their shaft."""

import pytest

from pi_drivers.world.four_phase import FourPhaseStepper
from pi_drivers.world.steppers import StepDirStepper, StepperKind
from pi_drivers.world.switches import TurnSwitch
from pi_drivers.world.wires import Pwm
from pi_drivers.world.world import World

MICROSECOND, MILLISECOND, SECOND = 1_000, 1_000_000, 1_000_000_000
STEP, DIR, ENABLE = 1, 2, 3
COILS = (4, 5, 6, 7)


@pytest.fixture
def world() -> World:
    return World.by_hand()


@pytest.fixture
def stepper(world: World) -> StepDirStepper:
    """A motor of 200 steps, with current, that is to turn forward."""
    for line, level in ((STEP, False), (DIR, True), (ENABLE, False)):
        world.wire(line).drive_from_pi(level)
    made = world.stepper_on("s", {"step": STEP, "direction": DIR, "enable_low": ENABLE}, StepperKind())
    world.clock.advance(SECOND)
    assert isinstance(made, StepDirStepper)
    return made


def send(world: World, number: int, period_ns: int) -> None:
    """So many pulses, as counted ones come: one wave, and then low."""
    world.wire(STEP).drive_from_pi(Pwm(period_ns, period_ns // 2, world.clock.now_ns()))
    world.clock.advance(number * period_ns)
    world.wire(STEP).drive_from_pi(False)


def steps(world: World, a_turn: int = 200) -> float:
    return world.shaft("s").angle_rev() * a_turn


def test_each_rising_edge_of_a_wave_is_a_step_and_no_more(world: World, stepper: StepDirStepper):
    for number in (1, 7, 500):
        before = steps(world)
        send(world, number, MILLISECOND)
        assert steps(world) - before == pytest.approx(number)
    assert stepper.lost == 0


def test_packets_that_follow_each_other_lose_and_gain_nothing(world: World, stepper: StepDirStepper):
    for period_us in (900, 700, 650, 700, 900):
        world.wire(STEP).drive_from_pi(Pwm(period_us * MICROSECOND, 50 * MICROSECOND, world.clock.now_ns()))
        world.clock.advance(10 * period_us * MICROSECOND)
    world.wire(STEP).drive_from_pi(False)
    assert steps(world) == pytest.approx(50)
    assert stepper.lost == 0


def test_a_wave_that_is_cut_has_made_the_steps_it_began(world: World, stepper: StepDirStepper):
    world.wire(STEP).drive_from_pi(Pwm(10 * MILLISECOND, 5 * MILLISECOND, world.clock.now_ns()))
    world.clock.advance(32 * MILLISECOND)
    world.wire(STEP).drive_from_pi(False)
    world.clock.advance(SECOND)
    assert steps(world) == pytest.approx(4)


def test_single_pulses_are_steps_too(world: World, stepper: StepDirStepper):
    for level in (True, False) * 3:
        world.wire(STEP).drive_from_pi(level)
        world.clock.advance(5 * MILLISECOND)
    assert steps(world) == pytest.approx(3)
    assert stepper.lost == 0


def test_the_direction_counts_at_the_edge(world: World, stepper: StepDirStepper):
    world.wire(STEP).drive_from_pi(Pwm(10 * MILLISECOND, 5 * MILLISECOND, world.clock.now_ns()))
    world.clock.advance(25 * MILLISECOND)
    world.wire(DIR).drive_from_pi(False)
    world.clock.advance(50 * MILLISECOND)
    assert steps(world) == pytest.approx(3 - 5)


def test_a_step_right_behind_a_change_of_direction_is_hasty(world: World, stepper: StepDirStepper):
    world.wire(DIR).drive_from_pi(False)
    send(world, 1, MILLISECOND)
    assert stepper.hasty == 1
    world.clock.advance(MILLISECOND)
    send(world, 1, MILLISECOND)
    assert stepper.hasty == 1


def test_steps_without_current_or_against_a_jam_are_lost(world: World, stepper: StepDirStepper):
    world.wire(ENABLE).drive_from_pi(True)
    send(world, 5, MILLISECOND)
    world.wire(ENABLE).drive_from_pi(False)
    stepper.jam()
    send(world, 7, MILLISECOND)
    stepper.jam(False)
    send(world, 2, MILLISECOND)
    assert stepper.lost == 12
    assert steps(world) == pytest.approx(2)


def test_a_start_that_is_too_fast_is_lost_and_one_by_degrees_is_not(world: World, stepper: StepDirStepper):
    send(world, 100, 250 * MICROSECOND)
    assert (stepper.lost, steps(world)) == (100, 0)
    for period_us in (600, 350, 250):
        send(world, 100, period_us * MICROSECOND)
    assert stepper.lost == 100
    world.clock.advance(SECOND)
    send(world, 100, 250 * MICROSECOND)
    assert stepper.lost == 200


def test_no_motor_follows_any_pace(world: World, stepper: StepDirStepper):
    for period_us in (600, 300, 200, 150, 120, 100, 84, 72, 63, 56, 51, 46):
        send(world, 50, period_us * MICROSECOND)
    assert stepper.lost == 50


def test_an_encoder_s_disc_on_the_shaft_sees_every_step_at_its_time(world: World, stepper: StepDirStepper):
    edges: list[int] = []
    world.disc_on("s", 10, 11, 50)  # a quarter of a cycle is a step
    for line in (10, 11):
        world.wire(line).on_level(lambda level, now_ns: edges.append(now_ns))
    began_ns = world.clock.now_ns()
    send(world, 40, 2 * MILLISECOND)
    world.clock.advance(MILLISECOND)
    assert [round((edge - began_ns) / MILLISECOND, 3) for edge in sorted(edges)] == [2 * number for number in range(40)]


def test_a_switch_is_pressed_at_its_exact_step_from_either_side(world: World, stepper: StepDirStepper):
    switch = world.switch_on("s", 12, (0.1, 0.15), active_low=False)
    assert isinstance(switch, TurnSwitch)
    seen: list[tuple[bool, float]] = []
    world.wire(12).on_level(lambda level, now_ns: seen.append((level, round(steps(world)))))
    send(world, 250, MILLISECOND)
    world.wire(DIR).drive_from_pi(False)
    world.clock.advance(MILLISECOND)
    send(world, 240, MILLISECOND)
    assert seen == [
        (True, 20),
        (False, 30),
        (True, 220),
        (False, 230),
        (True, 229),
        (False, 219),
        (True, 29),
        (False, 19),
    ]


def coils(world: World, pattern: str) -> None:
    for line, level in zip(COILS, pattern, strict=True):
        world.wire(line).drive_from_pi(level == "1")
    world.clock.advance(10 * MILLISECOND)


@pytest.fixture
def four_phase(world: World) -> FourPhaseStepper:
    made = world.stepper_on("s", dict(zip("abcd", COILS, strict=True)), StepperKind())
    assert isinstance(made, FourPhaseStepper)
    return made


def test_the_rotor_follows_the_coils(world: World, four_phase: FourPhaseStepper):
    for pattern in ("1000", "1100", "0100", "0110", "0010", "0011", "0001", "1001", "1000"):
        coils(world, pattern)
    assert steps(world) == pytest.approx(4)
    for pattern in ("1001", "0011", "0110"):
        coils(world, pattern)
    assert steps(world) == pytest.approx(1.5)


def test_a_pattern_straight_across_moves_nothing(world: World, four_phase: FourPhaseStepper):
    coils(world, "1100")
    coils(world, "0011")
    assert steps(world) == 0
    assert four_phase.lost == 1


def test_current_through_both_halves_of_a_winding_is_noticed(world: World, four_phase: FourPhaseStepper):
    coils(world, "1000")
    coils(world, "1010")
    assert four_phase.impossible == 1


def test_without_current_the_rotor_stays(world: World, four_phase: FourPhaseStepper):
    coils(world, "1000")
    coils(world, "0100")
    coils(world, "0000")
    assert steps(world) == pytest.approx(1)
    coils(world, "0100")
    assert steps(world) == pytest.approx(1)


def test_coils_that_change_too_soon_leave_the_rotor_behind(world: World, four_phase: FourPhaseStepper):
    coils(world, "1000")
    for line, level in ((5, True), (4, False), (6, True), (5, False)):
        world.clock.advance(MICROSECOND)
        world.wire(line).drive_from_pi(level)
    assert four_phase.lost > 0
