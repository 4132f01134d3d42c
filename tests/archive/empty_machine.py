"""A machine that has nothing but a Python and the unpacked module: name spaces of this one."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.archive.building import ROOT
from tests.module.child import Start

SCRIPT = Path(__file__).with_name("empty_machine.sh")
UNSHARE = ("unshare", "--net", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
LIMIT_S = 240.0
REAL_PREFIX = "import os, sys; print(os.path.realpath(sys.base_prefix)); print(os.path.realpath(sys.executable))"


def is_possible() -> bool:
    """Whether this user may make one."""
    if shutil.which("unshare") is None:
        return False
    tried = [*UNSHARE, "mount", "--make-rprivate", "/"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


class EmptyMachine:
    """One with the module in `module`, and in `data` what it makes for itself.

    Args:
        box: a folder for it; `box/module` is the unpacked archive.
        python: an interpreter; the one it stands on is what the machine has.
    """

    def __init__(self, box: Path, python: str) -> None:
        self.box = box
        self.module = box / "module"
        self.data = box / "data"
        answer = subprocess.run([python, "-c", REAL_PREFIX], capture_output=True, text=True, check=True)
        self._prefix, self._python = answer.stdout.split()

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command there to its end."""
        return subprocess.run(
            [*UNSHARE, *self._arguments(), *map(str, command)],
            env=self._outside(), capture_output=True, text=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip

    def start(self) -> Start:
        """How a fake viam-server starts the module there."""
        entry = [*UNSHARE[1:], *self._arguments(), str(self.module / "run.sh")]
        return Start(python=UNSHARE[0], entry=entry, env=self._outside())

    def files(self) -> set[tuple[str, int, int]]:
        """Every file and folder of the machine that the module could have changed: its path, size and date."""
        found = (path for folder in (self.module, self.data) for path in folder.rglob("*"))
        return {(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in found}

    def _arguments(self) -> Sequence[str]:
        hidden = " ".join(sorted({str(ROOT), os.environ.get("HOME", "/root"), "/opt", "/home"}))
        return [str(SCRIPT), str(self.box), self._prefix, hidden]

    def _outside(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "EMPTY_PYTHON": self._python}
