#!/bin/sh
# Makes the Python environment that the archive is built with, below .cache, and prints its interpreter. In it is what
# packaging/tools.txt lists: what fetches wheels for another machine, and what compiles for one.
#
# PI_DRIVERS_PYTHON  the Python it is made with, 3.11 or later (default: python3, else another that is found)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
cache=$here/../.cache
tools=$cache/build-tools

fail() {
    printf 'pi-drivers build: %s\n' "$*" >&2
    exit 1
}

# Nothing where it is no Python, or an older one.
real_path() {
    "$1" -I -c 'import os, sys; print(os.path.realpath(sys.executable) if sys.version_info >= (3, 11) else "")' \
        2>/dev/null || true
}

find_python() {
    for candidate in ${PI_DRIVERS_PYTHON:+"$PI_DRIVERS_PYTHON"} python3 python3.13 python3.12 python3.11; do
        found=$(real_path "$candidate")
        if [ -n "$found" ]; then
            echo "$found"
            return
        elif [ "$candidate" = "${PI_DRIVERS_PYTHON:-}" ]; then
            fail "PI_DRIVERS_PYTHON is $candidate, which is no Python 3.11 or later"
        fi
    done
    fail "no Python 3.11 or later was found; install one (sudo apt install python3 python3-venv python3-dev)," \
        "or name one in PI_DRIVERS_PYTHON"
}

# Before anything is fetched: lgpio is compiled against them.
require_headers() {
    headers=$("$python" -I -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -f "$headers/Python.h" ] || fail "$headers/Python.h is missing, which lgpio needs: sudo apt install python3-dev"
}

make_tools() {
    rm -rf "$tools"
    "$python" -m venv "$tools" >&2 || fail "$python cannot make virtual environments: sudo apt install python3-venv"
    "$tools/bin/python" -m pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: \
        --requirement "$here/tools.txt" >&2 ||
        fail "the tools in packaging/tools.txt could not be installed; is there a way to the internet?"
    printf '%s\n' "$made_from" >"$tools/made-from"
}

python=$(find_python)
require_headers
made_from="$python $(cksum <"$here/tools.txt")"
mkdir -p "$cache"
# Two builds at once: one waits.
if command -v flock >/dev/null; then
    exec 9>"$tools.lock"
    flock 9
fi
if [ "$(cat "$tools/made-from" 2>/dev/null)" != "$made_from" ]; then
    make_tools
fi
printf '%s\n' "$tools/bin/python"
