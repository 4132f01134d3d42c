"""A thousand random sequences of commands, faults and changes of mind: what must always be true, is always true.

Nothing here knows in which order things happen. After every step, whatever it was: no bridge has both sides on, no
power is on a motor that was stopped or closed, and the position told is the shaft's.
"""

import asyncio
import contextlib
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from pi_drivers.errors import BusError, DriverError
from pi_drivers.world.servos import ServoKind
from tests.models.random_robot import Robot

A, B, PWM = 5, 6, 12
TICKS = 400
STEPS = 12

CHOSEN = settings(
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""The same sequences every time: a failure in CI is a failure at the desk."""

POWERS = st.one_of(st.sampled_from([0.0, 0.005, 1.0, -1.0]), st.floats(-1, 1))
SPEEDS = st.one_of(st.sampled_from([0.5, -0.5]), st.floats(20, 200), st.floats(-200, -20))
DISTANCES = st.one_of(st.floats(-3, -0.01), st.floats(0.01, 3))


class Motor(RuleBasedStateMachine):
    """One motor on three pins. Subclasses give it an encoder or none."""

    encoder: ClassVar[dict[str, object]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.robot = Robot()
        self.off = True
        """Nobody has asked for motion since it was stopped."""
        self.build()

    def build(self) -> None:
        """Build the components."""
        pins = {"a": "29", "b": "31", "pwm": "32"}
        self.motor = self.robot.build("dc-motor", "m", pins=pins, max_rpm=200, **self.encoder)

    def begin(self, call) -> None:
        """Begin a call that moves the motor; whatever becomes of it, it must not be left behind."""
        self.off = False
        self.robot.call(call)

    @rule(power=POWERS)
    def set_power(self, power: float) -> None:
        self.begin(self.motor.set_power(power))

    @rule(rpm=SPEEDS)
    def set_rpm(self, rpm: float) -> None:
        self.begin(self.motor.set_rpm(rpm))

    @rule(rpm=SPEEDS, revolutions=DISTANCES)
    def go_for(self, rpm: float, revolutions: float) -> None:
        self.begin(self.motor.go_for(rpm, revolutions))

    @rule(powers=st.lists(POWERS, min_size=2, max_size=4))
    def several_at_once(self, powers: list[float]) -> None:
        """Several callers in the very same moment; one of them has the last word."""
        for power in powers[:-1]:
            self.robot.calls.append(self.robot.loop.create_task(self.motor.set_power(power)))
        self.begin(self.motor.go_for(100, powers[-1] + 2))

    @rule(ms=st.integers(1, 1500))
    def time_passes(self, ms: int) -> None:
        self.robot.wait(ms / 1000)

    @rule()
    def stop(self) -> None:
        self.robot.run(self.motor.stop())
        self.off = True

    @precondition(lambda self: any(not call.done() for call in self.robot.calls))
    @rule()
    def every_caller_goes_away(self) -> None:
        for call in self.robot.calls:
            call.cancel()
        with contextlib.suppress(asyncio.CancelledError, DriverError):
            self.robot.run(asyncio.wait_for(self.robot.calls[-1], 1))
        self.off = True

    @rule()
    def rebuild(self) -> None:
        self.motor = self.robot.rebuild("m")
        self.off = True

    @invariant()
    def both_sides_are_never_on(self) -> None:
        a, b, _ = self.robot.duties(A, B, PWM)
        assert not (a and b)
        assert not any(bridge.both_high_seen for bridge in self.robot.world._bridges.values())

    @invariant()
    def what_was_stopped_is_off(self) -> None:
        if self.off:
            assert self.robot.duties(A, B, PWM) == (0.0, 0.0, 0.0)
            assert self.robot.run(self.motor.is_powered()) == (False, 0.0)

    def teardown(self) -> None:
        self.robot.run(self.motor.close())
        assert self.robot.duties(A, B, PWM) == (0.0, 0.0, 0.0)
        self.robot.close()
        assert self.robot.duties(A, B, PWM) == (0.0, 0.0, 0.0)


class MotorWithEncoder(Motor):
    """Its position is known: it must be the shaft's."""

    encoder: ClassVar[dict[str, object]] = {"encoder": "e", "ticks_per_rotation": TICKS}

    def build(self) -> None:
        self.robot.build("incremental-encoder", "e", pins={"a": "38", "b": "40"})
        super().build()
        self.shaft = self.robot.world.shaft("e")
        self.zero_rev = self.shaft.angle_rev()

    @rule(rpm=SPEEDS, position=st.floats(-2, 2))
    def go_to(self, rpm: float, position: float) -> None:
        self.begin(self.motor.go_to(rpm, position))

    @rule(offset=st.floats(-1, 1))
    def reset_zero_position(self, offset: float) -> None:
        here = self.shaft.angle_rev()
        self.robot.run(self.motor.reset_zero_position(offset))
        self.zero_rev = here + offset

    @rule(ms=st.integers(1, 800))
    def something_blocks_the_shaft(self, ms: int) -> None:
        self.shaft.jam()
        self.robot.wait(ms / 1000)
        self.shaft.jam(jammed=False)

    @invariant()
    def its_position_is_the_shafts(self) -> None:
        told = self.robot.run(self.motor.get_position())
        assert told == pytest.approx(self.shaft.angle_rev() - self.zero_rev, abs=2 / TICKS)


class MotorThatBrakes(Motor):
    """Two inputs, a ramp, a rest before each reversal, and brakes: both inputs are high when it stands."""

    def build(self) -> None:
        pins = {"a": "29", "b": "31"}
        gently = {"ramp_ms": 300, "reverse_delay_ms": 100, "stop_mode": "brake"}
        self.motor = self.robot.build("dc-motor", "m", pins=pins, max_rpm=200, **gently)

    @rule()
    def brake(self) -> None:
        self.robot.run(self.motor.do_command({"command": "brake"}))
        assert self.robot.duties(A, B) == (1.0, 1.0)
        self.off = True

    @invariant()
    def both_sides_are_never_on(self) -> None:
        """They are, and that brakes; what must never be is power the other way without a rest between."""
        powered, power = self.robot.run(self.motor.is_powered())
        assert powered is (power != 0.0)
        a, b = self.robot.duties(A, B)
        assert power == pytest.approx(a - b, abs=1e-6)

    @invariant()
    def what_was_stopped_is_off(self) -> None:
        if self.off:
            a, b = self.robot.duties(A, B)
            assert a == b
            assert self.robot.run(self.motor.is_powered()) == (False, 0.0)


class Servo(RuleBasedStateMachine):
    """A servo: its pulses are whole ones, and its position is the horn's."""

    def __init__(self) -> None:
        super().__init__()
        self.robot = Robot()
        self.servo = self.robot.build("servo", "arm", pin="11", slew_deg_per_s=200)
        self.horn = self.robot.world.servo_on(17, ServoKind(lambda width: (width - 500) / 2000 * 180, 200))

    @rule(angle=st.integers(0, 180))
    def move(self, angle: int) -> None:
        self.robot.call(self.servo.move(angle))

    @rule(ms=st.integers(1, 1200))
    def time_passes(self, ms: int) -> None:
        self.robot.wait(ms / 1000)

    @rule()
    def stop(self) -> None:
        self.robot.run(self.servo.stop())

    @rule()
    def release(self) -> None:
        self.robot.run(self.servo.do_command({"command": "release"}))

    @precondition(lambda self: any(not call.done() for call in self.robot.calls))
    @rule()
    def every_caller_goes_away(self) -> None:
        for call in self.robot.calls:
            call.cancel()
        self.robot.wait(0.001)

    @rule()
    def rebuild(self) -> None:
        self.servo = self.robot.rebuild("arm")

    @invariant()
    def every_pulse_is_whole(self) -> None:
        assert self.horn.odd_pulses == []

    @invariant()
    def a_servo_at_rest_is_where_it_says(self) -> None:
        if self.robot.run(self.servo.is_moving()):
            return
        self.robot.wait(0.1)  # a new pulse comes with the next period, and the horn follows it
        with contextlib.suppress(BusError):
            assert self.robot.run(self.servo.get_position()) == pytest.approx(self.horn.angle_deg(), abs=6)

    def teardown(self) -> None:
        self.robot.run(self.servo.close())
        assert self.horn.limp
        assert self.horn.odd_pulses == []
        self.robot.close()


class StepperOnDriver(RuleBasedStateMachine):
    """A stepper with a ramp: whoever ends its motions, its count is the world's."""

    wiring: ClassVar[dict[str, object]] = {
        "pins": {"step": "16", "dir": "18", "en_low": "22"},
        "acceleration_rpm_per_s": 600,
        "max_rpm": 240,
    }

    def __init__(self) -> None:
        super().__init__()
        self.robot = Robot()
        self.stepper = self.robot.build("stepper", "s", ticks_per_rotation=200, **self.wiring)
        self.shaft = self.robot.world.shaft("of s")
        self.zero_rev = 0.0

    def at_rest(self) -> bool:
        """Whether it stands."""
        return not self.robot.run(self.stepper.is_moving())

    @rule(power=POWERS)
    def set_power(self, power: float) -> None:
        self.robot.call(self.stepper.set_power(power))

    @rule(rpm=SPEEDS)
    def set_rpm(self, rpm: float) -> None:
        self.robot.call(self.stepper.set_rpm(rpm))

    @rule(rpm=SPEEDS, revolutions=DISTANCES)
    def go_for(self, rpm: float, revolutions: float) -> None:
        self.robot.call(self.stepper.go_for(rpm, revolutions))

    @rule(rpm=SPEEDS, position=st.floats(-2, 2))
    def go_to(self, rpm: float, position: float) -> None:
        self.robot.call(self.stepper.go_to(rpm, position))

    @rule(ms=st.integers(1, 1500))
    def time_passes(self, ms: int) -> None:
        self.robot.wait(ms / 1000)

    @rule()
    def stop(self) -> None:
        self.robot.run(self.stepper.stop())
        assert self.at_rest()

    @precondition(lambda self: any(not call.done() for call in self.robot.calls))
    @rule()
    def every_caller_goes_away(self) -> None:
        for call in self.robot.calls:
            call.cancel()
        self.robot.wait(0.001)

    @rule(offset=st.floats(-1, 1))
    def reset_zero_position(self, offset: float) -> None:
        self.robot.run(self.stepper.stop())
        self.robot.run(self.stepper.reset_zero_position(offset))
        self.zero_rev = self.shaft.angle_rev() + offset

    @rule()
    def rebuild(self) -> None:
        self.stepper = self.robot.rebuild("s")
        assert self.at_rest()

    @invariant()
    def its_count_is_the_shafts(self) -> None:
        if self.at_rest():
            told = self.robot.run(self.stepper.get_position())
            assert told == pytest.approx(self.shaft.angle_rev() - self.zero_rev, abs=0.5 / 400)
            assert self.robot.run(self.stepper.get_status())["position_unsure_by_steps"] == 0

    def teardown(self) -> None:
        self.robot.run(self.stepper.stop())
        self.robot.wait(0.5)
        self.its_count_is_the_shafts()
        assert self.robot.run(self.stepper.is_powered()) == (False, 0.0)
        self.robot.run(self.stepper.close())
        self.robot.close()


class StepperOfFourCoils(StepperOnDriver):
    """Its coils are written one by one, at speeds that a small geared motor has."""

    wiring: ClassVar[dict[str, object]] = {
        "pins": {"a": "29", "b": "31", "c": "33", "d": "35"},
        "phases": "half",
        "max_rpm": 30,
        "acceleration_rpm_per_s": 100,
    }

    def teardown(self) -> None:
        super().teardown()
        assert self.robot.duties(5, 6, 13, 19) == (0.0, 0.0, 0.0, 0.0)


MACHINES = {
    Motor: 200,
    MotorWithEncoder: 250,
    MotorThatBrakes: 150,
    Servo: 150,
    StepperOnDriver: 200,
    StepperOfFourCoils: 50,
}
"""How many sequences each gets: a thousand in all."""


@pytest.mark.parametrize("machine", list(MACHINES))
def test_whatever_is_commanded_these_hold(machine):
    run_state_machine_as_test(machine, settings=settings(CHOSEN, max_examples=MACHINES[machine]))
