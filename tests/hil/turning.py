"""An encoder turned from outside by a program of its own (edges.c), and how many edges the kernel saw of it."""

import asyncio
import subprocess
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from tests.contract.grounds import GpioGround

SOURCE = Path(__file__).with_name("edges.c")
LIMIT_S = 30.0
CONSUMER = "pi-drivers"
"""The name under which the module listens to lines."""


class Turn(NamedTuple):
    """What the program did."""

    edges: int
    duration_ns: int
    worst_late_ns: int
    """By how many nanoseconds its latest edge came too late."""


class Turner:
    """A disc between two wires, and the hand that turns it. Forward is the way in which the module counts up."""

    def __init__(self, program: Path, ground: GpioGround, a: int, b: int) -> None:
        self._command = [str(program), *(str(ground.driving_file(line)) for line in (a, b))]

    async def turn(self, edges: int, *, per_second: int, forward: bool = True) -> Turn:
        """Turn by so many edges, at so many a second; 0 for as fast as it goes."""
        words = [str(edges), str(per_second), "forward" if forward else "backward"]
        process = await asyncio.create_subprocess_exec(*self._command, *words, stdout=subprocess.PIPE)
        output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
        assert process.returncode == 0
        return Turn(*map(int, output.split()))


def compiled(folder: Path) -> Path:
    """The program, made in `folder`."""
    program = folder / "edges"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", program, SOURCE], check=True)
    return program


def interrupts(*lines: int, consumer: str = CONSUMER) -> int:
    """How many edges of these lines the kernel has delivered to whoever listens to them now under this name."""
    delivered = 0
    for row in Path("/proc/interrupts").read_text().splitlines():
        # Its number, a count for each processor, the chip, the line, on some machines the edge, the consumer.
        words = row.split()
        counts = list(takewhile(str.isdigit, words[1:]))
        source = words[1 + len(counts) :]
        if source[-1:] == [consumer] and source[1] in map(str, lines):
            delivered += sum(map(int, counts))
    return delivered
