#!/bin/sh
# Packs the module as dist/archive.tar.gz: all that it needs to start on a machine without a compiler and without a
# network. The same bytes for the same sources and lock.
#
# VIAM_BUILD_OS      the target's system: linux (default: this machine's)
# VIAM_BUILD_ARCH    the target's architecture: arm64 or amd64 (default: this machine's)
# PI_DRIVERS_PYTHON  the Python to build with, 3.11 or later (default: python3, else another that is found)
#
# Each is built on the other as well. It needs a Python with its parts for virtual environments and for C (sudo apt
# install python3-venv python3-dev), and the package index for what .cache does not hold yet.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
cd "$here"
contents="meta.json run.sh setup.sh first_run.sh pyproject.toml uv.lock README.md LICENSE docs examples src"

fail() {
    printf 'pi-drivers build: %s\n' "$*" >&2
    exit 1
}

# The machine's name as Linux has it; those of the variables are Go's.
target_machine() {
    system=${VIAM_BUILD_OS:-$(uname -s | tr '[:upper:]' '[:lower:]')}
    [ "$system" = linux ] || fail "VIAM_BUILD_OS is $system; there is a build for linux only"
    case ${VIAM_BUILD_ARCH:-this one: $(uname -m)} in
    arm64 | "this one: aarch64") echo aarch64 ;;
    amd64 | "this one: x86_64") echo x86_64 ;;
    *) fail "VIAM_BUILD_ARCH is ${VIAM_BUILD_ARCH:-not set on $(uname -m)}; there are builds for arm64 and amd64" ;;
    esac
}

# viam-server does not unpack every kind of link, so there are to be none.
refuse_links() {
    # shellcheck disable=SC2086  # words
    links=$(find $contents -type l)
    [ -z "$links" ] || fail "the archive may hold no links: $links"
}

# gzip -n and the fixed dates, owners and modes keep everything out of the archive that is not the sources' own.
pack() {
    # shellcheck disable=SC2086  # words
    tar --create --file="$stage/archive.tar" --sort=name --format=ustar --mtime="@${SOURCE_DATE_EPOCH:-0}" \
        --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' --hard-dereference \
        --exclude='__pycache__' --exclude='*.pyc' --exclude='*.egg-info' --exclude='.*' \
        $contents -C "$stage" wheels && gzip -n "$stage/archive.tar" ||
        fail "the archive could not be written, for the reason above; is there room on the disk for 300 MB?"
    mv "$stage/archive.tar.gz" dist/archive.tar.gz
}

# An older one must not be taken for what this build was to make.
rm -f dist/archive.tar.gz
machine=$(target_machine)
refuse_links
mkdir -p .cache
# Two builds at once: one waits. What is half made when none is at work is of one that was killed.
if command -v flock >/dev/null; then
    exec 9>.cache/build.lock
    flock 9
    rm -rf .cache/stage.* .cache/wheels/tmp*
fi
python=$(packaging/tools.sh)
mkdir -p dist
stage=$(mktemp -d .cache/stage.XXXXXX)
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$stage/wheels"
"$python" packaging/wheels.py "$machine" "$stage/wheels"
pack
printf '%s\n' "$here/dist/archive.tar.gz"
