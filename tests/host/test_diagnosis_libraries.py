"""Which libraries this interpreter finds, and what to do about the others; none is loaded to find out."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_drivers.host.finding import Level
from tests.host.trees import Pi

Finds = Callable[..., None]


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


@pytest.fixture
def lacks(monkeypatch: pytest.MonkeyPatch) -> Finds:
    """Let the interpreter find every library but these."""
    return lambda *names: monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name in names else object()
    )


def test_what_setup_installs_is_told_in_a_line(pi: Pi, lacks: Finds):
    lacks()
    assert pi.finding("packages").found == "gpiod, gpiozero, smbus2, serial, cv2 found"
    lacks("smbus2", "cv2")
    found = pi.finding("packages")
    assert (found.level, found.found) == (Level.BROKEN, "not found: smbus2, cv2")
    assert found.needed_for == "chips on I2C, cameras"


def test_only_an_environment_is_ever_to_be_removed(pi: Pi, lacks: Finds, monkeypatch):
    lacks("smbus2")
    monkeypatch.setattr("sys.prefix", "/data/venv")
    assert pi.finding("packages").mend.startswith("rm -r /data/venv, and start run.sh again")
    monkeypatch.setattr("sys.prefix", sys.base_prefix)
    assert "rm " not in pi.finding("packages").mend


def test_without_lgpio_there_are_no_pins(pi: Pi, lacks: Finds):
    lacks()
    assert pi.finding("lgpio").level is Level.OK
    lacks("_lgpio")
    assert pi.finding("lgpio")[2] is Level.BROKEN
    assert pi.finding("lgpio")[4:] == ("sudo apt install -y python3-lgpio", "pins")


def test_picamera2_is_missing_or_seen_by_the_system_s_python_alone(pi: Pi, lacks: Finds, monkeypatch):
    lacks("picamera2")
    assert pi.finding("picamera2")[2:5] == (
        Level.BETTER,
        "not installed",
        "sudo apt install -y python3-picamera2",
    )
    pi.put("usr/lib/python3/dist-packages/picamera2/__init__.py")
    pi.link("usr/bin/python3", "python3.9")
    assert "/usr/bin/python3.9 finds it" in pi.finding("picamera2").found
    assert "PI_DRIVERS_PYTHON=/usr/bin/python3" in pi.finding("picamera2").mend

    pi.remove("usr/bin/python3")
    pi.link("usr/bin/python3", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    monkeypatch.setattr("sys.prefix", "/data/venv")
    assert "rm -r /data/venv" in pi.finding("picamera2").mend


def test_looking_for_libraries_loads_none(pi: Pi):
    code = (
        "import sys; from pathlib import Path; from tests.host.trees import look\n"
        f"look(Path({str(pi.root)!r}))\n"
        "print(sorted({'lgpio', '_lgpio', 'gpiod', 'gpiozero', 'smbus2', 'serial', 'cv2', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
