"""The file of a unix socket: never taken from a server that is alive, and never removed for another one.

asyncio replaces whatever socket stands at its path. That clears up after a server that was killed, but it would
also cut off one that runs.
"""

import errno
import os
import socket
from contextlib import closing
from pathlib import Path
from typing import NamedTuple


class SocketFile(NamedTuple):
    """A socket's file that this process made."""

    path: Path
    device: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> "SocketFile":
        """The file as it is now.

        Raises:
            OSError: there is none.
        """
        found = path.lstat()
        return cls(path, found.st_dev, found.st_ino)

    def remove(self) -> None:
        """Remove the file, unless another one has taken its place. Never raises."""
        try:
            if SocketFile.at(self.path) == self:
                self.path.unlink()
        except OSError:
            return


def refuse_if_served(path: str) -> None:
    """Do nothing if the path is free, or left over from a server that is gone.

    Raises:
        OSError: somebody serves there, or it cannot be found out.
    """
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except BlockingIOError:  # its queue is full: somebody lives there and is busy
            pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
