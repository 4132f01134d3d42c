"""How late a shaft follows its speed controller: what must be known of a motor to slow it down in time.

It differs from motor to motor by a factor of ten, and nobody configures it. But a motor shows it whenever it speeds up
to a speed that it then holds: on the way there it is slower than its power would have it, and the heavier the slower.
"""

from dataclasses import dataclass

SHORTEST_LAG_S = 0.05
LONGEST_LAG_S = 0.6
LONGEST_GUESS_S = 0.25
CAUTIOUS_LAG_S = 0.2
"""While nothing is known."""
LEARNING_TICKS_S = 60.0
"""Below this a speed is made of too few ticks to learn from."""
FIRST_SHARE, LAST_SHARE = 0.1, 0.75
"""The stretch on the way to a speed that is looked at: behind friction, and before the controller is done."""
NEWEST_WEIGHT = 0.1
HELD_SHARE = 0.05
"""How close to the speed asked for a shaft holds it."""
USUAL_FRICTION = 0.08
"""The power that does not turn the shaft yet, while nothing better is known."""
FRICTION_FACTOR = 1.3
"""With friction to overcome, more power makes more speed than the ratio of the two says."""


@dataclass(frozen=True)
class Moment:
    """What a shaft does for a moment."""

    speed: float
    power: float
    dt_s: float


class LagMeter:
    """The lag of one motor. Speeds in ticks per second, all in the direction that is asked for."""

    def __init__(self) -> None:
        self.seconds = CAUTIOUS_LAG_S
        """The lag."""
        self._is_measured = False
        self.begin()

    def begin(self) -> None:
        """A motion begins; what was learnt before holds until it shows something else."""
        self._asked = 0.0
        self._elapsed_s = self._power_s = self._ticks = self._gained = 0.0
        self._first: float | None = None

    def take(self, moment: Moment, *, asked: float, fed: float, free_speed: float) -> None:
        """Look at a moment of speeding up, or of holding a speed.

        Args:
            moment: what the shaft does.
            asked: the speed to reach.
            fed: the speed it is driven to right now.
            free_speed: the motor's at full power.
        """
        if asked != self._asked:
            self.begin()
            self._asked = asked
        if asked < LEARNING_TICKS_S:
            return
        share = moment.speed / asked
        if FIRST_SHARE < share < LAST_SHARE and moment.speed < fed:
            self._speeds_up(moment)
            if not self._is_measured and self._gained > LEARNING_TICKS_S:
                self._guess(free_speed)
        elif fed == asked and abs(share - 1) < HELD_SHARE and self._gained > 0 and moment.power > 0:
            self._measure(moment, free_speed)

    def _speeds_up(self, moment: Moment) -> None:
        if self._first is None:
            self._first = moment.speed
        self._gained = moment.speed - self._first
        self._elapsed_s += moment.dt_s
        self._power_s += moment.power * moment.dt_s
        self._ticks += moment.speed * moment.dt_s

    def _guess(self, free_speed: float) -> None:
        """Reckon without knowing the friction."""
        overcome_s = self._power_s - USUAL_FRICTION * self._elapsed_s
        self.seconds = self._bounded(free_speed * overcome_s - self._ticks, LONGEST_GUESS_S)

    def _measure(self, held: Moment, free_speed: float) -> None:
        """Reckon from a speed that is held, and its power: friction is in it."""
        slope = min(free_speed, FRICTION_FACTOR * held.speed / held.power)
        less_power_s = held.power * self._elapsed_s - self._power_s
        lag_s = self._bounded(held.speed * self._elapsed_s - slope * less_power_s - self._ticks, LONGEST_LAG_S)
        # Each moment of a held speed tells a little else, and the first ones tell of a controller not yet at rest.
        self.seconds += (lag_s - self.seconds) * NEWEST_WEIGHT
        self._is_measured = True

    def _bounded(self, behind: float, longest_s: float) -> float:
        """The lag from the ticks that its power would have turned the shaft further, had it followed at once."""
        return min(longest_s, max(SHORTEST_LAG_S, behind / self._gained))
