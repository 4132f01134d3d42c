"""What a back end for general purpose pins must do.

Lines are named by their offset on the header's GPIO chip, which is the BCM number (17 is GPIO17, pin 11). Every call
takes microseconds and is made on the event loop or, to stop an actuator, from any thread. Reserving a line twice in one
process is kept apart by `host.claims`; a line that another process holds is a `ClaimedError` here.
"""

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Protocol

LOOKAHEAD_US = 40_000
"""How long before it is sent a pulse is fixed: a source that changes its mind is obeyed so much later."""


class Pull(enum.Enum):
    """The resistor the Pi switches to an input; `NONE` leaves it floating, where it reads noise."""

    NONE = "none"
    UP = "up"
    DOWN = "down"


class EdgeEvent(NamedTuple):
    """One transition, as the kernel saw it."""

    offset: int
    rising: bool
    timestamp_ns: int
    """CLOCK_MONOTONIC, taken in the interrupt, not when it was read."""
    seqno: int
    """Counts all events of the request from 1; a gap is the number of lost events."""


class Pulses(NamedTuple):
    """Equal pulses, one after the other; without a high part they are a pause."""

    high_us: int
    low_us: int
    number: int = 1


class PulseSource(Protocol):
    """Where counted pulses come from: somebody who plans them while they are being sent."""

    def next_pulses(self) -> Pulses | None:
        """The pulses to come next; None when that was all.

        Called on a thread of the back end, `LOOKAHEAD_US` before they are sent or somewhat earlier; must be quick.
        """


class PulseProgress(NamedTuple):
    """How far counted pulses have come."""

    sent: int
    """Pulses that have gone out: those of all packets that are over."""
    unsure: int
    """Pulses of the packet that was cut off in its middle: none to so many of them have gone out as well."""
    running: bool
    """Whether more is to come."""


class PulseRun(ABC):
    """Counted pulses on their way out. Safe from any thread."""

    @abstractmethod
    def progress(self) -> PulseProgress:
        """How far they have come."""


class OutputLine(ABC):
    """One line driven by the Pi.

    PWM here is made by software with a jitter of some microseconds; `buses.pwm` has the hardware's. Whatever ran on the
    line before (PWM, servo pulses, counted pulses) ends with the next call.
    """

    @property
    @abstractmethod
    def offset(self) -> int:
        """The line's BCM number."""

    @abstractmethod
    def write(self, high: bool) -> None:
        """Drive the line to a steady level."""

    @abstractmethod
    def read(self) -> bool:
        """The level on the line now."""

    @abstractmethod
    def pwm(self, frequency_hz: int, duty: float) -> None:
        """Start PWM, or change it at the end of its running period. Duty 0 and 1 are steady levels without a glitch.

        Args:
            frequency_hz: 1 to 10000.
            duty: the high part of the period, 0 to 1; resolved to 1 µs or better.

        Raises:
            ArgumentError: outside these ranges; what ran before runs on.
        """

    @abstractmethod
    def servo(self, pulse_us: int, frequency_hz: int = 50) -> None:
        """Start servo pulses, or change them at the end of the running period: no pulse is ever cut or doubled.

        Args:
            pulse_us: 500 to 2500; 0 ends the pulses, behind a whole one, and lets the servo go limp.
            frequency_hz: 40 to 500; the pulse must fit into the period.

        Raises:
            ArgumentError: outside these ranges; what ran before runs on.
        """

    @abstractmethod
    def pulses(self, source: PulseSource) -> PulseRun:
        """Send counted pulses, timed by C code or the kernel, without gaps from packet to packet, and end low.

        Returns at once. The next call on the line cuts off what is not sent yet. A packet that no line can send
        (a pulse with its pause is shorter than 11 µs) ends the run, and is logged.

        Raises:
            UnsupportedError: this line cannot count.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the line go. Idempotent.

        Its level stays as it is, as on current Pi kernels: write low before. Pulses that still run end low.
        """


class InputLine(ABC):
    """One line read by the Pi."""

    @property
    @abstractmethod
    def offset(self) -> int:
        """The line's BCM number."""

    @abstractmethod
    def read(self) -> bool:
        """The level now; inverted when requested active low."""

    @abstractmethod
    def close(self) -> None:
        """Let the line go. Idempotent."""


class EdgeLines(ABC):
    """Several lines in one request, whose edges come in one stream in the order they happened.

    The kernel buffers up to 1024 events; what does not fit is lost, and shows as a gap in `seqno`.
    """

    @abstractmethod
    def fileno(self) -> int:
        """Readable while events wait: fit for `loop.add_reader`."""

    @abstractmethod
    def read_events(self) -> list[EdgeEvent]:
        """All events that wait, oldest first; empty when there are none. Never blocks."""

    @abstractmethod
    def levels(self) -> dict[int, bool]:
        """The level of every line now, by offset."""

    @abstractmethod
    def close(self) -> None:
        """Let the lines go. Idempotent."""


class Gpio(ABC):
    """The GPIO chip of the header."""

    @abstractmethod
    def output(
        self, offset: int, *, initial: bool = False, active_low: bool = False, safe_high: bool = False
    ) -> OutputLine:
        """Take a line as output, at `initial` from its first moment.

        Args:
            offset: the line.
            initial: its first level.
            active_low: the pin is low when a level is high, and the other way round, here and in what is written.
            safe_high: the level it gets when this process dies before it has closed the line. On the mock nothing
                outlives the process.

        Raises:
            ClaimedError: another process or the kernel holds the line.
            BusAbsentError: this machine has no such chip or line.
            BusPermissionError: the user may not open the chip.
        """

    @abstractmethod
    def input(self, offset: int, *, pull: Pull = Pull.NONE, active_low: bool = False) -> InputLine:
        """Take a line as input. Raises as `output` does."""

    @abstractmethod
    def edges(
        self,
        offsets: Sequence[int],
        *,
        pull: Pull = Pull.NONE,
        active_low: bool = False,
        debounce_us: int = 0,
    ) -> EdgeLines:
        """Take lines as inputs and listen for both edges of all of them in one request. Raises as `output` does.

        Args:
            offsets: one or more different lines.
            pull: as for `input`.
            active_low: a low level counts as high, a falling edge as rising.
            debounce_us: a level must hold this long before its edge counts; the kernel filters.

        Raises:
            ArgumentError: no lines, or a negative time.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the chip go. Idempotent."""
