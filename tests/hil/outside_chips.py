"""The chips outside of the simulated kernel, from the side of a test: starts the program that plays those of a bus and
tells it what is to go wrong.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

BUS_NAME = "pi-drivers outside"


def bus_number(name: str = BUS_NAME) -> int:
    """The N of /dev/i2c-N of the bus that has this name.

    Raises:
        LookupError: the kernel has none.
    """
    for entry in Path("/sys/class/i2c-dev").iterdir():
        if (entry / "name").read_text().strip() == name:
            return int(entry.name.removeprefix("i2c-"))
    raise LookupError(f"this kernel has no I2C bus {name!r}")


class Player:
    """A program that plays the chips of a bus; `tell` reaches it while it runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._hear()

    def tell(self, command: str) -> str:
        """Give it a command and wait until it is carried out; gives what it answers behind `ok`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self._hear()

    def seen(self) -> list[str]:
        """Every transfer since this was last asked, as an analyser on the wires shows it.

        For example `write 0x76 10 + read 0x76 2`, where the `+` is a START repeated without a STOP.
        """
        transfers = self.tell("seen")
        return transfers.split("; ") if transfers else []

    def _hear(self) -> str:
        assert self.process.stdout is not None
        word, _, rest = self.process.stdout.readline().strip().partition(" ")
        assert word == "ok", f"the program that plays the chips says: {word} {rest}"
        return rest


class OutsideChips(Player):
    """The program that plays the chips of the I2C bus."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        super().__init__(process)
        self.bus = bus_number()


P = TypeVar("P", bound=Player)


def outside_chips(*places: str) -> AbstractContextManager[OutsideChips]:
    """Play these chips on the I2C bus, each as `word@address`, until the end of the block."""
    return playing(OutsideChips, "tests.hil.outside_i2c", *places)


@contextmanager
def playing(kind: Callable[["subprocess.Popen[str]"], P], program: str, *places: str) -> Iterator[P]:
    """Let a program play these chips until the end of the block."""
    command = [sys.executable, "-m", program, *places]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield kind(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
