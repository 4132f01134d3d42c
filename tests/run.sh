#!/bin/sh
# Runs every check: ruff, mypy, the tests, the deliberate faults they must notice, and the fault campaign over the
# sensors, on one Python; the tests that start the module as a process of its own run on each Python of 3.11, 3.12 and
# 3.13 that is found.
#
# usage: tests/run.sh [pytest arguments]
#        tests/run.sh --coverage                      the tests alone, and which lines and branches they go through
#        tests/run.sh --campaign [words]              the fault campaign alone, or that of sensors with these words
#        tests/run.sh --hil [pytest arguments]        the real back ends in the simulated kernel, which it builds once
#        tests/run.sh --hardware [pytest arguments]   the same on a Raspberry Pi wired as tests/hil/README.md says
#
# With arguments only pytest runs, with them: for work on one test.
# PI_DRIVERS_PYTHON names the Python that runs the tests (default: the first one found of python3, 3.13, 3.12, 3.11).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
cd "$root"
mkdir -p .cache

export PI_DRIVERS_TOOLS="$root/.cache/tools"
export PYTHONPATH="$root/src:$root"
unset VIAM_MODULE_DATA PI_DRIVERS_BACKEND PI_DRIVERS_TRACE
# Where this is set, each of the thousands of Pythons that the checks start would compile the SDK anew.
unset PYTHONDONTWRITEBYTECODE

say() {
    printf '== %s\n' "$*"
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

# A name on the path may be pyenv's stand-in, which means another Python in another folder; this is the real one.
real_path() {
    "$1" -c 'import os, sys; print(os.path.realpath(sys.executable))'
}

# The interpreter of one version: on the path, or among those that pyenv keeps.
find_version() {
    pyenv=$(command -v pyenv || printf '/nonexistent/bin/pyenv')
    for candidate in "python$1" \
        "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}"/versions/"$1".*/bin/python \
        "${pyenv%/bin/pyenv}"/versions/"$1".*/bin/python; do
        if [ "$(version_of "$candidate")" = "$1" ]; then
            real_path "$candidate"
            return
        fi
    done
}

find_main() {
    for candidate in ${PI_DRIVERS_PYTHON:+"$PI_DRIVERS_PYTHON"} python3 \
        "$(find_version 3.13)" "$(find_version 3.12)" "$(find_version 3.11)"; do
        case $(version_of "$candidate") in
        3.11 | 3.12 | 3.13)
            real_path "$candidate"
            return
            ;;
        esac
    done
}

# The real back ends: one Python is enough, and it has lgpio, which nothing else needs.
run_real() {
    ground=$1
    shift
    venv=$root/.cache/venv-real
    PI_DRIVERS_VENV=$venv ./setup.sh --dev >/dev/null
    if ! "$venv/bin/python" -c 'import sys, _lgpio; sys.exit("abi3" not in _lgpio.__file__)' 2>/dev/null; then
        say "adding the archive's lgpio"
        wheel=$("$(packaging/tools.sh)" packaging/lgpio_wheel.py "$(uname -m)")
        "$PI_DRIVERS_TOOLS/bin/uv" --quiet pip install --python "$venv/bin/python" --no-deps --reinstall "$wheel"
    fi
    export PYTHONDEVMODE=1
    if [ "$ground" = --hil ]; then
        # Steps are counted at speed with the real lgpio on this kernel: the simulated one is too slow for that.
        [ $# -gt 0 ] || "$venv/bin/python" -m pytest --quiet tests/performance
        exec "$venv/bin/python" -m tests.hil "$@"
    fi
    [ $# -gt 0 ] || set -- tests/contract tests/hil
    exec "$venv/bin/python" -m pytest --ground=hardware "$@"
}

case ${1:-} in
--hil | --hardware)
    run_real "$@"
    ;;
esac

main=$(find_main)
if [ -z "$main" ]; then
    say "no Python 3.11, 3.12 or 3.13 was found; name one in PI_DRIVERS_PYTHON"
    exit 1
fi
main_version=$(version_of "$main")

pythons=
for version in 3.11 3.12 3.13; do
    interpreter=$main
    if [ "$version" != "$main_version" ]; then
        interpreter=$(find_version "$version")
    fi
    if [ -z "$interpreter" ]; then
        say "Python $version: not found; the module is not tested on it"
        continue
    fi
    venv=$root/.cache/venv-$version
    PI_DRIVERS_PYTHON=$interpreter PI_DRIVERS_VENV=$venv ./setup.sh --dev >/dev/null
    say "Python $version: $interpreter"
    pythons=${pythons:+$pythons:}$venv/bin/python
done

export PI_DRIVERS_TEST_PYTHONS="$pythons"
unset PI_DRIVERS_PYTHON
bin=$root/.cache/venv-$main_version/bin
say "tests run on Python $main_version; the module also as a process on: $pythons"

if [ "${1:-}" = --campaign ]; then
    shift
    exec "$bin/python" -m tests.campaign "$@"
fi
# Counting lines doubles the time of what is simulated, so it is not done every time.
if [ "${1:-}" = --coverage ]; then
    exec "$bin/python" -m pytest --numprocesses 2 --dist loadfile --cov --cov-branch \
        --cov-report=term-missing:skip-covered --cov-fail-under=90
fi
if [ $# -gt 0 ]; then
    PYTHONDEVMODE=1 exec "$bin/python" -m pytest "$@"
fi

say "ruff"
"$bin/ruff" check --extend-exclude .cache .
"$bin/ruff" format --check --extend-exclude .cache .
say "mypy"
"$bin/python" -m mypy
say "pytest"
# Two workers: the tests that start processes mostly wait. A file stays with one worker. What development mode does to
# find mistakes in C costs a fifth of the time, and there is no C here.
PYTHONDEVMODE=1 PYTHONMALLOC=pymalloc "$bin/python" -m pytest --numprocesses 2 --dist loadfile
say "faults"
"$bin/python" -m tests.faults
say "fault campaign over the sensors"
"$bin/python" -m tests.campaign
