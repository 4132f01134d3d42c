"""The scripts beside the sources: they start from anywhere, do their work once, and change nothing else."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("run.sh", "setup.sh", "build.sh", "first_run.sh", "tests/run.sh", ".ci/run")
SOURCES = (*SCRIPTS[:4], "pyproject.toml", "uv.lock", "LICENSE", "meta.json")


def sh(*command: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The module's files in a folder with a space in its name."""
    clone = tmp_path / "a clone"
    clone.mkdir()
    for name in SOURCES:
        (clone / name).write_bytes((ROOT / name).read_bytes())
        (clone / name).chmod(0o755 if name.endswith(".sh") else 0o644)
    (clone / "README.md").write_text("read me")
    (clone / "src").symlink_to(ROOT / "src")
    (clone / "examples").symlink_to(ROOT / "examples")
    return clone


@pytest.fixture
def ready(clone: Path) -> Path:
    """A clone that was set up: its environment is this one."""
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    packages = (clone / "uv.lock").read_bytes() + (clone / "pyproject.toml").read_bytes()
    checksum = subprocess.run(["cksum"], input=packages, capture_output=True, check=True).stdout.decode()
    (clone / ".venv" / "pi-drivers-setup").write_text(f"{checksum}--no-dev \n{python.resolve()}\n")
    return clone


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sound_shell_and_may_be_run(name):
    assert os.access(ROOT / name, os.X_OK)
    assert subprocess.run(["sh", "-n", ROOT / name], check=False).returncode == 0


def test_run_sh_starts_a_command_from_anywhere_without_setting_up_again(ready, tmp_path):
    (tmp_path / "json.py").write_text("raise RuntimeError('a file that lies about took the place of a library')")
    config = ready / "examples" / "rover.json"

    done = sh(ready / "run.sh", "check", config, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "no problems\n", "")
    assert not (ready / ".venv-tools").exists()


def test_run_sh_hands_arguments_over_unbroken_and_the_status_back(ready, tmp_path):
    done = sh(ready / "run.sh", "check", "no such file.json", cwd=tmp_path)

    assert done.returncode == 2
    assert "'no such file.json' does not exist" in done.stderr


def test_run_sh_works_through_a_link(ready, tmp_path):
    link = tmp_path / "pi-drivers"
    link.symlink_to(ready / "run.sh")

    assert sh(link, "--help", cwd=tmp_path).returncode == 0


def test_set_up_keeps_its_words_off_stdout_and_names_a_python_that_is_none(clone, tmp_path):
    done = sh(clone / "run.sh", "check", "x", cwd=tmp_path, PI_DRIVERS_PYTHON="/bin/true/none")

    assert done.returncode == 1
    assert done.stdout == ""
    assert "PI_DRIVERS_PYTHON is /bin/true/none, which is no Python 3.11, 3.12 or 3.13" in done.stderr


def test_the_environment_goes_where_viam_keeps_data(clone, tmp_path):
    data = tmp_path / "module data"
    sh(clone / "setup.sh", cwd=tmp_path, VIAM_MODULE_DATA=str(data), PI_DRIVERS_PYTHON="none")

    assert (data / "venv.lock").exists()
    assert not (clone / ".venv.lock").exists()


def test_the_archive_holds_what_the_module_needs_and_is_the_same_each_time(clone, tmp_path):
    (clone / "src").unlink()
    (clone / "examples").unlink()
    package = clone / "src" / "pi_drivers"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__pycache__" / "x.pyc").touch()
    (package / "__main__.py").write_text("print('started')")
    (clone / "examples").mkdir()
    assert sh(clone / "build.sh", cwd=tmp_path).returncode == 0
    first = (clone / "dist" / "archive.tar.gz").read_bytes()
    os.utime(package / "__main__.py", (0, 1_000_000_000))
    (clone / "run.sh").chmod(0o700)
    assert sh(clone / "build.sh", cwd=tmp_path).returncode == 0

    assert (clone / "dist" / "archive.tar.gz").read_bytes() == first
    with tarfile.open(clone / "dist" / "archive.tar.gz") as archive:
        names = set(archive.getnames())
        mode = archive.getmember("run.sh").mode
    assert {*SOURCES, "README.md", "src/pi_drivers/__main__.py", "examples"} - names == {"build.sh"}
    assert not [name for name in names if "pycache" in name]
    assert mode & 0o111


def test_first_run_reports_and_never_fails(clone, tmp_path):
    before = sorted(clone.iterdir())
    done = sh(clone / "first_run.sh", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    for word in ("machine:", "Python:", "group", "GPIO", "I2C", "SPI", "lgpio:"):
        assert f"pi-drivers: {word}" in done.stdout
    assert sorted(clone.iterdir()) == before


def test_first_run_succeeds_on_a_machine_with_nothing_at_all(clone, tmp_path):
    assert sh("/bin/sh", clone / "first_run.sh", cwd=tmp_path, PATH="/nowhere").returncode == 0
