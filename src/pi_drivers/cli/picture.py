"""Draws the picture of the demo for README.md: `docs/demo.svg`, when `python -m pi_drivers.cli.generate` runs.

It is what `./run.sh demo` shows on a terminal, at one moment of the rover's drive. The drive's time is moved by hand,
so the picture is the same each time it is drawn.
"""

import io

from rich.console import Console
from rich.text import Text

from pi_drivers.cli.by_hand import run_by_hand
from pi_drivers.cli.demo import run_demo
from pi_drivers.cli.demo_view import Snapshot, table
from pi_drivers.cli.meta import ROOT

COLUMNS = 66
MOMENT_S = 5.0
"""When in its drive the rover is drawn: in the bend, where its wheels differ."""
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>The table that ./run.sh demo shows</title>
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: 18px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's drawing of a terminal, without the fonts that it would fetch from elsewhere."""


def picture() -> str:
    """The picture, as SVG. Drives the rover, in its own time."""
    snapshots: list[Snapshot] = []

    def keep(snapshot: Snapshot) -> bool:
        snapshots.append(snapshot)
        return True

    run_by_hand(run_demo(MOMENT_S, keep))
    return _drawn(snapshots[-1])


def _drawn(snapshot: Snapshot) -> str:
    console = Console(file=io.StringIO(), record=True, force_terminal=True, width=COLUMNS)
    console.print(Text.assemble(("$ ", "green"), ("./run.sh demo", "bold")))
    console.print(table(snapshot))
    drawing = console.export_svg(title="pi-drivers", code_format=SVG, unique_id="demo")
    return "\n".join(line.strip() for line in drawing.splitlines() if line.strip()) + "\n"


def write() -> str:
    """Write the file; returns its path."""
    path = ROOT / "docs" / "demo.svg"
    path.write_text(picture(), encoding="utf-8")
    return str(path)
