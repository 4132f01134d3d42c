"""Reads uv.lock: which packages, of which version and with which hashes, the module needs on a Python of a machine.

uv installs from uv.lock for the machine it runs on. An archive is often built for another one, so this follows the
dependencies itself and decides every marker for the target.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import Marker

LOCK = Path(__file__).parents[1] / "uv.lock"
PROJECT = "pi-drivers"

Entry = Mapping[str, Any]


class Pin(NamedTuple):
    """One version of a package. `hashes` are those of all its wheels, as pip takes them ("sha256:...")."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def requirement(self, hashes: Iterable[str]) -> str:
        """The line for pip that accepts files with these hashes alone."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash={each}" for each in hashes)])


def pins(python: str, machine: str) -> list[Pin]:
    """What the module needs.

    Args:
        python: "3.11" for example.
        machine: as Linux names it: "aarch64" or "x86_64".
    """
    packages = _packages()
    target = _environment(python, machine)
    found: dict[str, Entry] = {}
    todo = [next(entry for entry in packages if entry["name"] == PROJECT)]
    while todo:
        for wanted in _dependencies(todo.pop(), target):
            entry = _only(entry for entry in packages if _answers(wanted, entry))
            if entry["name"] not in found:
                found[entry["name"]] = entry
                todo.append(entry)
    return [_pin(found[name]) for name in sorted(found)]


def source_of(name: str) -> Pin:
    """A package's source: its version, and the hash of the file."""
    entry = _only(entry for entry in _packages() if entry["name"] == name)
    return Pin(name, entry["version"], (entry["sdist"]["hash"],))


def _packages() -> list[Entry]:
    packages: list[Entry] = tomllib.loads(LOCK.read_text())["package"]
    return packages


def _environment(python: str, machine: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        # No marker of the lock tells patch versions apart.
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def _dependencies(entry: Entry, target: dict[str, str]) -> Iterator[Entry]:
    for wanted in entry.get("dependencies", ()):
        if wanted.get("extra"):
            raise SystemExit(f"uv.lock: {entry['name']} wants extras of {wanted['name']}: packaging/lock.py reads none")
        if "marker" not in wanted or Marker(wanted["marker"]).evaluate(target):
            yield wanted


def _answers(wanted: Entry, entry: Entry) -> bool:
    return bool(wanted["name"] == entry["name"] and wanted.get("version", entry["version"]) == entry["version"])


def _only(entries: Iterable[Entry]) -> Entry:
    (entry,) = entries
    return entry


def _pin(entry: Entry) -> Pin:
    return Pin(entry["name"], entry["version"], tuple(wheel["hash"] for wheel in entry["wheels"]))
