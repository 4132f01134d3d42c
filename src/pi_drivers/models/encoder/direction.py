"""Which way a shaft turns, for an encoder that cannot see it: what its motor does, or did last.

A shaft that runs on when the power goes off still turns the way it was driven. So a motor that is off says nothing new.
What nobody can tell here is how long a shaft that is driven backward still rolls forward.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from grpclib import GRPCError
from grpclib.exceptions import StreamTerminatedError
from viam.components.motor import Motor
from viam.errors import ViamGRPCError

from pi_drivers.errors import ConfigError
from pi_drivers.host.contract import MILLISECOND, Host
from pi_drivers.models.base import Dependencies, sibling_of
from pi_drivers.runtime.directory import DIRECTORY
from pi_drivers.runtime.lifecycle import Lifecycle

ASK_NS = 100 * MILLISECOND
"""How often a motor is asked that does not live in this process."""
CALL_TIMEOUT_S = 0.5

Direction = Callable[[], int]
"""1 or -1: the way the shaft is driven or was driven last; 0 while it has never been driven."""


class ShaftDirection:
    """The direction in force, from whoever is asked. Forward while nobody has ever said anything else."""

    def __init__(self) -> None:
        self._sources: list[Direction] = []
        self._sign = 1
        self.told = False
        """Whether a motor has been driven since the encoder was opened."""

    @property
    def followed(self) -> bool:
        """Whether anybody is asked."""
        return bool(self._sources)

    def follow(self, source: Direction) -> Callable[[], None]:
        """Ask this one from now on; returns the function that ends it. The newest is the one that is asked."""
        self._sources.append(source)

        def end() -> None:
            if source in self._sources:
                self.now()  # what it says last holds on
                self._sources.remove(source)

        return end

    def now(self) -> int:
        """1 or -1."""
        said = self._sources[-1]() if self._sources else 0
        if said:
            self._sign = 1 if said > 0 else -1
            self.told = True
        return self._sign


class NamedMotor:
    """A motor of this process, found anew each time: it may come later than the encoder, and be rebuilt meanwhile."""

    def __init__(self, name: str) -> None:
        self._key = ("motor", name.rpartition("/")[2])

    @property
    def present(self) -> bool:
        """Whether it is there."""
        return DIRECTORY.find(self._key) is not None

    def __call__(self) -> int:
        motor: Any = DIRECTORY.find(self._key)
        direction_now: Direction | None = getattr(motor, "direction_now", None)
        return direction_now() if direction_now is not None else 0


class PolledMotor:
    """A motor that can only be asked for its power, as one of another module: in the background, again and again."""

    present = True

    def __init__(self, motor: Motor, name: str, host: Host, logger: logging.Logger) -> None:
        """Begin to ask.

        Args:
            motor: the motor, or its client.
            name: the encoder's, for messages.
            host: its clock paces the questions.
            logger: the encoder's.
        """
        self._motor = motor
        self._name = name
        self._host = host
        self._logger = logger
        self._said = 0
        self.error: Exception | None = None
        """Why it cannot be asked, if it cannot."""
        self._task = asyncio.get_running_loop().create_task(self._ask_on(), name=f"{name}: asking its motor")

    def __call__(self) -> int:
        return self._said

    def stop(self) -> None:
        """End asking; does not wait. Idempotent."""
        self._task.cancel()

    async def ended(self) -> None:
        """Wait until the background task is gone."""
        await asyncio.wait({self._task})

    async def _ask_on(self) -> None:
        while True:
            try:
                await self._ask()
            except (GRPCError, ViamGRPCError, StreamTerminatedError, OSError, TimeoutError) as error:
                if self.error is None:
                    self._logger.warning("%s: its motor does not say which way it turns: %s", self._name, error)
                self.error = error
            await self._host.wait(ASK_NS)

    async def _ask(self) -> None:
        powered, power = await self._motor.is_powered(timeout=CALL_TIMEOUT_S)
        self.error = None
        if powered and power:
            self._said = 1 if power > 0 else -1


def motor_named(
    name: str, dependencies: Dependencies, owner: str, host: Host, logger: logging.Logger, lifecycle: Lifecycle
) -> NamedMotor | PolledMotor:
    """The motor an encoder names, as a source of its direction. It need not be there yet.

    Raises:
        ConfigError: what has this name is no motor.
    """
    found: Any = _found(name, dependencies, owner)
    if found is None or hasattr(found, "direction_now"):
        return NamedMotor(name)
    if not isinstance(found, Motor):
        raise ConfigError(f'{owner}: "{name}" is no motor')
    logger.info("%s asks motor %s for its power every %d ms: it reverses late", owner, name, ASK_NS // MILLISECOND)
    motor = PolledMotor(found, owner, host, logger)
    lifecycle.push("stop asking its motor", motor.stop, motor.ended)
    return motor


def _found(name: str, dependencies: Dependencies, owner: str) -> Any | None:
    try:
        return sibling_of(("motor", name), dependencies, owner)
    except ConfigError:
        return None
