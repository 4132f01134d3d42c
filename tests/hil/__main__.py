"""Runs the suites of the real back ends in the simulated kernel; `tests/run.sh --hil` starts it.

usage: python -m tests.hil [pytest arguments]

Without arguments two kernels are booted side by side, one for the contract suites of the buses and one for the module
end to end. With arguments one kernel runs pytest with them: for work on one test.
"""

import os
import subprocess
import sys
import time

from tests.hil.simulated_kernel import SimulatedMachine, build

PYTEST = (sys.executable, "-m", "pytest", "--ground=simulated", "-p", "no:cacheprovider", "--color=no")
INSIDE = (sys.executable, "-m", "tests.hil.inside")
SUITES = {"buses": "tests/contract", "module": "tests/hil"}
LIMIT_S = 300.0


def main() -> None:
    """Build, boot, run and say how it went; the status is 0 when every suite passed."""
    try:
        kernel = build()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    started = time.monotonic()
    jobs = {"inside": sys.argv[1:]} if sys.argv[1:] else {name: [folder] for name, folder in SUITES.items()}
    machines = {
        name: SimulatedMachine(kernel, name, [*INSIDE, *PYTEST, *arguments], _environment())
        for name, arguments in jobs.items()
    }
    try:
        statuses = {name: machine.wait(LIMIT_S) for name, machine in machines.items()}
    finally:
        for machine in machines.values():
            machine.kill()
    for name, status in statuses.items():
        print(f"simulated kernel: {name}: {'passed' if status == 0 else f'FAILED (status {status})'}")
    print(f"simulated kernel: {time.monotonic() - started:.0f} s")
    sys.exit(max(statuses.values()))


def _environment() -> dict[str, str]:
    """What the commands inside get of the environment outside."""
    names = ("PATH", "HOME", "PYTHONPATH", "PYTHONDEVMODE")
    return {name: os.environ[name] for name in names if name in os.environ}


if __name__ == "__main__":
    main()
