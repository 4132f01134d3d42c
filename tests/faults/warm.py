"""A Python that has imported what all tests import, and forks a child for each run of pytest: half of a short run would
be the start of Python, pytest and the SDK. It never imports our own code: every child reads the sources as they are.

A run is asked for with a line of JSON on stdin and answered with one on stdout. `tests/faults/tree.py` starts it, as a
file and not as a module, for a module would bring the package `tests` with it.
"""

import gc
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Sequence

MODULES = (
    "_pytest.debugging", "pdb", "hypothesis", "pydantic", "numpy", "cv2", "simplejpeg", "grpclib.testing",
    "viam.module.module", "viam.robot.client", "viam.robot.service",
    *(f"viam.components.{name}.client" for name in (
        "board", "camera", "encoder", "motor", "movement_sensor", "power_sensor", "sensor", "servo",
    )),
)  # fmt: skip
GENTLE_S = 10.0
"""How long a run that was interrupted has for its fixtures, so that they end the processes they started."""


def main() -> int:
    """Serve runs until stdin ends; the exit status. In a child it is pytest's."""
    _warm_up()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        # A group of its own, whose leftovers can be ended. Both say so: neither knows who is first.
        os.setpgid(child, child)
        if child == 0:
            return _test(request["arguments"], request["output"])
        print(json.dumps(_status(child, request["limit_s"])), flush=True)
    return 0


def _warm_up() -> None:
    # Threads do not survive a fork: numpy's library for linear algebra would start some.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name in ("pytest", *MODULES):
        importlib.import_module(name)
    del os.environ["OPENBLAS_NUM_THREADS"]
    assert len(os.listdir("/proc/self/task")) == 1, "one of the modules has started a thread"  # noqa: PTH208
    # What is here now stays: no child has to look through it, nor to copy it.
    gc.collect()
    gc.freeze()


def _test(arguments: Sequence[str], output: str) -> int:
    import pytest

    _redirect("/dev/null", os.O_RDONLY, 0)
    _redirect(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 1)
    os.dup2(1, 2)
    # As `python -m pytest` has it.
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    return pytest.main(list(arguments))


def _redirect(path: str, flags: int, descriptor: int) -> None:
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


def _status(child: int, limit_s: float) -> int | None:
    """The exit status of a run, None when it did not end in time. What it started ends with it."""
    ended = os.pidfd_open(child)
    in_time = False
    try:
        in_time = _is_ready(ended, limit_s)
        if not in_time:
            os.kill(child, signal.SIGINT)
            _is_ready(ended, GENTLE_S)
    finally:
        # Until it is waited for its number cannot be another's.
        os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(ended)
    return os.waitstatus_to_exitcode(status) if in_time else None


def _is_ready(descriptor: int, limit_s: float) -> bool:
    return bool(select.select([descriptor], [], [], limit_s)[0])


if __name__ == "__main__":
    sys.exit(main())
