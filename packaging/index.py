"""Asks the package index for files, by the pip of the environment that the archive is built with."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def fetch(wanted: Sequence[str], options: Sequence[str], folder: Path) -> None:
    """Put the files that fit these lines for pip into a folder. Each line has the hashes of the files it accepts.

    Raises:
        SystemExit: the index does not answer, or has no such file; pip has said on stderr which it is.
    """
    folder.mkdir()
    lines = folder.with_name("requirements.txt")
    lines.write_text("\n".join(wanted))
    told = [*options, f"--dest={folder}", f"--requirement={lines}"]
    done = subprocess.run(
        [*PIP, "download", "--no-deps", "--require-hashes", *told], check=False, stdout=sys.stderr
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit("pi-drivers build: not everything could be fetched; is there a way to the internet?")
