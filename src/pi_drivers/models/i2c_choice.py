"""A chip that has one of several addresses, and a user who has not said which: it is looked for.

A claim is held on one of them from the beginning, so that two such sensors never look at the same place. The chip is
looked for there first, and then at the others that nobody holds; where it is found it stays.
"""

from collections.abc import Awaitable, Callable, Sequence

from pi_drivers.errors import BusError, ClaimedError, DriverError, NoAnswerError, WrongChipError
from pi_drivers.host.claims import Claims, Holder
from pi_drivers.host.i2c_lines import claim_chip
from pi_drivers.models.i2c_chip import place_of


class AddressChoice:
    """Which of its addresses a chip has. Used on the event loop only."""

    def __init__(self, claims: Claims, holder: Holder, bus: int, addresses: Sequence[int]) -> None:
        """Claim the first of these addresses that nobody holds, and the pins of the bus.

        Raises:
            ClaimedError: all of them are held, or a pin of the bus is; the message names by whom.
        """
        self._claims, self._holder, self._bus = claims, holder, bus
        self._addresses = list(addresses)
        self.address, self._give_back = self._first_free()

    @property
    def possible(self) -> list[int]:
        """The address it holds, and then the others at which the chip may be, because nobody else holds them."""
        others = [one for one in self._addresses if one != self.address]
        return [self.address] + [one for one in others if self._claims.holder_of(place_of(self._bus, one)) is None]

    def let_go(self) -> None:
        """Give the claim back. Idempotent."""
        self._give_back()

    async def settle(self, set_up: Callable[[int], Awaitable[None]]) -> None:
        """Set the chip up at the address it has; look for it as long as that is not known.

        Raises:
            NoAnswerError, WrongChipError: it is at none of them; the message tells what is wrong with each.
            DriverError: whatever else `set_up` raises.
        """
        if len(self._addresses) == 1:
            await set_up(self.address)
            return
        failures: list[DriverError] = []
        for address in [self.address, *(one for one in self._addresses if one != self.address)]:
            failure = await self._failure_at(address, set_up)
            if failure is None:
                self._addresses = [address]
                return
            failures.append(failure)
        raise _all_of(failures)

    async def _failure_at(self, address: int, set_up: Callable[[int], Awaitable[None]]) -> DriverError | None:
        """Why the chip is not at an address; None if it is there, and then the claim is on it."""
        try:
            if address == self.address:
                await set_up(address)
            else:
                await self._move_to(address, set_up)
        except (NoAnswerError, WrongChipError, ClaimedError) as error:
            return error
        return None

    async def _move_to(self, address: int, set_up: Callable[[int], Awaitable[None]]) -> None:
        give_back = self._claim(address)
        try:
            await set_up(address)
        except BaseException:
            give_back()
            raise
        self._give_back()
        self.address, self._give_back = address, give_back

    def _first_free(self) -> tuple[int, Callable[[], None]]:
        refusals = []
        for address in self._addresses:
            try:
                return address, self._claim(address)
            except ClaimedError as error:
                refusals.append(str(error))
        raise ClaimedError(" ".join(dict.fromkeys(refusals)))

    def _claim(self, address: int) -> Callable[[], None]:
        return claim_chip(self._claims, self._bus, place_of(self._bus, address), self._holder)


def _all_of(failures: Sequence[DriverError]) -> BusError:
    """One error that tells all of them; that of a wrong chip, if there is one, tells more than that of none."""
    kind = WrongChipError if any(isinstance(one, WrongChipError) for one in failures) else NoAnswerError
    return kind(" ".join(str(one) for one in failures))
