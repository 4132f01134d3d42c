"""How drivers reach pins, whichever board they are on.

A motor or an encoder names a `board`, or none for the Pi's own header. Three kinds of board look the same from here:
the Pi's header, whose pins are reached directly; a PWM chip of this process, one bus transfer away; and any other Viam
board, reached through its client, which costs a round trip for each write. Methods are coroutines for the sake of the
last two. **On the header they never suspend**: the pin has its level when the call returns, and no cancellation can
come between two writes.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from viam.components.board import Board

from pi_drivers.buses.gpio.contract import EdgeEvent, Pull, PulseRun, PulseSource
from pi_drivers.errors import BusError, ConfigError, DriverError, UnsupportedError
from pi_drivers.host.claims import Holder
from pi_drivers.models.base import Dependencies, sibling_of
from pi_drivers.runtime.lifecycle import Lifecycle

if TYPE_CHECKING:
    from pi_drivers.host.contract import Host


@dataclass(frozen=True)
class PinLoss:
    """What became of pins behind the back of whoever holds them: their board failed."""

    error: DriverError
    """For whoever moves something by them: what happened, and what to do."""
    off: bool
    """They are off for certain; else nobody knows what they do."""
    since_ns: int
    """What was written to them from then on, by the host's clock, may never have reached them."""


class OutputPin(ABC):
    """A pin a driver writes to.

    It has a safe level, low unless its owner says otherwise. It is at that level when it is opened, and put there again
    when its owner closes.
    """

    unconfirmed = False
    """Whether the safe level was asked for and the board has not confirmed it yet."""
    doubtful = False
    """Whether the board does not answer, so that nobody knows what is on the pin."""
    on_lost: Callable[[PinLoss], None] | None = None
    """Who wants to hear, on the event loop, that the pin may have lost what was written to it. He is told once for all
    his pins, and may be told again while the board does not answer. The header loses nothing and tells nothing."""

    @abstractmethod
    async def write(self, high: bool) -> None:
        """Drive a steady level. Raises: BusError: the board did not take it."""

    @abstractmethod
    async def pwm(self, duty: float, frequency_hz: int) -> None:
        """Drive PWM; duty 0 and 1 are steady levels, a frequency of 0 is the board's own.

        Raises:
            BusError: the board did not take it.
        """

    @abstractmethod
    async def servo(self, pulse_us: int, frequency_hz: int) -> None:
        """Drive servo pulses, or with 0 end them behind a whole one, so that the servo goes limp and does not twitch.

        Raises:
            BusError: the board did not take it.
        """

    def pulses(self, source: PulseSource) -> PulseRun:
        """Send counted pulses.

        Raises:
            UnsupportedError: this pin cannot time and count them by itself.
        """
        raise UnsupportedError("this pin cannot count pulses")

    @abstractmethod
    def write_blocking(self, high: bool) -> None:
        """Drive a steady level from a thread that is not the event loop's, and wait until the board has taken it.

        Raises:
            BusError: it did not.
        """

    @abstractmethod
    def check_frequency(self, frequency_hz: int) -> None:
        """Whether pulses of this frequency can come out. Raises: ConfigError: no; the message says what can."""

    @abstractmethod
    def make_safe(self) -> None:
        """Drive the safe level from wherever this is called: any thread, a signal, the exit. Idempotent, never raises.

        On another module's board the write is handed to the event loop, and tried again until the board confirms it.
        """

    @abstractmethod
    def lock_safe(self) -> None:
        """As `make_safe`, for good: no control loop that still runs may power the pin once more.

        A write that comes later, or is under way on another thread, raises `ClosedError` or is overwritten.
        """


class InputPins(ABC):
    """Several pins whose edges arrive in one stream."""

    lines: tuple[int, ...]
    """What `EdgeEvent.offset` says for each pin, in the order the pins were asked for."""
    lost = 0
    """Edges that happened and were lost on the way."""
    interruptions: int | None = None
    """How often edges may have been lost without a count; None where that cannot happen."""
    broken: BusError | None = None
    """Why no edges arrive at present."""

    async def listening(self) -> None:  # noqa: B027 - true of the header
        """Return when edges that happen from now on arrive; on the header, at once.

        Raises:
            BusError: the board does not send them.
        """

    @abstractmethod
    def drain(self) -> list[EdgeEvent]:
        """The edges that wait, oldest first."""

    @abstractmethod
    async def waiting(self) -> None:
        """Return when edges wait."""

    @abstractmethod
    async def levels(self) -> Sequence[bool]:
        """The level of each pin now, in the order asked for. Raises: BusError: the board did not answer."""


class BoardPins(ABC):
    """The pins of one board, for one resource."""

    host: "Host | None"
    """The machine the pins are on; None for a board of another module."""
    counts_pulses = False
    """Whether outputs can send counted pulses."""
    latch_period_s = 0.0
    """Outputs change once in so many seconds, and what is overwritten before never shows; 0 for at once."""

    def wire_of(self, name: str) -> int | str | None:
        """Where a pin is in the simulated world, as `World.wire` wants it; None where it is not in it."""
        return None

    def frequency_for(self, changes_per_s: float) -> int | None:
        """The lowest `frequency_hz` with which outputs can change so often; None where the board has none."""
        return None

    @abstractmethod
    def output(self, name: str, holder: Holder, lifecycle: Lifecycle, *, safe_high: bool = False) -> OutputPin:
        """Take a pin as output, to be let go, at its safe level, when the lifecycle ends.

        Args:
            name: any of its names.
            holder: who takes it, and what for.
            lifecycle: the holder's.
            safe_high: its safe level is high: an enable input that is active low.

        Raises:
            ConfigError: the board has no such pin.
            ClaimedError: somebody holds it; the message names who.
        """

    @abstractmethod
    def inputs(
        self,
        names: Sequence[str],
        holder: Holder,
        lifecycle: Lifecycle,
        *,
        glitch_filter_us: int = 0,
        pull: Pull | None = None,
        active_low: bool | None = None,
    ) -> InputPins:
        """Take pins as inputs and listen to their edges.

        Args:
            names: any of their names.
            holder: who takes them, and what for.
            lifecycle: the holder's.
            glitch_filter_us: how long a level must hold before its edge counts; 0 for what the board's config says.
            pull: the pull resistor; None for what the board's config says.
            active_low: a low level counts as high; None for what the board's config says.

        Raises:
            ConfigError: the board has no such pins, or cannot do what is asked of them.
            ClaimedError: somebody holds one; the message names who.
        """


def pins_of_board(
    board: str | None, backend: str | None, dependencies: Dependencies, owner: str, logger: logging.Logger
) -> BoardPins:
    """The pins of the board a resource names.

    Args:
        board: its name; None for the header of the machine that `backend` means.
        backend: the resource's own `backend`; it must not contradict the board's.
        dependencies: as the module got them.
        owner: the resource, for messages.
        logger: the resource's.

    Raises:
        ConfigError: there is no such board, or it runs on another back end.
    """
    from pi_drivers import host as hosts
    from pi_drivers.models.board.header_pins import HeaderPins
    from pi_drivers.models.board.remote_pins import RemotePins

    if board is None:
        return HeaderPins(hosts.get(backend), {})
    found: Any = sibling_of(("board", board), dependencies, owner)
    if hasattr(found, "pins_for_drivers"):
        pins: BoardPins = found.pins_for_drivers()
        if backend is not None and pins.host is not None and pins.host.name != backend:
            raise ConfigError(
                f'{owner}: backend is "{backend}", but its board "{board}" runs on "{pins.host.name}"; leave one out'
            )
        return pins
    if not isinstance(found, Board):
        raise ConfigError(f'{owner}: "{board}" is no board')
    logger.info("%s uses board %s of another module: each write to a pin is a round trip", owner, board)
    return RemotePins(found, board)
