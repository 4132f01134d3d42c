"""Puts one deliberate fault after another into a copy of the tree and sees whether the tests notice it.

A test that cannot fail looks like any other. Here each fault of the table must make one of the tests fail that are
meant to catch it; one that goes unnoticed, or whose text the source no longer has, ends the run with status 1.

usage: python -m tests.faults [words]        only the faults whose name or file has one of the words
"""

import queue
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.faults.table import FAULTS, Fault
from tests.faults.tree import Tree, Verdict

AT_ONCE = 2
SOUND_LIMIT_S = 300.0
"""How long all tests that caught a fault may take together without it."""

Trees = queue.SimpleQueue[Tree]


def main(words: Sequence[str]) -> int:
    """Try the faults, print the table, return the exit status."""
    faults = [fault for fault in FAULTS if not words or any(word in f"{fault.name} {fault.file}" for word in words)]
    if not faults:
        print(f"no fault has one of these words in its name or file: {', '.join(words)}")
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, ExitStack() as stack:
        trees: Trees = queue.SimpleQueue()
        for number in range(AT_ONCE):
            trees.put(stack.enter_context(closing(Tree(Path(folder, str(number))))))
        verdicts = _tried(trees, faults)
        is_sound = _pass_without_fault(trees, {verdict.text for verdict in verdicts if verdict.caught})
    missed = len(faults) - sum(verdict.caught for verdict in verdicts)
    print(f"{len(faults)} faults, {missed} not caught, {time.monotonic() - began:.0f} s")
    return 0 if is_sound and not missed else 1


def _tried(trees: Trees, faults: Sequence[Fault]) -> list[Verdict]:
    def attempt(fault: Fault) -> Verdict:
        with _one_of(trees) as tree:
            return tree.judge(fault)

    print("| fault | file | caught by |\n| --- | --- | --- |")
    verdicts = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for fault, verdict in zip(faults, pool.map(attempt, faults), strict=True):
            print(f"| {fault.name} | {fault.file} | {verdict.text} |", flush=True)
            verdicts.append(verdict)
    return verdicts


def _pass_without_fault(trees: Trees, tests: Collection[str]) -> bool:
    """Whether the tests that failed pass in the sound tree: one that fails anyway has caught nothing."""

    def attempt(share: Sequence[str]) -> bool:
        with _one_of(trees) as tree:
            status, output = tree.run(share, SOUND_LIMIT_S)
        if status != 0:
            print(f"without any fault, pytest ends with status {status}:\n{output[-3000:]}")
        return status == 0

    shares = [share for share in (sorted(tests)[number::AT_ONCE] for number in range(AT_ONCE)) if share]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return all(list(pool.map(attempt, shares)))


@contextmanager
def _one_of(trees: Trees) -> Iterator[Tree]:
    tree = trees.get()
    try:
        yield tree
    finally:
        trees.put(tree)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
