"""How the power of a motor may change: no faster than a ramp, and not at once into the other direction.

A sudden step of power is a jerk for the gears and a surge for the battery, and a motor that is reversed while it turns
draws twice its stall current. This is plain arithmetic: power is -1 to 1, time comes in nanoseconds from its user.
"""

import math

STEP_NS = 10_000_000
"""How often a ramp takes a step on a board of this process. A first step is as large, however long the pause was."""
LONGEST_STEP_NS = 100_000_000
"""What a ramp makes up for on its way when its steps come late, as on a board of another module."""


class PowerShaper:
    """The ramp and the reversal delay of one motor. Remembers what was applied, and when it was off."""

    def __init__(self, ramp_ns: int, reverse_delay_ns: int) -> None:
        """Prepare, with the power off.

        Args:
            ramp_ns: the time from no power to full power and back; 0 for none.
            reverse_delay_ns: how long the power stays off between two directions.
        """
        self._ramp_ns = ramp_ns
        self._delay_ns = reverse_delay_ns
        self._power = 0.0
        self._direction = 0.0
        self._off_since_ns = -reverse_delay_ns
        self._stepped_ns = -STEP_NS
        self._on_its_way = False

    def step(self, wanted: float, now_ns: int) -> float:
        """The power to apply now, on the way to the one that is wanted."""
        ramped = self._ramped(wanted, now_ns)
        self._stepped_ns = now_ns
        self._on_its_way = ramped != wanted
        return self.allowed(ramped, now_ns)

    def allowed(self, power: float, now_ns: int) -> float:
        """The power itself, or 0 while the motor must rest before it turns the other way; it counts as applied."""
        if power * self._direction < 0 and self._delay_ns and not self._has_rested(now_ns):
            power = 0.0
        self._note(power, now_ns)
        return power

    def off(self, now_ns: int) -> None:
        """The power was taken away, by whomever."""
        if self._power:
            self._on_its_way = False
        self._note(0.0, now_ns)

    @property
    def last_turn(self) -> tuple[float, int]:
        """The direction of the last power, 1 or -1, or 0 before any; and since when it is off, in ns."""
        return self._direction, self._off_since_ns

    def resume(self, direction: float, off_since_ns: int) -> None:
        """Go on where the motor was left: it may still turn in that direction."""
        self._direction, self._off_since_ns = direction, off_since_ns

    def _has_rested(self, now_ns: int) -> bool:
        return self._power == 0.0 and now_ns - self._off_since_ns >= self._delay_ns

    def _ramped(self, wanted: float, now_ns: int) -> float:
        if not self._ramp_ns:
            return wanted
        longest_ns = LONGEST_STEP_NS if self._on_its_way else STEP_NS
        most = min(now_ns - self._stepped_ns, longest_ns) / self._ramp_ns
        change = wanted - self._power
        return wanted if abs(change) <= most else self._power + math.copysign(most, change)

    def _note(self, power: float, now_ns: int) -> None:
        if power != 0.0:
            self._direction = math.copysign(1.0, power)
        elif self._power != 0.0:
            self._off_since_ns = now_ns
        self._power = power
