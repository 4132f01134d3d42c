#!/bin/sh
# Makes the Python environment that run.sh starts in: a virtual environment with exactly the packages of uv.lock.
# Does nothing when that environment is there already. Needs no root, and changes nothing but that environment.
#
# usage: setup.sh [--dev]      --dev adds what the tests need
#
# PI_DRIVERS_PYTHON  the interpreter to use (default: the first Python 3.11, 3.12 or 3.13 that is found)
# PI_DRIVERS_VENV    where the environment goes (default: $VIAM_MODULE_DATA/venv, else .venv beside this file)
# PI_DRIVERS_TOOLS   where the installer goes (default: beside the environment)
set -eu

UV_VERSION=0.13.8

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
venv=${PI_DRIVERS_VENV:-${VIAM_MODULE_DATA:+$VIAM_MODULE_DATA/venv}}
venv=${venv:-$here/.venv}
tools=${PI_DRIVERS_TOOLS:-$venv-tools}
stamp=$venv/pi-drivers-setup
groups=--no-dev
if [ "${1:-}" = --dev ]; then
    groups=--dev
fi

say() {
    printf 'pi-drivers setup: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

# What the environment must have been made from to be still right: the packages, and an interpreter that is still there
# (an upgrade of the system may have put another Python behind the same name).
key() {
    cat "$here/uv.lock" "$here/pyproject.toml" | cksum
    printf '%s %s\n' "$groups" "${PI_DRIVERS_PYTHON:-}"
    readlink -f "$venv/bin/python" || true
}

is_done() {
    [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && [ "$(key)" = "$(cat "$stamp")" ]
}

is_right_python() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

# A name on the path may be a stand-in, pyenv's for example, which means another Python in another folder.
real_path() {
    "$1" -c 'import os, sys; print(os.path.realpath(sys.executable))'
}

find_python() {
    if [ -n "${PI_DRIVERS_PYTHON:-}" ]; then
        is_right_python "$PI_DRIVERS_PYTHON" ||
            fail "PI_DRIVERS_PYTHON is $PI_DRIVERS_PYTHON, which is no Python 3.11, 3.12 or 3.13"
        real_path "$PI_DRIVERS_PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        if is_right_python "$candidate"; then
            real_path "$candidate"
            return
        fi
    done
    fail "no Python 3.11, 3.12 or 3.13 was found; install one (sudo apt install python3 python3-venv)," \
        "or name one in PI_DRIVERS_PYTHON"
}

is_raspberry_pi() {
    grep -q 'Raspberry Pi' /proc/device-tree/model 2>/dev/null
}

install_uv() {
    if [ "$("$tools/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ]; then
        return
    fi
    rm -rf "$tools"
    "$python" -m venv "$tools" >&2 ||
        fail "$python cannot make virtual environments; install its part for that: sudo apt install python3-venv"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" >&2 ||
        fail "uv $UV_VERSION could not be installed; is there a way to the internet?"
}

run_uv() {
    UV_PROJECT_ENVIRONMENT=$venv UV_PYTHON_DOWNLOADS=never "$tools/bin/uv" --quiet --directory "$here" "$@" >&2
}

make_environment() {
    # On a Pi, lgpio and picamera2 are system packages; elsewhere nothing of the system is wanted.
    system=
    if is_raspberry_pi; then
        system=--system-site-packages
    fi
    rm -rf "$venv"
    # shellcheck disable=SC2086  # empty or one word
    run_uv venv --python "$python" $system "$venv"
    run_uv sync --frozen --no-install-project "$groups" --python "$python" ||
        fail "the packages of uv.lock could not be installed; is there a way to the internet, and room on the disk?"
}

# Only real pins need lgpio, so its absence is no error here.
provide_lgpio() {
    if ! is_raspberry_pi || "$venv/bin/python" -c 'import lgpio' 2>/dev/null; then
        return
    fi
    if ! run_uv pip install --python "$venv/bin/python" --no-build 'lgpio>=0.2.2' 2>/dev/null; then
        say "for real pins one package is missing: sudo apt install python3-lgpio"
    fi
}

if is_done; then
    exit 0
fi

mkdir -p "$(dirname -- "$venv")"
# Two first starts at once: one works, the other waits, and then finds the work done.
if command -v flock >/dev/null; then
    exec 9>"$venv.lock"
    flock 9
    if is_done; then
        exit 0
    fi
fi

# Behind a proxy with certificates of its own, the system knows them and uv's built-in list does not.
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
fi
# Without a home there is no place for a cache.
if [ ! -w "${HOME:-/nonexistent}" ] && [ -z "${UV_CACHE_DIR:-}" ]; then
    export UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1
fi

python=$(find_python)
say "making $venv with $("$python" --version) ($python)"
install_uv
make_environment
provide_lgpio
key >"$stamp"
say "done"
