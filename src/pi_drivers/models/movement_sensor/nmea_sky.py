"""What a receiver tells of its antenna and of the satellites above the horizon: mostly why there is no position."""

from pi_drivers.host.contract import SECOND
from pi_drivers.models.movement_sensor.nmea_sentences import Antenna, Gsv
from pi_drivers.runtime.poller import Sample

FORGOTTEN_NS = 7 * SECOND
"""Some receivers tell of their satellites in every fifth second only."""
NEEDED = 4
"""Satellites for a position in space."""


class Sky:
    """What is above the antenna. Used on the event loop."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Sample[int]] = {}
        self._antenna = ""

    def hear(self, sentence: Gsv | Antenna, at_ns: int) -> None:
        """Take a sentence that has arrived."""
        if isinstance(sentence, Antenna):
            self._antenna = sentence.state.upper()
        else:
            self._seen[sentence.talker, sentence.signal] = Sample(sentence.in_view, at_ns)

    def in_view(self, now_ns: int) -> int | None:
        """How many satellites it has told of lately; None if it does not tell."""
        most: dict[str, int] = {}
        for (talker, _), seen in self._seen.items():
            if now_ns - seen.taken_ns <= FORGOTTEN_NS:
                # Each signal of a system has its own list, and most satellites are in several of them.
                most[talker] = max(seen.value, most.get(talker, 0))
        return sum(most.values()) if most else None

    def why_no_fix(self, now_ns: int, used: int) -> str:
        """What may be the matter, to be put behind what the receiver says of its fix."""
        if self._antenna in {"OPEN", "SHORT"}:
            trouble = "is not connected" if self._antenna == "OPEN" else "has a short circuit"
            return f": the receiver says that its antenna {trouble}"
        in_view = self.in_view(now_ns)
        if in_view is None:
            return ". Has the antenna a free view of the sky?"
        if in_view == 0:
            return ": it hears no satellite. Is the antenna connected, and under the open sky?"
        return f": {in_view} satellites in view, {used} used, {NEEDED} needed. After a cold start it takes a minute."
