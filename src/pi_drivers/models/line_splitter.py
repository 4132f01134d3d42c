"""Cuts what comes out of a serial port into whole lines.

Whoever opens a port hears the rest of a line first, and half a number looks like a number. So what comes before the
first line end is dropped, and whatever follows a gap is dropped up to the next one. A line that never ends is given up.
"""

from typing import NamedTuple


class Line(NamedTuple):
    """A whole line, without its line end."""

    data: bytes
    began_ns: int
    """When its beginning had come. Its end may come much later, and makes its data no younger."""


class LineSplitter:
    """Bytes in, whole lines out. Used by one thread at a time."""

    def __init__(self, longest: int) -> None:
        """Begin in the middle of a line.

        Args:
            longest: how many bytes a line may have.
        """
        self._longest = longest
        self._rest = b""
        self._began_ns = 0
        self._is_cut = True
        """Whether the beginning of the line that comes now is lost."""
        self.overlong = 0
        """How many lines were given up."""

    def begin_anew(self) -> None:
        """There was a gap: what comes next may be the rest of a line."""
        self._rest = b""
        self._is_cut = True

    def feed(self, data: bytes, now_ns: int) -> list[Line]:
        """Take what has come by now; returns the lines that have ended."""
        if not self._rest:
            self._began_ns = now_ns
        *ended, rest = (self._rest + data).split(b"\n")
        lines = []
        for line in ended:
            if self._is_whole(line):
                lines.append(Line(line.removesuffix(b"\r"), self._began_ns))
            self._began_ns = now_ns
        if len(rest) > self._longest and not self._is_cut:
            self.overlong += 1
            self._is_cut = True
        self._rest = b"" if self._is_cut else rest
        return lines

    def _is_whole(self, line: bytes) -> bool:
        if self._is_cut:
            self._is_cut = False
            return False
        if len(line) > self._longest:
            self.overlong += 1
            return False
        return True
