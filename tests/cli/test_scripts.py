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
    stamp = f"{checksum}--no-dev\n{sys.version_info[0]}.{sys.version_info[1]}\n{python.resolve()}\n"
    (clone / ".venv" / "pi-drivers-setup").write_text(stamp)
    return clone


@pytest.fixture
def installer(clone: Path, tmp_path: Path) -> dict[str, str]:
    """The variables for an installer that needs no internet: it makes an empty environment and tells what it does."""
    uv = tmp_path / "tools" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f"""#!/bin/sh
case "$*" in
--version) echo "uv $(sed -n 's/^UV_VERSION=//p' '{clone}/setup.sh')";;
*" venv "*)
    for target; do :; done
    mkdir -p "$target/bin"
    ln -s '{sys.executable}' "$target/bin/python"
    touch "$target/pyvenv.cfg"
    echo made >>'{tmp_path}/done';;
*" sync "*)
    echo "filled with the old one $(cat '{clone}/.venv/mark' 2>/dev/null || echo gone)" >>'{tmp_path}/done'
    exit "${{SYNC_STATUS:-0}}";;
esac
""")
    uv.chmod(0o755)
    return {"PI_DRIVERS_TOOLS": str(tmp_path / "tools"), "PI_DRIVERS_PYTHON": sys.executable}


def is_marked(clone: Path) -> bool:
    """Whether the environment is the one that got a mark."""
    return (clone / ".venv" / "mark").exists()


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


def test_an_environment_is_made_once_with_an_interpreter_named_or_not(clone, tmp_path, installer):
    assert sh(clone / "setup.sh", cwd=tmp_path, **installer).returncode == 0
    (clone / ".venv" / "mark").write_text("there")

    assert sh(clone / "setup.sh", cwd=tmp_path).stderr == ""
    assert sh(clone / "setup.sh", cwd=tmp_path, **installer).stderr == ""
    assert is_marked(clone)


def test_another_version_of_python_makes_it_anew(clone, tmp_path, installer):
    assert sh(clone / "setup.sh", cwd=tmp_path, **installer).returncode == 0
    other = tmp_path / "python"
    other.write_text(f"""#!/bin/sh
case "$2" in *print*version_info*) echo 3.99;; *) exec '{sys.executable}' "$@";; esac
""")
    other.chmod(0o755)
    (clone / ".venv" / "mark").touch()

    assert sh(clone / "setup.sh", cwd=tmp_path, **installer | {"PI_DRIVERS_PYTHON": str(other)}).returncode == 0
    assert not is_marked(clone)


def test_other_packages_make_it_anew_beside_the_old_one(clone, tmp_path, installer):
    assert sh(clone / "setup.sh", cwd=tmp_path, **installer).returncode == 0
    (clone / ".venv" / "mark").write_text("there")
    (clone / "uv.lock").write_text("others")

    assert sh(clone / "setup.sh", cwd=tmp_path, **installer, SYNC_STATUS="1").returncode == 1
    assert is_marked(clone)
    assert sh(clone / "setup.sh", cwd=tmp_path, **installer).returncode == 0
    assert not is_marked(clone)
    said = (tmp_path / "done").read_text().splitlines()
    assert said[2:] == ["made", "filled with the old one there"] * 2
    assert sorted(path.name for path in clone.glob(".venv*")) == [".venv", ".venv.lock"]


def test_what_the_tests_need_is_added_to_what_is_there_and_kept(clone, tmp_path, installer):
    assert sh(clone / "setup.sh", cwd=tmp_path, **installer).returncode == 0
    (clone / ".venv" / "mark").write_text("there")

    for arguments in (["--dev"], ["--dev"], []):
        assert sh(clone / "setup.sh", *arguments, cwd=tmp_path, **installer).returncode == 0
    assert is_marked(clone)
    assert (tmp_path / "done").read_text().splitlines()[2:] == ["filled with the old one there"]


def test_a_folder_that_is_no_environment_is_not_removed(clone, tmp_path, installer):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis").touch()

    done = sh(clone / "setup.sh", cwd=tmp_path, **installer, PI_DRIVERS_VENV=str(tmp_path / "work"))

    assert done.returncode == 1
    assert "is no Python environment; remove it, or choose another place" in done.stderr
    assert (tmp_path / "work" / "thesis").exists()


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
