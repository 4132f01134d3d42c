#!/bin/sh
# Makes the Python environment that run.sh starts in: a virtual environment with exactly the packages of uv.lock. In the
# archive they lie beside this file, in the folder wheels, and nothing else is needed; elsewhere uv fetches them.
# Does nothing when that environment is there already. Needs no root, and changes nothing but that environment.
# It makes a new one only when the packages have changed, the interpreter is gone, or PI_DRIVERS_PYTHON names another
# version of Python; and it makes it beside the old one, which then gives way at once: what runs goes on.
#
# usage: setup.sh [--dev]      --dev adds what the tests need. It prints the environment's folder.
#
# PI_DRIVERS_PYTHON  the interpreter to use (default: the first Python 3.11, 3.12 or 3.13 that is found)
# PI_DRIVERS_VENV    where the environment goes (default: $VIAM_MODULE_DATA/venv- and a number that stands for the
#                    packages, so that a new version leaves alone what the old one runs in; else .venv beside this file)
# PI_DRIVERS_TOOLS   where the installer goes (default: beside the environment)
set -eu

UV_VERSION=0.13.8

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
wheels=$here/wheels
# These would lead every Python astray that is started here.
unset PYTHONHOME PYTHONPATH

say() {
    printf 'pi-drivers setup: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

# What the packages are known by.
packages() {
    if [ -d "$wheels" ]; then
        cksum <"$wheels/requirements.txt"
    else
        cat "$here/uv.lock" "$here/pyproject.toml" | cksum
    fi
}

packages=$(packages) || fail "$here is not whole; install the module anew"
venv=${PI_DRIVERS_VENV:-${VIAM_MODULE_DATA:+$VIAM_MODULE_DATA/venv-${packages%% *}}}
venv=${venv:-$here/.venv}
case $venv in
/*) ;;
*) venv=$PWD/$venv ;;
esac
tools=${PI_DRIVERS_TOOLS:-$venv-tools}
stamp=$venv/pi-drivers-setup
groups=--no-dev
if [ "${1:-}" = --dev ]; then
    groups=--dev
fi

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

# The stamp says what the environment was made from, a line each: the packages, with or without --dev, the version of
# Python, and the interpreter (an upgrade of the system may put another one behind the same name).
write_stamp() {
    printf '%s\n' "$packages"
    printf '%s\n' "$groups"
    version_of "$1/bin/python"
    readlink -f "$1/bin/python"
}

stamped() {
    sed -n "$1p" "$stamp"
}

is_sound() {
    [ -x "$venv/bin/python" ] && [ -f "$stamp" ] &&
        [ "$(stamped 1)" = "$packages" ] &&
        [ "$(stamped 4)" = "$(readlink -f "$venv/bin/python")" ] &&
        { [ -z "${PI_DRIVERS_PYTHON:-}" ] || [ "$(stamped 3)" = "$(version_of "$PI_DRIVERS_PYTHON")" ]; }
}

# One made with --dev has everything that one without it has.
is_done() {
    is_sound && { [ "$groups" = --no-dev ] || [ "$(stamped 2)" = "$groups" ]; }
}

# Nothing where it is no Python, or none that the packages are for. A name on the path may be a stand-in, pyenv's for
# example, which means another Python in another folder.
real_path() {
    "$1" -c 'import os, sys
if (3, 11) <= sys.version_info[:2] <= (3, 13):
    print(os.path.realpath(sys.executable))' 2>/dev/null || true
}

is_raspberry_pi() {
    grep -q 'Raspberry Pi' /proc/device-tree/model 2>/dev/null
}

# Only a Pi's own Python sees its system packages, picamera2 above all, so there it goes before others on the path.
find_python() {
    if [ -n "${PI_DRIVERS_PYTHON:-}" ]; then
        found=$(real_path "$PI_DRIVERS_PYTHON")
        [ -n "$found" ] || fail "PI_DRIVERS_PYTHON is $PI_DRIVERS_PYTHON, which is no Python 3.11, 3.12 or 3.13"
        echo "$found"
        return
    fi
    system_python=
    if is_raspberry_pi; then
        system_python=/usr/bin/python3
    fi
    for candidate in $system_python python3 python3.13 python3.12 python3.11; do
        found=$(real_path "$candidate")
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
    fail "no Python 3.11, 3.12 or 3.13 was found; install one (sudo apt install python3 python3-venv)," \
        "or name one in PI_DRIVERS_PYTHON"
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

# picamera2 is a package of a Pi's system, and so is lgpio where the archive has none; elsewhere nothing of it is wanted.
system_packages() {
    if is_raspberry_pi; then
        echo --system-site-packages
    fi
}

# Neither Python's part for environments without pip nor pip out of its own wheel needs python3-venv or a network.
# --isolated leaves the variables and the settings of the user aside, and PIP_CONFIG_FILE those of the system. The
# scripts of the packages would name the folder that this one is made under, and nothing uses them.
make_from_wheels() {
    rm -rf "$target"
    # shellcheck disable=SC2046  # empty or one word
    "$python" -I -m venv --without-pip $(system_packages) "$target" >&2 ||
        fail "$python cannot make virtual environments; install its part for that: sudo apt install python3-venv"
    mkdir "$target/scratch"
    set -- "$wheels"/pip-*.whl
    cd "$here"  # pip wants to know the working directory, which may have been deleted
    PIP_CONFIG_FILE=/dev/null TMPDIR=$target/scratch "$target/bin/python" -I "$1/pip" --isolated --quiet \
        --disable-pip-version-check --no-cache-dir install --no-index --find-links "$wheels" --require-hashes \
        --no-deps --ignore-installed --no-warn-script-location --root-user-action ignore \
        --requirement "$wheels/requirements.txt" >&2 ||
        fail "the packages in $wheels could not be installed; is there room on the disk for 400 MB?" \
            "If a file is damaged, install the module anew"
    find "$target/bin" -type f -delete
    rm -rf "$target/scratch"
}

make_environment() {
    rm -rf "$target"
    # It is made under another name than it gets: --relocatable keeps that name out of its files.
    # shellcheck disable=SC2046  # empty or one word
    run_uv venv --relocatable --python "$python" $(system_packages) "$target"
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

finish() {
    printf '%s\n' "$venv"
    exit 0
}

if is_done; then
    finish
fi

folder=$(dirname -- "$venv")
if ! mkdir -p "$folder" 2>/dev/null || [ ! -w "$folder" ]; then
    fail "$folder cannot be written to; name another place for the Python environment in PI_DRIVERS_VENV"
fi
# Two first starts at once: one works, the other waits, and then finds the work done.
if command -v flock >/dev/null; then
    exec 9>"$venv.lock"
    flock 9
    if is_done; then
        finish
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
    # What is half made only takes room, which may be what was missing.
    trap 'rm -rf "$target"' EXIT
    trap 'exit 1' HUP INT TERM
    say "making $venv with $("$python" --version) ($python)"
    if [ -d "$wheels" ] && [ "$groups" = --no-dev ]; then
        make_from_wheels
    else
        say "its packages are fetched, some 100 MB, this once"
        install_uv
        make_environment
        fill_environment
        provide_lgpio
    fi
    # All of it is on the disk before the stamp says so, whenever the power fails.
    sync -f "$target" 2>/dev/null || sync
    write_stamp "$target" >"$target/$(basename -- "$stamp")"
    swap_in
fi
say "done; to make it anew, remove $venv and start again"
finish
