"""Puts one deliberate fault after another into a copy of the tree and sees whether the tests notice it.

A test that cannot fail looks like any other. Here each fault of the table must make one of the tests fail that are
meant to catch it; one that goes unnoticed, or whose text the source no longer has, ends the run with status 1.

usage: python -m tests.faults [words]        only the faults whose name or file has one of the words
"""

import compileall
import os
import py_compile
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.faults.table import FAULTS, Fault

ROOT = Path(__file__).parents[2]
AT_ONCE = 2
ASYNCIO = "pytest_asyncio.plugin"
"""All that the tests need. The others that are installed would cost a third of each run."""
LIMIT_S = 60
"""How long one run of pytest may take; a fault should make a test fail, not hang."""
SOUND_LIMIT_S = 300
"""How long all of these tests together may take without any fault."""
TESTS_FAILED = 1
"""pytest's exit status; all others but 0 mean that something else is wrong."""


class Verdict(NamedTuple):
    """What became of a fault."""

    caught: bool
    text: str
    """The test that caught it, or why none did."""


class Tree:
    """A copy of the sources and the tests, to be broken and mended. Used by one thread at a time."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for folder in ("src", "tests"):
            shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", place)
        # By default Python tells a stale module by its age in seconds, and faults come and go faster than that.
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(place / "src", quiet=1, invalidation_mode=mode)

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
        argv = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", ASYNCIO, "--tb=line"]
        with subprocess.Popen(
            [*argv, *(f"tests/{test}" for test in tests)],
            cwd=self._place, env=_environment(self._place), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            try:
                output, _ = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                return None, _ended(process)
            return process.returncode, output


def _ended(process: "subprocess.Popen[str]") -> str:
    """End a run that hangs: gently first, so that fixtures end the processes they started."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def _environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PI_DRIVERS_TEST_PYTHONS"}
    path = f"{place / 'src'}{os.pathsep}{place}"
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**kept, **alone, "PYTHONPATH": path, "PYTHONDEVMODE": "1", "PYTHONMALLOC": "pymalloc"}


def _verdict(status: int | None, output: str) -> Verdict:
    if status == 0:
        return Verdict(False, "SURVIVED")
    if status is None:
        return Verdict(False, f"HUNG: its tests did not end within {LIMIT_S} s")
    failed = re.search(r"^(?:FAILED|ERROR) tests/(.+?)(?: - |$)", output, re.MULTILINE)
    if status != TESTS_FAILED or failed is None:
        return Verdict(False, f"BROKEN: pytest ended with status {status}: {output[-500:]}")
    return Verdict(True, failed[1])


def main(words: Sequence[str]) -> int:
    """Try the faults, print the table, return the exit status."""
    faults = [fault for fault in FAULTS if not words or any(word in f"{fault.name} {fault.file}" for word in words)]
    if not faults:
        print(f"no fault has one of these words in its name or file: {', '.join(words)}")
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for number in range(AT_ONCE):
            trees.put(Tree(Path(folder, str(number))))
        verdicts = _without_fault(trees, faults) or _tried(trees, faults)
    missed = len(faults) - sum(verdict.caught for verdict in verdicts)
    print(f"{len(faults)} faults, {missed} not caught, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


def _without_fault(trees: "queue.SimpleQueue[Tree]", faults: Sequence[Fault]) -> list[Verdict]:
    """What is wrong before any fault: a test that fails anyway catches nothing."""
    tests = sorted({test for fault in faults for test in fault.tests.split()})

    def attempt(share: Sequence[str]) -> bool:
        tree = trees.get()
        try:
            status, output = tree.run(share, SOUND_LIMIT_S)
        finally:
            trees.put(tree)
        if status != 0:
            print(f"without any fault, pytest ends with status {status}:\n{output[-3000:]}")
        return status == 0

    shares = [share for share in (tests[number::AT_ONCE] for number in range(AT_ONCE)) if share]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        is_sound = all(list(pool.map(attempt, shares)))
    return [] if is_sound else [Verdict(False, "")]


def _tried(trees: "queue.SimpleQueue[Tree]", faults: Sequence[Fault]) -> list[Verdict]:
    def attempt(fault: Fault) -> Verdict:
        tree = trees.get()
        try:
            return tree.judge(fault)
        finally:
            trees.put(tree)

    print("| fault | file | caught by |\n| --- | --- | --- |")
    verdicts = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for fault, verdict in zip(faults, pool.map(attempt, faults), strict=True):
            print(f"| {fault.name} | {fault.file} | {verdict.text} |", flush=True)
            verdicts.append(verdict)
    return verdicts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
