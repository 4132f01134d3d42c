"""One thing that a look at the machine found, good or bad, and what mends it."""

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How much it matters."""

    OK = "ok"
    BETTER = "could be better"
    """It works as it is, or is switched off and may not be needed."""
    BROKEN = "to be mended"
    """Something that was asked for, or that all drivers need, is missing."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    subject: str
    """The heading it belongs under."""
    what: str
    """Unlike that of any other finding."""
    level: Level
    found: str
    mend: str = ""
    """The command to run, or the line for config.txt; empty where nothing is to be done."""
    needed_for: str = ""
    """What does not work, or not as well, until then."""

    @property
    def ok(self) -> bool:
        """Whether it works as it is."""
        return self.level is not Level.BROKEN
