"""What every model shares: validation, opening, closing, status and commands, written once.

A model is `class Xyz(HardwareModel[XyzConfig], <Viam's component class>)`. This class comes first, so that its `close`,
`get_status` and `do_command` win over the SDK's, which answer UNKNOWN. It is a plain class without an API of its own:
the SDK registers a resource once for each API it finds among the bases, and would close it twice.
"""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast

from google.protobuf.struct_pb2 import Struct
from viam.proto.app.robot import ComponentConfig
from viam.proto.common import Geometry, ResourceName
from viam.resource.base import ResourceBase
from viam.utils import ValueTypes

from pi_drivers import host as hosts
from pi_drivers.config.attributes import Attributes, parse, plain_attributes
from pi_drivers.config.wording import LONGEST_NAME, shortened
from pi_drivers.errors import ClosedError, ConfigError
from pi_drivers.host.claims import Holder
from pi_drivers.host.contract import Host
from pi_drivers.models.commands import run_command
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.runtime.directory import DIRECTORY, Key, key_of
from pi_drivers.runtime.lifecycle import Lifecycle

C = TypeVar("C", bound=Attributes)
Dependencies = Mapping[ResourceName, ResourceBase]


class HardwareModel(Generic[C]):
    """The base of all models. Used on the event loop, except where a method says otherwise.

    A model states its config class and writes `_open`; it may write `_status`, `ready` and commands.
    """

    CONFIG: ClassVar[type[Attributes]]
    I2C_CHIP: ClassVar[I2cIdentity | None] = None
    """Of a model whose config has an `i2c_addr`: None is a chip of the model's name that nobody can ask."""

    name: str
    logger: logging.Logger

    if TYPE_CHECKING:  # what the SDK's component class brings

        def __init__(self, name: str) -> None: ...

        @classmethod
        def get_resource_name(cls, name: str) -> ResourceName:
            """The full name of a resource of this API."""
            ...

    @classmethod
    def validate_config(cls, config: ComponentConfig) -> tuple[list[str], list[str]]:
        """Check the attributes without touching hardware.

        Returns:
            The full names of the required and of the optional dependencies.

        Raises:
            ConfigError: its one message lists every problem with its path.
        """
        parsed = cls.parse_attributes(config.attributes, config.name)
        return list(parsed.required_dependencies()), list(parsed.optional_dependencies())

    @classmethod
    def parse_attributes(cls, attributes: Struct, name: str) -> C:
        """The typed config of a resource of this model. Raises: ConfigError, as `validate_config` does."""
        plain = plain_attributes(attributes)
        where = f'{cls.get_resource_name(name).subtype} "{shortened(name, LONGEST_NAME)}"'
        return cast("C", parse(cls.CONFIG, plain, where))

    @classmethod
    def new(cls, config: ComponentConfig, dependencies: Dependencies) -> Self:
        """Build and open a resource. Quick: whatever needs a bus's answer happens behind `ready`.

        A holder of the same name that was dropped without close is evicted first. When opening fails, nothing is left
        behind.

        Raises:
            ConfigError: the attributes are wrong.
            DriverError: something it needs is missing, held by somebody else, or does not answer.
        """
        settings = cls.parse_attributes(config.attributes, config.name)
        stale = DIRECTORY.find(key_of(cls.get_resource_name(config.name)))
        if isinstance(stale, HardwareModel):
            stale.logger.warning("%s is built anew; the old one was never closed and is let go", stale.label)
            stale.evict()
        self = cls(config.name)
        self._prepare(settings)
        try:
            self._open(settings, dependencies)
        except BaseException:
            self.evict()
            raise
        DIRECTORY.enter(self.key, self)
        self.lifecycle.push("leave the directory", lambda: DIRECTORY.leave(self.key, self))
        return self

    async def ready(self) -> None:
        """Wait for the first contact with the hardware, where there is one to wait for.

        Raises:
            DriverError: it failed: the chip does not answer, or is another one.
        """

    @property
    def key(self) -> Key:
        """The resource's key in the directory: API and name."""
        return key_of(self.get_resource_name(self.name))

    @property
    def label(self) -> str:
        """The resource as people write it: `motor "left"`."""
        return f'{self.key[0]} "{shortened(self.name, LONGEST_NAME)}"'

    def holder(self, use: str) -> Holder:
        """This resource as the holder of a claim, with what the claim is for."""
        return Holder(self.label, use)

    def check_open(self) -> None:
        """Raises: ClosedError: the resource was closed."""
        if self.lifecycle.closed:
            raise ClosedError(f"{self.label} was closed; it is being removed or rebuilt")

    def evict(self) -> None:
        """Let go of everything at once, without waiting for what then ends by itself. Never raises."""
        self.lifecycle.release_now()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # without a loop there are no tasks to wait for
        closing = loop.create_task(self.lifecycle.close(), name=f"{self.label}: evicted")
        _EVICTIONS.add(closing)
        closing.add_done_callback(_EVICTIONS.discard)

    async def close(self) -> None:
        """Stop motion, then let go of everything. Idempotent, never raises; a second caller waits for the first."""
        await self.lifecycle.close()

    async def get_status(self, *, timeout: float | None = None, **kwargs: Any) -> Mapping[str, ValueTypes]:
        """What the resource is and how it is doing; works when the hardware does not."""
        return {"backend": self.host.name, "closed": self.lifecycle.closed, **self._status()}

    async def do_command(
        self,
        command: Mapping[str, ValueTypes],
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Mapping[str, ValueTypes]:
        """Run one of the model's commands; `{"command": "help"}` lists them.

        Raises:
            ArgumentError: unknown command or argument.
            ClosedError: the resource was closed.
        """
        self.check_open()
        return await run_command(self, command)

    async def get_geometries(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> list[Geometry]:
        """None: a driver does not know what its hardware is mounted in."""
        return []

    @abstractmethod
    def _open(self, settings: C, dependencies: Dependencies) -> None:
        """Open what the resource needs, leaving an undo step on `self.lifecycle` for each thing. No waiting."""

    def _status(self) -> dict[str, ValueTypes]:
        """The model's own part of `get_status`."""
        return {}

    def _choose_host(self, settings: C) -> Host:
        """The machine the resource runs on; a resource on a board of this process runs where the board does."""
        return hosts.get(settings.backend)

    def _prepare(self, settings: C) -> None:
        self.settings = settings
        self.lifecycle = Lifecycle(self.label, self.logger)
        self.host = self._choose_host(settings)


_EVICTIONS: set[asyncio.Task[None]] = set()
"""Keeps the closing of evicted resources alive: the loop itself holds tasks weakly."""


def sibling_of(key: Key, dependencies: Dependencies, wanted_by: str) -> Any:
    """A resource that this one names: the object itself where it lives in this process, else its gRPC client.

    Raises:
        ConfigError: it is neither here nor among the dependencies.
    """
    key = (key[0], key[1].rpartition("/")[2])  # a full name works as well
    found = DIRECTORY.find(key)
    if found is not None:
        return found
    for name, resource in dependencies.items():
        if (name.subtype, name.name) == key:
            return resource
    raise ConfigError(f'{wanted_by}: there is no {key[0]} "{key[1]}" it could use. Is it configured, and did it start?')
