"""Lines for people, which must never take a machine down.

Who reads them may leave (`| head`), and the disk behind them may be full. From then on they go nowhere, and
the work goes on.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import TextIO

import click

from pi_drivers.errors import DriverError


def hand_over(text: str, what: str) -> None:
    """Write what a program or a file is to get to stdout: unlike a line for people it must not be lost unnoticed.

    Args:
        text: that.
        what: it is, for the message.

    Raises:
        DriverError: it cannot be written.
        BrokenPipeError: who wanted it has left.
    """
    try:
        _echo(text, to_stderr=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        silence(sys.stdout)
        raise DriverError(f"{what} could not be written: {error.strerror}") from error


def say(line: str) -> None:
    """A line to stdout. Never raises OSError."""
    _put(line, to_stderr=False)


def warn(line: str) -> None:
    """A line to stderr. Never raises OSError."""
    _put(line, to_stderr=True)


def silence(stream: TextIO | None) -> None:
    """Lead a broken stream to nowhere: what it still holds must not fail again when the process ends."""
    with contextlib.suppress(OSError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())  # type: ignore[union-attr]  # None has no such attribute
        finally:
            os.close(null)


@contextlib.contextmanager
def log_that_may_be_unheard() -> Iterator[None]:
    """Lead the log to nowhere as well once nobody takes it; otherwise each further line would be a traceback."""
    usual = logging.StreamHandler.handleError

    def lead_to_nowhere(handler: logging.Handler, record: logging.LogRecord) -> None:
        if isinstance(sys.exception(), OSError) and isinstance(handler, logging.StreamHandler):
            silence(handler.stream)
        else:
            usual(handler, record)

    # The SDK makes handlers of its own for each resource, so there is no one of them to ask.
    logging.StreamHandler.handleError = lead_to_nowhere  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        logging.StreamHandler.handleError = usual  # type: ignore[method-assign]


def _put(line: str, *, to_stderr: bool) -> None:
    try:
        _echo(line, to_stderr=to_stderr)
    except OSError:
        silence(sys.stderr if to_stderr else sys.stdout)


def _echo(text: str, *, to_stderr: bool) -> None:
    try:
        click.echo(text, err=to_stderr)
    except UnicodeEncodeError as error:  # an Ω where the terminal has no Greek
        click.echo(text.encode(error.encoding, "backslashreplace").decode(error.encoding), err=to_stderr)
