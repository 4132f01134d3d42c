"""What every test gets: no leftovers of others, and a complaint if it leaves some of its own."""

import importlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_drivers.runtime import kept_state
from pi_drivers.runtime.directory import DIRECTORY
from pi_drivers.runtime.safety import SAFETY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ground",
        default="mock",
        choices=("mock", "simulated", "hardware"),
        help="what tests/contract and tests/hil run on: mock, simulated (inside the simulated kernel), hardware (a Pi)",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """A ground that is not there is said once, before anything runs."""
    importlib.import_module(f"tests.contract.ground_{session.config.getoption('--ground')}")


@pytest.fixture(autouse=True)
def no_environment_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests behave the same wherever they run."""
    for name in ("PI_DRIVERS_BACKEND", "PI_DRIVERS_TRACE", "VIAM_MODULE_DATA", "VIAM_NO_MODULE_PARENT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    """What resources of another test kept for a rebuild is gone."""
    kept_state._in_process.clear()


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """Threads, open resources and make-safe functions of a test end with it."""
    threads = set(threading.enumerate())
    descriptors = open_descriptors()
    yield
    started = [thread for thread in set(threading.enumerate()) - threads if not thread.name.startswith(PERMANENT)]
    for thread in started:
        thread.join(2.0)
    left = [thread.name for thread in started if thread.is_alive()]
    assert not left, f"threads left behind: {left}"
    assert len(DIRECTORY) == 0, "resources left open"
    assert len(SAFETY) == 0, "actuators left on the safety register"
    assert open_descriptors() <= descriptors + SPARE_DESCRIPTORS, "file descriptors left open"


PERMANENT = ("asyncio_", "world", "ThreadPoolExecutor", "make safe")
"""Threads that a library keeps for the process's life."""
SPARE_DESCRIPTORS = 4
"""What pytest and the logging module may open meanwhile."""


def open_descriptors() -> int:
    """How many file descriptors this process holds. A leak makes them more; a thread that ends late, fewer."""
    return len(list(Path("/proc/self/fd").iterdir())) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112
