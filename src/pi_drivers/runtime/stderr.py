"""Writing to stderr when nothing may wait for it.

The stderr of a module is a pipe that viam-server reads. When viam-server hangs, the pipe fills up and a
plain write blocks for ever - on the event loop, or on the very thread that is to end the process.
"""

import contextlib
import os
import select

PIPE_BUF = 4096
"""A pipe that is ready takes this many bytes without blocking (pipe(7))."""

STDERR = 2


def say(text: str) -> None:
    """Write text to stderr as far as it goes in without waiting. Never raises; from any thread."""
    poller = select.poll()
    poller.register(STDERR, select.POLLOUT)
    data = text.encode(errors="replace")
    with contextlib.suppress(OSError):
        for start in range(0, len(data), PIPE_BUF):
            if not poller.poll(0):
                return
            os.write(STDERR, data[start : start + PIPE_BUF])
