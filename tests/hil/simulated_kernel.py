"""Runs commands inside the simulated kernel: Linux as an ordinary program over this machine's own files.

No root, no emulator, no disk image: the kernel that kernel.sh builds is a program, and the files inside are the files
outside. What a command prints comes out line by line; its exit status comes out in a file, for the kernel itself can
only be switched off.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
MEMORY_MIB = 1024
SHARED_MEMORY = Path("/dev/shm")
ROOM_MIB = 6 * MEMORY_MIB
"""What must be free in shared memory, for all kernels that run at once: one that finds no page there dies."""
STUB_CHIPS = "0x76,0x40,0x50"
"""The 7-bit addresses at which i2c-stub has a register file."""
NO_STATUS = 99
"""Stands for the status of a command that left none: its kernel crashed, or time ran out."""


def build() -> Path:
    """The kernel, built when it is not there yet.

    Raises:
        subprocess.CalledProcessError: it could not be built; the reason has been printed.
    """
    done = subprocess.run([str(HERE / "kernel.sh")], stdout=subprocess.PIPE, check=True, text=True)
    return Path(done.stdout.strip())


class SimulatedMachine:
    """One boot of the kernel with one command to run, whose output is printed with a label before each line."""

    def __init__(
        self, kernel: Path, label: str, command: Sequence[str], environment: Mapping[str, str], niceness: int = 0
    ) -> None:
        self._label = label
        self._folder = tempfile.TemporaryDirectory(prefix="pi-drivers-kernel-")
        self._memory = tempfile.TemporaryDirectory(prefix="pi-drivers-kernel-", dir=_memory_folder())
        job = Path(self._folder.name, "job")
        job.write_text(_script(command, environment))
        self._status = Path(f"{job}.status")
        self._process = subprocess.Popen(
            ["nice", "-n", str(niceness), str(kernel), *_options(job)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # The memory of the kernel is a file in the one, its control socket in the other.
            env={"TMPDIR": self._memory.name, "HOME": self._folder.name, "PATH": os.environ["PATH"]},
            # The kernel is many processes; they end together.
            start_new_session=True,
        )
        self._printer = threading.Thread(target=self._print_output, name=f"print {label}")
        self._printer.start()

    def wait(self, limit_s: float) -> int:
        """Wait for the command; its exit status, or `NO_STATUS`. After `limit_s` seconds the kernel is killed."""
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            print(f"{self._label}: not finished after {limit_s:.0f} s; killed", flush=True)
        self.kill()
        self._printer.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        status = int(self._status.read_text()) if self._status.exists() else NO_STATUS
        self._folder.cleanup()
        self._memory.cleanup()
        return status

    def kill(self) -> None:
        """Switch off the hard way what may still run of it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _print_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            print(f"{self._label}: {line.rstrip()}", flush=True)


def _memory_folder() -> Path | None:
    """Where the memory of kernels goes; None for the folder of temporary files.

    A disk's file is written out while the kernel uses it, and each page that was written costs it a fault.
    """
    has_room = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free >= ROOM_MIB * 2**20
    return SHARED_MEMORY if has_room else None


def _script(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The shell script that stands for the command inside."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    return "\n".join([*exports, f"cd {shlex.quote(str(Path.cwd()))}", f"exec {shlex.join(command)}", ""])


def _options(job: Path) -> list[str]:
    """The kernel's command line."""
    return [
        f"mem={MEMORY_MIB}M",
        "root=/dev/root",
        "rootfstype=hostfs",
        "rootflags=/",
        "rw",
        f"init={HERE / 'init.sh'}",
        "con=null",
        "con0=null,fd:1",
        "quiet",
        f"i2c_stub.chip_addr={STUB_CHIPS}",
        f"JOB={job}",
    ]
