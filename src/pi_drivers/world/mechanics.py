"""What hangs on the wires and moves: a bridge feeds a motor, and the motor turns a shaft.

The physics goes as far as drivers can tell. A brushed motor answers voltage with a speed that settles exponentially
(first order, its mechanical time constant), does not start below a dead band of voltage, and runs on for a while when
the bridge lets go. Between two changes of voltage its angle is a formula of time, so edges come at their exact moments
and nothing drifts, however long the world runs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pi_drivers.world.wires import Wire, duty_of

if TYPE_CHECKING:
    from pi_drivers.world.clock import Timer, WorldClock

SECOND = 1_000_000_000
ENDLESS_S = 1e6
REST_REV_S = 0.002
"""Below this speed an unpowered shaft has come to rest (dry friction)."""
ANGLE_RESOLUTION_REV = 1e-10
"""Angles closer than this are the same: it is far finer than any disc, and far coarser than a float's rounding."""


def shaft_of(motor: str) -> str:
    """The shaft of a motor that names no encoder, by the motor's name, short or full."""
    return f"of {motor.rpartition('/')[2]}"


@dataclass(frozen=True)
class MotorKind:
    """A small brushed gear motor with its load."""

    free_rpm: float = 200.0
    """Speed at full power; negative where the motor's leads are swapped."""
    dead_band: float = 0.08
    """The power below which friction keeps it from turning."""
    time_constant_s: float = 0.06
    """How fast the speed settles under power, and with the terminals shorted."""
    coast_constant_s: float = 0.12
    """How fast the speed decays with the terminals open."""


class Shaft:
    """A turning shaft with what sits on it. Used under the clock's lock."""

    def __init__(self, name: str, clock: "WorldClock") -> None:
        self.name = name
        self._clock = clock
        self._since_ns = 0
        self._angle_rev = 0.0
        self._speed_rev_s = 0.0
        self._target_rev_s = 0.0
        self._constant_s = 0.1
        self._jammed = False
        self._rest: Timer | None = None
        self._moved: list[Callable[[], None]] = []

    def drive(self, target_rev_s: float, constant_s: float) -> None:
        """From now on the speed tends to a target, with a time constant."""
        self._hold_state()
        self._target_rev_s = target_rev_s
        self._constant_s = constant_s
        self._replan()

    def jam(self, jammed: bool = True) -> None:
        """Something blocks the shaft, or (False) lets go of it."""
        self._hold_state()
        self._jammed = jammed
        self._speed_rev_s = 0.0
        self._replan()

    def turn_by_hand(self, revolutions: float) -> None:
        """Move the shaft at once, as a hand does with the power off: encoders see every edge of it."""
        self._hold_state()
        self._angle_rev += revolutions
        self._replan()

    def angle_rev(self) -> float:
        """Revolutions since the world began."""
        return self.angle_after(self._elapsed_s())

    def speed_rev_s(self) -> float:
        """Revolutions per second."""
        return self._speed_after(self._elapsed_s())

    def on_change(self, moved: Callable[[], None]) -> Callable[[], None]:
        """Be told that the motion has changed, so that planned edges are stale; returns the function that ends it."""
        self._moved.append(moved)
        return lambda: self._moved.remove(moved)

    @property
    def since_ns(self) -> int:
        """When the present stretch of motion began."""
        return self._since_ns

    def angle_after(self, seconds: float) -> float:
        """The angle so long after the stretch began, if nothing changes."""
        if self._jammed:
            return self._angle_rev
        lag = self._speed_rev_s - self._target_rev_s
        decay = -math.expm1(-seconds / self._constant_s)
        return self._angle_rev + self._target_rev_s * seconds + lag * self._constant_s * decay

    def seconds_until(self, angle_rev: float) -> float | None:
        """When the shaft reaches an angle ahead, in seconds from the stretch's beginning; None: not in this stretch.

        Within a stretch the angle only grows or only falls (a reversal begins a new one), so there is one such moment.
        """
        low, horizon = self._elapsed_s(), self._stretch_s()
        ahead = angle_rev > self.angle_after(low)
        high = low + 0.001
        while high < horizon and (self.angle_after(high) < angle_rev) is ahead:
            low, high = high, high + 2 * (high - low)
        if high >= horizon:
            high = horizon
            if (self.angle_after(high) < angle_rev) is ahead:
                return None
        return self._find(angle_rev, low, high, ahead)

    def _find(self, angle_rev: float, low: float, high: float, ahead: bool) -> float:
        """Newton's steps, kept inside the bracket."""
        guess = (low + high) / 2
        while high - low > 1e-10:
            missing = angle_rev - self.angle_after(guess)
            if (missing > 0) is ahead:
                low = guess
            else:
                high = guess
            if abs(missing) < ANGLE_RESOLUTION_REV:
                return guess
            speed = self._speed_after(guess)
            step = guess + missing / speed if speed else low
            guess = step if low < step < high else (low + high) / 2
        return high

    def heads(self, direction: int) -> bool:
        """Whether the shaft turns, or begins to turn, forward (1) or backward (-1)."""
        return not self._jammed and (self._speed_rev_s or self._target_rev_s) * direction > 0

    def _speed_after(self, seconds: float) -> float:
        if self._jammed:
            return 0.0
        lag = self._speed_rev_s - self._target_rev_s
        return self._target_rev_s + lag * math.exp(-seconds / self._constant_s)

    def _elapsed_s(self) -> float:
        return (self._clock.now_ns() - self._since_ns) / SECOND

    def _hold_state(self) -> None:
        now_ns = self._clock.now_ns()
        elapsed = (now_ns - self._since_ns) / SECOND
        self._angle_rev, self._speed_rev_s = self.angle_after(elapsed), self._speed_after(elapsed)
        self._since_ns = now_ns

    def _stretch_s(self) -> float:
        """How long the formula holds: until the speed passes through zero, or friction brings the shaft to rest."""
        if self._jammed or self._speed_rev_s == self._target_rev_s == 0.0:
            return 0.0
        if self._target_rev_s == 0.0:
            return self._constant_s * max(0.0, math.log(abs(self._speed_rev_s) / REST_REV_S))
        if self._speed_rev_s * self._target_rev_s < 0:
            return self._constant_s * math.log1p(abs(self._speed_rev_s / self._target_rev_s))
        return ENDLESS_S

    def _replan(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        stretch = self._stretch_s()
        if stretch == 0.0:
            self._speed_rev_s = 0.0  # at rest, or jammed: until something changes
        elif stretch < ENDLESS_S:
            self._rest = self._clock.at(self._since_ns + math.ceil(stretch * SECOND), self._end_stretch)
        for moved in list(self._moved):
            moved()

    def _end_stretch(self) -> None:
        self._hold_state()
        self._speed_rev_s = 0.0
        self._replan()


class Motor:
    """A brushed motor on a shaft, fed by a bridge."""

    def __init__(self, shaft: Shaft, kind: MotorKind) -> None:
        self.shaft = shaft
        self.kind = kind
        self._load = 0.0
        self._fed = (0.0, True)

    def feed(self, voltage: float, *, open_terminals: bool) -> None:
        """Apply a share of the supply voltage (-1..1); 0 brakes, and with open terminals the motor coasts."""
        self._fed = (voltage, open_terminals)
        kind = self.kind
        if open_terminals:
            self.shaft.drive(0.0, kind.coast_constant_s)
            return
        beyond = max(0.0, (abs(voltage) - kind.dead_band) / (1 - kind.dead_band) - self._load)
        self.shaft.drive(math.copysign(beyond, voltage) * kind.free_rpm / 60, kind.time_constant_s)

    def put_load(self, load: float) -> None:
        """From now on something rubs: it takes this share of the torque with which the motor starts (0 for nothing).

        A brushed motor's speed falls in proportion to its torque, so the load takes the same share of its free speed.
        """
        self._load = load
        voltage, open_terminals = self._fed
        self.feed(voltage, open_terminals=open_terminals)


@dataclass
class HBridge:
    """Four switches on up to three wires: in1/in2 with or without enable, or direction and PWM.

    Both inputs low leaves the motor's terminals open; both high shorts them, which brakes. An enable input that is low
    opens them too.
    """

    motor: Motor
    a: Wire | None = None
    b: Wire | None = None
    pwm: Wire | None = None
    direction: Wire | None = None
    enable_high: Wire | None = None
    enable_low: Wire | None = None
    both_high_seen: bool = field(default=False, init=False)
    """Whether the terminals were shorted with power on: right when somebody brakes, and else a waste of current."""

    def __post_init__(self) -> None:
        self._unlisten = [wire.on_signal(self.update) for wire in self.wires]

    @property
    def wires(self) -> list[Wire]:
        """The wires it is on."""
        inputs = (self.a, self.b, self.pwm, self.direction, self.enable_high, self.enable_low)
        return [wire for wire in inputs if wire is not None]

    def remove(self) -> None:
        """Take the motor off its wires and its shaft."""
        for unlisten in self._unlisten:
            unlisten()
        self.motor.feed(0.0, open_terminals=True)

    def update(self) -> None:
        """Feed the motor what the wires say."""
        enabled = (duty_of(self.enable_high.signal) if self.enable_high else 1.0) * (
            1.0 - duty_of(self.enable_low.signal) if self.enable_low else 1.0
        )
        if self.a is not None and self.b is not None:
            power, is_open = self._from_inputs(duty_of(self.a.signal), duty_of(self.b.signal))
        else:
            power, is_open = self._from_direction()
        self.motor.feed(power * enabled, open_terminals=is_open or enabled == 0.0)

    def _from_inputs(self, a: float, b: float) -> tuple[float, bool]:
        enable = duty_of(self.pwm.signal) if self.pwm is not None else 1.0
        self.both_high_seen = self.both_high_seen or (a == b == 1.0 and enable > 0.0)
        return (a - b) * enable, (a == b == 0.0) or enable == 0.0

    def _from_direction(self) -> tuple[float, bool]:
        if self.direction is None or self.pwm is None:
            return 0.0, True
        power = duty_of(self.pwm.signal)
        return (power if duty_of(self.direction.signal) == 1.0 else -power), power == 0.0
