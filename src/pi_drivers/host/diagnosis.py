"""What a machine still lacks for its drivers: each finding with the command or the line that mends it.

It looks, and changes nothing. Everything is read from files that every Pi OS has, so that it can be asked at any time,
by any user, without starting another program.
"""

from pathlib import Path

from pi_drivers.buses.pwm.contract import HardwarePwm
from pi_drivers.host.diagnosis_buses import buses, devices_elsewhere
from pi_drivers.host.diagnosis_config import overlays, pulses
from pi_drivers.host.diagnosis_files import Files
from pi_drivers.host.diagnosis_libraries import libraries
from pi_drivers.host.diagnosis_machine import groups, health, machine
from pi_drivers.host.finding import Finding


def diagnose(pwm: HardwarePwm, root: Path = Path("/")) -> list[Finding]:
    """Look at this machine. Reads some fifty small files: for a thread, or where nobody waits for milliseconds.

    On a machine that is no Raspberry Pi only what can be of use there is looked at.

    Args:
        pwm: the PWM block, of which nothing is in use.
        root: where the files are.
    """
    files = Files(root)
    if not files.is_pi:
        return [*machine(files), *groups(files), *health(files), *devices_elsewhere(files), *libraries(files)]
    return [
        *machine(files),
        *groups(files),
        *health(files),
        *buses(files),
        *pulses(files, pwm),
        *overlays(files),
        *libraries(files),
    ]
