"""Writes everything that is generated from the code: `python -m pi_drivers.cli.generate`."""

import sys

from pi_drivers.cli import meta, pages, picture


def main() -> int:
    """Write, and say what was written."""
    for path in [*pages.write(), meta.write(), picture.write()]:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
