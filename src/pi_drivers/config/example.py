"""A model's example: what its page shows, what `schema` prints, and what the tests run.

It stands with the config class, so that whoever changes an attribute has the example before their eyes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Example(NamedTuple):
    """A resource as a user would configure it."""

    name: str
    """The resource's name."""
    attributes: Mapping[str, Any]
    """As JSON has them."""
    beside: tuple[Mapping[str, Any], ...] = ()
    """Entries of `components` for what it needs, such as its board."""
