"""A machine for each test: a fake viam-server with a real module process, on each Python and each
transport."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer
from tests.module.trace import Trace

UNRULY = ("-m", "tests.module.unruly_module")

PYTHONS = os.environ.get("PI_DRIVERS_TEST_PYTHONS", sys.executable).split(os.pathsep)


def _version(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "absent"


@pytest.fixture(params=PYTHONS, ids=[f"py{_version(python)}" for python in PYTHONS])
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter with the package's dependencies."""
    found: str = request.param
    if _version(found) == "absent":
        pytest.skip(f"{found} is no Python")
    return found


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    """What the module does to its pins."""
    return Trace(tmp_path / "trace.jsonl")


@pytest.fixture
def start(python: str, trace: Trace) -> Start:
    """How the module is started unless a test says otherwise."""
    return Start(python=python, entry=UNRULY, env={"PI_DRIVERS_TRACE": str(trace.path)})


Machine = Callable[..., Any]


@pytest.fixture
async def machine(start: Start) -> AsyncIterator[Machine]:
    """Makes a running machine: `await machine(tcp=True, env={...})`."""
    async with AsyncExitStack() as stack:

        async def make(*, ready: bool = True, tcp: bool = False, resources: Any = (), takes_log_batches: bool = False,
                       **changes: Any) -> FakeViamServer:  # fmt: skip
            how = replace(start, **{**changes, "env": {**start.env, **changes.get("env", {})}})
            server = FakeViamServer(how, tcp=tcp, resources=resources, takes_log_batches=takes_log_batches)
            await stack.enter_async_context(server)
            if ready:
                await server.ready()
            return server

        yield make
