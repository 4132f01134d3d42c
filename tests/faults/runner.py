"""Runs pytest again and again in one folder, each time in a process of its own that begins warm (`warm.py`)."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

WARM = Path(__file__).with_name("warm.py")
ASYNCIO = "pytest_asyncio.plugin"
"""All that the tests need. The others that are installed would cost time in each run."""


class Runner:
    """A warm Python in a folder, which has the sources in `src`. Used by one thread at a time."""

    def __init__(self, place: Path) -> None:
        self._output = place / "output"
        # -P: without the folder of the file on the path.
        self._warm = subprocess.Popen(
            [sys.executable, "-P", str(WARM)],
            cwd=place, env=_environment(place), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def close(self) -> None:
        """End the warm Python. Idempotent."""
        self._warm.communicate()

    def run(self, tests: Sequence[str], limit_s: float) -> tuple[int | None, str]:
        """pytest's exit status, None when it did not end in time, and what it wrote.

        Raises:
            RuntimeError: the warm Python itself has ended; it has said why on stderr.
        """
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", ASYNCIO, "--tb=line", *tests]
        request = {"arguments": arguments, "output": str(self._output), "limit_s": limit_s}
        with suppress(BrokenPipeError):
            self._warm.stdin.write(f"{json.dumps(request)}\n")
            self._warm.stdin.flush()
        answer = self._warm.stdout.readline()
        if not answer:
            raise RuntimeError("the Python that runs the tests has ended; what it said is above")
        return json.loads(answer), self._output.read_text(encoding="utf-8", errors="replace")


def _environment(place: Path) -> dict[str, str]:
    unwanted = ("PI_DRIVERS_TEST_PYTHONS", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    path = f"{place / 'src'}{os.pathsep}{place}"
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**kept, **alone, "PYTHONPATH": path, "PYTHONDEVMODE": "1", "PYTHONMALLOC": "pymalloc"}
