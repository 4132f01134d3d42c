"""The examples' page as its readers see it: a section for each example, with commands to copy and what they print."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TITLES = {
    "rover": "Rover",
    "weather_station": "Weather station",
    "pan_tilt": "Camera pan-tilt",
    "conveyor": "Conveyor",
    "greenhouse": "Greenhouse",
}
"""The examples, and what their sections are called."""


def page() -> str:
    return (EXAMPLES / "README.md").read_text(encoding="utf-8")


def section(example: str) -> str:
    """What the page says of an example."""
    return page().partition(f"\n## {TITLES[example]}\n")[2].partition("\n## ")[0]


def commands(text: str) -> list[str]:
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def output(example: str) -> list[str]:
    """What the page says that the client prints."""
    without_commands = re.sub(r"```sh\n.*?```\n", "", section(example), flags=re.DOTALL)
    blocks: list[str] = re.findall(r"```\n((?:[^`]+\n)+)```", without_commands)
    assert len(blocks) == 1, f"{example}: {len(blocks)} blocks of output"
    return blocks[0].splitlines()


def is_as_on_the_page(example: str, lines: list[str]) -> bool:
    """Whether a client's lines are those of the page, but for their numbers and folders."""
    return [_shape(line) for line in lines] == [_shape(line) for line in output(example)]


def _shape(line: str) -> str:
    return re.sub(r"-?\d+(\.\d+)?", lambda number: "0.0" if number[1] else "0", re.sub(r"/\S*/", "/", line))
