"""What stops a closed loop that has lost touch with its shaft.

A controller believes its encoder. When the encoder is unplugged, or counts the wrong way, believing it means full power
for ever. These guards compare what was done with what was seen.
"""

from pi_drivers.errors import StallError
from pi_drivers.models.motor.speed import SpeedMeter

SECOND = 1_000_000_000
SHORTEST_STALL_NS = 250_000_000
STALL_TICK_INTERVALS = 4
"""A shaft is not stalled before so many ticks are overdue at the speed it should have."""
LONGEST_STALL_NS = 5_000_000_000
LONGEST_STALL_INTERVALS = 20
"""So long, whatever the power: a loop that is held up raises its power slowly."""
STALL_EXTRA_POWER = 0.15
"""Power beyond what moved the shaft last; less may just be the friction of a slow shaft."""
STARTING_POWER = 0.35
"""What is taken to move a shaft that has not been seen moving."""
WRONG_WAY_NS = 300_000_000
WRONG_WAY_TICKS = 4
WRONG_WAY_POWER = 0.1


class StallGuard:
    """Notices that the shaft is driven and does not move."""

    def __init__(self, name: str, max_power: float, now_ns: int) -> None:
        self._name = name
        self._max_power = max_power
        self._moving_power = STARTING_POWER
        self._seen_tick_ns = now_ns
        self._idle_since_ns = now_ns

    def check(self, power: float, target: float, meter: SpeedMeter, now_ns: int) -> None:
        """Look at what is done and what is seen.

        Args:
            power: what is applied.
            target: the speed wanted, in ticks per second.
            meter: what the encoder shows.
            now_ns: now.

        Raises:
            StallError: power enough, time enough, no tick.
        """
        if meter.last_tick_ns != self._seen_tick_ns:
            self._seen_tick_ns = meter.last_tick_ns
            self._moving_power = abs(power)
        if power == 0.0 or target == 0.0:
            self._idle_since_ns = now_ns
            return
        waited_ns = now_ns - max(self._seen_tick_ns, self._idle_since_ns)
        if waited_ns > max(LONGEST_STALL_NS, LONGEST_STALL_INTERVALS * SECOND / abs(target)):
            raise self._stalled(waited_ns, power)
        enough = min(self._moving_power + STALL_EXTRA_POWER, self._max_power * 0.98)
        overdue_ns = max(SHORTEST_STALL_NS, STALL_TICK_INTERVALS * SECOND / abs(target))
        if abs(power) >= enough and waited_ns > overdue_ns:
            raise self._stalled(waited_ns, power)

    def _stalled(self, waited_ns: int, power: float) -> StallError:
        return StallError(
            f"{self._name}: stalled: no tick from its encoder for {waited_ns / SECOND:.2f} s at a power of "
            f"{power:.2f}. Is the shaft blocked, the motor without supply, or the encoder unplugged?"
        )


class WrongWayGuard:
    """Notices that the encoder counts against the power, which turns every correction into its opposite."""

    def __init__(self, name: str, now_ns: int) -> None:
        self._name = name
        self._since_ns = now_ns
        self._first_speed = 0.0
        self._first_ticks = 0

    def check(self, power: float, speed: float, ticks: int, now_ns: int) -> None:
        """Look at what is done and what is seen.

        A shaft that still runs the old way after a reversal slows down; one whose encoder is reversed speeds up.

        Raises:
            StallError: the shaft has turned against the power for a while, and not slower.
        """
        against = speed * power < 0 and abs(power) >= WRONG_WAY_POWER
        if not against or abs(speed) < abs(self._first_speed):
            self._since_ns, self._first_speed, self._first_ticks = now_ns, speed if against else 0.0, ticks
            return
        moved = abs(ticks - self._first_ticks)
        if now_ns - self._since_ns > WRONG_WAY_NS and moved >= WRONG_WAY_TICKS:
            raise StallError(
                f"{self._name}: its encoder counts against its power, so it would only run faster and faster. "
                "Set dir_flip on the motor, or invert on the encoder, or swap two of the wires."
            )
