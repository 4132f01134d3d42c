"""Who holds which pin, address and port: two drivers on one pin is a short circuit waiting to happen.

Claims are kept by the resource that made them. A second resource that wants the same thing is told the holder's name.
The same resource coming again is a rebuild whose old object was dropped without close: the old holder is evicted.
"""

from collections.abc import Callable
from typing import NamedTuple

from pi_drivers.errors import ClaimedError


class Holder(NamedTuple):
    """A resource as claims know it."""

    name: str
    """As people write it: `motor "left"`."""
    use: str
    """What for: `pin a`."""


class Claims:
    """The claims on one machine. Used on the event loop only."""

    def __init__(self) -> None:
        self._holders: dict[str, tuple[Holder, object]] = {}

    def take(self, thing: str, holder: Holder) -> Callable[[], None]:
        """Claim a thing (`GPIO17 (pin 11)`, `i2c-1 0x44`); returns the function that gives it back (idempotent).

        Raises:
            ClaimedError: somebody holds it; the message names who, and what for.
        """
        held = self._holders.get(thing)
        if held is not None:
            by = held[0]
            raise ClaimedError(
                f"{thing} is held by {by.name} ({by.use}), so {holder.name} cannot have it as its {holder.use}. "
                f"Choose another one, or remove {by.name}."
            )
        token = object()
        self._holders[thing] = (holder, token)

        def give_back() -> None:
            current = self._holders.get(thing)
            if current is not None and current[1] is token:
                del self._holders[thing]

        return give_back

    def holder_of(self, thing: str) -> Holder | None:
        """Who holds a thing now."""
        held = self._holders.get(thing)
        return held[0] if held else None

    def listing(self) -> dict[str, Holder]:
        """All claims, for people to read."""
        return {thing: holder for thing, (holder, _) in sorted(self._holders.items())}

    def __len__(self) -> int:
        return len(self._holders)
