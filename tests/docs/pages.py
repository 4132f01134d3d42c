"""What stands on a page: its blocks of code, and its tables. A page is tested by doing what it says."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code."""

    language: str
    text: str
    above: str
    """The last line before it that is not empty."""


def text_of(page: str) -> str:
    """A page by its path in the tree."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str | None = None) -> list[Block]:
    """The blocks of a page, in order; all of them, or those in a language ("" for none)."""
    text = text_of(page)
    found = [Block(one[2], one[3], _line_above(text[: one.start()])) for one in FENCE.finditer(text)]
    return [block for block in found if language is None or block.language == language]


def only_block(page: str, language: str) -> str:
    """The text of the only block in a language."""
    (block,) = blocks(page, language)
    return block.text


def tables(page: str) -> list[list[list[str]]]:
    """The tables of a page: rows of cells, without the heads."""
    found: list[list[list[str]]] = [[]]
    for line in text_of(page).splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [table[2:] for table in found if table]


def _line_above(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
