"""The keeper as this process has it: told of everything in time, in nobody's way, and not missed for long."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pi_drivers.runtime import keeper as keepers
from pi_drivers.runtime.keeper import BytesTo, BytesToChip, Keeper, TextsIn
from pi_drivers.runtime.keeper_process import KINDS
from tests.conftest import open_descriptors

OFF = (("enable", "0"),)

DRIVER = """
import subprocess, sys, time
from pathlib import Path
from pi_drivers.runtime.keeper import KEEPER, TextsIn
left, right = (Path(word) for word in sys.argv[1:])
forget = KEEPER.keep(TextsIn(left, (("enable", "0"),)))
KEEPER.keep(TextsIn(right, (("enable", "0"),)))()
deadline = time.monotonic() + 5
while KEEPER._process is None:
    assert time.monotonic() < deadline
    time.sleep(0.002)
"""
"""A process with one output that runs and one that was let go."""

KILL_THE_KEEPER = """
from pi_drivers.runtime import keeper
keeper.SHORTEST_LIFE_S = 0
first = KEEPER._process
first.kill()
deadline = time.monotonic() + 5
while KEEPER._process in (None, first):
    assert time.monotonic() < deadline
    time.sleep(0.002)
"""


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return channel(tmp_path / "left")


@pytest.fixture
def right(tmp_path: Path) -> Path:
    return channel(tmp_path / "right")


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    """A keeper of this process, ended without being needed."""
    monkeypatch.setattr(keepers, "SHORTEST_LIFE_S", 0.0)
    made = Keeper()
    yield made
    made._entries.clear()
    if made._started:
        process_of(made).kill()
    for thread in threading.enumerate():
        if thread.name == "keeper":
            thread.join(5)


def channel(folder: Path) -> Path:
    """The files of an output that is on."""
    folder.mkdir()
    (folder / "enable").write_text("1")
    return folder


def is_on(folder: Path) -> bool:
    return (folder / "enable").read_text() != "0"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def process_of(keeper: Keeper) -> "subprocess.Popen[bytes]":
    until(lambda: keeper._process is not None)
    assert keeper._process is not None
    return keeper._process


@contextmanager
def driver(left: Path, right: Path, more: str = "") -> Iterator["subprocess.Popen[str]"]:
    """The process above, up to where it waits."""
    code = f"{DRIVER}\n{more}\nprint('running', flush=True)\ninput()\nforget()"
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", code, str(left), str(right)], process_group=0, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_what_a_killed_process_has_not_let_go_is_made_safe(left: Path, right: Path, number):
    with driver(left, right) as process:
        process.send_signal(number)
        until(lambda: not is_on(left))
        assert process.wait() == -number
        assert process.stderr is not None
        assert f"made safe: {left}" in process.stderr.read()

    assert is_on(right)


def test_a_kill_of_the_whole_process_group_does_not_take_it_along(left: Path, right: Path):
    with driver(left, right) as process:
        os.killpg(process.pid, signal.SIGKILL)
        until(lambda: not is_on(left))


def test_children_of_the_killed_process_do_not_hold_it_up(left: Path, right: Path):
    child = "subprocess.Popen(['sleep', '60'], close_fds=False)"
    with driver(left, right, child) as process:
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not is_on(left))
        os.killpg(process.pid, signal.SIGKILL)


def test_a_process_that_lets_go_of_everything_ends_without_a_word(left: Path, right: Path):
    with driver(left, right) as process:
        _, errors = process.communicate("\n", timeout=10)

    assert (process.returncode, errors) == (0, "")
    assert is_on(left)
    assert is_on(right)


def test_one_that_is_killed_is_replaced_and_the_new_one_knows_everything(left: Path, right: Path):
    with driver(left, right, KILL_THE_KEEPER) as process:
        assert is_on(left)
        process.kill()
        until(lambda: not is_on(left))

    assert is_on(right)


def test_one_that_is_killed_with_nothing_on_its_list_is_replaced_when_it_is_needed(keeper: Keeper, left: Path):
    keeper.keep(TextsIn(left, OFF))()
    process_of(keeper).kill()
    until(lambda: not keeper._started)
    keeper.keep(TextsIn(left, OFF))

    assert process_of(keeper).poll() is None


def test_one_that_stands_still_holds_nobody_up(keeper: Keeper, left: Path):
    keeper.keep(TextsIn(left, OFF))
    first = process_of(keeper)
    first.send_signal(signal.SIGSTOP)

    def keep_many() -> None:
        for _ in range(2000):
            keeper.keep(TextsIn(left, OFF))

    keeping = threading.Thread(target=keep_many)
    keeping.start()
    keeping.join(5)
    assert not keeping.is_alive()
    until(lambda: first.returncode == -signal.SIGKILL and keeper._process is not None)


def test_two_hundred_rebuilds_leave_one_of_it_and_no_descriptors(keeper: Keeper, left: Path):
    keeper.keep(TextsIn(left, OFF))()
    process, descriptors = process_of(keeper), open_descriptors()
    for _ in range(200):
        keeper.keep(TextsIn(left, OFF))()

    assert keeper._process is process
    assert (keeper._entries, open_descriptors()) == ({}, descriptors)


def test_an_old_output_that_is_let_go_late_takes_nothing_from_the_new_one(keeper: Keeper, left: Path):
    forget_old = keeper.keep(TextsIn(left, OFF))
    new = TextsIn(left, (("enable", "1"),))
    forget_new = keeper.keep(new)
    forget_old()
    assert list(keeper._entries.values()) == [new]
    forget_new()
    forget_new()
    assert keeper._entries == {}


def test_where_none_can_be_started_one_warning_says_so(monkeypatch, caplog, left: Path):
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    before = open_descriptors()
    keeper = Keeper()
    for _ in range(3):
        keeper.keep(TextsIn(left, OFF))()
        until(lambda: not keeper._started)

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cannot be started" in caplog.text
    assert open_descriptors() <= before


def test_one_that_ends_at_once_is_not_started_again_and_again(caplog, left: Path, tmp_path: Path):
    starts = tmp_path / "starts"
    program = tmp_path / "program.py"
    program.write_text(f"open({str(starts)!r}, 'a').write('x')")
    keeper = Keeper(program)
    for _ in range(3):
        keeper.keep(TextsIn(left, OFF))
        until(lambda: not keeper._started)

    assert len(starts.read_text()) == 3
    assert caplog.text.count("does not stay alive") == 1


def test_bytes_are_told_in_words_the_keeper_reads():
    entry = BytesTo("/dev/serial/by-id/usb-Ö 1", 9600, b"\x80\x00\x0a")
    assert "\t".join((entry.name, *entry.words)).count("\t") == len(entry.words)
    assert entry.words == ("bytes", "/dev/serial/by-id/usb-Ö 1", "9600", "80000a")
    assert entry.words[0] in KINDS


def test_two_motors_on_one_port_are_two_entries_and_a_rebuilt_one_is_the_same():
    left, right = (BytesTo("/dev/serial0", 9600, bytes([128, channel])) for channel in (1, 2))
    assert left.name != right.name
    assert left.name == BytesTo("/dev/serial0", 9600, bytes([128, 1])).name


def test_what_is_written_to_a_chip_is_told_in_words_the_keeper_reads():
    entry = BytesToChip(1, 0x40, b"\x06\0\0\0\x10")
    assert entry.words == ("chip", "/dev/i2c-1", "0x40", "0600000010")
    assert entry.words[0] in KINDS
    assert entry.name != BytesToChip(1, 0x41, entry.data).name


def test_nothing_of_a_simulated_pi_is_left_with_the_keeper():
    assert keepers.keep_for("mock") is keepers.keep_nothing
    assert keepers.keep_for("real") == keepers.KEEPER.keep
