"""The module with the tests' own models beside the real ones."""

import sys

import tests.module.unruly_models  # noqa: F401 - registers them
from pi_drivers.module import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
