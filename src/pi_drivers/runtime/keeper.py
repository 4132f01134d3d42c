"""Who makes pins safe when this process is killed: a second one that waits for its end and knows what to do then.

Everything else that can go wrong is seen to in this process. But one that is killed outright, that crashes or runs out
of memory, writes to no pin any more, and the kernel leaves pins as they are: a motor would run on until the module is
back. So each output is entered here from the moment it is opened until it was let go at its safe level, and the keeper
(`keeper_process`) makes safe what is still entered when the process has gone.

Only opening and letting go cost anything, some microseconds each; writing to a pin costs no more than without it.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LOGGER = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("keeper_process.py")

SHORTEST_LIFE_S = 1.0
"""A keeper that ends sooner is not started again before the next output is opened."""


class LineAt(NamedTuple):
    """Make a GPIO line an output at a level."""

    chip: Path
    offset: int
    high: bool
    """The level as a meter would show it, whatever counts as active."""

    @property
    def name(self) -> str:
        """What it is for; a newer entry of that name replaces an older one."""
        return f"{self.chip} {self.offset}"

    @property
    def words(self) -> tuple[str, ...]:
        """As the keeper reads it."""
        return ("line", str(self.chip), str(self.offset), str(int(self.high)))


class TextsIn(NamedTuple):
    """Write texts to the files of a directory, one after the other."""

    directory: Path
    texts: tuple[tuple[str, str], ...]
    """Names of files, each with what is written to it."""

    @property
    def name(self) -> str:
        """As for `LineAt`."""
        return str(self.directory)

    @property
    def words(self) -> tuple[str, ...]:
        """As for `LineAt`."""
        return ("files", str(self.directory), *(word for pair in self.texts for word in pair))


class BytesTo(NamedTuple):
    """Send bytes to a serial port."""

    path: str
    """The port; printable."""
    baud: int
    """One of the speeds that Linux has a name for."""
    data: bytes

    @property
    def name(self) -> str:
        """As for `LineAt`."""
        return f"{self.path} {self.data.hex()}"

    @property
    def words(self) -> tuple[str, ...]:
        """As for `LineAt`."""
        return ("bytes", self.path, str(self.baud), self.data.hex())


class BytesToChip(NamedTuple):
    """Write bytes to a chip on an I2C bus."""

    bus: int
    """N of /dev/i2c-N."""
    address: int
    data: bytes

    @property
    def name(self) -> str:
        """As for `LineAt`."""
        return f"i2c-{self.bus} 0x{self.address:02x} {self.data.hex()}"

    @property
    def words(self) -> tuple[str, ...]:
        """As for `LineAt`."""
        return ("chip", f"/dev/i2c-{self.bus}", f"0x{self.address:02x}", self.data.hex())


Entry = LineAt | TextsIn | BytesTo | BytesToChip
Forget = Callable[[], None]
Keep = Callable[[Entry], Forget]


def keep_nothing(_entry: Entry) -> Forget:
    """Stands for a keeper where there is none."""
    return lambda: None


class Keeper:
    """The keeper of this process, started with the first entry. Safe to use from any thread; never raises.

    Where none can be had, everything works but for the one case that it is for, and a warning says so once.
    """

    def __init__(self, program: Path = PROGRAM) -> None:
        # Without the site's packages and the environment's settings it starts in half the time.
        self._command = (sys.executable, "-I", "-S", str(program))
        # Reentrant, for the collector may let go of an output in the middle of anything.
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        self._started = False
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._warned = False

    def keep(self, entry: Entry) -> Forget:
        """Have this done when the process dies; returns the function that takes it off the list again (idempotent).

        The first entry counts some milliseconds later, when the keeper is there.
        """

        def forget() -> None:
            with self._lock:
                if self._entries.get(entry.name) is entry:
                    del self._entries[entry.name]
                    self._tell(entry.name)

        with self._lock:
            self._entries[entry.name] = entry
            self._tell(entry.name, *entry.words)
            if not self._started:
                self._start()
        return forget

    def _start(self) -> None:
        self._started = True
        try:
            threading.Thread(target=self._run, name="keeper", daemon=True).start()
        except RuntimeError as error:
            self._cannot_start(error)

    def _run(self) -> None:
        """Start a keeper, and another one whenever it ends before this process; on a thread of its own."""
        while self._run_one():
            LOGGER.warning("the keeper of the pins was ended; another one is started")

    def _run_one(self) -> bool:
        """Start a keeper, tell it everything and wait for its end; whether another one is needed."""
        began = time.monotonic()
        try:
            process, pipe = _spawn(self._command)
        except (OSError, RuntimeError) as error:  # the latter while the interpreter exits
            self._cannot_start(error)
            return False
        with self._lock:
            self._process, self._pipe = process, pipe
            for entry in self._entries.values():
                self._tell(entry.name, *entry.words)
        process.wait()
        with self._lock:
            self._process = None
            os.close(pipe)
            if self._entries and time.monotonic() - began < SHORTEST_LIFE_S:
                self._warn_once("does not stay alive")
                self._started = False
            else:
                self._started = bool(self._entries)
            return self._started

    def _cannot_start(self, error: Exception) -> None:
        with self._lock:
            self._started = False
        self._warn_once(f"cannot be started ({error})")

    def _tell(self, *words: str) -> None:
        if self._process is None:
            return  # it will be told everything
        try:
            os.write(self._pipe, ("\t".join(words) + "\n").encode("utf-8", "surrogateescape"))
        except OSError:
            # It is gone, or stands still and its pipe is full. The next one is told everything anew.
            self._process.kill()

    def _warn_once(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            LOGGER.warning("the keeper of the pins %s: should this process be killed, they stay as they are", what)


def _spawn(command: tuple[str, ...]) -> "tuple[subprocess.Popen[bytes], int]":
    """Start the program; gives it and the end of its pipe that never blocks. Raises: OSError: it cannot be started."""
    # No child of ours may inherit the writing end, else the pipe would not end with this process.
    reads, writes = os.pipe2(os.O_CLOEXEC)
    try:
        os.set_blocking(writes, False)
        # In a session of its own, what is sent to our process group does not reach it.
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=reads, stdout=subprocess.DEVNULL, cwd="/", start_new_session=True
        )
    except BaseException:
        os.close(writes)
        raise
    finally:
        os.close(reads)
    return process, writes


KEEPER = Keeper()
"""The keeper of this process."""


def keep_for(host: str) -> Keep:
    """Where a host's drivers enter what is to be done, by the host's name: on the mock nothing outlives the process."""
    return KEEPER.keep if host == "real" else keep_nothing
