"""Builds archives as build.sh does it, and unpacks them as viam-server does it.

They are built in a copy of the sources, so that what is built is not what somebody is just changing. What was fetched
from the package index is shared with the repository's own builds.
"""

import os
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_FILES = ("build.sh", "packaging")
CONTENTS = ("meta.json", "run.sh", "setup.sh", "first_run.sh", "pyproject.toml", "uv.lock", "README.md", "LICENSE",
            "docs", "examples", "src")  # fmt: skip
MACHINES = {"arm64": "aarch64", "amd64": "x86_64"}
"""What Linux calls the architectures that Go has these words for."""
HERE = next((arch for arch, machine in MACHINES.items() if machine == platform.machine()), None)
"""This machine's architecture; None where there is no archive for it."""
LIMIT_S = 300.0


def copy_sources(origin: Path, folder: Path) -> Path:
    """What build.sh needs, in a folder of its own."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    (folder / ".cache").symlink_to(ROOT / ".cache")
    for name in (*BUILD_FILES, *CONTENTS):
        if (origin / name).is_dir():
            shutil.copytree(origin / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin / name, folder / name)
    return folder


def build(sources: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run build.sh with these variables on top of what it needs."""
    return subprocess.run(
        [sources / "build.sh"],
        env={**_outside(), **variables}, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip


class Builder:
    """Builds from one copy of the sources, once for each architecture.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "sources").mkdir()
        self.sources = copy_sources(ROOT, folder / "sources")
        self._built: dict[str, Path] = {}

    def archive(self, arch: str) -> Path:
        """The archive for an architecture, in Go's words."""
        if arch not in self._built:
            done = build(self.sources, VIAM_BUILD_OS="linux", VIAM_BUILD_ARCH=arch)
            if "Python.h is missing" in done.stderr:
                pytest.skip(done.stderr.strip())
            assert done.returncode == 0, done.stderr
            kept = self.sources.with_name(f"{arch}.tar.gz")
            self._built[arch] = (self.sources / "dist" / "archive.tar.gz").rename(kept)
        return self._built[arch]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack without dates, each folder once and before what is in it, and files and folders alone."""
    folder.mkdir()
    with tarfile.open(archive) as entries:
        for entry in entries:
            target = folder / entry.name
            if entry.isdir():
                target.mkdir(mode=entry.mode)
            else:
                contents = entries.extractfile(entry)
                assert contents is not None, f"{entry.name} is neither a file nor a folder"
                target.write_bytes(contents.read())
                target.chmod(0o600 | entry.mode)


def _outside() -> dict[str, str]:
    """The variables by which pip finds its index and a build its Python."""
    wanted = ("PATH", "HOME", "LANG")
    return {name: value for name, value in os.environ.items() if name in wanted or name.startswith(("PIP_", "SSL_"))}
