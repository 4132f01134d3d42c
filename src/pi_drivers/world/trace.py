"""A logic analyser on the simulated header: every change the Pi makes to a wire, one JSON line each, in a file.

It shows from outside, and after the process is gone, what the pins were left at. The file is named by the environment
variable `PI_DRIVERS_TRACE`; lines are appended and handed to the kernel at once.
"""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pi_drivers.errors import ConfigError

if TYPE_CHECKING:
    from pi_drivers.world.wires import Signal

TRACE_VARIABLE = "PI_DRIVERS_TRACE"


class Trace:
    """Writes changes to a file; without a file it does nothing. Used under the clock's lock."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file

    @classmethod
    def from_environment(cls) -> "Trace":
        """The trace the environment asks for."""
        path = os.environ.get(TRACE_VARIABLE)
        if not path:
            return cls()
        try:
            return cls(Path(path).open("a", encoding="utf-8"))  # stays open as long as the world is there
        except OSError as error:
            raise ConfigError(f"{TRACE_VARIABLE}: {path} cannot be written: {error.strerror}") from None

    def note(self, wire: str, signal: "Signal") -> None:
        """Write a change, with the time on CLOCK_MONOTONIC."""
        if self._file is None:
            return
        entry: dict[str, object] = {"t_ns": time.monotonic_ns(), "wire": wire}
        if isinstance(signal, bool):
            entry["level"] = int(signal)
        else:
            entry["pwm"] = {"period_ns": signal.period_ns, "high_ns": signal.high_ns}
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
