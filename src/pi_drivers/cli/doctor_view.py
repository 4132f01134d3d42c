"""How the doctor's report looks: in colour on a terminal, plain in a pipe, and never broken inside a line to copy."""

import io
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from pi_drivers.cli.json_text import pretty
from pi_drivers.host.finding import Finding, Level
from pi_drivers.models.discovery.inventory import Connected, Inventory

MARKS: Mapping[Level, tuple[str, str]] = {
    Level.OK: ("ok", "green"),
    Level.BETTER: ("hint", "yellow"),
    Level.BROKEN: ("mend", "bold red"),
}
"""A word for each level, since not everybody sees colours, and its colour."""
MARK_WIDTH = 8
INDENT = " " * 4

Page = Iterator[Text]


class _Paper(io.StringIO):
    """What a page is drawn on: it counts as a terminal where the stream is one, which is not touched."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()


def rendered(page: Page, *, to_stderr: bool) -> str:
    """A page as text, with the codes for colours where stdout (or stderr) is a terminal that wants them."""
    paper = _Paper(sys.stderr if to_stderr else sys.stdout)
    console = Console(file=paper, soft_wrap=True, highlight=False, emoji=False, markup=False)
    for line in page:
        console.print(line)
    return paper.getvalue().removesuffix("\n")


def findings(found: Sequence[Finding]) -> Page:
    """What the machine lacks: a heading for each subject, a line for each finding, its mend beneath."""
    subjects = dict.fromkeys(finding.subject for finding in found)
    for subject in subjects:
        yield _heading(subject)
        for finding in found:
            if finding.subject == subject:
                yield from _finding(finding)
        yield Text()


def connected(found: Inventory) -> Page:
    """What is connected, with the JSON to paste for each."""
    yield _heading("Connected")
    if not found.connected:
        yield Text("  nothing was found", "dim")
    for one in found.connected:
        yield Text.assemble("  ", (_plain(one.place), "bold"), f": {_plain(one.what)}")
        yield from _components(one)
    yield Text()


def troubles(lines: Sequence[str]) -> Page:
    """What could not be looked at."""
    if lines:
        yield _heading("Not looked at, or left out")
        yield from (Text(f"  {_plain(line)}") for line in lines)
        yield Text()


def whole(machine: Mapping[str, Any]) -> Page:
    """A machine config of all that is connected."""
    yield _heading("All of it as a machine config")
    yield Text("for ./run.sh up, or for your machine at app.viam.com; ./run.sh doctor --json prints it alone")
    yield Text(pretty(machine))
    yield Text()


def summary(broken: int) -> Page:
    """The last line."""
    if broken:
        yield Text(f"{broken} thing{'' if broken == 1 else 's'} to mend", "bold red")
    else:
        yield Text("nothing has to be mended", "green")


def _heading(text: str) -> Text:
    return Text(text, "bold cyan")


def _finding(finding: Finding) -> Page:
    word, style = MARKS[finding.level]
    yield Text.assemble("  ", (word.ljust(MARK_WIDTH), style), f"{finding.what}: {_plain(finding.found)}")
    if finding.mend:
        purpose = f"for {finding.needed_for}:" if finding.needed_for else "to mend it:"
        beneath = " " * (MARK_WIDTH + 2)
        yield Text(f"{beneath}{purpose}", "dim")
        yield Text(f"{beneath}{INDENT}{_plain(finding.mend)}", "bold")


def _components(one: Connected) -> Page:
    for component, is_first in zip(one.components, itertools.chain([True], itertools.repeat(False)), strict=False):
        if not is_first:
            yield Text(f"{INDENT}or", "dim")
        yield Text(INDENT + pretty(component, len(INDENT)))


def _plain(text: str) -> str:
    """A camera names itself, and could clear the screen with its name."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
