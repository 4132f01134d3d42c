"""Fills the archive's folder of wheels: what every Python the module runs on needs on the target, once each.

The package index is asked for exactly what uv.lock says, and a file with another hash is refused. What was fetched is
kept below .cache, so that the next build fetches nothing. Beside the wheels goes requirements.txt, by which setup.sh
installs them: it names each file's hash, so a file that was damaged on its way is found there.

usage: wheels.py MACHINE FOLDER      MACHINE is aarch64 or x86_64; FOLDER is empty
"""

import hashlib
import itertools
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import lock
from index import fetch
from lgpio_wheel import make_wheel
from packaging.utils import parse_wheel_filename

CACHE = Path(__file__).parents[1] / ".cache" / "wheels"
TOOLS = Path(__file__).with_name("tools.txt")
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST_GLIBC, NEWEST_GLIBC = 5, 36
"""2.5 is the oldest that wheels are built for; 2.36 is what Raspberry Pi OS 12 has, the oldest with Python 3.11."""


def main(machine: str, folder: Path) -> None:
    """Gather the wheels and write what setup.sh installs them by."""
    by_python = {python: fetched(python, machine) for python in PYTHONS}
    lgpio = make_wheel(machine)
    for files in by_python.values():
        files.append(lgpio)
    for file in {pip_wheel(), *itertools.chain(*by_python.values())}:
        shutil.copyfile(file, folder / file.name)
    lines = requirements(by_python)
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))


def fetched(python: str, machine: str) -> list[Path]:
    """The wheels of the lock for one Python of the target."""
    wanted = [pin.requirement(pin.hashes) for pin in lock.pins(python, machine)]
    digits = python.replace(".", "")
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    return download(
        wanted,
        ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
        + [f"--abi={abi}" for abi in (f"cp{digits}", "abi3", "none")]
        + [f"--platform={platform}" for platform in (*platforms, f"manylinux2014_{machine}")],
    )


def pip_wheel() -> Path:
    """The installer itself, which not every system has."""
    (line,) = (line for line in TOOLS.read_text().splitlines() if line.startswith("pip=="))
    (file,) = download([line], ["--only-binary=:all:"])
    return file


def download(wanted: Sequence[str], options: Sequence[str]) -> list[Path]:
    """The files that fit these lines for pip: from the cache, where the same was asked for before."""
    question = "\n".join([*options, *wanted])
    folder = CACHE / hashlib.sha256(question.encode()).hexdigest()[:16]
    if not _is_whole(folder, wanted):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            answer = Path(scratch, "files")
            fetch(wanted, options, answer)
            shutil.rmtree(folder, ignore_errors=True)
            answer.rename(folder)
    return sorted(folder.iterdir())


def _is_whole(folder: Path, wanted: Sequence[str]) -> bool:
    """Whether the cache has a file for each line, as it came from the index."""
    files = list(folder.glob("*.whl"))
    accepted = "\n".join(wanted)
    return len(files) == len(wanted) and all(_checksum(file) in accepted for file in files)


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def requirements(by_python: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    """A line for each version of a package, with a marker where not every Python has it."""
    users: dict[tuple[str, str], dict[str, Path]] = {}
    for python, files in by_python.items():
        for file in files:
            name, version, *_ = parse_wheel_filename(file.name)
            users.setdefault((str(name), str(version)), {})[python] = file
    for (package, number), wheels in sorted(users.items()):
        marker = "" if len(wheels) == len(by_python) else " ; " + _one_of(wheels)
        hashes = sorted({_checksum(wheel) for wheel in wheels.values()})
        yield f"{package}=={number}{marker}" + "".join(f" --hash=sha256:{each}" for each in hashes)


def _one_of(pythons: Iterable[str]) -> str:
    return " or ".join(f'python_version == "{python}"' for python in pythons)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
