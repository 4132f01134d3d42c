"""Two components on one pin, or at one address of a bus: found in the config, before a claim fails.

A pin is known by the board it sits on. Components without a `board`, and those that name a board of ours that
is the local header, share the header; there the many names of a pin, a user's own among them, are resolved to
its GPIO. On other boards a name is just a name.
"""

from collections.abc import Iterator, Mapping

from pi_drivers import host
from pi_drivers.cli.machine import Component
from pi_drivers.config.attributes import Attributes, Part
from pi_drivers.config.pins import named_pins
from pi_drivers.errors import ArgumentError, ConfigError
from pi_drivers.host import header

HEADER_MODEL = "board"

Configs = Mapping[Component, Attributes]
Pin = tuple[object, ...]


def sharing_problems(configs: Configs) -> Iterator[str]:
    """A line for each pin and each I2C address that a second component wants."""
    headers = {
        one.name: _user_names(config) for one, config in configs.items() if one.model_name == HEADER_MODEL
    }
    holders: dict[Pin, tuple[Component, str]] = {}
    for component, config in configs.items():
        for path, pin, text in _wanted(component, config, headers):
            holder, held_as = holders.setdefault(pin, (component, path))
            if holder is not component:
                yield f"{component.place}: {path}: {text} is used by {holder.label} ({held_as}) already"


def _wanted(
    component: Component, config: Attributes, headers: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, Pin, str]]:
    ground = _backend(config)
    # A board's own entries give names and settings to pins; they do not take them away from others.
    if component.subtype != "board":
        for path, name in named_pins(config):
            pin, text = _place(name, getattr(config, "board", None), headers)
            yield path, (ground, *pin), text
    for path, bus, address in dict.fromkeys(_i2c_addresses(config)):
        yield path, (ground, "i2c", str(bus), address), f"i2c-{bus} {address:#04x}"


def _backend(config: Attributes) -> str:
    """The real pins and the simulated ones are different pins."""
    try:
        return config.backend or host.default_backend()
    except ConfigError:
        return "real"


def _place(name: str, board: str | None, headers: Mapping[str, Mapping[str, str]]) -> tuple[Pin, str]:
    board_name = (board or "").rpartition("/")[2]
    if board is not None and board_name not in headers:
        return (board_name, name), f'pin "{name}" of board "{board_name}"'
    real_name = headers.get(board_name, {}).get(name, name)
    try:
        bcm = header.resolve(real_name)
    except ArgumentError:
        return ("unknown", board_name, name), f'pin "{name}"'
    return ("header", bcm), header.describe(bcm)


def _user_names(board: Attributes) -> dict[str, str]:
    """A board's own names of pins."""
    entries = [*(getattr(board, "digital_interrupts", None) or ()), *(getattr(board, "pins", None) or ())]
    return {entry.name: entry.pin for entry in entries if entry.name and entry.pin}


def _i2c_addresses(part: Part, prefix: str = "") -> Iterator[tuple[str, object, int]]:
    address = getattr(part, "i2c_addr", None)
    if isinstance(address, int):
        yield f"{prefix}i2c_addr", getattr(part, "i2c_bus", None), address
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Part):
            yield from _i2c_addresses(value, f"{prefix}{name}.")
