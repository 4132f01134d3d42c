#!/bin/sh
# Starts pi-drivers. viam-server gives it a socket's path (or host:port) and gets the module; a person gives a command:
#
#   ./run.sh demo | up CONFIG.json | check CONFIG.json | --help
#
# The first start makes the Python environment (see setup.sh); later ones only look whether it is still right.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
venv=${PI_DRIVERS_VENV:-${VIAM_MODULE_DATA:+$VIAM_MODULE_DATA/venv}}
venv=${venv:-$here/.venv}

# stdout belongs to the command.
"$here/setup.sh" >&2

# -P: a file that lies about in the working directory must not take the place of a library.
export PYTHONPATH="$here/src"
exec "$venv/bin/python" -P -m pi_drivers "$@"
