"""A thousand random sequences of commands and mishaps on a line that nobody answers on.

After every step: a motor that was stopped has no power as soon as its driver can have heard it, and one that cannot be
reached has a driver that stops it by itself. In the end, when everything was put right, it can be used again.
"""

import contextlib

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from pi_drivers.errors import DriverError
from pi_drivers.models.motor.sabertooth_twin import SabertoothTwin
from tests.models.random_robot import Robot
from tests.models.sabertooths import PORT

CHOSEN = settings(
    max_examples=500,  # of each of the two
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""The same sequences every time: a failure in CI is a failure at the desk."""

HEARD_S = 0.04
"""After so long a stop has been heard, if the line is well."""
FOUND_S = 5.0
"""After so long a line that is back has been found."""

POWERS = st.one_of(st.sampled_from([0.0, 0.005, 1.0, -1.0]), st.floats(-1, 1))
SPEEDS = st.one_of(st.sampled_from([0.5, -0.5]), st.floats(20, 100), st.floats(-100, -20))


class Motor(RuleBasedStateMachine):
    """One motor on a driver, and a line that may be broken."""

    ramp_ms = 0

    def __init__(self) -> None:
        super().__init__()
        self.robot = Robot()
        self.off = True
        """Nobody has asked for motion since it was stopped on a sound line."""
        self.hangs = False
        self.motor = self.robot.build("sabertooth", "m", serial_path=PORT, channel=1, max_rpm=100, ramp_ms=self.ramp_ms)
        self.line = self.robot.world.serial(PORT)
        assert isinstance(self.line.device, SabertoothTwin)
        self.twin = self.line.device

    @property
    def power(self) -> int:
        """What the motor has."""
        return self.twin.boards[128].powers[1]

    @rule(power=POWERS)
    def set_power(self, power: float) -> None:
        self.off = False
        self.robot.call(self.motor.set_power(power))

    @rule(rpm=SPEEDS)
    def set_rpm(self, rpm: float) -> None:
        self.off = False
        self.robot.call(self.motor.set_rpm(rpm))

    @rule(rpm=SPEEDS, revolutions=st.one_of(st.floats(-3, -0.01), st.floats(0.01, 3)))
    def go_for(self, rpm: float, revolutions: float) -> None:
        self.off = False
        self.robot.call(self.motor.go_for(rpm, revolutions))

    @rule(ms=st.integers(1, 1500))
    def time_passes(self, ms: int) -> None:
        self.robot.wait(ms / 1000)

    @rule()
    def stop(self) -> None:
        with contextlib.suppress(DriverError):
            self.robot.run(self.motor.stop())
            self.off = self.line.present and not self.hangs
        self.robot.wait(HEARD_S)

    @rule()
    def every_caller_goes_away(self) -> None:
        for call in self.robot.calls:
            call.cancel()

    @rule()
    def its_cable_is_pulled(self) -> None:
        self.line.unplug()

    @rule()
    def its_cable_is_put_back(self) -> None:
        self.line.replug()

    @rule(hangs=st.booleans())
    def the_port_hangs_or_goes_on(self, hangs: bool) -> None:
        self.hangs = hangs
        self.line.to_far_end.hold(hangs)

    @rule(noise=st.binary(min_size=1, max_size=3))
    def there_is_noise(self, noise: bytes) -> None:
        self.twin.received(noise)

    @rule(ms=st.integers(100, 1500))
    def the_process_stands_still(self, ms: int) -> None:
        self.robot.world.clock.advance(ms * 1_000_000)

    @invariant()
    def what_was_stopped_is_off(self) -> None:
        if self.off:
            assert self.power == 0

    @invariant()
    def what_cannot_be_reached_stops_by_itself(self) -> None:
        if self.power and (self.hangs or not self.line.present):
            assert self.twin.boards[128].timeout_ms

    def teardown(self) -> None:
        self.line.to_far_end.hold(False)
        self.line.replug()
        self.robot.wait(FOUND_S)
        self.robot.run(self.motor.stop())
        self.robot.wait(HEARD_S)
        assert self.power == 0
        assert self.robot.run(self.motor.is_powered()) == (False, 0.0)
        assert not self.robot.run(self.motor.is_moving())
        self.robot.run(self.motor.set_power(0.5))
        self.robot.wait(1)
        assert self.power == 64
        self.robot.run(self.motor.close())
        self.robot.wait(HEARD_S)
        assert self.power == 0
        self.robot.close()


class RampingMotor(Motor):
    """Its power changes little by little."""

    ramp_ms = 300


def test_whatever_happens_a_stop_stops_it_and_it_can_be_used_again():
    run_state_machine_as_test(Motor, settings=CHOSEN)


def test_whatever_happens_while_it_ramps_a_stop_stops_it_and_it_can_be_used_again():
    run_state_machine_as_test(RampingMotor, settings=CHOSEN)
