"""What a component takes, read from its config: pins, addresses, ports, cameras, channels of converters.

A pin is known by the board it sits on. Components without a `board`, and those that name a board of ours that
is the local header, share the header; there the many names of a pin, a user's own among them, are resolved to
its GPIO. On other boards a name is just a name. What a bus has the header for is taken as well.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pi_drivers import host
from pi_drivers.buses.video.contract import BY_ID, BY_PATH, plain_name
from pi_drivers.cli.board_pins import board_of, channel_of, user_names
from pi_drivers.cli.machine import Component
from pi_drivers.config.attributes import Attributes, Part
from pi_drivers.config.buses import chip_select_index
from pi_drivers.config.pins import named_pins
from pi_drivers.errors import ArgumentError
from pi_drivers.host import header, i2c_lines, spi_lines
from pi_drivers.models.adc.attributes import AdcWiring
from pi_drivers.models.i2c_chip import BY_KERNEL, place_from_kernel, place_of

KEPT_NAME = re.compile(r"-video-index[0-9]+$")
"""How the names below /dev/v4l end, each of which one camera alone has."""

Thing = tuple[object, ...]
"""What two components cannot both have, as a key."""


class Header(NamedTuple):
    """A board of ours that is the local header."""

    backend: str
    names: Mapping[str, str]
    """The user's own names of pins."""


Headers = Mapping[str, Header]


class Want(NamedTuple):
    """What one attribute takes."""

    path: str
    thing: Thing
    text: str
    shared_as: str | None = None
    """Those that say the same have it together."""
    gives_way: bool = False
    """A pin that a board only listens to: drivers that name it get it, a bus does not."""
    others: "tuple[Want, ...]" = ()
    """What it takes instead where the thing is not free."""


def header_of(board: Attributes) -> Header:
    """A board's header. Raises: ConfigError: as `backend_of` does."""
    return Header(backend_of(board), user_names(board))


def backend_of(config: Attributes) -> str:
    """The real pins and the simulated ones are different pins. Raises: ConfigError: as `default_backend` does."""
    return config.backend or host.default_backend()


def wants_of(component: Component, config: Attributes, headers: Headers) -> Iterator[Want]:
    """All that a component takes."""
    if component.subtype == "board":
        yield from _board_wants(config)
    else:
        for path, name in named_pins(config):
            yield _pin_want(path, name, config, headers)
    yield from _i2c_wants(config, backend_of(config))
    yield from _serial_wants(config)
    yield from _camera_wants(config)
    for path, wiring in converters(config):
        yield from _converter_wants(path, wiring, backend_of(config))
    sensor_id = getattr(config, "sensor_id", None)
    if sensor_id is not None:
        yield Want("sensor_id", (backend_of(config), "1-wire", sensor_id), f"1-wire {sensor_id}")


def converters(config: Part) -> Iterator[tuple[str, AdcWiring]]:
    """The converters that a config names, each with the path of its attributes."""
    if isinstance(config, AdcWiring):
        yield "", config.wiring()
    for i, entry in enumerate(getattr(config, "analogs", None) or ()):
        if isinstance(entry, AdcWiring):
            yield f"analogs[{i}].", entry


def port_of(config: Attributes) -> tuple[str, str, str] | None:
    """The serial port that a config names: back end, kind and path."""
    inner = getattr(config, "serial_attributes", None)
    path = getattr(config, "serial_path", None) or getattr(inner, "serial_path", None)
    return (backend_of(config), "serial", posixpath.normpath(path)) if isinstance(path, str) else None


def _board_wants(board: Attributes) -> Iterator[Want]:
    """The pins a board takes when it starts. Its other entries give names to pins, and take them from nobody."""
    for key in ("pins", "digital_interrupts"):
        for i, entry in enumerate(getattr(board, key, None) or ()):
            listens = key == "digital_interrupts" or getattr(entry, "type", None) == "interrupt"
            if entry is None or not entry.pin or not (listens or entry.initial):
                continue
            want = _header_want(f"{key}[{i}].pin", entry.pin, Header(backend_of(board), {}))
            yield want._replace(gives_way=listens)


def _pin_want(path: str, name: str, config: Attributes, headers: Headers) -> Want:
    board = board_of(config)
    local = Header(backend_of(config), {}) if board is None else headers.get(board)
    if local is not None:
        return _header_want(path, name, local)
    channel = channel_of(name)  # "03" is "3" where pins are numbered
    return Want(path, ("board", board, name if channel is None else channel), f'pin "{name}" of board "{board}"')


def _header_want(path: str, name: str, local: Header) -> Want:
    try:
        bcm = header.resolve(local.names.get(name, name))
    except ArgumentError:
        return Want(path, (local.backend, "unknown", name), f'pin "{name}"')
    return Want(path, (local.backend, "header", bcm), header.describe(bcm))


def _line_wants(path: str, backend: str, pins: Mapping[int, str]) -> Iterator[Want]:
    for pin, shared_as in pins.items():
        yield Want(path, (backend, "header", pin), header.describe(pin), shared_as)


def _converter_wants(path: str, wiring: AdcWiring, backend: str) -> Iterator[Want]:
    """The place of a converter, shared by all who say the same of it, and the pins of its bus."""
    place = wiring.known_place
    if place is None:
        return
    if not wiring.is_mcp:
        yield _address_want(f"{path}i2c_addr", backend, wiring.i2c_bus, wiring.i2c_addr, wiring.used_as)
        yield from _line_wants(f"{path}i2c_bus", backend, i2c_lines.pins_of(wiring.i2c_bus))
        return
    # Who names the same chip but another reference is told of that, see `sharing`.
    yield Want(f"{path}chip_select", (backend, place), place, shared_as=wiring.chip)
    index = chip_select_index(wiring.spi_bus, wiring.chip_select)
    yield from _line_wants(f"{path}spi_bus", backend, spi_lines.pins_of(wiring.spi_bus, index))


def _i2c_wants(part: Part, backend: str, prefix: str = "") -> Iterator[Want]:
    chip = _chip_of(part)
    if chip is not None:
        wants = [_address_want(prefix + chip.path, backend, chip.bus, one, chip.shared_as) for one in chip.addresses]
        yield wants[0]._replace(others=tuple(wants[1:]))
        yield from _line_wants(prefix + chip.bus_path, backend, i2c_lines.pins_of(chip.bus))
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Part):
            yield from _i2c_wants(value, backend, f"{prefix}{name}.")


class _Chip(NamedTuple):
    """A chip on an I2C bus, as a config has it."""

    bus: int
    addresses: Sequence[int]
    """Where it may be."""
    path: str = "i2c_addr"
    bus_path: str = "i2c_bus"
    shared_as: str | None = None


def _chip_of(part: Any) -> _Chip | None:
    """The chip of a part, if it has one and its place is known; those of converters are looked at on their own."""
    if isinstance(part, AdcWiring):
        return None
    place = getattr(part, "place", None)
    if isinstance(place, str):
        of_kernel = place_from_kernel(place)
        return _Chip(of_kernel[0], of_kernel[1:], "place", "place", BY_KERNEL) if of_kernel else None
    bus, address = getattr(part, "i2c_bus", None), getattr(part, "i2c_addr", None)
    if not isinstance(bus, int) or not isinstance(address, int):
        return None
    if getattr(part, "use_alt_i2c_address", False):
        return _Chip(bus, (part.place.i2c_addr,), "use_alt_i2c_address")
    return _Chip(bus, getattr(part, "addresses", (address,)))


def _address_want(path: str, backend: str, bus: int, address: int, shared_as: str | None) -> Want:
    return Want(path, (backend, "i2c", bus, address), place_of(bus, address), shared_as)


def _serial_wants(config: Attributes) -> Iterator[Want]:
    """A serial port, or, of a driver with several motors that share one, a motor on it."""
    port = port_of(config)
    if port is None:
        return
    channel = getattr(config, "channel", None)
    if channel is None:
        yield Want("serial_path", port, port[-1])
    else:
        address = getattr(config, "address", None)
        yield Want("channel", (*port, address, channel), f"channel {channel} of address {address} on {port[-1]}")


def _camera_wants(config: Attributes) -> Iterator[Want]:
    """The camera that is named. What several cameras may call themselves is left to what is there."""
    number = getattr(config, "camera_num", None)
    if isinstance(number, int):
        yield Want("camera_num", (backend_of(config), "csi camera", number), f"camera {number}")
    name = getattr(config, "video_path", None)
    if isinstance(name, str):
        plain = plain_name(name)
        is_only_one_s = plain.startswith("/") or KEPT_NAME.search(plain) or name.startswith((BY_ID, BY_PATH))
        if is_only_one_s:
            yield Want("video_path", (backend_of(config), "camera", plain), plain)
