#!/bin/sh
# Runs a command where there is nothing but the system, one Python and the module: no network, an empty home, nothing of
# this repository, no variable of the outside. Only the given folders can be written to. It is started by unshare, in
# name spaces of its own for mounts and the network.
#
# usage: empty_machine.sh BOX PYTHON_PREFIX "HIDDEN..." COMMAND...
#
#   BOX            a folder for home/ and for what viam-server would keep for the module, data/, which is not made
#   PYTHON_PREFIX  where the Python is installed
#   HIDDEN         folders whose contents are not to be seen
#
# EMPTY_PYTHON  the interpreter of that Python
# VIAM_HOME     another folder to write to, where there is one
set -eu

box=$1 prefix=$2 hidden=$3
shift 3

mount --make-rprivate /
mkdir -p "$box/home" "$box/python"
mount --bind "$box" "$box"
if [ -n "${VIAM_HOME:-}" ]; then
    mount --bind "$VIAM_HOME" "$VIAM_HOME"
fi
mount --bind "$prefix" "$box/python"
for folder in $hidden; do
    mount -t tmpfs none "$folder"
done
if [ ! -d "$prefix/bin" ]; then
    mkdir -p "$prefix"
    mount --bind "$box/python" "$prefix"
fi
mount -o remount,ro,bind /
cd /
exec env -i PATH=/usr/bin:/bin HOME="$box/home" VIAM_MODULE_DATA="$box/data" \
    PI_DRIVERS_PYTHON="$EMPTY_PYTHON" "$@"
