"""Plays the jumpers of a wired Raspberry Pi on the kernel's GPIO simulator, so that the suite for a Pi can be tried.

usage (inside the simulated kernel only): python -m tests.hil.jumpers CHIP A:B...

CHIP is the folder of the chip's lines in sysfs, A:B a pair of lines that are joined. While one of a pair is an output,
the other is pulled to its level, a moment later. It ends with its standard input.
"""

import os
import select
import sys
from pathlib import Path

import gpiod
from gpiod.line import Direction

LOOK_EVERY_S = 0.001


class Jumper:
    """One wire between two lines."""

    def __init__(self, chip: gpiod.Chip, lines: Path, ends: tuple[int, int]) -> None:
        self._chip = chip
        self._lines = lines
        self._ends = ends
        self._values = tuple(os.open(lines / f"sim_gpio{end}" / "value", os.O_RDONLY) for end in ends)

    def carry(self) -> None:
        """Bring the level of the end that drives to the end that listens."""
        levels = [os.pread(value, 1, 0) for value in self._values]
        if levels[0] == levels[1]:
            return
        for (source, sink), level in zip((self._ends, self._ends[::-1]), levels, strict=True):
            info = self._chip.get_line_info(source)
            if info.used and info.direction is Direction.OUTPUT:
                (self._lines / f"sim_gpio{sink}" / "pull").write_text("pull-up" if level == b"1" else "pull-down")
                return


def main() -> None:
    """Carry levels until standard input ends."""
    lines = Path(sys.argv[1])
    pairs = [tuple(int(end) for end in pair.split(":")) for pair in sys.argv[2:]]
    with gpiod.Chip(f"/dev/{lines.name}") as chip:
        jumpers = [Jumper(chip, lines, (a, b)) for a, b in pairs]
        print("ok", flush=True)
        while not select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
            for jumper in jumpers:
                jumper.carry()


if __name__ == "__main__":
    main()
