"""Which cameras are passed over, and the one that is held.

Where a config does not name one, the first that is free is meant: held by no other resource, and used by no other
program. That a program uses one shows only when it is started.
"""

from collections.abc import Callable

from pi_drivers.host.claims import Claims, Holder


class CameraHold:
    """One resource's hold on a camera's place. Used on the event loop."""

    def __init__(self, claims: Claims, holder: Holder) -> None:
        """Args: claims: those on the machine. holder: whose hold it is."""
        self._claims = claims
        self._holder = holder
        self._place = ""
        self._give_back: Callable[[], None] = lambda: None
        self._busy: set[str] = set()

    def passed_over(self) -> tuple[str, ...]:
        """The places that are not to be chosen if there is a choice."""
        return (*self._claims.listing(), *self._busy)

    def take(self, place: str) -> None:
        """Hold a place, unless it is held already.

        Raises:
            ClaimedError: another resource holds it; the message names it.
        """
        if place != self._place:
            self.release()
            self._give_back = self._claims.take(place, self._holder)
            self._place = place

    def release(self) -> None:
        """Let go of it. Idempotent."""
        self._give_back()
        self._place = ""

    def pass_over(self, place: str) -> bool:
        """Another program uses it. Once that was found of every one, they are all tried again.

        Returns:
            Whether that is news.
        """
        is_new = place not in self._busy
        if not is_new:
            self._busy.clear()
        self._busy.add(place)
        return is_new

    def settle(self) -> None:
        """The one that is held delivers: what was found of others is forgotten."""
        self._busy.clear()
