#!/bin/sh
# Makes the Python environment that run.sh starts in: a virtual environment with exactly the packages of uv.lock.
# Does nothing when that environment is there already. Needs no root, and changes nothing but that environment.
# It makes a new one only when the packages have changed, the interpreter is gone, or PI_DRIVERS_PYTHON names another
# version of Python; and it makes it beside the old one, which then gives way at once: what runs goes on.
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

packages() {
    cat "$here/uv.lock" "$here/pyproject.toml" | cksum
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

# The stamp says what the environment was made from, a line each: the packages, with or without --dev, the version of
# Python, and the interpreter (an upgrade of the system may put another one behind the same name).
write_stamp() {
    packages
    printf '%s\n' "$groups"
    version_of "$1/bin/python"
    readlink -f "$1/bin/python"
}

stamped() {
    sed -n "$1p" "$stamp"
}

is_sound() {
    [ -x "$venv/bin/python" ] && [ -f "$stamp" ] &&
        [ "$(stamped 1)" = "$(packages)" ] &&
        [ "$(stamped 4)" = "$(readlink -f "$venv/bin/python")" ] &&
        { [ -z "${PI_DRIVERS_PYTHON:-}" ] || [ "$(stamped 3)" = "$(version_of "$PI_DRIVERS_PYTHON")" ]; }
}

# One made with --dev has everything that one without it has.
is_done() {
    is_sound && { [ "$groups" = --no-dev ] || [ "$(stamped 2)" = "$groups" ]; }
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
    UV_PROJECT_ENVIRONMENT=$target UV_PYTHON_DOWNLOADS=never "$tools/bin/uv" --quiet --directory "$here" "$@" >&2
}

make_environment() {
    # On a Pi, lgpio and picamera2 are system packages; elsewhere nothing of the system is wanted.
    system=
    if is_raspberry_pi; then
        system=--system-site-packages
    fi
    rm -rf "$target"
    # It is made under another name than it gets: --relocatable keeps that name out of its files.
    # shellcheck disable=SC2086  # empty or one word
    run_uv venv --relocatable --python "$python" $system "$target"
}

fill_environment() {
    run_uv sync --frozen --no-install-project "$groups" --python "$target/bin/python" ||
        fail "the packages of uv.lock could not be installed; is there a way to the internet, and room on the disk?"
}

# Only real pins need lgpio, so its absence is no error here.
provide_lgpio() {
    if ! is_raspberry_pi || "$target/bin/python" -c 'import _lgpio' 2>/dev/null; then
        return
    fi
    if ! run_uv pip install --python "$target/bin/python" --no-build 'lgpio>=0.2.2' 2>/dev/null; then
        say "for real pins one package is missing: sudo apt install python3-lgpio"
    fi
}

# A folder that is no environment may hold somebody's work: it is not ours to remove.
refuse_strangers() {
    if [ -d "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
        fail "$venv is no Python environment; remove it, or choose another place with PI_DRIVERS_VENV"
    fi
}

# What a process has open stays open, and what it opens later it finds in the new one.
swap_in() {
    rm -rf "$venv.old"
    if [ -e "$venv" ]; then
        mv "$venv" "$venv.old"
    fi
    mv "$target" "$venv"
    rm -rf "$venv.old"
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

if is_sound; then
    python=$venv/bin/python
    target=$venv
    say "adding what the tests need to $venv"
    install_uv
    fill_environment
    write_stamp "$venv" >"$stamp.new"
    mv "$stamp.new" "$stamp"
else
    refuse_strangers
    python=$(find_python)
    target=$venv.new
    say "making $venv with $("$python" --version) ($python)"
    install_uv
    make_environment
    fill_environment
    provide_lgpio
    write_stamp "$target" >"$target/$(basename -- "$stamp")"
    swap_in
fi
say "done"
