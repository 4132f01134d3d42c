"""Runs over broken sources: what one of them does is not the next one's trouble."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.runner import Runner

SOUND = "def test_sound(): pass"
PASSED, FAILED = 0, 1
AGES_S = 50.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    (folder / "src").mkdir()
    (folder / "test_sound.py").write_text(SOUND)
    return folder


@pytest.fixture(scope="module")
def runner(place: Path) -> Iterator[Runner]:
    runner = Runner(place)
    yield runner
    runner.close()


@pytest.fixture(autouse=True)
def the_next_run_is_as_ever(runner: Runner) -> Iterator[None]:
    yield
    assert runner.run(["test_sound.py"], AGES_S)[0] == PASSED


def write(place: Path, *lines: str) -> str:
    """A file of tests under a name of its own, for pytest keeps what it made of an older one."""
    file = place / f"test_{len(list(place.iterdir()))}.py"
    file.write_text("\n".join(lines))
    return file.name


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_failing_test_is_named(place: Path, runner: Runner):
    name = write(place, "def test_broken(): assert 1 == 2")
    status, output = runner.run([name], AGES_S)
    assert status == FAILED
    assert f"FAILED {name}::test_broken" in output


def test_every_run_reads_the_sources_as_they_are_then(place: Path, runner: Runner):
    source = place / "src" / "part.py"
    name = write(place, "import part", "def test_part(): assert part.is_sound")
    statuses = []
    for line in ("is_sound = True", "is_sound = 1 == 2", "is_sound = 1 == 1.0"):
        source.write_text(line)
        statuses.append(runner.run([name], AGES_S)[0])
    assert statuses == [PASSED, FAILED, PASSED]


def test_nothing_of_ours_is_there_before_a_run(place: Path, runner: Runner):
    name = write(
        place,
        "import sys",
        "def test_modules(): assert not [name for name in sys.modules if name.startswith(('pi_drivers', 'tests'))]",
    )
    assert runner.run([name], AGES_S)[0] == PASSED


def test_a_run_that_hangs_is_ended_gently(place: Path, runner: Runner):
    name = write(
        place, "import time, pytest", "@pytest.fixture", "def tidy():", "    yield", "    open('tidied', 'w').close()",
        f"def test_hangs(tidy): time.sleep({AGES_S})",
    )  # fmt: skip
    assert runner.run([name], 0.5)[0] is None
    assert (place / "tidied").exists()


def test_a_crash_is_a_status(place: Path, runner: Runner):
    name = write(place, "import os", "def test_crashes(): os.kill(os.getpid(), 9)")
    assert runner.run([name], AGES_S)[0] == -signal.SIGKILL


def test_processes_that_a_run_leaves_end_with_it(place: Path, runner: Runner):
    name = write(
        place, "import pathlib, subprocess, sys", "def test_leaves_one():",
        f"    one = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep({AGES_S})'])",
        "    one.returncode = 0", "    pathlib.Path('left').write_text(str(one.pid))",
    )  # fmt: skip
    assert runner.run([name], AGES_S)[0] == PASSED
    pid = int((place / "left").read_text())
    until = time.monotonic() + 5
    while is_running(pid):
        assert time.monotonic() < until
        time.sleep(0.01)
