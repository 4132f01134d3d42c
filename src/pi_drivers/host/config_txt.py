"""What a Pi's config.txt asks for on this very Pi: sections for other models do not count, included files do.

The firmware reads it, so nothing in it counts before the next start; what is there now, the kernel's files tell.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pi_drivers.buses.files import is_there

CONFIG_FILES = ("boot/firmware/config.txt", "boot/config.txt")
"""Since Raspberry Pi OS 12, and before."""
MODEL_FILTERS = (
    ("Raspberry Pi 500", ("pi5", "pi500")),
    ("Raspberry Pi 5", ("pi5",)),
    ("Raspberry Pi Compute Module 5", ("pi5", "cm5")),
    ("Raspberry Pi 400", ("pi4", "pi400")),
    ("Raspberry Pi 4", ("pi4",)),
    ("Raspberry Pi Compute Module 4S", ("pi4", "cm4s")),
    ("Raspberry Pi Compute Module 4", ("pi4", "cm4")),
    ("Raspberry Pi 3 Model A Plus", ("pi3", "pi3+")),
    ("Raspberry Pi 3 Model B Plus", ("pi3", "pi3+")),
    ("Raspberry Pi 3", ("pi3",)),
    ("Raspberry Pi Compute Module 3", ("pi3",)),
    ("Raspberry Pi 2", ("pi2",)),
    ("Raspberry Pi Zero 2", ("pi0", "pi0w", "pi02")),
    ("Raspberry Pi Zero W", ("pi0", "pi0w")),
    ("Raspberry Pi Zero", ("pi0",)),
    ("Raspberry Pi", ("pi1",)),
)
"""The sections a model sees, by how its name begins; the first that fits (raspberrypi.com, conditional filters)."""
OFF = ("off", "no", "n", "false", "0")
DEEPEST_INCLUDE = 5


class Overlay(NamedTuple):
    """A `dtoverlay` line."""

    name: str
    parameters: Mapping[str, str]
    """Its own, and those of the `dtparam` lines after it."""
    line: str


class ConfigTxt:
    """The lines that count on this Pi."""

    def __init__(self, root: Path, model: str, serial: str) -> None:
        """Read it; where there is none, no line counts.

        Args:
            root: where the files are.
            model: as the device tree has it: `Raspberry Pi 4 Model B Rev 1.4`.
            serial: hexadecimal, or empty.
        """
        path = next((root / name for name in CONFIG_FILES if is_there(root / name)), root / CONFIG_FILES[0])
        self.path = f"/{path.relative_to(root)}"
        self.lines = list(_counting(_lines(path), filters_of(model), serial))

    def overlays(self) -> list[Overlay]:
        """The overlays, in the order in which they are loaded."""
        found: list[Overlay] = []
        for key, value in self._settings():
            if key == "dtoverlay" and value:
                name, _, rest = value.partition(",")
                found.append(Overlay(name, _parameters(rest), f"{key}={value}"))
            elif key == "dtparam" and found:
                found[-1] = found[-1]._replace(parameters={**found[-1].parameters, **_parameters(value)})
        return found

    def has_overlay(self, *beginnings: str) -> bool:
        """Whether an overlay is loaded whose name begins so."""
        return any(overlay.name.startswith(beginnings) for overlay in self.overlays())

    def is_on(self, *names: str) -> bool:
        """Whether one of these parameters of the device tree is switched on; the last line that has one decides."""
        state = False
        for key, value in self._settings():
            if key == "dtparam":
                given = [text for name, text in _parameters(value).items() if name in names]
                state = given[-1] not in OFF if given else state
        return state

    def value(self, name: str) -> str:
        """What a setting is given last; empty where it is not given."""
        return next((value for key, value in reversed(self._settings()) if key == name), "")

    def _settings(self) -> list[tuple[str, str]]:
        pairs = (line.partition("=") for line in self.lines)
        return [(key.strip(), value.strip()) for key, _, value in pairs]


def filters_of(model: str) -> tuple[str, ...]:
    """The names of the sections that are for a model."""
    return next((names for beginning, names in MODEL_FILTERS if model.startswith(beginning)), ())


def _lines(path: Path, includers: tuple[Path, ...] = ()) -> Iterator[str]:
    """A file's lines, with those of the files it includes; one that includes itself does so in vain."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # not there, or no name that a file can have
        return
    within = (*includers, path)
    for raw in text.splitlines():
        line = raw.split("#")[0].strip()
        if line.startswith("include "):
            included = path.parent / line.removeprefix("include ").strip()
            if included not in within and len(within) <= DEEPEST_INCLUDE:
                yield from _lines(included, within)
        elif line:
            yield line


def _counting(lines: Iterator[str], models: tuple[str, ...], serial: str) -> Iterator[str]:
    """Those no section keeps from this Pi. Sections of one kind replace each other, those of several add up."""
    verdicts: dict[str, bool] = {}
    for line in lines:
        section = re.fullmatch(r"\[(.*)\]", line)
        if section is None:
            if all(verdicts.values()):
                yield line
        elif section[1] == "all":
            verdicts.clear()
        else:
            verdicts |= _verdict(section[1], models, serial)


def _verdict(section: str, models: tuple[str, ...], serial: str) -> dict[str, bool]:
    """Whether a section is for this Pi, by the kind of the section. What cannot be known from here may well be."""
    if re.match(r"(pi|cm)\d", section):
        return {"model": section in models}
    if re.fullmatch(r"0x[0-9a-fA-F]+", section):
        return {"serial": section[2:].lower().lstrip("0") == serial.lower().lstrip("0")}
    if section in {"none", "tryboot"}:
        return {section: False}
    return {}


def _parameters(text: str) -> dict[str, str]:
    """`i2c_arm=on,spi` is both on."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}
