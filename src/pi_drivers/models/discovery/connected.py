"""What a look at a machine finds: things that are connected, each with what to write into a machine config for it.

The looks at the buses make these, the inventory puts them together, and whoever shows them needs nothing else.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

Entry = Mapping[str, Any]
"""An entry of a machine config: name, api, model, attributes."""


class Connected(NamedTuple):
    """One thing that is connected."""

    place: str
    """`i2c-1 0x44`, `/dev/video0`, `1-Wire 28-000005e2fdc3`, `GPIO18 (pin 12)`."""
    what: str
    """For people: `probably an SHT31`, a camera's own name."""
    components: tuple[Entry, ...] = ()
    """What to put under `components`, the likeliest first. Of several only one can be right. They may be none."""


class Look(NamedTuple):
    """What one look found, and what it could not look at."""

    connected: list[Connected]
    troubles: list[str]


class Inventory(NamedTuple):
    """All that is connected."""

    connected: list[Connected]
    troubles: list[str]
    """What could not be looked at, and why."""
