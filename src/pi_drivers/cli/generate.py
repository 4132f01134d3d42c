"""Writes everything that is generated from the code: `python -m pi_drivers.cli.generate`."""

import sys

from pi_drivers.cli import meta, pages


def main() -> int:
    """Write, and say what was written. The pages come first, for `meta.json` names those there are."""
    for path in [*pages.write(), meta.write()]:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
