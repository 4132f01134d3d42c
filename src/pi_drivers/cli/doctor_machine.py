"""A machine config of all that is connected, which `check` has nothing against and `up` runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pi_drivers.cli.checks import judge
from pi_drivers.cli.reading import machine_from_text
from pi_drivers.models.discovery.inventory import Inventory

MOVERS = ("rdk:component:servo", "rdk:component:motor")
"""What may move when it starts: nothing that nobody asked for is to move."""

Entry = Mapping[str, Any]


class Proposal(NamedTuple):
    """What to run."""

    machine: dict[str, list[Entry]]
    left_out: list[str]
    """What would not go together with the rest, and why."""


def propose(found: Inventory) -> Proposal:
    """The likeliest component for each thing that is connected, without those that cannot live with another one."""
    components = list(_likeliest(found))
    left_out: list[str] = []
    while problem := _first_problem(components):
        index, text = problem
        left_out.append(f'"{components.pop(index)["name"]}" is left out of the machine config: {text}')
    return Proposal({"components": components}, left_out)


def _likeliest(found: Inventory) -> Iterator[Entry]:
    for one in found.connected:
        if one.components and one.components[0]["api"] not in MOVERS:
            yield one.components[0]


def _first_problem(components: Sequence[Entry]) -> tuple[int, str] | None:
    """The first component that is in the way, and why."""
    judgement = judge(machine_from_text(json.dumps({"components": components}), "what is connected"))
    for problem in judgement.problems:
        for index in range(len(components)):
            if problem.startswith(f"components[{index}]"):
                return index, problem.partition(": ")[2]
    return None
