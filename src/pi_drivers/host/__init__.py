"""Which machine the drivers run on: a real Raspberry Pi or the simulated one.

The back end is chosen by name, for each component, and never by what happens to work: on a robot, falling from the real
pins to simulated ones would be a lie.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pi_drivers.errors import ConfigError

if TYPE_CHECKING:
    from pi_drivers.host.contract import Host

BACKENDS = ("real", "mock")
BACKEND_VARIABLE = "PI_DRIVERS_BACKEND"

_hosts: "dict[str, Host]" = {}


def default_backend() -> str:
    """The back end of components that name none: the environment variable's, else `real`.

    Raises:
        ConfigError: the variable holds another word.
    """
    name = os.environ.get(BACKEND_VARIABLE) or "real"
    if name not in BACKENDS:
        raise ConfigError(
            f"the environment variable {BACKEND_VARIABLE} must be one of {', '.join(BACKENDS)}, got {name!r}"
        )
    return name


def get(backend: str | None) -> "Host":
    """The machine of a back end; one of each in a process, made at first use.

    Raises:
        ConfigError: no such back end.
    """
    name = backend or default_backend()
    if name not in _hosts:
        _hosts[name] = _make(name)
    return _hosts[name]


def install(host: "Host") -> None:
    """Put a machine in place, for tests with a clock of their own."""
    _hosts[host.name] = host


@contextmanager
def installed(host: "Host") -> Iterator[None]:
    """Put a machine in place for a while; what was there before comes back."""
    before = dict(_hosts)
    install(host)
    try:
        yield
    finally:
        _hosts.clear()
        _hosts.update(before)


def _make(name: str) -> "Host":
    # One of the two is imported, so that the mock runs where no hardware library is installed.
    if name == "mock":
        from pi_drivers.host.mock import MockHost

        return MockHost.paced()
    if name == "real":
        from pi_drivers.host.real import RealHost

        return RealHost()
    raise ConfigError(f"there is no back end {name!r}; there are: {', '.join(BACKENDS)}")
