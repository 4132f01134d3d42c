"""What is connected to a machine, all of it, whatever a part of it is up to: for the discovery model and the doctor.

Each kind of thing is looked at by itself, at the same time as the others, and for a limited time. A bus that hangs, or
that is not there, is a trouble with its cause, and hides none of the others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from pi_drivers.errors import DriverError
from pi_drivers.host.contract import SECOND, Host
from pi_drivers.models.discovery import looks
from pi_drivers.models.discovery.connected import Connected, Entry, Inventory, Look
from pi_drivers.models.discovery.i2c_look import look_at_i2c
from pi_drivers.models.discovery.looking import in_time, own_entry, own_resources

__all__ = ["KINDS", "Connected", "Inventory", "inventory"]

LOGGER = logging.getLogger(__name__)


class _Kind(NamedTuple):
    """One kind of thing to look at."""

    look: Callable[[Host], Awaitable[Look]]
    limit_ns: int = 5 * SECOND


_LOOKS: Mapping[str, _Kind] = {
    "machine": _Kind(looks.look_at_machine),
    # Each of its buses has a limit of its own.
    "i2c": _Kind(look_at_i2c, 30 * SECOND),
    "spi": _Kind(looks.look_at_spi),
    "1-wire": _Kind(looks.look_at_onewire),
    "serial": _Kind(looks.look_at_serial),
    "usb-camera": _Kind(looks.look_at_usb_cameras),
    # libcamera alone takes seconds to load on a small Pi.
    "csi-camera": _Kind(looks.look_at_csi_cameras, 20 * SECOND),
    "kernel-sensor": _Kind(looks.look_at_kernel_sensors),
    "pwm": _Kind(looks.look_at_pwm),
}

KINDS = tuple(_LOOKS)
"""What can be looked at by itself."""


async def inventory(host: Host, kinds: Collection[str] = KINDS) -> Inventory:
    """Look at what is connected. Changes nothing in any chip, and leaves alone what a resource of this process uses.

    Args:
        host: the machine.
        kinds: of `KINDS`.

    Returns:
        What was found, in the order of `KINDS`, and what could not be looked at. Never raises for what the machine is
        up to.
    """
    found = await asyncio.gather(*(_look(host, kind) for kind in _LOOKS if kind in kinds))
    connected = _without_doubles([one for look in found for one in look.connected])
    return Inventory(_named_apart(connected), [trouble for look in found for trouble in look.troubles])


async def _look(host: Host, kind: str) -> Look:
    entry = _LOOKS[kind]

    async def look() -> Look:
        return await entry.look(host)

    try:
        return await in_time(host, entry.limit_ns, kind, look())
    except DriverError as error:
        return Look([], [error.message])
    except Exception as error:
        LOGGER.exception("the look at %s failed, by a mistake in it", kind)
        return Look([], [f"{kind}: {type(error).__name__}: {error}"])


def _without_doubles(connected: Iterable[Connected]) -> list[Connected]:
    """A chip with a driver in the kernel is found on its bus and as a sensor of the kernel; only that can be used."""
    found = list(connected)
    places = {one.place for one in found if one.components}
    return [one for one in found if one.components or one.place not in places]


def _named_apart(connected: Iterable[Connected]) -> list[Connected]:
    """Every resource with a name that no other one has; those there are keep theirs."""
    own = [own_entry(one) for one in own_resources()]
    taken = {entry["name"] for entry in own}

    def named(entry: Entry) -> Entry:
        if entry in own:
            return entry
        name = _free_name(entry["name"], taken)
        taken.add(name)
        return {**entry, "name": name}

    return [one._replace(components=tuple(map(named, one.components))) for one in connected]


def _free_name(name: str, taken: Collection[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
