"""Measures the archive: its size for each architecture, and how long the module takes to start from it on this one,
beside a module that makes its environment at its first start with pip from the package index, as Python modules
usually do.

Nothing is measured twice but the later starts: a first start is one. Both install for this machine's Python; that from
the index has what pip has kept of earlier downloads turned off. What else the machine does meanwhile shows.
"""

import asyncio
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.archive.building import HERE, MACHINES, Builder, unpack
from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer

LATER_STARTS = 5
PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
MIB = 2**20


async def main() -> None:
    """Measure and print a table in Markdown."""
    assert HERE is not None, "there is no archive for this machine's architecture"
    with tempfile.TemporaryDirectory(prefix="pi-drivers-archive-") as name:
        folder = Path(name)
        builder = Builder(folder)
        print(f"The system's {python_version()} on {platform.machine()}.\n\n| | |\n| --- | ---: |")
        for arch in MACHINES:
            tell(f"archive for {arch}", f"{builder.archive(arch).stat().st_size / MIB:.0f} MiB")
        module, data = folder / "module", folder / "data"
        unpack(builder.archive(HERE), module)
        preparing = timed([str(module / "first_run.sh")], {"VIAM_MODULE_DATA": str(data)})
        tell("its environment on the disk", f"{size_of(data) / MIB:.0f} MiB")
        tell("`first_run.sh`, which makes it", f"{preparing:.1f} s")
        starts = [await start_of(module, data) for _ in range(1 + LATER_STARTS)]
        tell("first start of the module after that, to Ready", f"{starts[0]:.2f} s")
        tell(f"later starts, median of {LATER_STARTS}", f"{median(starts[1:]):.2f} s")
        shutil.rmtree(data)
        tell("first start without `first_run.sh`", f"{await start_of(module, data):.1f} s")
        tell("beside it: `python -m venv` and `pip install` from the index", f"{from_index(module, folder):.1f} s")


def python_version() -> str:
    return subprocess.run(["python3", "--version"], env=PATH, capture_output=True, text=True, check=True).stdout.strip()


def tell(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def timed(command: Sequence[str], variables: dict[str, str] | None = None) -> float:
    """How many seconds a command takes."""
    began = time.monotonic()
    subprocess.run(command, env={**PATH, **(variables or {})}, check=True, capture_output=True)
    return time.monotonic() - began


async def start_of(module: Path, data: Path) -> float:
    """How many seconds the module takes from its spawn to its answer to Ready."""
    began = time.monotonic()
    variables = {**PATH, "VIAM_MODULE_DATA": str(data), "PYTHONPATH": ""}
    async with FakeViamServer(Start(python=str(module / "run.sh"), entry=(), env=variables)) as server:
        await server.ready(within_s=300)
        took = time.monotonic() - began
        await server.stop()
    return took


def from_index(module: Path, folder: Path) -> float:
    """The usual way: an environment with pip, and from the index what the archive's list asks for, lgpio aside."""
    lines = (module / "wheels" / "requirements.txt").read_text().splitlines()
    wanted = folder / "requirements.txt"
    wanted.write_text("\n".join(line.split(" --hash")[0] for line in lines if not line.startswith("lgpio==")))
    venv = str(folder / "usual")
    return timed(["python3", "-m", "venv", venv]) + timed(
        [f"{venv}/bin/python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--requirement", str(wanted)]
    )


def size_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


if __name__ == "__main__":
    asyncio.run(main())
