"""What a pulse width means to one servo: plain arithmetic between angles in degrees and pulses in microseconds."""

from dataclasses import dataclass

from pi_drivers.buses.gpio.ranges import SERVO_US


@dataclass(frozen=True)
class Geometry:
    """How a servo turns its pulses into angles, and which angles it may take."""

    min_width_us: int
    max_width_us: int
    from_deg: float
    """The angle at `min_width_us`."""
    to_deg: float
    """The angle at `max_width_us`."""
    min_deg: float
    max_deg: float
    """The angles it may take."""
    trim_deg: float = 0.0
    """Added to every angle: a horn that sits askew on its spline."""
    invert: bool = False
    """It is mounted the other way round: the widths change their ends."""

    def limited(self, angle_deg: float) -> float:
        """The nearest angle it may take."""
        return min(self.max_deg, max(self.min_deg, angle_deg))

    def pulse_us(self, angle_deg: float) -> int:
        """The pulse for an angle, in whole microseconds, within what servos take."""
        share = (angle_deg + self.trim_deg - self.from_deg) / (self.to_deg - self.from_deg)
        if self.invert:
            share = 1.0 - share
        width = self.min_width_us + share * (self.max_width_us - self.min_width_us)
        return round(min(SERVO_US[1], max(SERVO_US[0], width)))

    def angle_deg(self, pulse_us: int) -> float:
        """The angle of a pulse."""
        share = (pulse_us - self.min_width_us) / (self.max_width_us - self.min_width_us)
        if self.invert:
            share = 1.0 - share
        return self.from_deg + share * (self.to_deg - self.from_deg) - self.trim_deg


@dataclass(frozen=True)
class Travel:
    """A horn on its way. A servo tells nobody where it is, so this is reckoned from its speed."""

    from_deg: float
    to_deg: float
    began_ns: int
    deg_per_s: float
    guessed: bool = False
    """Nobody knows where it began; this is the longest it can take."""
    led: bool = False
    """Its pulses lead it step by step; else it runs to its end by itself once it was sent there."""

    @property
    def lasts_ns(self) -> int:
        """How long it takes, in nanoseconds."""
        return round(abs(self.to_deg - self.from_deg) / self.deg_per_s * 1e9)

    def over(self, now_ns: int) -> bool:
        """Whether it has arrived."""
        return now_ns >= self.began_ns + self.lasts_ns

    def angle_at(self, now_ns: int) -> float:
        """Where it is."""
        if self.over(now_ns):
            return self.to_deg
        share = (now_ns - self.began_ns) / self.lasts_ns
        return self.from_deg + share * (self.to_deg - self.from_deg)
