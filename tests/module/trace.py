"""What the module did to the wires, read from outside, from the file it leaves behind."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any


class Trace:
    """The file that the mock world appends its changes to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def changes(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def of(self, wire: str) -> list[dict[str, Any]]:
        return [change for change in self.changes() if change["wire"] == wire]

    def last(self, wire: str) -> dict[str, Any]:
        return self.of(wire)[-1]

    def is_low(self, *wires: str) -> bool:
        """Whether each of the wires was touched and is at level 0 now."""
        return all(self.of(wire) and self.last(wire).get("level") == 0 for wire in wires)

    async def low_since(self, wires: list[str], begin_ns: int, within_s: float) -> float:
        """Wait until all wires are low; returns the seconds from `begin_ns` to the last change."""
        deadline = time.monotonic() + within_s
        while not self.is_low(*wires):
            assert time.monotonic() < deadline, [self.last(wire) for wire in wires]
            await asyncio.sleep(0.005)
        return float(max(self.last(wire)["t_ns"] - begin_ns for wire in wires) / 1e9)
