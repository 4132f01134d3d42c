"""The outside of wires on a real chip: what drives and measures them through libgpiod, next to the back end under test.

It shares no code with the back end, so that a mistake there cannot hide itself here.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import gpiod
from gpiod.line import Bias, Clock, Direction, Edge, Value

from .grounds import Wave

NAME = "somebody-else"
HOLDER = f"""
import gpiod, sys
from gpiod.line import Direction
settings = gpiod.LineSettings(direction=Direction.OUTPUT)
held = gpiod.request_lines(sys.argv[1], {{int(sys.argv[2]): settings}}, consumer="{NAME}")
print("held", flush=True)
sys.stdin.read()
"""


class MeasuringLine:
    """One line of a chip as the measuring end of a wire: it drives, or listens without pulling."""

    def __init__(self, chip: Path, offset: int) -> None:
        self._offset = offset
        self._request = gpiod.request_lines(str(chip), {offset: LISTENING}, consumer="outside")

    def close(self) -> None:
        """Let go of the line."""
        self._request.release()

    def drive(self, level: bool) -> None:
        """Put a level on the wire."""
        value = Value.ACTIVE if level else Value.INACTIVE
        self._configure(gpiod.LineSettings(direction=Direction.OUTPUT, output_value=value))

    def release(self) -> None:
        """Let go of the wire and listen."""
        self._configure(LISTENING)

    def level(self) -> bool:
        """The level of the wire."""
        return self._request.get_value(self._offset) is Value.ACTIVE

    def watch(self, duration_ns: int) -> Wave:
        """Note every change of the wire, by the kernel's own times."""
        self._configure(LISTENING_FOR_EDGES)
        start_ns = time.monotonic_ns()
        first = self.level()
        changes = []
        while (left_ns := start_ns + duration_ns - time.monotonic_ns()) > 0:
            if self._request.wait_edge_events(timedelta(microseconds=left_ns / 1000)):
                changes += [
                    (event.timestamp_ns - start_ns, event.event_type is event.Type.RISING_EDGE)
                    for event in self._request.read_edge_events()
                ]
        self._configure(LISTENING)
        return Wave(first, [change for change in changes if 0 <= change[0] < duration_ns], duration_ns)

    def _configure(self, settings: gpiod.LineSettings) -> None:
        self._request.reconfigure_lines({self._offset: settings})


LISTENING = gpiod.LineSettings(direction=Direction.INPUT, bias=Bias.DISABLED)
LISTENING_FOR_EDGES = gpiod.LineSettings(
    direction=Direction.INPUT, bias=Bias.DISABLED, edge_detection=Edge.BOTH, event_clock=Clock.MONOTONIC
)


@contextmanager
def held_by_another_process(chip: Path, offset: int) -> Iterator[str]:
    """A process of its own holds a line; gives the name under which the kernel knows it."""
    command = [sys.executable, "-c", HOLDER, str(chip), str(offset)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield NAME
        assert holder.stdin is not None
        holder.stdin.close()
