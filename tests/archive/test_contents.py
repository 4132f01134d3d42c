"""What build.sh packs, for either architecture on this one."""

import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.archive.building import CONTENTS, MACHINES, ROOT, Builder, build, copy_sources, unpack

PYTHONS = ("3.11", "3.12", "3.13")
GLIBC_OF_DEBIAN_12 = 36
NEWEST_GLIBC = 34
"""The newest that a file may need: Raspberry Pi OS 12 has 2.36."""
ELF_MACHINES = {"aarch64": 0xB7, "x86_64": 0x3E}


@pytest.fixture(params=MACHINES)
def arch(request) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def unpacked(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder that viam-server would have of it: `unpacked("arm64")`."""

    @cache
    def get(arch: str) -> Path:
        folder = tmp_path_factory.mktemp("unpacked") / arch
        unpack(builder.archive(arch), folder)
        return folder

    return get


def lines_for(folder: Path, python: str) -> Iterator[tuple[Requirement, set[str]]]:
    """What setup.sh installs on one Python, and the hashes it accepts."""
    for line in (folder / "wheels" / "requirements.txt").read_text().splitlines():
        text, *hashes = line.split(" --hash=sha256:")
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"python_version": python}):
            yield wanted, set(hashes)


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tags_of(python: str, machine: str) -> set[Tag]:
    """What a Python on Debian 12 can load."""
    number = tuple(int(part) for part in python.split("."))
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(5, GLIBC_OF_DEBIAN_12 + 1)]
    platforms += [f"manylinux2014_{machine}"]
    return {*cpython_tags(number, platforms=platforms), *compatible_tags(number, platforms=platforms)}


def libraries(folder: Path) -> Iterator[tuple[str, bytes]]:
    for wheel in (folder / "wheels").glob("*.whl"):
        with zipfile.ZipFile(wheel) as files:
            for name in files.namelist():
                if name.endswith(".so") or ".so." in name:
                    yield f"{wheel.name}: {name}", files.read(name)


@pytest.mark.parametrize("python", PYTHONS)
def test_each_python_finds_a_wheel_for_all_that_it_needs(unpacked, arch, python):
    folder = unpacked(arch)
    supported = tags_of(python, MACHINES[arch])
    wheels = list((folder / "wheels").glob("*.whl"))

    for wanted, hashes in lines_for(folder, python):
        fitting = [
            wheel for wheel in wheels
            for name, number, _, tags in [parse_wheel_filename(wheel.name)]
            if name == wanted.name and number in wanted.specifier and tags & supported
        ]  # fmt: skip
        assert len(fitting) == 1, f"{wanted} on {python}: {fitting}"
        assert sha256_of(fitting[0]) in hashes


@pytest.mark.parametrize("python", PYTHONS)
def test_all_direct_dependencies_are_there_and_lgpio(unpacked, arch, python):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}

    assert {*needed, "lgpio"} <= {wanted.name for wanted, _ in lines_for(unpacked(arch), python)}


@pytest.mark.parametrize("python", PYTHONS)
def test_the_versions_are_those_of_the_lock(unpacked, arch, python):
    lock = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    here = {"python_version": python, "python_full_version": f"{python}.1"}
    locked = {
        f"{package['name']}=={package['version']}" for package in lock
        if all(Marker(text).evaluate(here) for text in package.get("resolution-markers", ()))
    }  # fmt: skip

    assert {f"{wanted.name}{wanted.specifier}" for wanted, _ in lines_for(unpacked(arch), python)} <= locked


def test_there_is_no_wheel_that_nobody_needs(unpacked, arch):
    folder = unpacked(arch)
    needed = {hash_ for python in PYTHONS for _, hashes in lines_for(folder, python) for hash_ in hashes}

    spare = [
        wheel.name for wheel in (folder / "wheels").glob("*.whl")
        if sha256_of(wheel) not in needed
    ]  # fmt: skip
    assert [name.partition("-")[0] for name in spare] == ["pip"]


def test_compiled_code_is_the_target_s_and_needs_no_newer_system(unpacked, arch):
    seen = 0
    for name, code in libraries(unpacked(arch)):
        seen += 1
        assert code[:4] == b"\x7fELF", name
        assert int.from_bytes(code[18:20], "little") == ELF_MACHINES[MACHINES[arch]], name
        assert max(map(int, re.findall(rb"GLIBC_2\.(\d+)", code)), default=0) <= NEWEST_GLIBC, name
    assert seen > 50


def test_viam_server_can_unpack_and_start_it(builder, unpacked, arch):
    with tarfile.open(builder.archive(arch)) as entries:
        members = entries.getmembers()
    meta = json.loads((unpacked(arch) / "meta.json").read_text())

    assert not [member.name for member in members if not (member.isdir() or member.isreg())]
    assert {member.name.partition("/")[0] for member in members} == {*CONTENTS, "wheels"}
    for script in (meta["entrypoint"], meta["first_run"], "setup.sh"):
        assert (unpacked(arch) / script).stat().st_mode & 0o111 == 0o111
    assert not [member.name for member in members if "__pycache__" in member.name or member.name.endswith(".pyc")]
    assert {(member.uid, member.gid, member.mtime) for member in members} == {(0, 0, 0)}


def test_the_same_sources_give_the_same_bytes(builder, tmp_path):
    first = builder.archive("arm64")
    sources = copy_sources(builder.sources, tmp_path)
    package = sources / "src" / "pi_drivers"
    (package / "__init__.py").touch()
    (package / "__init__.py").chmod(0o600)
    (sources / "run.sh").chmod(0o700)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").touch()
    (package / ".__init__.py.swp").touch()
    (sources / "src" / "pi_drivers.egg-info").mkdir()

    assert build(sources, VIAM_BUILD_ARCH="arm64").returncode == 0

    assert sha256_of(sources / "dist" / "archive.tar.gz") == sha256_of(first)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"VIAM_BUILD_ARCH": "x86_64"}, ["VIAM_BUILD_ARCH is x86_64", "arm64 and amd64"]),
        ({"VIAM_BUILD_ARCH": "arm32v7"}, ["VIAM_BUILD_ARCH is arm32v7", "arm64 and amd64"]),
        ({"VIAM_BUILD_OS": "darwin", "VIAM_BUILD_ARCH": "arm64"}, ["VIAM_BUILD_OS is darwin", "linux only"]),
        ({"PI_DRIVERS_PYTHON": "/bin/true"}, ["PI_DRIVERS_PYTHON is /bin/true", "no Python 3.11 or later"]),
    ],
)
def test_what_cannot_be_built_for_or_with_is_refused_with_what_there_is(tmp_path, variables, words):
    done = build(copy_sources(ROOT, tmp_path), **variables)

    assert done.returncode == 1
    assert all(word in done.stderr for word in words)
    assert not (tmp_path / "dist").exists()


def test_a_python_without_its_headers_is_refused_before_anything_is_fetched(tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f"""#!/bin/sh
case "$*" in *sysconfig*) echo /nowhere;; *sys.executable*) echo "$0";; *) exec '{sys.executable}' "$@";; esac
""")
    bare.chmod(0o755)
    (tmp_path / "sources").mkdir()

    done = build(copy_sources(ROOT, tmp_path / "sources"), PI_DRIVERS_PYTHON=str(bare))

    assert done.returncode == 1
    assert "/nowhere/Python.h is missing, which lgpio needs: sudo apt install python3-dev" in done.stderr


def test_a_link_among_the_sources_is_refused(tmp_path):
    sources = copy_sources(ROOT, tmp_path)
    (sources / "docs" / "elsewhere.md").symlink_to("/etc/hostname")

    done = build(sources)

    assert done.returncode == 1
    assert "may hold no links: docs/elsewhere.md" in done.stderr


def cache_of_its_own(sources: Path) -> Path:
    """Give a copy of the sources a cache in which only the wheels are its own; return their folder."""
    cache = sources / ".cache"
    shared = cache.resolve()
    cache.unlink()
    (cache / "wheels").mkdir(parents=True)
    for name in ("build-tools", "lgpio"):
        (cache / name).symlink_to(shared / name)
    return cache / "wheels"


def index(*folders: Path) -> dict[str, str]:
    """The variables by which pip takes what lies in these folders, and asks nobody."""
    return {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": " ".join(map(str, folders))}


def test_without_a_way_to_the_index_it_says_so_and_an_older_archive_is_gone(builder, tmp_path):
    builder.archive("arm64")  # the tools are there from now on
    sources = copy_sources(builder.sources, tmp_path)
    cache_of_its_own(sources)
    (sources / "dist").mkdir()
    (sources / "dist" / "archive.tar.gz").touch()

    done = build(sources, VIAM_BUILD_ARCH="arm64", **index())

    assert done.returncode == 1
    assert done.stderr.endswith("not everything could be fetched; is there a way to the internet?\n")
    assert "Traceback" not in done.stderr
    assert not (sources / "dist" / "archive.tar.gz").exists()
    assert not list((sources / ".cache").glob("stage.*"))


def test_two_builds_at_once_from_a_damaged_cache_give_the_same_bytes_too(builder, tmp_path):
    whole = sha256_of(builder.archive("arm64"))
    sources = copy_sources(builder.sources, tmp_path)
    fetched = (sources / ".cache" / "wheels").resolve()
    wheels = cache_of_its_own(sources)
    shutil.copytree(fetched, wheels, dirs_exist_ok=True, copy_function=os.symlink)
    for wheel in wheels.glob("*/pip-*.whl"):
        wheel.unlink()
        wheel.write_bytes(b"half of it")
    (wheels / "tmp_of_one_that_was_killed").mkdir()

    def built() -> str:
        done = build(sources, VIAM_BUILD_ARCH="arm64", **index(*fetched.iterdir()))
        assert done.returncode == 0, done.stderr
        return sha256_of(sources / "dist" / "archive.tar.gz")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(built)
        while not first.done() and not list((sources / ".cache").glob("stage.*")):
            time.sleep(0.01)
        second = pool.submit(built)
    assert [first.result(), second.result()] == [whole, whole]
    assert not list(wheels.glob("tmp*"))
