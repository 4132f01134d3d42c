"""What a satellite receiver knows, put together from its sentences.

A receiver works out everything once an epoch, mostly a second, and tells it in several sentences. Those with the same
time belong together: a position of now and a speed of a second ago would be a place where nobody ever was. Those
without a time belong to the time that came before them in the same burst, else to the one that comes next. What is
known is kept by kind, each with its own age: a position, a speed, a course. A receiver without a fix goes on sending,
with empty fields, or with zeros, or with its last position; only the quality tells.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pi_drivers.host.contract import SECOND
from pi_drivers.models.movement_sensor.nmea_pauses import Habits, Pauses
from pi_drivers.models.movement_sensor.nmea_sentences import Antenna, Gga, Gsa, Gsv, Rmc, Sentence, Vtg
from pi_drivers.models.movement_sensor.nmea_sky import Sky
from pi_drivers.runtime.poller import Sample

FIX_QUALITIES = {1: "GPS", 2: "differential", 3: "PPS", 4: "RTK fixed", 5: "RTK float", 6: "dead reckoning"}
NO_FIX_QUALITIES = {0: "no fix", 7: "a position that somebody typed in", 8: "a simulated position"}
TIMED = frozenset({"gga", "rmc"})
"""The two sentences that carry the time."""
REMEMBERED = 5
"""So many epochs tell which sentences a receiver sends, and so when an epoch is whole."""
PATIENCE_NS = 5 * SECOND
"""After so long without a sentence, it is not merely late."""


@dataclass(frozen=True)
class Epoch:
    """What a receiver says of one moment. None is what it has not said."""

    gga: Gga | None = None
    rmc: Rmc | None = None
    vtg: Vtg | None = None
    gsa: Gsa | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """Which it has of those that carry the time or the speed."""
        return frozenset(kind for kind in ("gga", "rmc", "vtg") if getattr(self, kind) is not None)

    @property
    def has_fix(self) -> bool:
        """Whether its position is one. RMC has a word in it: V says that it must not be used."""
        gga = self.gga
        if gga is None or gga.quality not in FIX_QUALITIES or (self.rmc is not None and not self.rmc.active):
            return False
        # Exactly nowhere is what some receivers print that do not know where they are.
        return gga.latitude_deg is not None and (gga.latitude_deg, gga.longitude_deg) != (0.0, 0.0)

    @property
    def motion(self) -> Rmc | Vtg | None:
        """The sentence that has the speed, if it is valid."""
        valid = (said for said in (self.rmc, self.vtg) if said is not None and said.active)
        return next((said for said in valid if said.speed_m_s is not None), None)

    @property
    def no_fix(self) -> str:
        """Why there is no position, as far as the sentences say."""
        if self.gga is None:
            return "it sends no GGA, which has the position: switch that sentence on"
        if self.gga.quality not in FIX_QUALITIES:
            return NO_FIX_QUALITIES.get(self.gga.quality, f"fix quality {self.gga.quality}")
        if self.rmc is not None and not self.rmc.active:
            return "it warns of its own position (RMC has status V)"
        return "it sends no position, or exactly 0, 0"


class Receiver:
    """All that sentences have told. Used on the event loop."""

    def __init__(self, min_course_speed_m_s: float) -> None:
        """Nothing is known.

        Args:
            min_course_speed_m_s: below it a course is noise.
        """
        self._min_course_speed_m_s = min_course_speed_m_s
        self._current = Sample(Epoch(), 0)
        self._time: str | None = None
        self._recent = deque([TIMED], REMEMBERED)
        self._pauses = Pauses()
        self._habits = Habits()
        self._is_near = False
        """Whether no pause was since the last sentence with a time."""
        self._held: dict[str, Vtg | Gsa] = {}
        """What belongs to the time that comes next."""
        self._sky = Sky()
        self._heard_ns = 0
        self._gga_ns = 0
        """When the last GGA came, whatever its time."""
        self._repeats = False
        """Whether its time is that of the epoch before."""
        self.newest: Sample[Epoch] | None = None
        """The newest whole epoch, with a fix or without."""
        self.located: Sample[Epoch] | None = None
        """The newest one with a GGA, whatever that says."""
        self.fixed: Sample[Epoch] | None = None
        """The newest one with a position."""
        self.moving: Sample[Epoch] | None = None
        """The newest one with a speed."""
        self.under_way: Sample[Epoch] | None = None
        """The newest one that is fast enough to have a course."""

    @property
    def in_view(self) -> int | None:
        """How many satellites are above the horizon; None if it does not tell."""
        return self._sky.in_view(self._heard_ns)

    def hear(self, line: Sequence[Sentence], at_ns: int) -> None:
        """Take what was in a sound line, perhaps nothing, that began to arrive at this time."""
        self._heard_ns = at_ns
        pause = self._pauses.before(at_ns)
        if pause:
            self._held = {}  # the sentence with their time was lost
        if pause is not False:
            self._is_near = False
        for sentence in line:
            match sentence:
                case Gga():
                    self._gga_ns = at_ns
                    self._begin_unless_of_now("gga", sentence.time, at_ns, knows_pauses=pause is not None)
                    self._add_with_time(gga=sentence)
                case Rmc():
                    self._begin_unless_of_now("rmc", sentence.time, at_ns, knows_pauses=pause is not None)
                    self._add_with_time(rmc=sentence)
                case Vtg():
                    self._take_untimed("vtg", sentence)
                case Gsa():
                    self._take_untimed("gsa", sentence)
                case Gsv() | Antenna():
                    self._sky.hear(sentence, at_ns)

    def why_no_fix(self) -> str:
        """Why there is no position now: for people, with what to do."""
        if self._repeats and self.newest is not None and self.newest.value.has_fix:
            return self._stands_still
        missing = self._missing()
        if missing or self.located is None or self.located.value.gga is None:
            return missing
        used = self.located.value.gga.satellites or 0
        return self.located.value.no_fix + self._sky.why_no_fix(self._heard_ns, used)

    def why_no_speed(self) -> str:
        """Why there is no speed now."""
        epoch = self.newest.value if self.newest is not None else None
        if epoch is not None and epoch.motion is not None and self._repeats:
            return self._stands_still
        if epoch is None or not epoch.has_fix or epoch.motion is not None:
            return self.why_no_fix()
        return "it sends its position without a speed: switch its RMC sentence on"

    def why_no_course(self) -> str:
        """Why there is no course now."""
        motion = self.newest.value.motion if self.newest is not None else None
        if self._repeats or motion is None or motion.speed_m_s is None:
            return self.why_no_speed()
        if motion.speed_m_s < self._min_course_speed_m_s:
            speed = f"it moves at {motion.speed_m_s:.2f} m/s"
            return f"{speed}, and below {self._min_course_speed_m_s:g} m/s (min_course_speed_m_s) a course is noise"
        return "it tells its speed, but not its course" if motion.course_deg is None else self.why_no_fix()

    def course_of(self, epoch: Epoch) -> float | None:
        """The course in degrees, if the receiver was fast enough to have one."""
        motion = epoch.motion
        if motion is None or motion.speed_m_s is None or motion.speed_m_s < self._min_course_speed_m_s:
            return None
        return motion.course_deg

    @property
    def _stands_still(self) -> str:
        return f"the receiver's time stands still at {self._time}"

    def _missing(self) -> str:
        """Which sentences do not come, if there is no position because of that."""
        if self._time is None:
            return "neither a GGA nor an RMC sentence has come: switch GGA on, which has the position"
        if self.newest is None:
            return "no whole group of sentences has come yet"
        if self.located is None:
            return self.newest.value.no_fix
        is_late = self._heard_ns - self._gga_ns > PATIENCE_NS
        return "its GGA sentences do not arrive any more" if is_late or self.located.value.has_fix else ""

    def _begin_unless_of_now(self, kind: str, time: str, at_ns: int, *, knows_pauses: bool) -> None:
        """Begin the epoch of this time, unless it is the current one."""
        if time == self._time and kind not in self._current.value.kinds:
            return
        if self._time is not None:
            self._recent.append(self._current.value.kinds)
            if self._current is not self.newest:
                self._publish(self._current)  # a sentence of it was lost; what came is of one moment all the same
        self._pauses.epoch_began()
        agree = self._habits.agree
        self._held = {kind: said for kind, said in self._held.items() if knows_pauses and agree(kind, "before")}
        # Said again with the same time, it is no newer than when it was first said.
        self._repeats = bool(time) and time == self._time
        self._current = Sample(Epoch(), self._current.taken_ns if self._repeats else at_ns)
        self._time = time

    def _add_with_time(self, **said: Gga | Rmc) -> None:
        held, self._held = self._held, {}
        self._is_near = True
        self._add(**held, **said)

    def _take_untimed(self, kind: str, said: Vtg | Gsa) -> None:
        is_of_now = self._is_near and self._habits.agree(kind, "after")
        if is_of_now and getattr(self._current.value, kind) is None:
            self._add(**{kind: said})
        else:
            self._held[kind] = said

    def _add(self, **said: Gga | Rmc | Vtg | Gsa) -> None:
        epoch = replace(self._current.value, **said)  # type: ignore[arg-type]
        self._current = Sample(epoch, self._current.taken_ns)
        if epoch.kinds & TIMED and epoch.kinds >= self._expected:
            self._publish(self._current)

    @property
    def _expected(self) -> frozenset[str]:
        """What an epoch has once it is whole."""
        most = max(self._recent, key=len)
        return most - {"vtg"} if "rmc" in most else most  # both have the speed

    def _publish(self, whole: Sample[Epoch]) -> None:
        self.newest = whole
        if whole.value.gga is not None:
            self.located = whole
        if whole.value.has_fix:
            self.fixed = whole
        if whole.value.motion is not None:
            self.moving = whole
        if self.course_of(whole.value) is not None:
            self.under_way = whole
