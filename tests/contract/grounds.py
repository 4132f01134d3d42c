"""What a contract suite needs from the ground it runs on: the back end under test and the world outside of it.

A new ground is one file `ground_<name>.py` with the functions `gpio_ground`, `spi_ground` and `video_ground` and a
table `I2C_GROUNDS` of functions, one for each kind of I2C bus it has, by name; pytest's `--ground=<name>` chooses it.
What a ground cannot do it lists in `lacks`, with the reason, and the tests that need it are skipped with that reason.
"""

import enum
import math
import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pytest

from pi_drivers.buses.gpio.contract import Gpio
from pi_drivers.buses.i2c.contract import I2cBus

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Facility(enum.Enum):
    """What not every ground can do."""

    EXACT_TIME = "time that stands still between two looks, so that widths are seen to the microsecond"
    KEPT_LEVELS = "released outputs that keep their level"
    OTHER_PROCESS = "another process that holds a line"
    PLAIN_TRANSFERS = "I2C messages without a register"
    FAULTS = "chips that stop answering, lines that are held low, and cameras that fall silent or are pulled out"
    DRIVING_FILES = "files by which another program drives a wire from outside"


class Ground:
    """What both kinds of ground share."""

    lacks: ClassVar[Mapping[Facility, str]] = {}

    def need(self, *facilities: Facility) -> None:
        """Skip the running test where the ground lacks one of these."""
        for facility in facilities:
            if facility in self.lacks:
                pytest.skip(self.lacks[facility])


class GpioGround(Ground, ABC):
    """A GPIO chip and the wires outside."""

    gpio: Gpio
    a: int = 17
    b: int = 27
    c: int = 22
    d: int = 23
    """Four lines that nothing else uses."""
    no_line: int = 60
    """A line that the chip does not have."""
    tolerance_ns: int
    """How far a time seen from outside may be off."""

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines that nothing else uses."""
        return (self.a, self.b, self.c, self.d)

    @abstractmethod
    def drive(self, offset: int, level: bool) -> None:
        """Put a level on a wire from outside."""

    @abstractmethod
    def release(self, offset: int) -> None:
        """Let go of a wire, so that the Pi's pull resistor decides."""

    @abstractmethod
    def level(self, offset: int) -> bool:
        """The level of a wire, measured outside."""

    @abstractmethod
    def settle(self, duration_ns: int = 10 * MILLISECOND) -> None:
        """Let time pass, at least this long."""

    @abstractmethod
    def now_ns(self) -> int:
        """The time on CLOCK_MONOTONIC's scale."""

    @abstractmethod
    def watch(self, offset: int, duration_ns: int) -> "Wave":
        """Let time pass and note every change of a wire."""

    def near(self, seen: Sequence[int], wanted_ns: int) -> bool:
        """Whether widths seen from outside are as wanted.

        Where time does not stand still, a busy machine looks too late now and then: there the median counts.
        """
        off = [abs(width - wanted_ns) for width in seen]
        judged = statistics.median(off) if Facility.EXACT_TIME in self.lacks and off else max(off, default=math.inf)
        return judged <= self.tolerance_ns

    def driving_file(self, offset: int) -> Path:
        """The file by which a program drives a wire from outside, with `pull-up` or `pull-down`.

        Needs `Facility.DRIVING_FILES`.
        """
        raise NotImplementedError

    @abstractmethod
    def held_elsewhere(self, offset: int) -> AbstractContextManager[str]:
        """Another process holds the line; gives the name under which the kernel knows it."""


class I2cGround(Ground, ABC):
    """An I2C bus and what is plugged in."""

    number: int
    absent_number: int = 99
    """A bus that the machine does not have."""
    registers_at: int = 0x76
    """Where a chip with 256 registers of one byte sits."""
    eeprom_at: int = 0x50
    """Where another sits, among the addresses of EEPROMs."""
    nobody_at: int = 0x21
    """Where none sits."""

    @abstractmethod
    def open(self, number: int) -> I2cBus:
        """Open a bus of this ground."""

    def fresh(self) -> None:
        """Bring the bus to where a test begins: two chips, nothing wrong with them, and nobody else's handles."""

    def plug_in(self, address: int, chip: str) -> None:
        """Put a new chip on the bus, by its word in `i2c_chips.CHIPS`. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def unplug(self, address: int) -> None:
        """Take a chip off the bus. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def replug(self, address: int) -> None:
        """Put the same chip back. Needs `Facility.FAULTS`."""
        raise NotImplementedError

    def hang(self, address: int) -> None:
        """The next transfer with this chip hangs. Needs `Facility.FAULTS`."""
        raise NotImplementedError


class Wave:
    """The changes of one wire over a time, as (ns since the start of watching, level)."""

    def __init__(self, first: bool, changes: list[tuple[int, bool]], duration_ns: int) -> None:
        self.first = first
        self.changes = changes
        self.duration_ns = duration_ns

    @property
    def last(self) -> bool:
        """The level at the end."""
        return self.changes[-1][1] if self.changes else self.first

    @property
    def steady(self) -> bool:
        """Whether nothing moved."""
        return not self.changes

    @property
    def rises(self) -> list[int]:
        """When the wire went high."""
        return [at for at, level in self.changes if level]

    @property
    def highs(self) -> list[int]:
        """The width of every high part that was seen from its beginning to its end."""
        return [end - start for (start, level), (end, _) in pairwise(self.changes) if level]

    @property
    def periods(self) -> list[int]:
        """The times from one rise to the next."""
        return [later - earlier for earlier, later in pairwise(self.rises)]

    @property
    def longest_rest(self) -> int:
        """The longest time without a change."""
        times = [0, *(at for at, _ in self.changes), self.duration_ns]
        return max(later - earlier for earlier, later in pairwise(times))


def watch_by_looking(
    look: Callable[[], bool], now_ns: Callable[[], int], step: Callable[[], None], duration_ns: int
) -> Wave:
    """Note the changes of a wire by looking at it again and again."""
    start_ns = now_ns()
    first = level = look()
    changes = []
    while (at_ns := now_ns() - start_ns) < duration_ns:
        seen = look()
        if seen is not level:
            level = seen
            changes.append((at_ns, level))
        step()
    return Wave(first, changes, duration_ns)
