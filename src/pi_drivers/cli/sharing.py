"""Two components on one pin, address, port or camera: found in the config, before a claim fails.

Things are taken in the order of the file, as `up` builds the components.
"""

from collections.abc import Iterator, Mapping

from pi_drivers.cli.board_pins import board_of
from pi_drivers.cli.machine import Component
from pi_drivers.cli.wants import Headers, Thing, Want, backend_of, converters, header_of, port_of, wants_of
from pi_drivers.config.attributes import Attributes

HEADER_MODEL = "board"
THERMOMETER_MODEL = "ds18b20"

Configs = Mapping[Component, Attributes]


def sharing_problems(configs: Configs) -> Iterator[str]:
    """A line for each thing that a second component wants, and for each clash of what has to be the same for all."""
    headers = {one.name: header_of(config) for one, config in configs.items() if one.model_name == HEADER_MODEL}
    holders = _Holders()
    for component, config in configs.items():
        yield from _backend_problem(component, config, headers)
        for want in wants_of(component, config, headers):
            refusal = holders.refusal(component, want)
            if refusal is not None:
                yield f"{component.place}: {want.path}: {refusal}"
    yield from _baud_problems(configs)
    yield from _reference_problems(configs)
    yield from _thermometer_problems(configs)


class _Holders:
    """Who has what."""

    def __init__(self) -> None:
        self._first: dict[Thing, tuple[Component, Want]] = {}

    def refusal(self, component: Component, want: Want) -> str | None:
        """Take what is wanted, or the first free thing that it may be instead; None if there was one."""
        refusals = []
        for choice in (want, *want.others):
            holder, held = self._first.get(choice.thing, (component, choice))
            if _go_together(choice, held, is_own=holder is component):
                if held is choice or held.gives_way:
                    self._first[choice.thing] = (component, choice)
                return None
            refusals.append(f"{choice.text} is used by {holder.label} ({held.path}) already")
        return ", and ".join(refusals)


def _go_together(want: Want, held: Want, *, is_own: bool) -> bool:
    if want.shared_as is None and held.shared_as is None:
        # What is wrong within one component, its own config tells.
        return is_own or want.gives_way or held.gives_way
    return want.shared_as == held.shared_as or (is_own and want.thing[1] != "header")


def _backend_problem(component: Component, config: Attributes, headers: Headers) -> Iterator[str]:
    name = board_of(config)
    header_board = headers.get(name or "")
    if header_board and config.backend and config.backend != header_board.backend:
        runs = f'its board "{name}" runs on "{header_board.backend}"'
        yield f'{component.place}: backend: is "{config.backend}", but {runs}; leave it out'


def _baud_problems(configs: Configs) -> Iterator[str]:
    first: dict[Thing, tuple[Component, object]] = {}
    for component, config in configs.items():
        port = port_of(config)
        if port is None:
            continue
        baud = getattr(config, "baud_rate", None)
        other, its_baud = first.setdefault(port, (component, baud))
        if baud != its_baud:
            yield f"{component.place}: baud_rate: {port[-1]} has {its_baud} for {other.label}; one port has one speed"


def _reference_problems(configs: Configs) -> Iterator[str]:
    """Two components that name one converter, with different references; within one, its own config tells."""
    first: dict[Thing, tuple[Component, float]] = {}
    for component, config in configs.items():
        for path, wiring in converters(config):
            if wiring.known_place is None or not wiring.is_mcp or wiring.vref is None:
                continue
            thing = (backend_of(config), wiring.known_place, wiring.chip)
            other, vref = first.setdefault(thing, (component, wiring.vref))
            if wiring.vref != vref and other is not component:
                has = f"the chip on {wiring.known_place} has {vref:g} for {other.label}"
                yield f"{component.place}: {path}vref: {has}; one chip has one reference"


def _thermometer_problems(configs: Configs) -> Iterator[str]:
    """A sensor without a number is the only one on its bus."""
    buses: dict[str, list[Component]] = {}
    for component, config in configs.items():
        if component.model_name == THERMOMETER_MODEL:
            buses.setdefault(backend_of(config), []).append(component)
    for there in buses.values():
        for component in there:
            other = next((one for one in there if one is not component), None)
            if other is not None and not configs[component].given("sensor_id"):
                only = f"without it the sensor is the only one on the bus, where {other.label} is too"
                yield f"{component.place}: sensor_id: is required here: {only}"
