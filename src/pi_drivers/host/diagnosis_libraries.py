"""The libraries behind the real back ends: whether this interpreter finds them. None is loaded for that."""

import importlib.util
import sys
from collections.abc import Iterator

from pi_drivers.host.diagnosis_files import Files
from pi_drivers.host.finding import Finding, Level

SUBJECT = "Libraries"
PURPOSES = {
    "gpiod": "pins",
    "gpiozero": "pins",
    "smbus2": "chips on I2C",
    "serial": "serial ports",
    "cv2": "cameras",
}
"""What setup.sh installs, by the names under which they are imported."""
SYSTEM_PACKAGES = "usr/lib/python3/dist-packages"
"""Where Raspberry Pi OS has what belongs to its own Python."""


def libraries(files: Files) -> Iterator[Finding]:
    """What is there, in a line, and a finding for each that is missing."""
    missing = [name for name in PURPOSES if not _is_found(name)]
    if missing:
        purposes = ", ".join(dict.fromkeys(PURPOSES[name] for name in missing))
        mend = _anew()
        yield Finding(SUBJECT, "packages", Level.BROKEN, f"not found: {', '.join(missing)}", mend, purposes)
    else:
        yield Finding(SUBJECT, "packages", Level.OK, f"{', '.join(PURPOSES)} found")
    if files.is_pi:
        yield _lgpio()
        yield _picamera2(files)


def _lgpio() -> Finding:
    # Its compiled part: `lgpio` itself makes a pipe in the working directory, and may be an empty placeholder.
    if _is_found("_lgpio"):
        return Finding(SUBJECT, "lgpio", Level.OK, "found")
    found = f"not found by {sys.executable}"
    return Finding(SUBJECT, "lgpio", Level.BROKEN, found, "sudo apt install -y python3-lgpio", "pins")


def _picamera2(files: Files) -> Finding:
    purpose = "cameras on a ribbon cable"
    if _is_found("picamera2"):
        return Finding(SUBJECT, "picamera2", Level.OK, "found")
    if not files.exists(f"{SYSTEM_PACKAGES}/picamera2"):
        mend = "sudo apt install -y python3-picamera2"
        return Finding(SUBJECT, "picamera2", Level.BETTER, "not installed", mend, purpose)
    system = _system_python(files)
    found = f"/usr/bin/{system or 'python3'} finds it, {sys.executable} does not"
    is_other = system not in {"", f"python{sys.version_info[0]}.{sys.version_info[1]}"}
    mend = "start it with PI_DRIVERS_PYTHON=/usr/bin/python3 in the environment" if is_other else _anew()
    return Finding(SUBJECT, "picamera2", Level.BETTER, found, mend, purpose)


def _system_python(files: Files) -> str:
    """`python3.11`: what /usr/bin/python3 leads to."""
    return files.target("usr/bin/python3")


def _anew() -> str:
    """How to get an environment as setup.sh makes it. Only one that is an environment is to be removed."""
    again = "start run.sh again, which makes an environment"
    return f"rm -r {sys.prefix}, and {again} anew" if sys.prefix != sys.base_prefix else again


def _is_found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
