"""Models that do what drivers must not do, for a module process of the tests: see `unruly_module.py`.

The motor shows its one pin to the outside as the mock world does: a line of JSON per change in the file
that the environment variable PI_DRIVERS_TRACE names.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import viam.logging
from viam.components.board import Board
from viam.components.motor import Motor
from viam.components.sensor import Sensor
from viam.proto.app.robot import ComponentConfig
from viam.resource.easy_resource import EasyResource, stub_model
from viam.resource.types import Model
from viam.utils import struct_to_dict

from pi_drivers import host as hosts
from pi_drivers.errors import BusError, BusTimeoutError, ConfigError
from pi_drivers.runtime.directory import DIRECTORY
from pi_drivers.runtime.safety import SAFETY

OWN_LOGGER = logging.getLogger("pi_drivers.tests")


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def attributes_of(config: ComponentConfig) -> dict[str, Any]:
    return dict(struct_to_dict(config.attributes))


def show(wire: str, level: int) -> None:
    line = json.dumps({"t_ns": time.monotonic_ns(), "wire": wire, "level": level})
    with Path(os.environ["PI_DRIVERS_TRACE"]).open("a") as file:
        file.write(line + "\n")


@stub_model
class UnrulyMotor(Motor, EasyResource):  # type: ignore[misc,no-untyped-call]
    """A motor on the wire that bears its name. Attributes `new`, `ready`, `stop` and `close` name a misbehaviour."""

    MODEL: ClassVar[Model] = Model.from_string("test:unruly:motor")
    attributes: Mapping[str, Any]
    forget: Callable[[], None]
    closes = 0

    @classmethod
    def validate_config(cls, config: ComponentConfig) -> tuple[list[str], list[str]]:
        attributes = attributes_of(config)
        if attributes.get("validate") == "refuse":
            raise ConfigError('motor "m": pins.a is missing')
        if attributes.get("validate") == "bug":
            raise KeyError("pins")
        return list(attributes.get("needs", [])), []

    @classmethod
    def new(cls, config: ComponentConfig, dependencies: Mapping[Any, Any]) -> "UnrulyMotor":
        attributes = attributes_of(config)
        if attributes.get("new") == "bug":
            raise ZeroDivisionError("a mistake in the driver")
        if attributes.get("new") == "error":
            raise BusError("i2c-1 0x44: no answer. Is the sensor wired?")
        self = cls(config.name)
        if attributes.get("new") == "slow":
            time.sleep(0.3)
        self.attributes = attributes
        self.forget = SAFETY.add(config.name, self.make_safe)
        show(self.name, 0)
        return self

    async def ready(self) -> None:
        if self.attributes.get("ready") == "error":
            raise BusError("i2c-1 0x44: no answer. Is the sensor wired?")
        if self.attributes.get("ready") == "hang":
            raise BusTimeoutError("i2c-1 0x44: the bus hangs")

    def make_safe(self) -> None:
        show(self.name, 0)

    async def set_power(self, power: float, **kwargs: Any) -> None:
        show(self.name, int(power != 0))

    async def stop(self, **kwargs: Any) -> None:
        if self.attributes.get("stop") == "raise":
            raise RuntimeError("will not stop")
        if self.attributes.get("stop") == "hang":
            await asyncio.sleep(3600)
        self.make_safe()

    async def close(self) -> None:
        self.closes += 1
        OWN_LOGGER.info("%s: close no. %d", self.name, self.closes)
        how = self.attributes.get("close")
        if how == "raise":
            raise RuntimeError("will not close")
        if how == "hang":
            await asyncio.sleep(3600)
        if how == "never":
            await never()
        if how == "block":
            time.sleep(3600)  # noqa: ASYNC251 - this is the misbehaviour
        self.forget()


async def never() -> None:
    """A wait that cannot be cancelled."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


@stub_model
class Probe(Sensor, EasyResource):  # type: ignore[misc,no-untyped-call]
    """Looks at the process from inside, blocks its loop, or floods its log beside dependency traffic."""

    MODEL: ClassVar[Model] = Model.from_string("test:unruly:probe")
    dependencies: Mapping[Any, Any]

    @classmethod
    def validate_config(cls, config: ComponentConfig) -> tuple[list[str], list[str]]:
        return list(attributes_of(config).get("needs", [])), []

    @classmethod
    def new(cls, config: ComponentConfig, dependencies: Mapping[Any, Any]) -> "Probe":
        self = cls(config.name)
        self.logger = viam.logging.getLogger(f"rdk:component:sensor.{config.name}")
        self.dependencies = dependencies
        return self

    async def get_readings(self, **kwargs: Any) -> Mapping[str, Any]:
        gc.collect()
        return {
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
            "descriptors": open_descriptors(),
            "directory": len(DIRECTORY),
            "safety": len(SAFETY),
            "claims": sum(len(host.claims) for host in hosts._hosts.values()),
        }

    async def do_command(self, command: Mapping[str, Any], **kwargs: Any) -> Mapping[str, Any]:
        match command["command"]:
            case "block":
                time.sleep(command["seconds"])  # noqa: ASYNC251 - this is the misbehaviour
            case "bug":
                return {"never": dict[str, str]()["missing"]}
            case "storm":
                return await self._storm(int(command["lines"]), int(command["calls"]))
            case "say":
                self.logger.log(int(command["level"]), command["text"])
                OWN_LOGGER.info("own logger: %s", command["text"])
            case "say badly":
                self.logger.info("%d apples and %d pears", "no number")  # noqa: PLE1206 - the mistake is meant
            case "traceback":
                try:
                    int("the cause")
                except ValueError:
                    self.logger.exception("something failed")
        return {}

    async def _storm(self, lines: int, calls: int) -> Mapping[str, Any]:
        """Log from two threads while calling a board that lives in viam-server; count what breaks."""
        board = next(value for name, value in self.dependencies.items() if isinstance(value, Board))
        pin = await board.gpio_pin_by_name("1")

        def shout(voice: str) -> None:
            for number in range(lines):
                self.logger.info("%s %d", voice, number)
                time.sleep(0.0005)

        voices = [threading.Thread(target=shout, args=(f"voice {n}",)) for n in (1, 2)]
        for voice in voices:
            voice.start()
        failures = 0
        for _ in range(calls):
            try:
                await pin.get()
            except Exception:
                failures += 1
        for voice in voices:
            await asyncio.to_thread(voice.join)
        return {"failures": failures}
