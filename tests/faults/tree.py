"""A copy of the sources and the tests, to put faults into and see which test notices."""

import compileall
import py_compile
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.faults.runner import Runner
from tests.faults.table import Fault

ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0
"""How long one run of pytest may take; a fault should make a test fail, not hang."""
TESTS_FAILED = 1
"""pytest's exit status; all others but 0 mean that something else is wrong."""


class Verdict(NamedTuple):
    """What became of a fault."""

    caught: bool
    text: str
    """The test that caught it, or why none did."""


class Tree:
    """A copy of the tree, to be broken and mended. Used by one thread at a time."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for folder in ("src", "tests", "examples"):
            shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", place)
        # By default Python tells a stale module by its age in seconds, and faults come and go faster than that.
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(place / "src", quiet=1, invalidation_mode=mode)
        self._runner = Runner(place)

    def close(self) -> None:
        """No more runs. Idempotent."""
        self._runner.close()

    def judge(self, fault: Fault) -> Verdict:
        """Put the fault in, run its tests, take it out again."""
        path = self._place / "src" / "pi_drivers" / fault.file
        sound = path.read_text(encoding="utf-8") if path.exists() else ""
        count = sound.count(fault.old)
        if count != 1:
            return Verdict(False, f"STALE: its text is in the source {count} times instead of once")
        path.write_text(sound.replace(fault.old, fault.new), encoding="utf-8")
        try:
            status, output = self.run(fault.tests.split())
        finally:
            path.write_text(sound, encoding="utf-8")
        return _verdict(status, output)

    def run(self, tests: Sequence[str], limit_s: float = LIMIT_S) -> tuple[int | None, str]:
        """pytest's exit status, None when it did not end in time, and what it wrote."""
        return self._runner.run([f"tests/{test}" for test in tests], limit_s)


def _verdict(status: int | None, output: str) -> Verdict:
    if status == 0:
        return Verdict(False, "SURVIVED")
    if status is None:
        return Verdict(False, f"HUNG: its tests did not end within {LIMIT_S:.0f} s")
    failed = re.search(r"^(?:FAILED|ERROR) tests/(.+?)(?: - |$)", output, re.MULTILINE)
    if status != TESTS_FAILED or failed is None:
        return Verdict(False, f"BROKEN: pytest ended with status {status}: {output[-500:]}")
    return Verdict(True, failed[1])
