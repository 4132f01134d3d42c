"""What is wrong in a whole machine config, found without opening anything.

Each component's attributes are judged by its model; then it is looked at what components do to each other:
names, dependencies, and two of them on one pin or at one address. `check` prints the result, `up` starts only
without problems.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pi_drivers import registry
from pi_drivers.cli.board_pins import board_pin_problems
from pi_drivers.cli.machine import MODEL_PREFIX, Component, Machine
from pi_drivers.cli.ordering import Needs, cycles
from pi_drivers.cli.sharing import sharing_problems
from pi_drivers.config.attributes import Attributes, Problem, examine
from pi_drivers.config.plain import plain_value
from pi_drivers.config.wording import closest, did_you_mean, field_names, shown
from pi_drivers.errors import DriverError

SECTIONS = ("components", "services")


@dataclass(frozen=True)
class Judgement:
    """The result: what must be mended, what is only worth knowing, and who needs whom."""

    problems: list[str]
    """In the order of the file."""
    notes: list[str]
    needs: Needs
    """For each component of ours those it cannot work without."""
    wishes: Needs
    """For each component of ours those it makes use of when they are there."""


class _Known(NamedTuple):
    """A component of ours with its config, which is partial where its attributes have problems."""

    component: Component
    config: Attributes


def judge(machine: Machine) -> Judgement:
    """Look at everything. Loads the model classes that the machine uses, and opens nothing."""
    problems, notes = [*machine.problems], list[str]()
    known: list[_Known] = []
    for component in machine.components:
        if component.model_name is None:
            _model_verdict(component, problems, notes)
            continue
        config, found = _judge_attributes(component, component.model_name)
        problems += [f"{component.place}: {problem}" for problem in found]
        if config is not None:
            known.append(_Known(component, config))
    problems += _duplicate_names(machine.components)
    by_name = {one.full_name: one for one in machine.components}
    missing = list(_missing(known, by_name, machine.others_services))
    notes += _foreign(known, by_name, machine.others_services)
    if machine.has_remotes:  # whose components may have any name
        notes += [f"{absence}; a remote must have it" for absence in missing]
    else:
        problems += missing
    needs = {one.component: _present(_required(one), by_name) for one in known}
    wishes = {one.component: _present(one.config.optional_dependencies(), by_name) for one in known}
    problems += [_circle(path) for path in cycles({one: [*needs[one], *wishes[one]] for one in needs})]
    configs = {one.component: one.config for one in known}
    problems += board_pin_problems(configs)
    problems += sharing_problems(configs)
    return Judgement(sorted(problems, key=_index_in_file), notes, needs, wishes)


def _index_in_file(problem: str) -> tuple[int, int]:
    """Which entry a problem is about; what is about the whole file comes first, and services last."""
    found = re.match(r"(components|services)\[(\d+)\]", problem)
    return (SECTIONS.index(found[1]), int(found[2])) if found else (-1, 0)


def _model_verdict(component: Component, problems: list[str], notes: list[str]) -> None:
    """A model that is not in our table is a typo, a short name, or somebody else's."""
    model = component.model
    if model.startswith(MODEL_PREFIX):
        guess = closest(model.removeprefix(MODEL_PREFIX), registry.MODELS)
        hint = f" (did you mean {shown(MODEL_PREFIX + guess)}?)" if guess else ""
        names = ", ".join(registry.MODELS)
        problems.append(f"{component.place}: model: there is no {shown(model)}{hint}; the models are {names}")
    elif model in registry.MODELS:
        full = shown(MODEL_PREFIX + model)
        problems.append(f"{component.place}: model: {shown(model)} is a short name; write {full}")
    else:
        hint = did_you_mean(model, [MODEL_PREFIX + name for name in registry.MODELS])
        notes.append(f"{component.place}: model {shown(model)} is not one of ours{hint}")


def _judge_attributes(component: Component, model_name: str) -> tuple[Attributes | None, list[Problem]]:
    try:
        config_class = registry.load(model_name).CONFIG
        config, problems = examine(config_class, plain_value(dict(component.attributes)))
    except DriverError as error:
        return None, [Problem("", error.message)]
    except ImportError as error:
        return None, [Problem("", f"its model cannot be loaded: {error}")]
    return config, [*_astray(component, config_class), *problems]


def _astray(component: Component, config_class: type[Attributes]) -> Iterator[Problem]:
    """Attributes that stand beside `attributes`, where nobody would read them."""
    own = {alias for name, field in config_class.model_fields.items() for alias in field_names(name, field)}
    for key in component.strangers:
        if key in own:
            yield Problem(key, 'is an attribute: move it into "attributes"')


def _duplicate_names(components: Iterable[Component]) -> Iterator[str]:
    first: dict[tuple[str, str], Component] = {}
    for one in components:
        other = first.setdefault((one.kind, one.name), one)
        if other is not one:
            yield f"{one.place}: name: {other.place} has this name too; every {one.kind} needs its own"


def _required(one: _Known) -> list[str]:
    return [*one.config.required_dependencies(), *one.component.depends_on]


def _present(names: Iterable[str], by_name: Mapping[str, Component]) -> list[Component]:
    found = [_find(name, by_name) for name in names]
    return list(dict.fromkeys(one for one in found if one is not None))


def _find(name: str, by_name: Mapping[str, Component]) -> Component | None:
    """A component by its full name, or, as `depends_on` has it, by its own."""
    return by_name.get(name) or next((one for one in by_name.values() if one.name == name), None)


def _missing(
    known: Iterable[_Known], by_name: Mapping[str, Component], others_services: Collection[str]
) -> Iterator[str]:
    for one, name in _absent(known, by_name):
        if not _is_theirs(name, others_services):
            yield f"{one.place}: {_absence(name, name.rpartition('/')[2], by_name)}"


def _foreign(
    known: Iterable[_Known], by_name: Mapping[str, Component], others_services: Collection[str]
) -> Iterator[str]:
    for one, name in _absent(known, by_name):
        if _is_theirs(name, others_services):
            yield f"{one.place}: it needs service {shown(name.rpartition('/')[2])}, which is not one of ours"


def _is_theirs(name: str, others_services: Collection[str]) -> bool:
    """Whether a dependency means a service that is not ours: `dm`, or `rdk:service:data_manager/dm`."""
    return ":component:" not in name and name.rpartition("/")[2] in others_services


def _absent(known: Iterable[_Known], by_name: Mapping[str, Component]) -> Iterator[tuple[Component, str]]:
    """Who needs what that is no component or service of ours."""
    for one in known:
        yield from ((one.component, name) for name in dict.fromkeys(_required(one)) if _find(name, by_name) is None)


def _absence(name: str, own_name: str, by_name: Mapping[str, Component]) -> str:
    subtype = name.rpartition("/")[0].rpartition(":")[2] or "component"
    namesake = next((one.label for one in by_name.values() if one.name == own_name), None)
    alike = [one.name for one in by_name.values() if subtype in {one.subtype, "component"}]
    hint = f" ({namesake} is something else)" if namesake else did_you_mean(own_name, alike)
    return f"it needs {subtype} {shown(own_name)}, which is not in this file{hint}"


def _circle(path: list[Component]) -> str:
    names = " needs ".join(one.label for one in path)
    return f"{path[0].place}: it waits for itself: {names}"
