"""A log that is not flooded: what may happen with every command is told once, and then now and then with its count.

A program that sends fifty commands a second makes the same mistake fifty times a second. The first line says all there
is to say; the others would only hide what else is in the log.
"""

import logging

from pi_drivers.host.contract import SECOND, Host

QUIET_NS = 10 * SECOND
"""How long a text is not repeated, whatever its numbers."""


class SparingLog:
    """Warnings of one resource. Used on the event loop."""

    def __init__(self, logger: logging.Logger, host: Host) -> None:
        """Args: logger: the resource's. host: its clock counts the time between two lines."""
        self._logger = logger
        self._host = host
        self._told_ns: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def warning(self, text: str, *values: object) -> None:
        """Warn, unless the same text was told a moment ago; then it is counted, and the next line tells how often.

        Args:
            text: with a `%` place for each value, as for a logger. A text has its time, whatever its values.
            values: for these places.
        """
        now_ns = self._host.now_ns()
        told_ns = self._told_ns.get(text)
        if told_ns is not None and now_ns - told_ns < QUIET_NS:
            self._left_out[text] = self._left_out.get(text, 0) + 1
            return
        self._told_ns[text] = now_ns
        left_out = self._left_out.pop(text, 0)
        if left_out:
            text = f"{text} (%d more of these since the last line)"
            values = (*values, left_out)
        self._logger.warning(text, *values)
