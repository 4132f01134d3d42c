"""A GPIO chip that chip.c plays to a process, for measuring the real back end natively, and the edges it saw.

In the simulated kernel a wake takes so long that it says nothing about the speed of pulses. Here lgpio's own thread
runs on this machine's clock and kernel; only the pins are not there.
"""

import os
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("chip.c")
CHIP = Path("/dev/gpiochip99")
"""No machine has so many, so no real pin can be meant."""

CHANGES = struct.Struct("=Q")
CHANGE = struct.Struct("=QII")
"""When, in nanoseconds of CLOCK_MONOTONIC; which line; its new level."""
ROOM = 200_000
"""Changes that fit into the record."""


class PlayedChip:
    """The chip, for one process after the other; each finds all levels low."""

    def __init__(self, folder: Path) -> None:
        """Compile it into `folder`."""
        self._program = folder / "chip.so"
        self._record = folder / "changes"
        options = ("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
        subprocess.run(["gcc", *options, "-o", self._program, SOURCE, "-ldl"], check=True)

    def run(self, *command: str, limit_s: float) -> str:
        """Run a command that sees the chip; what it printed."""
        with self._record.open("wb") as record:
            record.truncate(CHANGES.size + ROOM * CHANGE.size)
        # Python's development mode makes an event loop slow.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"}
        environment |= {"LD_PRELOAD": str(self._program), "PLAYED_CHIP_RECORD": str(self._record)}
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=limit_s
        ).stdout

    def rises(self, line: int) -> list[int]:
        """When the line went high, in nanoseconds, in the last run."""
        data = self._record.read_bytes()
        (number,) = CHANGES.unpack_from(data)
        assert number <= ROOM, "more changes than the record has room for"
        changes = CHANGE.iter_unpack(data[CHANGES.size : CHANGES.size + number * CHANGE.size])
        return [at_ns for at_ns, which, level in changes if which == line and level]
