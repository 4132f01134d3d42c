"""Plays the chips on the kernel's SPI bus: stands the world's twins on the device /dev/spi-outside.

The other end is drivers/spi_outside.c, which hands over every selection of a chip. This is a program of its own, for
whoever asks is held up within the kernel until the answer comes.

usage: python -m tests.hil.outside_spi jumper@0 mcp3008@3 ...

The words are those of tests/contract/spi_chips.py, the numbers chip selects. It is told what to do as outside_i2c is:
by lines on standard input, each answered with `ok` and what was asked for, or with `error`. The commands:

    clear                      take everything off the bus, and forget all that was to go wrong
    plug WORD@SELECT           put a new chip on the bus, in place of what was there
    unplug SELECT              take the chip off; its line is read as it rests
    replug SELECT              put the same chip back
    stuck SELECT TIMES         let the chip not hear so often that it is selected
    corrupt SELECT TIMES       let one bit be wrong in so many transfers
    hang SELECT                let the next transfer wait until the kernel gives up
    fail SELECT ERRNO          let the controller report an error, such as EIO, in the next transfer
    rest high|low              where the line from the chips is pulled
    volts SELECT CHANNEL VOLTS at an input of the converter there
    seen                       every selection since this was last asked, as an analyser on the wires shows it
"""

import errno
import os
import selectors
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from pi_drivers.buses.spi.ranges import place_of
from pi_drivers.world.clock import PacedClock
from pi_drivers.world.spi import SpiSegment
from pi_drivers.world.world import World
from tests.contract.spi_chips import CHIPS
from tests.hil.outside_chips import Player, playing

DEVICE = "/dev/spi-outside"
BUS = 0
RECORD_LIMIT = 16 + 65536
"""The longest selection that the device hands over."""

REQUEST = struct.Struct("=IIHHI")
ANSWER = struct.Struct("=Ii")
"""The structures of drivers/spi_outside.c: sequence, clock, chip select, mode and length; sequence and status."""


class Selection(NamedTuple):
    """What goes over the wires while a chip is selected."""

    sequence: int
    speed_hz: int
    chip_select: int
    mode: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.chip_select} at {self.speed_hz} Hz in mode {self.mode}: {self.data.hex()}"


def parse(record: bytes) -> Selection:
    """One selection, as the device gives it."""
    sequence, speed_hz, chip_select, mode, length = REQUEST.unpack_from(record)
    return Selection(sequence, speed_hz, chip_select, mode, record[REQUEST.size : REQUEST.size + length])


class Outside:
    """The chips, the device they answer on, and the commands. Used by one thread."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._world = World(PacedClock())
        self._failures: dict[int, int] = {}
        self._hanging: set[int] = set()
        self._seen: list[str] = []
        self._commands: dict[str, Callable[..., str | None]] = {
            "clear": self._clear,
            "plug": self.plug,
            "unplug": lambda select: self._set(select, "unplugged", True),
            "replug": lambda select: self._set(select, "unplugged", False),
            "stuck": lambda select, times: self._set(select, "stuck", int(times)),
            "corrupt": lambda select, times: self._set(select, "corrupt_reads", int(times)),
            "hang": lambda select: self._hanging.add(int(select)),
            "fail": self._fail,
            "rest": self._rest,
            "volts": self._volts,
            "seen": self._tell_seen,
        }

    def plug(self, place: str) -> None:
        """Put a new chip on the bus: `jumper@0`."""
        word, _, select = place.partition("@")
        self._segment.plug_in(int(select), CHIPS[word](self._world, int(select)))

    def obey(self, line: str) -> str:
        """Carry a command out; gives the line to answer with."""
        word, *arguments = line.split()
        try:
            answer = self._commands[word](*arguments)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            return f"error {line}: {error!r}"
        return f"ok {answer or ''}".rstrip()

    def serve(self) -> None:
        """Answer one selection."""
        try:
            selection = parse(os.read(self._device, RECORD_LIMIT))
        except BlockingIOError:
            return  # the kernel has given up meanwhile
        self._seen.append(str(selection))
        if selection.chip_select in self._hanging:
            self._hanging.remove(selection.chip_select)
            return
        status, data = self._outcome(selection)
        try:
            os.write(self._device, ANSWER.pack(selection.sequence, status) + data)
        except OSError as error:
            if error.errno != errno.ESTALE:  # too late: the kernel has given up
                raise

    def _outcome(self, selection: Selection) -> tuple[int, bytes]:
        failure = self._failures.pop(selection.chip_select, 0)
        if failure:
            return -failure, b""
        with self._world.held():
            return 0, self._segment.transfer(selection.chip_select, selection.data)

    @property
    def _segment(self) -> SpiSegment:
        return self._world.spi(BUS)

    def _clear(self) -> None:
        self._world = World(PacedClock())
        self._failures.clear()
        self._hanging.clear()
        self._seen.clear()

    def _set(self, select: str, fault: str, value: object) -> None:
        setattr(self._segment.faults(int(select)), fault, value)

    def _fail(self, select: str, name: str) -> None:
        self._failures[int(select)] = getattr(errno, name)

    def _rest(self, level: str) -> None:
        self._segment.rests_high = {"high": True, "low": False}[level]

    def _volts(self, select: str, channel: str, volts: str) -> None:
        self._world.voltage(place_of(BUS, int(select)), int(channel)).volts = float(volts)

    def _tell_seen(self) -> str:
        seen, self._seen = self._seen, []
        return "; ".join(seen)


def outside_spi(*places: str) -> AbstractContextManager[Player]:
    """From the side of a test: play these chips, each as `word@chip select`, until the end of the block."""
    return playing(Player, "tests.hil.outside_spi", *places)


def main(places: Sequence[str]) -> None:
    """Play until the input ends."""
    device = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
    outside = Outside(device)
    for place in places:
        outside.plug(place)
    selector = selectors.DefaultSelector()
    selector.register(device, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ok", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fd == device:
                outside.serve()
                continue
            lines = os.read(key.fd, 4096).decode().splitlines()
            if not lines:
                return
            for line in lines:
                print(outside.obey(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
