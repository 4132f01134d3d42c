"""The command line that viam-server starts a module with: nothing in it may keep the module from starting."""

import argparse
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}
"""The level names that viam-server or a person may use; Python has none below debug."""

_HOST_AND_PORT = re.compile(r"^(?:tcp://)?(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^/:]*)):(?P<port>\d+)$")


@dataclass(frozen=True)
class Address:
    """Where the module serves: a unix socket, or a TCP port of one host.

    Attributes:
        path: of the unix socket, None for TCP.
        host: name or number, None for a unix socket.
        port: TCP port, None for a unix socket.
    """

    path: str | None = None
    host: str | None = None
    port: int | None = None


@dataclass(frozen=True)
class Arguments:
    """What viam-server said.

    Attributes:
        address: as given.
        log_level: of Python's logging.
        complaint: about a level nobody knows, to be logged; None if all is well.
    """

    address: str
    log_level: int = logging.INFO
    complaint: str | None = None


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read `<socket path or host:port> [--log-level=<level>] [--tcp-mode]`.

    Options that are not known are ignored. `--tcp-mode` adds nothing: an address that is a host and a port is
    served over TCP with or without it.

    Raises:
        SystemExit: there is no address.
    """
    parser = argparse.ArgumentParser(prog="pi-drivers", description="serve the drivers to viam-server")
    parser.add_argument("address", help="a unix socket's path, or host:port")
    parser.add_argument("--log-level", default="info", metavar="LEVEL")
    parser.add_argument("--tcp-mode", action="store_true")
    known, _ = parser.parse_known_args(list(argv))
    level, complaint = level_of(known.log_level)
    return Arguments(known.address, level, complaint)


def level_of(name: str) -> tuple[int, str | None]:
    """Python's level for a level name, and a complaint if nobody knows the name: then it is info."""
    level = LEVELS.get(name.strip().lower())
    if level is not None:
        return level, None
    return logging.INFO, f"log level {name!r} is not known, info is used; known are {', '.join(LEVELS)}"


def parse_address(address: str) -> Address:
    """Tell a host and port from a path. A port without a host is served on this machine alone."""
    match = _HOST_AND_PORT.match(address)
    if match is None:
        return Address(path=address.removeprefix("unix://"))
    return Address(host=match["v6"] or match["host"] or "127.0.0.1", port=int(match["port"]))
