"""A log record in the form that viam-server takes: one of four levels, and all of it in one text."""

import logging
import time
import traceback
from collections.abc import Sequence

from viam.proto.common import LogEntry

from pi_drivers.runtime.stderr import say

MAX_TEXT = 16_000
"""Characters of one message at most; a batch stays well under the 4 MiB that a gRPC server takes."""


def entry_of(record: logging.LogRecord) -> LogEntry:
    """A log record as viam-server takes it.

    The traceback stands in the message as well as in its own field, which viam-server does not show.
    """
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - a malformed log call must not become the failure of a driver
        text = f"{record.msg!r} with arguments that do not fit: {record.args!r}"
    stack = _stack_of(record)
    message = f"{record.filename}:{record.lineno}\t{text}" + (f"\n{stack}" if stack else "")
    return make_entry(record.name, record.levelno, message, stack=stack, created_s=record.created)


def _stack_of(record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append("".join(traceback.format_exception(*record.exc_info)).rstrip())
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def make_entry(name: str, level: int, message: str, *, stack: str = "", created_s: float | None = None) -> LogEntry:
    """A log line of our own making; `created_s` is seconds since the epoch, now when left out."""
    entry = LogEntry(
        logger_name=name.replace(".", "/"),
        level=_level_name(level),
        message=message[:MAX_TEXT],
        stack=stack[:MAX_TEXT],
    )
    entry.time.FromNanoseconds(time.time_ns() if created_s is None else round(created_s * 1e9))
    return entry


def _level_name(level: int) -> str:
    """One of the four names that viam-server knows."""
    for least, name in ((logging.ERROR, "ERROR"), (logging.WARNING, "WARNING"), (logging.INFO, "INFO")):
        if level >= least:
            return name
    return "DEBUG"


def to_stderr(entries: Sequence[LogEntry]) -> None:
    """The way out for lines that viam-server does not take."""
    say("".join(f"{entry.level}\t{entry.logger_name}\t{entry.message}\n" for entry in entries))
