"""What a motor's callers may ask for, checked and limited the same way for every kind of motor.

The texts for no revolutions and for hardly any speed are those of viam-server's built-in motors, which callers know.
"""

import math

from pi_drivers.errors import ArgumentError
from pi_drivers.runtime.sparing_log import SparingLog

ZERO_POWER = 0.01
"""Power up to here means stop, as in Viam's built-in motor."""
NEARLY_ZERO_RPM = 0.1
LARGEST = 1e6
"""The most rpm or revolutions that mean anything."""


class MotorArguments:
    """Checks what is asked of one motor. Nothing has moved when it raises."""

    def __init__(self, label: str, log: SparingLog, max_rpm: float | None) -> None:
        """Args: label: the motor, for messages. log: its own. max_rpm: its top speed; None where nobody knows."""
        self._label = label
        self._log = log
        self._max_rpm = max_rpm

    def power(self, power: float) -> float:
        """A power to apply, 0 where it is as good as none. Raises: ArgumentError: NaN, or outside -1 to 1."""
        if not -1.0 <= power <= 1.0:
            raise ArgumentError(f"{self._label}: power must be between -1 and 1, got {power}")
        return power if abs(power) > ZERO_POWER else 0.0

    def move_rpm(self, rpm: float) -> float:
        """The speed of a move. Raises: ArgumentError: nearly 0, or a number that is none."""
        if abs(rpm) < NEARLY_ZERO_RPM:
            raise ArgumentError(f"{self._label}: Cannot move motor at an RPM that is nearly 0")
        return self.rpm(rpm)

    def rpm(self, rpm: float) -> float:
        """A speed, limited to the motor's own with a warning. Raises: ArgumentError: a number that is none."""
        self.size("rpm", rpm)
        if self._max_rpm is None or abs(rpm) <= self._max_rpm:
            return rpm
        self._log.warning("%s: %g rpm is above, its max_rpm of %g is used", self._label, rpm, self._max_rpm)
        return math.copysign(self._max_rpm, rpm)

    def revolutions(self, revolutions: float) -> float:
        """The distance of a move. Raises: ArgumentError: 0, or a number that is none."""
        self.size("revolutions", revolutions)
        if revolutions == 0:
            raise ArgumentError(f"{self._label}: Cannot move motor for 0 revolutions")
        return revolutions

    def size(self, what: str, value: float) -> float:
        """A number of a size that means something. Raises: ArgumentError: infinite, NaN or too large."""
        if not abs(value) <= LARGEST:
            raise ArgumentError(f"{self._label}: {what} must be a number of at most {LARGEST:g}, got {value}")
        return value
