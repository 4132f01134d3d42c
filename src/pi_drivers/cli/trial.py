"""Runs a model's example on a simulated Pi, so that a page shows answers that were given and not made up.

The machine is built from a machine config, as `up` does it. Its time is moved by hand and its world stands still, so it
answers the same on every computer.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from viam.resource.base import ResourceBase

from pi_drivers import registry
from pi_drivers.cli.by_hand import run_by_hand
from pi_drivers.cli.checks import judge
from pi_drivers.cli.reading import machine_from_text
from pi_drivers.cli.running import RunningMachine
from pi_drivers.config.attributes import parse
from pi_drivers.config.example import Example
from pi_drivers.errors import ConfigError

T = TypeVar("T")

SETTLING_S = 2.36
"""How long the machine has run when it is asked, in robot time: sensors have measured, cameras delivered.
No multiple of an interval, so that it is clear which sample or picture is the newest."""

ENDING_S = 1.0
"""What a bus was still told when the machine was closed has happened by then."""


def example_of(name: str) -> Example:
    """A model's example."""
    return registry.load(name).CONFIG.EXAMPLE


def resource_entry(name: str) -> dict[str, Any]:
    """The example as an entry of a machine config."""
    example = example_of(name)
    config = parse(registry.load(name).CONFIG, example.attributes, name)
    entry: dict[str, Any] = {
        "name": example.name,
        "api": str(registry.api_of(name)),
        "model": str(registry.model_of(name)),
    }
    if example.attributes:
        entry["attributes"] = example.attributes
    needs = [full_name.rpartition("/")[2] for full_name in config.required_dependencies()]
    return entry | {"depends_on": needs} if needs else entry


def machine_config(name: str) -> dict[str, Any]:
    """The example as a whole machine config, which `up` runs."""
    entries = [*example_of(name).beside, resource_entry(name)]
    config: dict[str, Any] = {}
    for entry in entries:
        config.setdefault(f"{entry['api'].split(':')[1]}s", []).append(entry)
    return config


def on_trial(name: str, ask: Callable[[Any], Awaitable[T]]) -> T:
    """Build a model's example on a simulated Pi of its own, and ask it.

    Args:
        name: the model's.
        ask: gets the resource once it has run for `SETTLING_S`.

    Raises:
        ConfigError: the example cannot be used, with what is wrong.
    """
    return run_by_hand(_ask_running(name, machine_config(name), ask))


async def _ask_running(name: str, config: Mapping[str, Any], ask: Callable[[Any], Awaitable[T]]) -> T:
    machine = machine_from_text(json.dumps(config), f"the example of {name}").with_backend("mock")
    judgement = judge(machine)
    _refuse(name, [*judgement.problems, *judgement.notes])
    said: list[str] = []
    running = RunningMachine(
        machine, judgement.needs, judgement.wishes, say=said.append, admit=_pass_over, dismiss=_pass_over
    )
    try:
        await running.build()
        _refuse(name, [line for line in said if line.startswith("error:")])
        await asyncio.sleep(SETTLING_S)
        return await ask(running.resource(example_of(name).name))
    finally:
        await running.close()
        await asyncio.sleep(ENDING_S)


def _refuse(name: str, problems: list[str]) -> None:
    if problems:
        raise ConfigError(f"the example of {name} cannot be used: {'; '.join(problems)}")


def _pass_over(_resource: ResourceBase) -> None:
    """Nobody is served here."""
