"""Ends a motion that nobody has renewed: `command_timeout_ms`.

`set_power` and `set_rpm` answer at once and the motor turns on, for as long as somebody cares. A program that steers by
sending commands all the time can ask for the motor to stop when they stop coming, whatever the reason.
"""

import logging
from collections.abc import Callable

from pi_drivers.host.contract import MILLISECOND, Cancellable, Host
from pi_drivers.runtime.sparing_log import SparingLog


class CommandWatchdog:
    """The watchdog of one motor. Used on the event loop only."""

    def __init__(
        self, label: str, logger: logging.Logger, host: Host, timeout_ms: int, stop: Callable[[], None]
    ) -> None:
        """Prepare; nothing is watched yet.

        Args:
            label: the motor, for the log.
            logger: the motor's.
            host: its clock is the one that counts.
            timeout_ms: how long a motion may last without a new command; 0 for as long as it likes.
            stop: takes the power away; synchronous, never raises.
        """
        self._label = label
        self._log = SparingLog(logger, host)
        self._host = host
        self._timeout_ms = timeout_ms
        self._stop = stop
        self._alarm: Cancellable | None = None
        self.expired = 0
        """How often it has stopped the motor."""

    def watch(self) -> None:
        """A motion has begun, or was commanded anew, that no caller waits for."""
        self.rest()
        if self._timeout_ms:
            self._alarm = self._host.after(self._timeout_ms * MILLISECOND, self._expire)

    def rest(self) -> None:
        """Nothing moves, or somebody waits for the motion's end. Idempotent."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _expire(self) -> None:
        if self._alarm is None:
            return  # a command came in the very moment
        self._alarm = None
        self.expired += 1
        self._log.warning("%s: no command for %d ms: it is stopped", self._label, self._timeout_ms)
        self._stop()
