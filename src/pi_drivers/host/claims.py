"""Who holds which pin, address and port: two drivers on one pin is a short circuit waiting to happen.

Claims are kept by the resource that made them. A second resource that wants the same thing is told the holder's name.
The same resource coming again is a rebuild whose old object was dropped without close: the old holder is evicted.
Some things are held together, by those who agree on what they are for: all chips of an SPI bus share its three lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pi_drivers.errors import ClaimedError


class Holder(NamedTuple):
    """A resource as claims know it."""

    name: str
    """As people write it: `motor "left"`."""
    use: str
    """What for: `pin a`."""


@dataclass(eq=False)
class _Claim:
    holder: Holder
    shared_as: str | None


class Claims:
    """The claims on one machine. Used on the event loop only."""

    def __init__(self) -> None:
        self._claims: dict[str, list[_Claim]] = {}

    def take(self, thing: str, holder: Holder, *, shared_as: str | None = None) -> Callable[[], None]:
        """Claim a thing (`GPIO17 (pin 11)`, `i2c-1 0x44`); returns the function that gives it back (idempotent).

        Args:
            thing: what is claimed.
            holder: who claims it, and what for.
            shared_as: a word for what it is used as (`spi-0`, `mcp3008`): all who say the same hold it together.
                None holds it alone.

        Raises:
            ClaimedError: somebody holds it, alone or as something else; the message names who, and what for.
        """
        held = self._claims.get(thing, [])
        if held and (shared_as is None or held[0].shared_as != shared_as):
            by = together([claim.holder for claim in held])
            raise ClaimedError(
                f"{thing} is held by {by.name} ({by.use}), so {holder.name} cannot have it as its {holder.use}. "
                f"Choose another one, or remove {by.name}."
            )
        claim = _Claim(holder, shared_as)
        self._claims[thing] = [*held, claim]
        return lambda: self._give_back(thing, claim)

    def holder_of(self, thing: str) -> Holder | None:
        """Who holds a thing now; of several who share it, all names."""
        held = self._claims.get(thing)
        return together([claim.holder for claim in held]) if held else None

    def listing(self) -> dict[str, Holder]:
        """All claims, for people to read."""
        return {thing: together([claim.holder for claim in held]) for thing, held in sorted(self._claims.items())}

    def __len__(self) -> int:
        return len(self._claims)

    def _give_back(self, thing: str, claim: _Claim) -> None:
        left = [one for one in self._claims.get(thing, []) if one is not claim]
        if left:
            self._claims[thing] = left
        else:
            self._claims.pop(thing, None)


def together(holders: Sequence[Holder]) -> Holder:
    """Those who hold one thing, as one: all their names, and what the first has it for."""
    names = dict.fromkeys(holder.name for holder in holders)
    return Holder(" and ".join(names), holders[0].use)
