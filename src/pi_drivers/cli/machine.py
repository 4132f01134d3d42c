"""A machine config in memory: its components and services, as far as their form is right.

`reading` makes it from a file, `checks` judges it, `up` runs it. Nothing here knows of the command line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from viam.proto.app.robot import ComponentConfig
from viam.proto.common import ResourceName
from viam.utils import dict_to_struct

from pi_drivers import registry
from pi_drivers.config.wording import LONGEST_NAME, shortened

MODEL_PREFIX = f"{registry.NAMESPACE}:{registry.FAMILY}:"

COMPONENT, SERVICE = "component", "service"
"""What an entry may be. Each has a section of its own: `components` and `services`."""


@dataclass(frozen=True, eq=False)
class Component:
    """One entry of `components` or `services` whose form is right. Entries are told apart by identity."""

    index: int
    name: str
    subtype: str
    """The API's last part, for example `motor`."""
    model: str
    """The full model, for example `bramble:pi-drivers:dc-motor`."""
    attributes: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    kind: str = COMPONENT
    """`component` or `service`."""
    strangers: tuple[str, ...] = ()
    """The entry's keys of which neither the module nor viam-server knows anything."""

    @property
    def order(self) -> tuple[bool, int]:
        """Where it comes: components before services, each in the order of the file."""
        return self.kind != COMPONENT, self.index

    @property
    def api(self) -> str:
        """The whole API, for example `rdk:component:motor`."""
        return f"rdk:{self.kind}:{self.subtype}"

    @property
    def label(self) -> str:
        """As people write it: `motor "left"`."""
        return f'{self.subtype} "{shortened(self.name, LONGEST_NAME)}"'

    @property
    def place(self) -> str:
        """Where it stands in the file: `components[2] motor "left"`."""
        return f"{self.kind}s[{self.index}] {self.label}"

    @property
    def full_name(self) -> str:
        """As dependencies name it: `rdk:component:motor/left`."""
        return f"{self.api}/{self.name}"

    @property
    def resource_name(self) -> ResourceName:
        """As the SDK names it."""
        return ResourceName(namespace="rdk", type=self.kind, subtype=self.subtype, name=self.name)

    @property
    def model_name(self) -> str | None:
        """The name in our table of models, or None for a model of somebody else."""
        name = self.model.removeprefix(MODEL_PREFIX)
        return name if self.model.startswith(MODEL_PREFIX) and name in registry.MODELS else None

    def proto(self) -> ComponentConfig:
        """The component as viam-server would send it to the module."""
        return ComponentConfig(
            name=self.name,
            namespace="rdk",
            type=self.subtype,
            api=self.api,
            model=self.model,
            attributes=dict_to_struct(dict(self.attributes)),
            depends_on=self.depends_on,
        )


@dataclass(frozen=True, eq=False)
class Machine:
    """A machine config, as far as it could be read."""

    components: tuple[Component, ...]
    """Those of `services` that are ours are among them, at the end."""
    problems: tuple[str, ...] = ()
    """What is wrong with the file's form, a line each."""
    has_remotes: bool = False
    """Whether some dependencies may live on other machines, under names with a colon."""
    passed_over: tuple[str, ...] = ()
    """The other sections of the file that hold something, such as `remotes`, and services that are not ours. Nobody
    looks into them here."""

    others_services: frozenset[str] = frozenset()
    """The names of the services that are not ours: a resource of ours may depend on one."""

    def contradicting(self, backend: str) -> list[Component]:
        """The components that ask for another back end themselves."""
        return [one for one in self.components if one.attributes.get("backend") not in (None, "", backend)]

    def with_backend(self, backend: str) -> "Machine":
        """The same machine with every component of ours on one back end, whatever its attributes say."""
        changed = tuple(
            replace(one, attributes={**one.attributes, "backend": backend}) if one.model_name else one
            for one in self.components
        )
        return replace(self, components=changed)
