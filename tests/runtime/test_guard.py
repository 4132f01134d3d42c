"""The guard: signals and the parent's death are heard even while the event loop is blocked."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from pi_drivers.runtime import guard as guard_module
from pi_drivers.runtime.guard import Guard
from pi_drivers.runtime.safety import SafetyRegister

Make = Callable[..., "Watched"]


class Watched:
    """A guard, and what it did in the order it did it."""

    def __init__(self, **how: Any) -> None:
        self.did: list[str] = []
        self.left = threading.Event()
        self.asked = threading.Event()
        self.safety = SafetyRegister()
        self.safety.add("motor", lambda: self.did.append("safe"))
        self.guard = Guard(self._on_stop, safety=self.safety, leave=self._leave, **{"watch_parent": False, **how})

    def _on_stop(self, reason: str) -> None:
        self.did.append(reason)
        self.asked.set()

    def _leave(self, status: int) -> None:
        self.did.append(f"left with {status}")
        self.left.set()


@pytest.fixture
def make() -> Iterator[Make]:
    watched: list[Watched] = []

    def build(**how: Any) -> Watched:
        watched.append(Watched(**how))
        watched[-1].guard.arm()
        return watched[-1]

    yield build
    for each in watched:
        each.guard.disarm()


def test_a_signal_makes_safe_first_and_then_asks_to_stop(make):
    it = make()
    os.kill(os.getpid(), signal.SIGTERM)
    assert it.asked.wait(1)
    assert it.did == ["safe", "SIGTERM was received"]


def test_a_further_signal_makes_safe_again_and_does_not_ask_again(make):
    it = make()
    again = threading.Event()
    os.kill(os.getpid(), signal.SIGTERM)
    assert it.asked.wait(1)
    it.safety.add("second motor", again.set)
    os.kill(os.getpid(), signal.SIGINT)
    assert again.wait(1)
    assert it.did == ["safe", "SIGTERM was received", "safe"]


def test_ctrl_c_raises_nothing_in_the_main_thread(make):
    it = make()
    signal.raise_signal(signal.SIGINT)
    assert it.asked.wait(1)


def test_a_process_that_does_not_end_is_ended_and_says_where_it_was(make, capfd):
    it = make(patience_s=0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    assert it.left.wait(1)
    assert it.did == ["safe", "SIGTERM was received", "safe", "left with 1"]
    assert "test_guard.py" in capfd.readouterr().err


def test_an_actuator_that_hangs_while_made_safe_delays_nothing_for_ever(make, monkeypatch):
    monkeypatch.setattr(guard_module, "MAKE_SAFE_WAIT_S", 0.01)
    it = make(patience_s=0.05)
    released = threading.Event()
    it.safety.add("stuck", released.wait)
    os.kill(os.getpid(), signal.SIGTERM)
    assert it.left.wait(1)
    released.set()


def test_an_owner_that_fails_to_stop_does_not_stop_the_guard(make):
    it = make(patience_s=0.05)
    it.guard._on_stop = lambda _reason: 1 / 0
    os.kill(os.getpid(), signal.SIGTERM)
    assert it.left.wait(1)


def test_a_living_parent_is_no_reason_to_stop(make):
    it = make(watch_parent=True)
    assert not it.asked.wait(0.05)


def test_disarmed_it_leaves_handlers_and_descriptors_as_they_were():
    before = _footprint()
    it = Watched(watch_parent=True)
    it.guard.arm()
    it.guard.disarm()
    assert _footprint() == before


def _footprint() -> tuple[object, int, int]:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return signal.getsignal(signal.SIGTERM), descriptors, threading.active_count()


def test_a_signal_that_was_to_be_ignored_stays_ignored(make):
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        it = make()
        os.kill(os.getpid(), signal.SIGHUP)
        assert not it.asked.wait(0.05)
    finally:
        signal.signal(signal.SIGHUP, old)


ORPHAN = """
import os, sys, time
from pi_drivers.runtime import guard
from pi_drivers.runtime.safety import SAFETY
if sys.argv[1] == "poll":
    def absent(pid): raise OSError("no such call")
    os.pidfd_open = absent
if sys.argv[1] == "late":
    real = os.getppid
    answers = iter([real() + 1])
    os.getppid = lambda: next(answers, real())
ready, told = (int(number) for number in sys.argv[2:])
SAFETY.add("motor", lambda: os.write(told, b"%d" % time.monotonic_ns()))
guard.Guard(lambda reason: os._exit(0), watch_parent=True).arm()
os.write(ready, b"armed")
time.sleep(60)
"""

PARENT = """
import subprocess, sys, time
subprocess.Popen(sys.argv[1:], pass_fds=[int(fd) for fd in sys.argv[-2:]])
time.sleep(60)
"""


@pytest.mark.parametrize(("way", "within_s"), [("pidfd", 0.2), ("poll", 0.3)])
def test_the_death_of_the_parent_is_seen_while_the_main_thread_is_blocked(way, within_s):
    with Orphan(way) as orphan:
        assert os.read(orphan.ready, 10) == b"armed"
        begin = time.monotonic_ns()
        orphan.parent.kill()
        orphan.parent.wait()
        assert (int(os.read(orphan.told, 30)) - begin) / 1e9 < within_s


def test_a_parent_that_was_gone_before_the_guard_looked_is_seen():
    with Orphan("late") as orphan:
        assert int(os.read(orphan.told, 30)) > 0


class Orphan:
    """A guarded process and its parent, with pipes that tell what happens."""

    def __init__(self, way: str) -> None:
        self._way = way

    def __enter__(self) -> Self:
        self.ready, ready = os.pipe()
        self.told, told = os.pipe()
        child = [sys.executable, "-c", ORPHAN, self._way, str(ready), str(told)]
        self.parent = subprocess.Popen([sys.executable, "-c", PARENT, *child], pass_fds=[ready, told])
        os.close(ready)
        os.close(told)
        return self

    def __exit__(self, *_error: object) -> None:
        self.parent.kill()
        self.parent.wait()
        os.read(self.told, 100)  # ends when the child is gone as well
        os.close(self.ready)
        os.close(self.told)
