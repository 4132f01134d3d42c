"""The way into the process: the module when viam-server starts it, else the command line.

viam-server gives a socket's path or a host and port as the first argument; a person gives a command. Nothing
is imported before that is known, so each starts without the other's weight.
"""

import re
import sys
from collections.abc import Sequence

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/]+):\d{1,5}")


def is_module_start(argv: Sequence[str]) -> bool:
    """Whether these arguments (without the program's name) are viam-server's."""
    if not argv:
        return False
    first = argv[0]
    is_path = "/" in first and not first.endswith(".json")
    return is_path or first.endswith(".sock") or _HOST_AND_PORT.fullmatch(first) is not None


def main() -> int:
    """Run what the arguments ask for; returns the exit status."""
    argv = sys.argv[1:]
    if is_module_start(argv):
        from pi_drivers.module import main as run_module

        return int(run_module(argv) or 0)
    from pi_drivers.cli.commands import main as run_command

    return run_command(argv)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C while still loading: nothing was opened yet
        sys.exit(130)
    except ImportError as error:
        error.add_note(f"If a library is damaged, remove {sys.prefix}: the next start of run.sh makes it anew.")
        raise
