"""A machine of ours in one process, without viam-server: built in order, retried, closed in order.

It treats failures as viam-server does: a component that cannot be built is reported and tried again every few
seconds, and those that do not need it go on meanwhile.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from viam.proto.common import ResourceName
from viam.resource.base import ResourceBase

from pi_drivers import registry
from pi_drivers.cli.machine import Component, Machine
from pi_drivers.cli.ordering import Needs, opening_order
from pi_drivers.errors import DriverError
from pi_drivers.runtime.closing import Resident, close_all, close_one
from pi_drivers.runtime.safety import SAFETY

RETRY_S = 5.0
"""How long after a failure a component is tried again, as in viam-server."""

EACH_CLOSE_S = 0.6
ALL_CLOSE_S = 1.8

Say = Callable[[str], None]
Admit = Callable[[ResourceBase], None]
Dismiss = Callable[[ResourceBase], None]


class RunningMachine:
    """The components and services of a machine, as far as they could be built. Used on the event loop.

    Args:
        machine: its config, without problems.
        needs: who cannot work without whom.
        wishes: who makes use of whom.
        say: takes lines for the user.
        admit: is told of each resource that was built.
        dismiss: is told of each resource before it is closed to be built anew.
    """

    def __init__(
        self, machine: Machine, needs: Needs, wishes: Needs, *, say: Say, admit: Admit, dismiss: Dismiss
    ) -> None:
        self._needs = needs
        self._wishes = wishes
        self._say = say
        self._admit = admit
        self._dismiss = dismiss
        self._order = opening_order({one: [*needs[one], *wishes[one]] for one in machine.components})
        self._resources: dict[Component, ResourceBase] = {}
        self._complaints: dict[Component, str] = {}

    @property
    def waiting(self) -> list[Component]:
        """Components that are not there yet."""
        return [one for one in self._order if one not in self._resources]

    def resource(self, name: str) -> ResourceBase | None:
        """The resource of that name, or None while it could not be built."""
        return next((resource for one, resource in self._resources.items() if one.name == name), None)

    async def build(self) -> None:
        """Try each component that is not there, in order. A failure is said once while it stays the same."""
        for one in self.waiting:
            missing = [other.label for other in self._needs[one] if other not in self._resources]
            if missing:
                self._complain(one, f"waits for {', '.join(missing)}")
                continue
            await self._build_one(one)
            if one in self._resources:
                await self._rebuild_wishers(one)

    async def keep_building(self) -> None:
        """Try again every `RETRY_S` until everything is there."""
        while self.waiting:
            await asyncio.sleep(RETRY_S)
            await self.build()

    async def close(self) -> None:
        """Make everything safe, then close actuators first, dependents before dependencies. Never raises."""
        SAFETY.make_all_safe("the machine stops")
        residents = {
            one.full_name: Resident(resource, frozenset(other.full_name for other in self._below(one)))
            for one, resource in self._resources.items()
        }
        self._resources.clear()
        await close_all(residents, each_s=EACH_CLOSE_S, total_s=ALL_CLOSE_S)

    def _below(self, one: Component) -> list[Component]:
        return [*self._needs[one], *self._wishes[one]]

    async def _build_one(self, one: Component) -> None:
        siblings = {
            other.resource_name: self._resources[other] for other in self._below(one) if other in self._resources
        }
        try:
            model: Any = registry.load(one.model_name or "")
            resource: ResourceBase = await self._opened(model, one, siblings)
        except DriverError as error:
            self._complain(one, error.message)
        except Exception as error:  # noqa: BLE001 - a bug in one driver must not stop the others
            self._complain(one, f"{type(error).__name__}: {error}")
        else:
            self._resources[one] = resource
            self._admit(resource)
            self._say(f"{one.label} is up ({one.model})")

    async def _opened(self, model: Any, one: Component, siblings: dict[ResourceName, ResourceBase]) -> ResourceBase:
        """A resource that has met its hardware; when that fails, nothing of it is left."""
        resource: Any = model.new(one.proto(), siblings)
        try:
            await resource.ready()
        except BaseException:
            await close_one(one.full_name, resource, EACH_CLOSE_S)
            raise
        opened: ResourceBase = resource
        return opened

    async def _rebuild_wishers(self, arrived: Component) -> None:
        """What was built without something it can make use of is built anew now that it is there."""
        for one in [other for other in self._resources if arrived in self._wishes[other]]:
            resource = self._resources.pop(one)
            self._dismiss(resource)
            await close_one(one.full_name, resource, EACH_CLOSE_S)
            await self._build_one(one)

    def _complain(self, one: Component, text: str) -> None:
        if self._complaints.get(one) != text:
            self._complaints[one] = text
            label = "" if text.startswith(one.label) else f"{one.label}: "
            self._say(f"error: {label}{text.removesuffix('.')}; trying again every {RETRY_S:g} s")
