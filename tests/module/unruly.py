"""Configs and calls for the tests' own models."""

from collections.abc import Iterable
from typing import Any

from viam.components.motor.client import MotorClient
from viam.proto.app.robot import ComponentConfig
from viam.proto.common import LogEntry

from tests.module.fake_viam_server import FakeViamServer, component

LEFT = "rdk:component:motor/left"


def motor(name: str = "left", **attributes: Any) -> ComponentConfig:
    return component("motor", "test:unruly:motor", name, attributes)


def probe(name: str = "probe", **attributes: Any) -> ComponentConfig:
    return component("sensor", "test:unruly:probe", name, attributes)


async def turning(server: FakeViamServer, *names: str, **attributes: Any) -> None:
    """Add motors and give them power."""
    for name in names:
        await server.add(motor(name, **attributes))
        await server.client(MotorClient, name).set_power(1.0)


def text_of(entries: Iterable[LogEntry]) -> str:
    return "\n".join(entry.message for entry in entries)
