"""The watchman of the process: nothing that blocks the event loop can keep a motor running.

asyncio hears a signal only when its loop comes round, and a driver that blocks the loop is exactly what a
person pressing Ctrl-C is afraid of. So one thread of its own hears the signals and watches the parent
process, makes every actuator safe at once, and only then asks the loop to stop in good order. If that order
does not come about in time, it ends the process.
"""

import contextlib
import faulthandler
import os
import select
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from pi_drivers.runtime.safety import SAFETY, SafetyRegister
from pi_drivers.runtime.stderr import say

PATIENCE_S = 2.5
"""How long the process may take to end after it was told to. viam-server signals again after 3.3 s."""

MAKE_SAFE_WAIT_S = 0.25
"""How long the guard waits for make-safe before it goes on; a stuck one runs on in its own thread."""

PARENT_POLL_MS = 100
"""How often the parent is looked at where the kernel cannot tell of its death (before Linux 5.3, some
sandboxes)."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_DISARM = 0  # no signal has this number

OnStop = Callable[[str], None]
Leave = Callable[[int], object]


class Guard:
    """Hears SIGTERM, SIGINT, SIGHUP and the death of the parent on a thread of its own.

    On the first of them it makes every actuator safe, calls `on_stop(reason)` and gives the process
    `patience_s` to end; a process that is still there then is made safe once more and ended with status 1.
    Every further one makes safe again and does nothing else.

    `arm` and `disarm` belong to the main thread. `on_stop` runs on the guard's thread and must not block;
    what it raises is ignored. While armed, nothing else may use `signal.set_wakeup_fd`, which
    `asyncio.loop.add_signal_handler` does.

    Args:
        on_stop: asks the owner to stop; gets the reason as text for a log line.
        watch_parent: whether the death of the parent process is a reason to stop.
        safety: the actuators.
        patience_s: seconds from the first reason to the forced end.
        leave: ends the process; replaced in tests.
    """

    def __init__(
        self,
        on_stop: OnStop,
        *,
        watch_parent: bool,
        safety: SafetyRegister = SAFETY,
        patience_s: float = PATIENCE_S,
        leave: Leave = os._exit,
    ) -> None:
        self._on_stop = on_stop
        self._safety = safety
        self._patience_ns = round(patience_s * 1e9)
        self._leave = leave
        self._parent = _Parent() if watch_parent else None
        self._deadline_ns: int | None = None
        self._over = False
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)
        self._hears = self._speaks = -1
        self._old_wakeup_fd = -1
        self._old_handlers: dict[signal.Signals, Any] = {}

    def arm(self) -> None:
        """Start listening.

        Raises:
            ValueError: called on another thread than the main one.
        """
        self._hears, self._speaks = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # The C half of Python's signal handling writes the signal's number here at once, even while the
        # main thread is inside a C call; the Python half would wait until that call returns.
        self._old_wakeup_fd = signal.set_wakeup_fd(self._speaks, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup asked for SIGHUP to be ignored
                self._old_handlers[number] = signal.signal(number, _heard_elsewhere)
        self._thread.start()

    def disarm(self) -> None:
        """Stop listening and put the signal handlers back as they were."""
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup_fd)
        os.write(self._speaks, bytes([_DISARM]))
        self._thread.join()
        os.close(self._hears)
        os.close(self._speaks)

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._hears, select.POLLIN)
        if self._parent is not None and self._parent.fd is not None:
            poller.register(self._parent.fd, select.POLLIN)
        while not self._over:
            self._look_at_parent(poller)  # before the first wait: it may be gone already
            self._look_at_clock()
            poller.poll(self._timeout_ms())
            self._hear_signals()
        if self._parent is not None:
            self._parent.close()

    def _timeout_ms(self) -> int | None:
        waits = []
        if self._parent is not None and self._parent.fd is None:
            waits.append(PARENT_POLL_MS)
        if self._deadline_ns is not None:
            waits.append(max(0, (self._deadline_ns - time.monotonic_ns()) // 1_000_000 + 1))
        return min(waits, default=None)

    def _hear_signals(self) -> None:
        try:
            numbers = os.read(self._hears, 64)
        except BlockingIOError:
            return
        for number in numbers:
            if number in STOP_SIGNALS:
                self._stop(f"{signal.Signals(number).name} was received")
        self._over = _DISARM in numbers

    def _look_at_parent(self, poller: select.poll) -> None:
        if self._parent is not None and self._parent.is_gone():
            if self._parent.fd is not None:
                poller.unregister(self._parent.fd)
            self._parent.close()
            self._parent = None
            self._stop("the parent process is gone")

    def _look_at_clock(self) -> None:
        if self._deadline_ns is not None and time.monotonic_ns() >= self._deadline_ns and not self._over:
            self._over = True
            self._give_up()

    def _stop(self, reason: str) -> None:
        is_first = self._deadline_ns is None
        if is_first:
            self._deadline_ns = time.monotonic_ns() + self._patience_ns
        self._make_safe(reason)
        if is_first:
            with contextlib.suppress(Exception):  # the loop may be closed already: then the end is near anyway
                self._on_stop(reason)

    def _make_safe(self, reason: str) -> None:
        worker = threading.Thread(target=self._safety.make_all_safe, args=(reason,), name="make safe", daemon=True)
        try:
            worker.start()
        except RuntimeError:  # no thread can be started any more while the interpreter exits
            self._safety.make_all_safe(reason)
        else:
            worker.join(MAKE_SAFE_WAIT_S)

    def _give_up(self) -> None:
        self._make_safe("the process did not end in time")
        say(
            f"pi-drivers was told to end {self._patience_ns / 1e9:.1f} s ago and has not: it is ended now. "
            f"Its threads were here:\n{_tracebacks()}"
        )
        self._leave(1)


class _Parent:
    """The process that started this one, as it was when this object was made.

    Attributes:
        fd: becomes readable when the parent dies; None where the kernel has no such thing and it must be
            polled.
    """

    def __init__(self) -> None:
        self._pid = os.getppid()
        self.fd: int | None = None
        self._died_early = False
        try:
            self.fd = os.pidfd_open(self._pid)
        except ProcessLookupError:
            self._died_early = True
        except OSError:
            self.fd = None

    def is_gone(self) -> bool:
        """Whether the parent has died."""
        # The second also covers a parent that died between the asking for its number and the opening of it, when
        # the number may have gone to a stranger.
        if self._died_early or os.getppid() != self._pid:
            return True
        if self.fd is None:
            return False
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        return bool(poller.poll(0))

    def close(self) -> None:
        """Let go of the descriptor. Idempotent."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


def _tracebacks() -> str:
    """What every thread is doing, for whoever must find out what blocked."""
    with contextlib.suppress(OSError), tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file)
        file.seek(0)
        return file.read().decode(errors="replace")
    return "(not known)\n"


def _heard_elsewhere(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the guard's thread has it already. Without a handler here Python would not pass it on."""
