"""The names that the kernel's sensors take, checked in one place for every back end."""

import re

from pi_drivers.errors import ArgumentError

ATTRIBUTE = re.compile(r"[a-z0-9][A-Za-z0-9_-]*")


def check_attribute(attribute: str) -> None:
    """Raises: ArgumentError: this cannot be an attribute, and might be a path to somewhere else."""
    if not ATTRIBUTE.fullmatch(attribute):
        raise ArgumentError(f"{attribute[:40]!r} is no attribute of a sensor; one is written as in_temp_input")
