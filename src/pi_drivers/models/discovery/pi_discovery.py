"""What is connected to the Pi, as entries for the machine config: Viam's discovery service."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from viam.proto.app.robot import ComponentConfig
from viam.services.discovery import Discovery
from viam.utils import ValueTypes, dict_to_struct

from pi_drivers.config.attributes import Attributes
from pi_drivers.config.example import Example
from pi_drivers.config.wording import did_you_mean, shown
from pi_drivers.errors import ArgumentError
from pi_drivers.host.contract import SECOND
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.discovery.connected import Connected, Entry, Inventory
from pi_drivers.models.discovery.inventory import KINDS, inventory

KIND = "kind"


class DiscoveryConfig(Attributes):
    """The attributes of `discovery`."""

    EXAMPLE: ClassVar[Example] = Example("find", {})


class PiDiscovery(HardwareModel[DiscoveryConfig], Discovery):
    """What is connected to the Pi, as entries for the machine config: I2C, 1-Wire, serial, cameras."""

    CONFIG = DiscoveryConfig

    def _open(self, settings: DiscoveryConfig, dependencies: Dependencies) -> None:
        self._looks: dict[str | None, asyncio.Task[Inventory]] = {}
        self._last: Inventory | None = None
        self._last_ns = 0
        self.lifecycle.push("stop looking", self._stop_looking)

    async def discover_resources(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> list[ComponentConfig]:
        """Entries for all that is connected, of each thing the likeliest first. Calls at once share one look.

        Args:
            extra: `{"kind": "i2c"}` looks at one kind of thing only.
            timeout: is the caller's; every look has a limit of its own.

        Raises:
            ArgumentError: `extra` has something else; the message lists what there is.
            ClosedError: the resource was closed.
        """
        self.check_open()
        found = await self._looked(_kind_in(extra or {}))
        return [_config_of(entry) for one in found.connected for entry in one.components]

    @command(
        "inventory",
        "What is connected, place by place, and what could not be looked at; `kind` may be left out, and is one of: "
        f"{', '.join(KINDS)}.",
        example={KIND: "machine"},
        optional=(KIND,),
    )
    async def _inventory(self, request: Arguments) -> Mapping[str, Any]:
        found = await self._looked(_kind_in({key: value for key, value in request.items() if key != "command"}))
        return {"connected": [_in_json(one) for one in found.connected], "troubles": found.troubles}

    def _status(self) -> dict[str, ValueTypes]:
        if self._last is None:
            return {"looking": bool(self._looks)}
        return {
            "looking": bool(self._looks),
            "looked_s_ago": (self.host.now_ns() - self._last_ns) / SECOND,
            "connected": len(self._last.connected),
            "troubles": list(self._last.troubles),
        }

    async def _looked(self, kind: str | None) -> Inventory:
        """One look for all who ask while it lasts. It goes on if one of them gives up."""
        looking = self._looks.get(kind)
        if looking is None:
            looking = asyncio.create_task(self._look(kind), name=f"{self.label}: look")
            self._looks[kind] = looking
            looking.add_done_callback(lambda _: self._looks.pop(kind, None))
        try:
            return await asyncio.shield(looking)
        except asyncio.CancelledError:
            self.check_open()
            raise

    async def _look(self, kind: str | None) -> Inventory:
        found = await inventory(self.host, KINDS if kind is None else (kind,))
        self._last, self._last_ns = found, self.host.now_ns()
        for trouble in found.troubles:
            self.logger.warning("%s: %s", self.label, trouble)
        return found

    def _stop_looking(self) -> None:
        for looking in list(self._looks.values()):
            looking.cancel()


def _kind_in(request: Mapping[str, Any]) -> str | None:
    """The kind that is asked for; None for all. Raises: ArgumentError: something else is asked for."""
    unknown = sorted(set(request) - {KIND})
    if unknown:
        raise ArgumentError(f'{shown(unknown[0])} is not known here; there is "{KIND}", one of: {", ".join(KINDS)}')
    kind = request.get(KIND)
    if kind is not None and kind not in KINDS:
        hint = did_you_mean(kind, KINDS) if isinstance(kind, str) else ""
        raise ArgumentError(f"{KIND}: there is no {shown(kind)}{hint}; there are: {', '.join(KINDS)}")
    return kind


def _config_of(entry: Entry) -> ComponentConfig:
    attributes = dict_to_struct(entry["attributes"])
    return ComponentConfig(name=entry["name"], api=entry["api"], model=entry["model"], attributes=attributes)


def _in_json(one: Connected) -> dict[str, Any]:
    return {"place": one.place, "what": one.what, "components": [dict(entry) for entry in one.components]}
