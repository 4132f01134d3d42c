#!/bin/sh
# viam-server runs this once for each version, before it starts the module. It makes the module's Python environment,
# for which it has more time than the module has for its start, and says what the drivers lack on this machine and what
# mends it. It changes nothing but that environment, and always succeeds: a failure here would keep the whole machine
# from being configured.

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)

say() {
    printf 'pi-drivers: %s\n' "$*" >&2
}

if "$here/setup.sh" >/dev/null; then
    "$here/run.sh" doctor --no-scan
else
    say "there is no Python environment yet, for the reason above; the module tries again when it starts"
fi
exit 0
