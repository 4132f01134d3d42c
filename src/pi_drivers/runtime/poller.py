"""Reading in the background: clients get the newest sample at once, and never one that is older than they were told.

The first sample is taken at once and the others on a fixed schedule that does not drift. When the device fails, the
poller logs it once, tries again at growing intervals, sets the device up anew before each try, and logs once that it is
back. One that comes and goes is told of every ten seconds at most, with a count. Meanwhile the last good sample is
served until it is too old; then callers get its age and the cause.

That something lies beyond what can be measured is no failure but a result: it takes the place of the number before it
at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from viam.utils import ValueTypes

from pi_drivers.errors import DriverError, OutOfRangeError, StaleReadingError

if TYPE_CHECKING:
    from pi_drivers.host.contract import Host

T = TypeVar("T")
SECOND = 1_000_000_000
LONGEST_BACK_OFF_NS = 5 * SECOND
PATIENT_TRIES = 3
QUIET_NS = 10 * SECOND
"""From one failure in the log to the next; that it is over is logged wherever its beginning was."""


@dataclass(frozen=True)
class Sample(Generic[T]):
    """A reading and when it was taken."""

    value: T
    taken_ns: int


class Beyond(Sample[str]):
    """A sample without a number: its value says what is out of range."""


S = TypeVar("S", bound=Sample[Any])


def fresh(
    name: str,
    newest: S | None,
    now_ns: int,
    max_age_ns: int,
    cause: Callable[[], str],
    what: str = "reading",
) -> S:
    """The newest sample, if it may still be served.

    Args:
        name: whose it is, for messages.
        newest: the sample, if there is one.
        now_ns: the time now.
        max_age_ns: the age at which a sample is no longer served.
        cause: says why there is no newer one.
        what: it is a sample of, for messages.

    Raises:
        StaleReadingError: it is too old, or there is none; the message has the age and the cause.
    """
    if newest is None:
        raise StaleReadingError(f"{name}: no {what} yet: {cause()}")
    age_ns = now_ns - newest.taken_ns
    if age_ns > max_age_ns:
        raise StaleReadingError(f"{name}: the last good {what} is {age_ns / SECOND:.1f} s old: {cause()}")
    return newest


class Poller(Generic[T]):
    """The background task of one polled resource. Used on the event loop only."""

    def __init__(
        self,
        name: str,
        host: "Host",
        logger: logging.Logger,
        *,
        sample: Callable[[], Awaitable[T]],
        set_up: Callable[[], Awaitable[None]],
        interval_ns: int,
        max_age_ns: int,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            name: for messages, for example `sensor "air"`.
            host: its clock is the one that counts.
            logger: the resource's.
            sample: takes one sample, on the bus's worker. An OutOfRangeError of it is a result as a number is.
            set_up: brings the device to where it can be sampled: before the first sample and after each failure.
            interval_ns: from one sample to the next.
            max_age_ns: the age at which a sample is no longer served.
        """
        self._name = name
        self._host = host
        self._logger = logger
        self._sample = sample
        self._set_up = set_up
        self._interval_ns = interval_ns
        self._max_age_ns = max_age_ns
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._newest: Sample[T] | Beyond | None = None
        self._error: Exception | None = None
        self._began_ns: int | None = None
        self._due_ns = host.now_ns()
        self._took_ns = 0
        self._failures_in_a_row = 0
        self._told = False
        """Whether the log has it last that the device fails."""
        self._told_ns: int | None = None
        """When it was last told of a failure."""
        self._untold = 0
        """Failures that the log was spared."""
        self.failures = 0
        self.overruns = 0

    def start(self) -> None:
        """Begin polling."""
        self._task = asyncio.get_running_loop().create_task(self._poll(), name=f"{self._name}: polling")

    def stop(self) -> None:
        """End polling; does not wait. Idempotent."""
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        """Wait until the background task is gone."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def first_contact(self) -> None:
        """Wait for the first try.

        Raises:
            Exception: what the first try failed with.
        """
        await self._tried.wait()
        if self._newest is None and self._error is not None:
            raise self._error

    def latest(self) -> Sample[T]:
        """The newest sample.

        Raises:
            StaleReadingError: it is too old, or there is none; the message has the age and the cause.
            OutOfRangeError: there was no number for what was to be measured.
        """
        newest = fresh(self._name, self._newest, self._host.now_ns(), self._max_age_ns, self._cause)
        if isinstance(newest, Beyond):
            raise OutOfRangeError(newest.value)
        return newest

    def status(self) -> dict[str, ValueTypes]:
        """Age and counters, for `get_status`."""
        status: dict[str, ValueTypes] = {
            "poll_interval_ms": self._interval_ns / 1e6,
            "max_age_ms": self._max_age_ns / 1e6,
            "failures": self.failures,
            "overruns": self.overruns,
        }
        if self._newest is not None:
            status["sample_age_ms"] = (self._host.now_ns() - self._newest.taken_ns) / 1e6
        if isinstance(self._newest, Beyond):
            status["out_of_range"] = self._newest.value
        if self._error is not None:
            status["error"] = str(self._error)
        return status

    def _cause(self) -> str:
        if self._error is not None:
            return str(self._error)
        if self._began_ns is not None:
            return f"the one begun {(self._host.now_ns() - self._began_ns) / SECOND:.1f} s ago has not come back"
        if self._task is None or self._task.done():
            return "polling has stopped"
        left_ns = self._due_ns - self._host.now_ns()
        if left_ns <= 0:
            return f"the next one has been due for {-left_ns / SECOND:.1f} s, while this process was held up"
        took_s, left_s = self._took_ns / SECOND, left_ns / SECOND
        return f"it took {took_s:.1f} s to come, and the next one is due in {left_s:.1f} s"

    async def _poll(self) -> None:
        self._due_ns = self._host.now_ns()
        while True:
            await self._try_once()
            self._due_ns = self._next_due(self._due_ns)
            await self._host.wait(max(0, self._due_ns - self._host.now_ns()))

    async def _try_once(self) -> None:
        self._began_ns = self._host.now_ns()
        try:
            if self._newest is None or self._error is not None:
                await self._set_up()
                # The schedule begins when it can be kept: setting up is no poll that was missed.
                self._due_ns = self._host.now_ns()
            # What it tells of cannot be younger than the moment before it was taken.
            taken_ns = self._host.now_ns()
            sample = await self._taken(taken_ns)
        except Exception as error:  # noqa: BLE001 - a driver bug must not end the polling; it is logged below
            self._failed(error)
        else:
            self._succeeded(sample)
        self._took_ns, self._began_ns = self._host.now_ns() - self._began_ns, None
        self._tried.set()

    async def _taken(self, taken_ns: int) -> Sample[T] | Beyond:
        try:
            value = await self._sample()
        except OutOfRangeError as beyond:
            return Beyond(beyond.message, taken_ns)
        return Sample(value, taken_ns)

    def _succeeded(self, sample: Sample[T] | Beyond) -> None:
        if self._told:
            self._told = False
            self._logger.info("%s: back after %d failed tries", self._name, self._failures_in_a_row)
        elif self._untold and self._may_tell():
            self._logger.warning("%s: works, but has failed now and then%s", self._name, self._spared())
        self._error = None
        self._failures_in_a_row = 0
        self._newest = sample

    def _failed(self, error: Exception) -> None:
        if not self._told and self._may_tell():
            self._told = True
            # Only a bug needs its traceback; a bus error says it all.
            bug = None if isinstance(error, DriverError) else error
            self._logger.error(
                "%s: reading failed, trying again: %s%s", self._name, error, self._spared(), exc_info=bug
            )
        elif not self._told:
            self._untold += 1
        self._error = error
        self._failures_in_a_row += 1
        self.failures += 1

    def _may_tell(self) -> bool:
        return self._told_ns is None or self._host.now_ns() - self._told_ns >= QUIET_NS

    def _spared(self) -> str:
        """What is added to a line of the log for those left out since the one before, which begins anew."""
        spared, self._untold, self._told_ns = self._untold, 0, self._host.now_ns()
        return f" ({spared} failed tries were not logged)" if spared else ""

    def _next_due(self, due_ns: int) -> int:
        now_ns = self._host.now_ns()
        if self._error is not None:
            # A hiccup is over at once; only what lasts is asked less and less often.
            longer_ns = self._interval_ns << min(max(0, self._failures_in_a_row - PATIENT_TRIES), 16)
            return now_ns + min(longer_ns, max(LONGEST_BACK_OFF_NS, self._interval_ns))
        due_ns += self._interval_ns
        if due_ns <= now_ns:
            missed = (now_ns - due_ns) // self._interval_ns + 1
            self.overruns += missed
            due_ns += missed * self._interval_ns
        return due_ns
