"""Lines for people, which must never take a machine down.

Who reads them may leave (`| head`), and the disk behind them may be full. From then on they go nowhere, and
the work goes on.
"""

import contextlib
import os
import sys
from typing import TextIO

import click


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


def _put(line: str, *, to_stderr: bool) -> None:
    try:
        click.echo(line, err=to_stderr)
    except OSError:
        silence(sys.stderr if to_stderr else sys.stdout)
