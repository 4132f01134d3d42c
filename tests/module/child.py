"""The module as a child process: started as viam-server starts it, its output drained, its end timed."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LAUNCHER = Path(__file__).with_name("launcher.py")

SECRETS = {"VIAM_API_KEY": "key-that-must-not-be-logged", "VIAM_API_KEY_ID": "id-that-must-not-be-logged"}


@dataclass
class Start:
    """How to start the module.

    Attributes:
        entry: what follows the interpreter.
        python: the interpreter.
        level: for --log-level.
        env: on top of what viam-server sets.
        by_launcher: whether a process in between is the parent, so that a test can kill it.
    """

    entry: Sequence[str] = ("-m", "pi_drivers")
    python: str = sys.executable
    level: str = "info"
    env: Mapping[str, str] = field(default_factory=dict)
    by_launcher: bool = False


class Child:
    """A module process. `output` is everything it wrote to stdout and stderr."""

    def __init__(self, process: asyncio.subprocess.Process, pid: int, address: str) -> None:
        self._process = process
        self.pid = pid
        self.address = address
        self.output = ""
        self._drains = [asyncio.create_task(self._drain(s)) for s in (process.stdout, process.stderr)]

    @classmethod
    async def spawn(cls, how: Start, address: str, *, tcp: bool, home: Path) -> "Child":
        argv = [how.python, *how.entry, address, f"--log-level={how.level}", *(["--tcp-mode"] if tcp else [])]
        if how.by_launcher:
            argv = [sys.executable, str(LAUNCHER), str(home / "pid"), *argv]
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=home, env=environment(how.env, address, home), process_group=0,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        pid = await _read_pid(home / "pid") if how.by_launcher else process.pid
        return cls(process, pid, address)

    async def _drain(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while line := await stream.readline():
            self.output += line.decode(errors="replace")

    @property
    def is_running(self) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return self._process.returncode is None
        return False

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill_parent(self) -> None:
        """Kill the launcher as it would die of a fault: without a word to its child."""
        os.kill(self._process.pid, signal.SIGKILL)

    async def ended(self, within_s: float) -> int:
        """Wait for the end; returns the status. Fails when it takes longer."""
        status = await asyncio.wait_for(self._process.wait(), within_s)
        await asyncio.wait_for(asyncio.gather(*self._drains), 1)
        return status

    async def terminate(self, within_s: float) -> tuple[int, float]:
        """SIGTERM; returns the status and how many seconds it took to end."""
        begin = time.monotonic()
        self.signal(signal.SIGTERM)
        status = await self.ended(within_s)
        return status, time.monotonic() - begin

    async def clean_up(self) -> None:
        for pid in {self.pid, self._process.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._process.wait()
        for drain in self._drains:
            drain.cancel()
        await asyncio.gather(*self._drains, return_exceptions=True)
        # A module that outlived its launcher kept the pipes open, so asyncio did not close them by itself.
        self._process._transport.close()  # type: ignore[attr-defined]


def environment(extra: Mapping[str, str], address: str, home: Path) -> dict[str, str]:
    data = home / "data"
    data.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"}  # it is slow
    return {
        **inherited,
        "PYTHONPATH": f"{REPOSITORY / 'src'}{os.pathsep}{REPOSITORY}",
        "VIAM_HOME": str(home),
        "VIAM_MODULE_DATA": str(data),
        "VIAM_MODULE_NAME": "pi-drivers",
        "VIAM_MODULE_ID": "bramble:pi-drivers",
        "VIAM_MODULE_ROOT": str(home),
        "VIAM_MODULE_ADDRESS": address,
        "VIAM_PRIMARY_ORG_ID": "an-organisation",
        "VIAM_LOCATION_ID": "a-location",
        "VIAM_MACHINE_ID": "a-machine",
        "VIAM_MACHINE_PART_ID": "a-part",
        **SECRETS,
        **extra,
    }


async def _read_pid(path: Path) -> int:
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(FileNotFoundError, ValueError):
                return int(path.read_text())  # noqa: ASYNC240 - a few bytes
            await asyncio.sleep(0.01)
