"""An environment for run.sh without the internet: the packages of the one that runs the tests, or some of them.

On a user's machine setup.sh makes the environment from the package index. Here it finds one that was made already, so
that the script itself, and the interpreter it starts, are the ones a user gets.
"""

import subprocess
import sys
import sysconfig
from collections.abc import Collection
from pathlib import Path

from tests.module.child import REPOSITORY

STAMP = "pi-drivers-setup"


def make_environment(folder: Path, *, without: Collection[str] = ()) -> Path:
    """Make an environment below `folder`.

    Args:
        folder: an empty one.
        without: the packages and modules that are to be missing, by the name under which they are imported.

    Returns:
        What PI_DRIVERS_VENV is to name.
    """
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {python.resolve().parent}\ninclude-system-site-packages = false\n")
    packages = folder / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name.partition(".")[0] not in without:
            (packages / entry.name).symlink_to(entry)
    (folder / STAMP).write_text(f"{_checksum()}--no-dev\n{version}\n{python.resolve()}\n")
    return folder


def _checksum() -> str:
    """What setup.sh knows the packages by."""
    packages = b"".join((REPOSITORY / name).read_bytes() for name in ("uv.lock", "pyproject.toml"))
    return subprocess.run(["cksum"], input=packages, capture_output=True, check=True).stdout.decode()
