"""What stops a motor that has lost touch with its shaft.

A controller believes its encoder. When the encoder is unplugged, or counts the wrong way, believing it means full power
for ever. These guards compare what was done with what was seen.
"""

from pi_drivers.errors import StallError

SECOND = 1_000_000_000
SHORTEST_STALL_NS = 200_000_000
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

LEAST_MOVING_POWER = 0.15
"""Less than this turns no shaft with a gear; where less is on, the shaft only runs on."""
ENOUGH_NS = 80_000_000
"""How long enough power must be on for a shaft to show a tick."""
PROBE_PER_S = 2.5
"""How fast power is added to find out whether a shaft that has fallen silent still moves."""
PROBE_AFTER_NS = 90_000_000
PROBE_AFTER_INTERVALS = 3
SLOW_TICKS_S = 25.0
"""Below this, ticks are too rare for a hurry, and the last few before a target too precious."""
SILENCE_INTERVALS = 8
SILENCE_NS = 300_000_000
TREMBLING_TICKS = 2
SETTLE_NS = 100_000_000
"""How long a shaft must stay where it is to have come to rest."""
STILL_INTERVALS = 3
LONGEST_SETTLE_NS = 1_000_000_000


class Movement:
    """When the shaft was last seen to move.

    An encoder at the edge of a tick, and any absolute one, shows a shaft that stands as one that trembles. So a step on
    in the same direction counts as movement, and a step back only when it is a large one.
    """

    def __init__(self, now_ns: int) -> None:
        self.last_ns = now_ns
        """When it moved last, or was first looked at, or driven into another direction."""
        self.interval_ns = 0
        """The time between its last two movements; 0 before there were two."""
        self._driven = 0
        self._place: int | None = None
        self._heading = 0

    def look(self, ticks: int, power: float, now_ns: int) -> bool:
        """Take a position and the power that is on; returns whether the shaft has moved."""
        driven = (power > 0) - (power < 0)
        if driven != self._driven or self._place is None:
            self._driven, self._place, self._heading, self.last_ns = driven, ticks, 0, now_ns
            return False
        step = ticks - self._place
        if step == 0 or (step * self._heading < 0 and abs(step) <= TREMBLING_TICKS):
            return False
        self._place, self._heading = ticks, 1 if step > 0 else -1
        self.last_ns, self.interval_ns = now_ns, now_ns - self.last_ns
        return True


class StallGuard:
    """Notices within a closed loop that the shaft is driven and does not move.

    A shaft that moved under some power does not stop under the same power, unless it is blocked or its encoder has
    gone. But little power may fail to move it through a stiff spot. So before it speaks of a stall, the guard has the
    power raised. A shaft that held 30 ticks a second or more is known to be stalled within 0.3 s of its last tick; for
    a slower one it takes eight tick intervals and a second or two.
    """

    def __init__(self, name: str, max_power: float, now_ns: int) -> None:
        self._name = name
        self._max_power = max_power
        self._movement = Movement(now_ns)
        self._moved = False
        self._moving_power = STARTING_POWER
        self._enough_since_ns: int | None = None

    def is_silent(self, target: float, now_ns: int) -> bool:
        """Whether a shaft that should have a speed, in ticks per second, has shown no tick for rather long."""
        return self.quiet_ns(now_ns) > max(SILENCE_NS, SILENCE_INTERVALS * SECOND / abs(target))

    def quiet_ns(self, now_ns: int) -> int:
        """How long ago the shaft was seen to move."""
        return now_ns - self._movement.last_ns

    def is_still(self, since_ns: int, now_ns: int, rolls_ns: int | None = None) -> bool:
        """Whether a shaft that should stand has come to rest, and not only to a slow roll, since a moment.

        Args:
            since_ns: the moment.
            now_ns: now.
            rolls_ns: how long this shaft rolls on when it is let go, where that is known.
        """
        movement = self._movement
        quiet_ns = now_ns - max(since_ns, movement.last_ns)
        slow_roll_ns = STILL_INTERVALS * movement.interval_ns
        if rolls_ns is None:
            return quiet_ns >= max(SETTLE_NS, min(slow_roll_ns, LONGEST_SETTLE_NS))
        return quiet_ns >= max(SETTLE_NS, rolls_ns // 3, min(slow_roll_ns, rolls_ns))

    def probing(self, power: float, target: float, now_ns: int) -> float:
        """The power to apply instead of the controller's: more, when a shaft that was moving has fallen silent.

        Args:
            power: what the controller wants.
            target: the speed wanted, in ticks per second.
            now_ns: now.
        """
        if not self._moved or abs(target) < SLOW_TICKS_S or power * target <= 0:
            return power
        since_ns = self._movement.last_ns + max(PROBE_AFTER_NS, PROBE_AFTER_INTERVALS * SECOND / abs(target))
        extra = max(0.0, now_ns - since_ns) / SECOND * PROBE_PER_S
        size = max(abs(power), min(abs(power) + extra, self._enough()))
        return size if power > 0 else -size

    def check(self, power: float, speed: float, target: float, ticks: int, now_ns: int) -> None:
        """Look at what is done and what is seen.

        Args:
            power: what is applied.
            speed: the speed seen, in ticks per second.
            target: the speed wanted; 0 when none is.
            ticks: where the shaft is.
            now_ns: now.

        Raises:
            StallError: power enough, time enough, no tick.
        """
        if self._movement.look(ticks, power, now_ns):
            self._moved = True
            # A shaft that is too fast, or still runs the other way, slows down: what is on does not keep it moving.
            if power * speed > 0 and abs(speed) <= 1.1 * abs(target):
                self._moving_power = max(abs(power), LEAST_MOVING_POWER)
        if power * target <= 0.0 or abs(power) < 0.98 * self._enough():
            self._enough_since_ns = None
        elif self._enough_since_ns is None:
            self._enough_since_ns = now_ns
        if power != 0.0 and target != 0.0:
            self._check_time(power, target, now_ns)

    def _check_time(self, power: float, target: float, now_ns: int) -> None:
        waited_ns = now_ns - self._movement.last_ns
        if waited_ns > max(LONGEST_STALL_NS, LONGEST_STALL_INTERVALS * SECOND / abs(target)):
            raise self._stalled(waited_ns, power)
        since_ns = self._enough_since_ns
        overdue_ns = max(SHORTEST_STALL_NS, STALL_TICK_INTERVALS * SECOND / abs(target))
        if since_ns is not None and now_ns - since_ns >= ENOUGH_NS and waited_ns > overdue_ns:
            raise self._stalled(waited_ns, power)

    def _enough(self) -> float:
        """The power that moves the shaft, if anything does."""
        return min(self._moving_power + STALL_EXTRA_POWER, self._max_power)

    def _stalled(self, waited_ns: int, power: float) -> StallError:
        return StallError(
            f"{self._name}: stalled: no tick from its encoder for {waited_ns / SECOND:.2f} s at a power of "
            f"{power:.2f}. Is the shaft blocked, the motor without supply, or the encoder unplugged?"
        )


class StallWatch:
    """The user's own limit, `stall_ms`: so long without a tick, in any motion, is a fault that stays until cleared."""

    def __init__(self, name: str, stall_ns: int) -> None:
        """Args: name: the motor, for messages. stall_ns: the limit; 0 for none."""
        self._name = name
        self.stall_ns = stall_ns
        self._movement = Movement(0)
        self.fault: str | None = None
        """What happened; None when nothing did, or when it was cleared."""

    def begin(self, now_ns: int) -> None:
        """A motion begins."""
        self._movement = Movement(now_ns)

    def check(self, power: float, ticks: int, now_ns: int) -> None:
        """Look at the power that is on and where the shaft is. Raises: StallError: no movement for too long."""
        self._movement.look(ticks, power, now_ns)
        if not self.stall_ns or power == 0.0 or now_ns - self._movement.last_ns < self.stall_ns:
            return
        self.fault = (
            f"{self._name}: stalled: no tick from its encoder for {self.stall_ns / SECOND:g} s (stall_ms) at a power "
            f"of {power:.2f}. Is the shaft blocked, the motor without supply, or the encoder unplugged?"
        )
        raise StallError(self.fault)

    def refuse_if_stalled(self) -> None:
        """Raises: StallError: the motor stalled, and nobody has cleared the fault."""
        if self.fault is not None:
            raise StallError(f'{self.fault} It stays stopped until the command {{"command": "clear_fault"}}.')


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
        begins = self._first_speed == 0.0
        if not against or begins or abs(speed) < abs(self._first_speed):
            self._since_ns, self._first_speed, self._first_ticks = now_ns, speed if against else 0.0, ticks
            return
        moved = abs(ticks - self._first_ticks)
        if now_ns - self._since_ns > WRONG_WAY_NS and moved >= WRONG_WAY_TICKS:
            raise StallError(
                f"{self._name}: its encoder counts against its power, so it would only run faster and faster. "
                "Set dir_flip on the motor, or invert on the encoder, or swap two of the wires."
            )
