#!/bin/sh
# Packs the module as dist/archive.tar.gz: what it needs to run anywhere else, the same bytes for the same sources.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
cd "$here"
mkdir -p dist

# gzip -n and the fixed dates, owners and modes keep everything out of the archive that is not the sources' own.
tar --create --sort=name --format=ustar --mtime="@${SOURCE_DATE_EPOCH:-0}" \
    --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' \
    --exclude='__pycache__' --exclude='*.pyc' \
    meta.json run.sh setup.sh first_run.sh pyproject.toml uv.lock README.md LICENSE docs examples src |
    gzip -n -9 >dist/archive.tar.gz
printf '%s\n' "$here/dist/archive.tar.gz"
