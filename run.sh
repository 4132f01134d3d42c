#!/bin/sh
# Starts pi-drivers. viam-server gives it a socket's path (or host:port) and gets the module; a person gives a command:
#
#   ./run.sh demo | doctor | check CONFIG.json | up CONFIG.json | models | schema MODEL | --help
#
# The first start makes the Python environment (see setup.sh); later ones only look whether it is still right.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
venv=$("$here/setup.sh")

# By the time viam-server starts a new version it has ended the one before, whose environment may go. What is newer than
# this one belongs to a version that is only being prepared.
remove_older() {
    for other in "$VIAM_MODULE_DATA"/venv-*; do
        if [ "$other" -ot "$venv" ] && [ "${other#"$venv"}" = "$other" ]; then
            rm -f "$other/pi-drivers-setup"  # half of it is never taken for a whole one
            rm -rf "$other"
        fi
    done
}

if [ -n "${VIAM_MODULE_DATA:-}" ]; then
    case ${1:-} in
    *.json) ;;
    */* | *.sock | *:*) remove_older ;;
    esac
fi

# -P: a file that lies about in the working directory must not take the place of a library.
export PYTHONPATH="$here/src"
unset PYTHONHOME
exec "$venv/bin/python" -P -m pi_drivers "$@"
