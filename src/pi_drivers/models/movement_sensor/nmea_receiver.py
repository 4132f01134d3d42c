"""What a satellite receiver knows, put together from its sentences.

A receiver works out everything once an epoch, mostly a second, and tells it in several sentences. Those with the same
time belong together: a position of now and a speed of a second ago would be a place where nobody ever was. What is
known is kept by kind, each with its own age: a position, a speed, a course. A receiver without a fix goes on sending,
with empty fields, or with zeros, or with its last position; only the quality tells.
"""

from collections import deque
from dataclasses import dataclass, replace

from pi_drivers.host.contract import SECOND
from pi_drivers.models.movement_sensor.nmea_sentences import Antenna, Gga, Gsa, Gsv, Rmc, Sentence, Vtg
from pi_drivers.runtime.poller import Sample

FIX_QUALITIES = {1: "GPS", 2: "differential", 3: "PPS", 4: "RTK fixed", 5: "RTK float", 6: "dead reckoning"}
NO_FIX_QUALITIES = {0: "no fix", 7: "a position that somebody typed in", 8: "a simulated position"}
TIMED = frozenset({"gga", "rmc"})
"""The two sentences that carry the time."""
REMEMBERED = 5
"""So many epochs tell which sentences a receiver sends, and so when an epoch is whole."""
PATIENCE_NS = 5 * SECOND
NEEDED = 4
"""Satellites for a position in space."""


@dataclass(frozen=True)
class Epoch:
    """What a receiver says of one moment. None is what it has not said."""

    gga: Gga | None = None
    rmc: Rmc | None = None
    vtg: Vtg | None = None
    gsa: Gsa | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """Which it has of those that carry the time."""
        return frozenset(kind for kind in TIMED if getattr(self, kind) is not None)

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
        self._in_view: dict[str, int] = {}
        self._antenna = ""
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
        return sum(self._in_view.values()) if self._in_view else None

    def hear(self, sentence: Sentence, at_ns: int) -> None:
        """Take a sentence that has arrived."""
        match sentence:
            case Gga() | Rmc():
                self._take_timed(sentence, at_ns)
            case Vtg():
                self._add(vtg=sentence)
            case Gsa():
                self._add(gsa=sentence)
            case Gsv():
                self._in_view[sentence.talker] = sentence.in_view
            case Antenna():
                self._antenna = sentence.state

    def why_no_fix(self) -> str:
        """Why there is no position now: for people, with what to do."""
        if self.newest is not None and self.newest.value.has_fix:
            return f"the receiver's time stands still at {self._time}"
        said = self._said()
        antenna = self._antenna.upper()
        if antenna in {"OPEN", "SHORT"}:
            trouble = "is not connected" if antenna == "OPEN" else "has a short circuit"
            return f"{said}: the receiver says that its antenna {trouble}"
        if self.in_view is None:
            return f"{said}. Has the antenna a free view of the sky?"
        if self.in_view == 0:
            return f"{said}: it hears no satellite. Is the antenna connected, and under the open sky?"
        gga = self.located.value.gga if self.located is not None else None
        used = gga.satellites if gga is not None and gga.satellites is not None else 0
        seen = f"{self.in_view} satellites in view, {used} used, {NEEDED} needed"
        return f"{said}: {seen}. After a cold start it takes a minute."

    def why_no_course(self) -> str:
        """Why there is no course now."""
        motion = self.moving.value.motion if self.moving is not None else None
        if motion is None or motion.speed_m_s is None:
            return self.why_no_fix()
        speed = f"it moves at {motion.speed_m_s:.2f} m/s"
        return f"{speed}, and below {self._min_course_speed_m_s:g} m/s (min_course_speed_m_s) a course is noise"

    def course_of(self, epoch: Epoch) -> float | None:
        """The course in degrees, if the receiver was fast enough to have one."""
        motion = epoch.motion
        if motion is None or motion.speed_m_s is None or motion.speed_m_s < self._min_course_speed_m_s:
            return None
        return motion.course_deg

    def _said(self) -> str:
        if self.newest is None:
            return "no whole group of sentences has come yet"
        said = self.newest
        if self.located is not None and said.taken_ns - self.located.taken_ns < PATIENCE_NS:
            said = self.located
        return "its GGA sentences do not arrive any more" if said.value.has_fix else said.value.no_fix

    def _take_timed(self, sentence: Gga | Rmc, at_ns: int) -> None:
        kind = "gga" if isinstance(sentence, Gga) else "rmc"
        if sentence.time != self._time or kind in self._current.value.kinds:
            if self._time is not None:
                self._recent.append(self._current.value.kinds)
                if self._current is not self.newest:
                    self._publish(self._current)  # a sentence of it was lost; what came is of one moment all the same
            # Said again with the same time, it is no newer than when it was first said.
            stands_still = bool(sentence.time) and sentence.time == self._time
            self._current = Sample(Epoch(), self._current.taken_ns if stands_still else at_ns)
            self._time = sentence.time
        if isinstance(sentence, Gga):
            self._add(gga=sentence)
        else:
            self._add(rmc=sentence)

    def _add(self, **said: Gga | Rmc | Vtg | Gsa) -> None:
        epoch = replace(self._current.value, **said)  # type: ignore[arg-type]
        self._current = Sample(epoch, self._current.taken_ns)
        if epoch.kinds and epoch.kinds >= max(self._recent, key=len):
            self._publish(self._current)

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
