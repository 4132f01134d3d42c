"""The scripts beside the sources: they start from anywhere, do their work once, and change nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("run.sh", "setup.sh", "build.sh", "first_run.sh", "packaging/tools.sh", "tests/run.sh", ".ci/run")
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


@pytest.mark.parametrize("python", ["/bin/true/none", "/bin/true"])
def test_set_up_keeps_its_words_off_stdout_and_names_a_python_that_is_none(clone, tmp_path, python):
    done = sh(clone / "run.sh", "check", "x", cwd=tmp_path, PI_DRIVERS_PYTHON=python)

    assert done.returncode == 1
    assert done.stdout == ""
    assert f"PI_DRIVERS_PYTHON is {python}, which is no Python 3.11, 3.12 or 3.13" in done.stderr


def test_another_python_s_home_matters_to_neither_script(clone, ready, tmp_path, installer):
    elsewhere = {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"}

    assert sh(ready / "run.sh", "--help", cwd=tmp_path, **elsewhere).returncode == 0
    other = {"PI_DRIVERS_VENV": str(tmp_path / "other")}
    assert sh(clone / "setup.sh", cwd=tmp_path, **installer, **other, **elsewhere).returncode == 0


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
    assert not (clone / ".venv.new").exists(), "what is half made takes room, which may be what was missing"
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


def number_of(clone: Path) -> str:
    """What the environment's folder is called after."""
    packages = (clone / "uv.lock").read_bytes() + (clone / "pyproject.toml").read_bytes()
    return subprocess.run(["cksum"], input=packages, capture_output=True, check=True).stdout.decode().split()[0]


def test_where_viam_keeps_data_each_set_of_packages_has_an_environment_of_its_own(clone, tmp_path, installer):
    data = tmp_path / "module data"

    for lock in ("old", "new"):
        (clone / "uv.lock").write_text(lock)
        done = sh(clone / "setup.sh", cwd=tmp_path, VIAM_MODULE_DATA=str(data), **installer)
        assert done.stdout == f"{data}/venv-{number_of(clone)}\n"
        assert Path(done.stdout.strip(), "pyvenv.cfg").exists()
    assert len(list(data.glob("venv-*/pyvenv.cfg"))) == 2
    assert not (clone / ".venv.lock").exists()


def test_data_kept_nowhere_is_no_place(clone, tmp_path, installer):
    done = sh(clone / "setup.sh", cwd=tmp_path, VIAM_MODULE_DATA="", **installer)

    assert done.stdout == f"{clone}/.venv\n"


@pytest.fixture
def three_environments(clone: Path, tmp_path: Path, installer: dict[str, str]) -> dict[str, Path]:
    """Those of the version before, of this one, and of one that is only being prepared."""
    data = tmp_path / "data"
    this = Path(sh(clone / "setup.sh", cwd=tmp_path, VIAM_MODULE_DATA=str(data), **installer).stdout.strip())
    (this / "bin" / "python").unlink()
    (this / "bin" / "python").symlink_to("/bin/true")
    stamp = (this / "pi-drivers-setup").read_text().splitlines()
    stamp[3] = str(Path("/bin/true").resolve())
    (this / "pi-drivers-setup").write_text("\n".join(stamp))
    found = {"before": data / "venv-1", "this": this, "next": data / "venv-2.new"}
    for age, name in enumerate(("next", "this", "before")):
        found[name].mkdir(exist_ok=True)
        os.utime(found[name], (2_000_000_000 - age, 2_000_000_000 - age))
    return found


@pytest.mark.parametrize("first", ["/tmp/module.sock", "m.sock", "127.0.0.1:7000"])
def test_a_module_that_starts_removes_the_environment_of_the_version_before(clone, tmp_path, three_environments, first):
    done = sh(clone / "run.sh", first, cwd=tmp_path, VIAM_MODULE_DATA=str(tmp_path / "data"))

    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name, folder in three_environments.items() if folder.exists()] == ["this", "next"]


@pytest.mark.parametrize("words", [["doctor", "--no-scan"], ["up", "/a/b.json"], []])
def test_a_command_leaves_alone_what_another_version_may_be_running_in(clone, tmp_path, three_environments, words):
    sh(clone / "run.sh", *words, cwd=tmp_path, VIAM_MODULE_DATA=str(tmp_path / "data"))

    assert all(folder.exists() for folder in three_environments.values())


def test_a_place_that_cannot_be_written_to_is_named_with_the_way_out(clone, tmp_path, installer):
    done = sh(clone / "setup.sh", cwd=tmp_path, VIAM_MODULE_DATA="/proc/nothing", **installer)

    assert done.returncode == 1
    assert "/proc/nothing cannot be written to; name another place" in done.stderr
    assert "PI_DRIVERS_VENV" in done.stderr


def test_first_run_makes_the_environment_and_has_the_doctor_report(clone, tmp_path, installer):
    python = tmp_path / "python"
    python.write_text(f"""#!/bin/sh
case "$*" in *doctor*) echo "asked: $*"; exit 1;; *) exec '{sys.executable}' "$@";; esac
""")
    python.chmod(0o755)
    uv = Path(installer["PI_DRIVERS_TOOLS"], "bin", "uv")
    uv.write_text(uv.read_text().replace(f"ln -s '{sys.executable}'", f"cp '{python}'"))

    done = sh(clone / "first_run.sh", cwd=Path("/"), **installer)

    assert (done.returncode, done.stdout) == (0, "asked: -P -m pi_drivers doctor --no-scan\n")
    assert done.stderr.splitlines()[-1].startswith("pi-drivers setup: done"), "something to mend is no failure"


def test_first_run_tells_of_an_archive_that_is_not_whole(clone, tmp_path):
    (clone / "wheels").mkdir()

    done = sh(clone / "first_run.sh", cwd=tmp_path)

    assert done.returncode == 0
    assert f"{clone} is not whole; install the module anew" in done.stderr


def test_first_run_tells_why_there_is_no_environment_and_succeeds(clone, tmp_path, installer):
    done = sh(clone / "first_run.sh", cwd=tmp_path, **installer, SYNC_STATUS="1")

    assert (done.returncode, done.stdout) == (0, "")
    assert "could not be installed; is there a way to the internet" in done.stderr
    assert "there is no Python environment yet, for the reason above" in done.stderr


def test_first_run_succeeds_on_a_machine_with_nothing_at_all(clone, tmp_path):
    assert sh("/bin/sh", clone / "first_run.sh", cwd=tmp_path, PATH="/nowhere").returncode == 0
