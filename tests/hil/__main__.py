"""Runs the suites of the real back ends in the simulated kernel; `tests/run.sh --hil` starts it.

usage: python -m tests.hil [pytest arguments]

Without arguments several kernels are booted side by side, each with a part of the tests: much of their time they wait,
for pulses that they watch or for a process that starts. They run in real time, so what fails is tried once more with
the machine for itself: a mistake fails again, a late look does not. With arguments one kernel runs pytest with them,
once: for work on one test.
"""

import fnmatch
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hil.simulated_kernel import SimulatedMachine, build

PYTEST = (sys.executable, "-m", "pytest", "--ground=simulated", "--color=no")
INSIDE = (sys.executable, "-m", "tests.hil.inside")
SUITES = ("tests/contract", "tests/hil")
PARTS = {
    "gpio": ("tests/contract/test_gpio_*.py", "tests/hil/test_hardware_ground.py", "tests/hil/test_*i2c*.py"),
    "motors": ("tests/hil/test_counting.py", "tests/hil/test_dc_motor.py"),
    "endings": ("tests/hil/test_killed.py", "tests/hil/test_endings.py"),
    "motion": tuple(
        f"tests/hil/test_{name}.py"
        for name in ("as5600", "pca9685", "sabertooth", "servo", "single_encoder", "stepper")
    ),
    "cameras": (
        "tests/contract/test_video.py",
        *(f"tests/hil/test_{name}.py" for name in ("hardware_camera", "usb_camera", "vivid", "webcam")),
    ),
    "others": ("*",),
}
"""What runs in each kernel; a file that fits several is the first one's."""
ELSEWHERE = ("tests/contract/test_video_*.py", "tests/contract/test_v4l2_structs.py")
"""These bring what they need, a played kernel or library, and a kernel around them would add nothing."""
URGENT = ("gpio", "motors")
"""These watch pulses and measure costs. Where there are fewer cores than kernels they go before the others."""
NICENESS = 15
"""Of the others."""
LIMIT_S = 300.0
AT_ONCE = (os.cpu_count() or 1) + 1
"""How many kernels run side by side. More of them are no sooner done, and look too late at what they watch."""
LONGEST_FIRST = ("others", "cameras", "gpio", "motion", "endings", "motors")

Jobs = Mapping[str, Sequence[str]]
"""The arguments for pytest, by the name of the kernel."""


def main() -> None:
    """Build, boot, run and say how it went; the status is 0 when every test passed."""
    try:
        kernel = build()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    started = time.monotonic()
    if sys.argv[1:]:
        statuses = run(kernel, {"inside": [*sys.argv[1:], "-p", "no:cacheprovider"]})
    else:
        with tempfile.TemporaryDirectory(prefix="pi-drivers-tests-") as folder:
            statuses = run_all(kernel, Path(folder))
    for name, status in statuses.items():
        print(f"simulated kernel: {name}: {'passed' if status == 0 else f'FAILED (status {status})'}")
    print(f"simulated kernel: {time.monotonic() - started:.0f} s")
    sys.exit(max(statuses.values()))


def run_all(kernel: Path, folder: Path) -> dict[str, int]:
    """All parts, then what failed once more, one part at a time; the exit status of each."""
    jobs = {name: [*files, "-o", f"cache_dir={folder / name}"] for name, files in parts().items()}
    statuses = run(kernel, jobs)
    for name, status in statuses.items():
        if status:
            print(f"simulated kernel: {name}: what failed is tried once more, alone", flush=True)
            statuses |= run(kernel, {name: [*jobs[name], "--last-failed"]})
    return statuses


def run(kernel: Path, jobs: Jobs) -> dict[str, int]:
    """Boot a kernel for each job, so many at once, and wait for them; the exit status of each."""
    machines: list[SimulatedMachine] = []

    def attempt(name: str) -> int:
        niceness = 0 if name in URGENT else NICENESS
        machines.append(SimulatedMachine(kernel, name, [*INSIDE, *PYTEST, *jobs[name]], _environment(), niceness))
        return machines[-1].wait(LIMIT_S)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            return dict(zip(jobs, pool.map(attempt, jobs), strict=True))
        finally:
            for machine in machines:
                machine.kill()


def parts() -> dict[str, list[str]]:
    """The files for each kernel: every one of the suites once."""
    rest = {str(path) for folder in SUITES for path in Path(folder).glob("test_*.py")}
    rest.difference_update(*(fnmatch.filter(rest, pattern) for pattern in ELSEWHERE))
    jobs: dict[str, list[str]] = {}
    for name, patterns in PARTS.items():
        jobs[name] = sorted({file for pattern in patterns for file in fnmatch.filter(rest, pattern)})
        rest.difference_update(jobs[name])
    return {name: jobs[name] for name in LONGEST_FIRST}


def _environment() -> dict[str, str]:
    """What the commands inside get of the environment outside."""
    names = ("PATH", "HOME", "PYTHONPATH", "PYTHONDEVMODE")
    return {name: os.environ[name] for name in names if name in os.environ}


if __name__ == "__main__":
    main()
