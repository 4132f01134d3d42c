"""How the demo shows its rover: a table that changes in place on a terminal, else a line a second."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from rich.console import Console
from rich.live import Live
from rich.table import Table

from pi_drivers.cli.voice import silence


class Wheel(NamedTuple):
    """A wheel at one moment."""

    name: str
    power: float
    """-1 to 1."""
    revolutions: float
    ticks: int


class Snapshot(NamedTuple):
    """The rover at one moment."""

    time_s: float
    doing: str
    wheels: Sequence[Wheel]
    air: Mapping[str, Any] | str
    """The sensor's readings, or why there are none."""


LEAST_COLUMNS = 64
"""A line below the table is no wider than the table."""

Show = Callable[[Snapshot], bool]
"""Shows a snapshot; returns whether anybody can still see it."""


@contextmanager
def view(console: Console | None = None) -> Iterator[Show]:
    """The way to show snapshots on this console."""
    console = console or Console()
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield _until_lost(lambda snapshot: live.update(table(snapshot), refresh=True))
    else:
        yield _until_lost(_line_a_second(console))


def _until_lost(put: Callable[[Snapshot], None]) -> Show:
    """Who watches may leave, `head` for example; that ends the show, and is no error."""

    def show(snapshot: Snapshot) -> bool:
        try:
            put(snapshot)
        except OSError:
            silence(sys.stdout)
            return False
        return True

    return show


def table(snapshot: Snapshot) -> Table:
    """A snapshot as a table."""
    shown = Table(title=f"rover after {snapshot.time_s:.1f} s: {snapshot.doing}", min_width=LEAST_COLUMNS)
    for column in ("component", "power", "turns", "encoder ticks"):
        shown.add_column(column, justify="left" if column == "component" else "right")
    for wheel in snapshot.wheels:
        turns = f"{wheel.revolutions:.2f}"
        shown.add_row(f"{wheel.name} wheel", f"{wheel.power:+.0%}", turns, str(wheel.ticks))
    shown.caption = _air_text(snapshot.air)
    return shown


def line(snapshot: Snapshot) -> str:
    """A snapshot as a line."""
    wheels = "; ".join(
        f"{wheel.name} {wheel.power:+.0%} {wheel.revolutions:.2f} turns {wheel.ticks} ticks"
        for wheel in snapshot.wheels
    )
    return f"{snapshot.time_s:.1f} s, {snapshot.doing}: {wheels}; {_air_text(snapshot.air)}"


def _air_text(air: Mapping[str, Any] | str) -> str:
    if isinstance(air, str):
        return f"air: {air}"
    values = ", ".join(f"{key} {value:.2f}" for key, value in air.items() if isinstance(value, int | float))
    return f"air: {values}"


def _line_a_second(console: Console) -> Callable[[Snapshot], None]:
    shown_s: set[int] = set()

    def show(snapshot: Snapshot) -> None:
        second = math.floor(snapshot.time_s)
        if second not in shown_s:
            shown_s.add(second)
            console.file.write(f"{line(snapshot)}\n")
            console.file.flush()

    return show
