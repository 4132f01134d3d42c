"""Two components on one pin, at one address of a bus or on one port: found in the config, before a claim fails.

A pin is known by the board it sits on. Components without a `board`, and those that name a board of ours that
is the local header, share the header; there the many names of a pin, a user's own among them, are resolved to
its GPIO. On other boards a name is just a name.
"""

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pi_drivers import host
from pi_drivers.cli.board_pins import board_of, channel_of, user_names
from pi_drivers.cli.machine import Component
from pi_drivers.config.attributes import Attributes, Part
from pi_drivers.config.buses import chip_select_index
from pi_drivers.config.pins import named_pins
from pi_drivers.errors import ArgumentError
from pi_drivers.host import header, spi_lines
from pi_drivers.models.adc.attributes import AdcWiring

HEADER_MODEL = "board"

Configs = Mapping[Component, Attributes]
Thing = tuple[object, ...]
"""What two components cannot both have, as a key."""


class _Header(NamedTuple):
    """A board of ours that is the local header."""

    backend: str
    names: Mapping[str, str]
    """The user's own names of pins."""


class _Want(NamedTuple):
    """What one attribute takes."""

    path: str
    thing: Thing
    text: str
    shared_as: str | None = None
    """Those that say the same have it together."""


def sharing_problems(configs: Configs) -> Iterator[str]:
    """A line for each thing that a second component wants, and for each clash of back ends or baud rates."""
    headers = {one.name: _header(config) for one, config in configs.items() if one.model_name == HEADER_MODEL}
    holders: dict[Thing, tuple[Component, _Want]] = {}
    for component, config in configs.items():
        yield from _backend_problem(component, config, headers)
        for want in _wants(component, config, headers):
            holder, held = holders.setdefault(want.thing, (component, want))
            together = want.shared_as is not None and want.shared_as == held.shared_as
            if holder is not component and not together:
                taken = f"{want.text} is used by {holder.label} ({held.path}) already"
                yield f"{component.place}: {want.path}: {taken}"
    yield from _baud_problems(configs)


Headers = Mapping[str, _Header]


def _header(board: Attributes) -> _Header:
    return _Header(_backend(board), user_names(board))


def _backend(config: Attributes) -> str:
    """The real pins and the simulated ones are different pins. Raises: ConfigError: as `default_backend` does."""
    return config.backend or host.default_backend()


def _backend_problem(component: Component, config: Attributes, headers: Headers) -> Iterator[str]:
    name = board_of(config)
    header_board = headers.get(name or "")
    if header_board and config.backend and config.backend != header_board.backend:
        runs = f'its board "{name}" runs on "{header_board.backend}"'
        yield f'{component.place}: backend: is "{config.backend}", but {runs}; leave it out'


def _wants(component: Component, config: Attributes, headers: Headers) -> Iterator[_Want]:
    # A board's own entries give names and settings to pins; they do not take them away from others.
    if component.subtype != "board":
        for path, name in named_pins(config):
            yield _pin_want(path, name, config, headers)
    for path, bus, address in _i2c_addresses(config):
        yield _Want(path, (_backend(config), "i2c", str(bus), address), f"i2c-{bus} {address:#04x}")
    yield from _serial_wants(config)
    for path, wiring in _converters(config):
        yield from _converter_wants(path, wiring, _backend(config))


def _converters(config: Part) -> Iterator[tuple[str, AdcWiring]]:
    if isinstance(config, AdcWiring):
        yield "", config.wiring()
    for i, entry in enumerate(getattr(config, "analogs", None) or ()):
        if isinstance(entry, AdcWiring):
            yield f"analogs[{i}].", entry


def _converter_wants(path: str, wiring: AdcWiring, backend: str) -> Iterator[_Want]:
    """The place of a converter, shared by all who name the same chip; on SPI also the pins of its bus."""
    place = wiring.known_place
    if place is None:
        return
    if not wiring.is_mcp:
        thing = (backend, "i2c", str(wiring.i2c_bus), wiring.i2c_addr)
        yield _Want(f"{path}i2c_addr", thing, place, shared_as=wiring.chip)
        return
    yield _Want(f"{path}chip_select", (backend, place), place, shared_as=wiring.chip)
    lines = spi_lines.LINES[wiring.spi_bus]
    selected = lines.chip_selects[chip_select_index(wiring.spi_bus, wiring.chip_select)]
    shared = dict.fromkeys((lines.mosi, lines.miso, lines.sclk), f"spi-{wiring.spi_bus}")
    for pin, shared_as in (shared | {selected: place}).items():
        yield _Want(f"{path}spi_bus", (backend, "header", pin), header.describe(pin), shared_as)


def _serial_wants(config: Attributes) -> Iterator[_Want]:
    """A serial port, or, of a driver with several motors that share one, a motor on it."""
    port = _port_of(config)
    if port is None:
        return
    channel = getattr(config, "channel", None)
    if channel is None:
        yield _Want("serial_path", port, port[-1])
    else:
        address = getattr(config, "address", None)
        yield _Want("channel", (*port, address, channel), f"channel {channel} of address {address} on {port[-1]}")


def _port_of(config: Attributes) -> tuple[str, str, str] | None:
    inner = getattr(config, "serial_attributes", None)
    path = getattr(config, "serial_path", None) or getattr(inner, "serial_path", None)
    return (_backend(config), "serial", posixpath.normpath(path)) if isinstance(path, str) else None


def _baud_problems(configs: Configs) -> Iterator[str]:
    first: dict[Thing, tuple[Component, object]] = {}
    for component, config in configs.items():
        port = _port_of(config)
        if port is None:
            continue
        baud = getattr(config, "baud_rate", None)
        other, its_baud = first.setdefault(port, (component, baud))
        if baud != its_baud:
            yield f"{component.place}: baud_rate: {port[-1]} has {its_baud} for {other.label}; one port has one speed"


def _pin_want(path: str, name: str, config: Attributes, headers: Headers) -> _Want:
    board = board_of(config)
    local = _Header(_backend(config), {}) if board is None else headers.get(board)
    if local is None:
        channel = channel_of(name)  # "03" is "3" where pins are numbered
        return _Want(path, ("board", board, name if channel is None else channel), f'pin "{name}" of board "{board}"')
    try:
        bcm = header.resolve(local.names.get(name, name))
    except ArgumentError:
        return _Want(path, (local.backend, "unknown", name), f'pin "{name}"')
    return _Want(path, (local.backend, "header", bcm), header.describe(bcm))


def _i2c_addresses(part: Part, prefix: str = "") -> Iterator[tuple[str, object, int]]:
    address = getattr(part, "i2c_addr", None)
    if isinstance(address, int) and not isinstance(part, AdcWiring):
        yield f"{prefix}i2c_addr", getattr(part, "i2c_bus", None), address
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Part):
            yield from _i2c_addresses(value, f"{prefix}{name}.")
