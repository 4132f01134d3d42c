"""The module on the real back end, with files in a folder in the place of the kernel's for the PWM block.

The folder, in the environment variable PI_DRIVERS_FILES, is as `tests.contract.pwm_grounds.SysfsTree` makes it.
"""

import os
import sys
from functools import partial
from pathlib import Path

import tests.module.unruly_models  # noqa: F401 - registers them
from pi_drivers.buses.pwm import real
from pi_drivers.module import main

if __name__ == "__main__":
    folder = Path(os.environ["PI_DRIVERS_FILES"])
    real.SysfsPwm = partial(real.SysfsPwm, folder / "class", folder / "device-tree")  # type: ignore[misc,assignment]
    sys.exit(main(sys.argv[1:]))
