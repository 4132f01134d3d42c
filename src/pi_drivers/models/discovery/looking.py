"""How it is looked: on a thread, for a limited time, and without touching what a component of this process uses."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from pi_drivers import host as hosts
from pi_drivers import registry
from pi_drivers.errors import BusTimeoutError
from pi_drivers.host.claims import Holder
from pi_drivers.host.contract import SECOND, Host
from pi_drivers.models.base import HardwareModel
from pi_drivers.models.discovery.connected import Connected, Entry
from pi_drivers.models.discovery.i2c_candidates import FIELD as I2C_ADDRESS
from pi_drivers.runtime.directory import DIRECTORY

T = TypeVar("T")


async def in_time(host: Host, limit_ns: int, what: str, work: Coroutine[Any, Any, T]) -> T:
    """Do something, but for so long at most. What a thread is in the midst of then is left to itself.

    Raises:
        BusTimeoutError: the time was over; the message says what was looked at.
    """
    looking = asyncio.ensure_future(work)
    is_over = False

    def give_up() -> None:
        nonlocal is_over
        is_over = True
        looking.cancel()

    timer = host.after(limit_ns, give_up)
    try:
        return await looking
    except asyncio.CancelledError:
        if is_over:
            raise BusTimeoutError(f"{what}: no end of it after {limit_ns / SECOND:g} s, so it was given up") from None
        looking.cancel()
        raise
    finally:
        timer.cancel()


async def on_thread(host: Host, what: str, job: Callable[[], T]) -> T:
    """Do something that blocks, on a thread that ends with it."""
    worker = host.new_worker(f"look at {what}")
    try:
        return await worker.run(job)
    finally:
        worker.stop()


def suggested(host: Host, name: str, model: str, **attributes: Any) -> Entry:
    """What to write into a machine config for a resource of a model of ours.

    Args:
        host: the machine; on another one than is usual here, the attributes say so.
        name: of the resource.
        model: short, as in our table.
        attributes: those it needs.
    """
    backend = {} if host.name == hosts.default_backend() else {"backend": host.name}
    return _entry(name, model, {**attributes, **backend})


def held(place: str, holder: Holder) -> Connected:
    """Something that a resource of this process uses: it is told as it stands in the config, and not looked at."""
    return Connected(place, f"{holder.name} uses it ({holder.use})", own_entries(holder.name.split(" and ")))


def own_entries(labels: Iterable[str]) -> tuple[Entry, ...]:
    """The resources of this process that are called so, as they stand in the config."""
    wanted = set(labels)
    return tuple(own_entry(one) for one in own_resources() if one.label in wanted)


def own_resources() -> list[HardwareModel[Any]]:
    """All resources of this process whose models are in our table."""
    found = (one for one in DIRECTORY.all() if isinstance(one, HardwareModel))
    return [one for one in found if registry.name_of(type(one)) is not None]


def own_entry(resource: HardwareModel[Any]) -> Entry:
    """A resource of this process as it stands in the config, with what was left out there left out."""
    attributes = resource.settings.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    if I2C_ADDRESS in attributes:
        attributes[I2C_ADDRESS] = f"0x{attributes[I2C_ADDRESS]:02x}"
    return _entry(resource.name, registry.name_of(type(resource)) or "", attributes)


def _entry(name: str, model: str, attributes: dict[str, Any]) -> Entry:
    return {
        "name": name,
        "api": str(registry.api_of(model)),
        "model": str(registry.model_of(model)),
        "attributes": attributes,
    }
