"""What a resource answers to the calls of its API, as rows of a page: `get_voltage`, its unit, and a value.

The calls are made; nothing here knows what a model answers, only which calls its API has.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import Message
from viam.proto.component.encoder import PositionType

from pi_drivers.config.units import unit_of
from pi_drivers.errors import DriverError, UnsupportedError
from pi_drivers.models.commands import commands_of

HEAD = ("| Call | Answer | Type | Unit | Value |", "| --- | --- | --- | --- | --- |")


RAMP_S = 0.5
"""How long a motor has to come up to its power, in robot time."""


class Call(NamedTuple):
    """A call and what came back."""

    text: str
    answer: Any
    unit: str = ""
    """Of a plain value, or of all numbers within; empty: their names say it."""


class Reply(NamedTuple):
    """A command's answer."""

    command: str
    answer: Mapping[str, Any] | None
    refusal: str = ""
    """Why the resource refuses it with its example's attributes; there is no answer then."""


async def calls_of(resource: Any) -> list[Call]:
    """Make the calls of a resource's API that only ask, and the least that gives them something to tell."""
    return [call async for call in _CALLS[resource.API.resource_subtype](resource)]


async def replies_of(resource: Any) -> list[Reply]:
    """Send every command's example."""
    replies = []
    for name, (entry, _) in commands_of(type(resource)).items():
        try:
            replies.append(Reply(name, await resource.do_command(entry.example)))
        except DriverError as error:
            replies.append(Reply(name, None, error.message))
    return replies


def rows(calls: Sequence[Call], own_units: Mapping[str, str]) -> Iterator[str]:
    """The lines of the table.

    Args:
        calls: what was asked.
        own_units: of readings whose names and units stand in the config.
    """
    yield from HEAD
    for call in calls:
        for path, value in _leaves(call.answer, ""):
            unit = own_units.get(path) or call.unit or next(filter(None, map(unit_of, path.split("."))), "")
            shown = unit if _type(value) == "number" else ""
            yield f"| `{call.text}` | {f'`{path}`' if path else ''} | {_type(value)} | {shown} | `{_value(value)}` |"


def settled(value: Any) -> Any:
    """The value as a page has it: numbers of six digits, and names in their order: attributes travel in none."""
    if isinstance(value, Mapping):
        return {key: settled(value[key]) for key in sorted(value, key=_in_order)}
    if isinstance(value, list | tuple):
        return [settled(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _in_order(key: str) -> tuple[int, int, str]:
    """Numbers by their size, before words."""
    return (0, int(key), key) if key.isdecimal() else (1, 0, key)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Plain values with their paths, by name."""
    if isinstance(value, Message):
        value = {field.name: getattr(value, field.name) for field in value.DESCRIPTOR.fields}
    if isinstance(value, Mapping) and value:
        for key in sorted(value, key=_in_order):
            yield from _leaves(value[key], f"{path}.{key}" if path else key)
    else:
        yield path, value


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "list"


def _value(value: object) -> str:
    return json.dumps(settled(value), ensure_ascii=False)


async def _sensor(sensor: Any) -> AsyncIterator[Call]:
    yield Call("get_readings", await sensor.get_readings())


async def _power_sensor(sensor: Any) -> AsyncIterator[Call]:
    voltage, is_ac = await sensor.get_voltage()
    yield Call("get_voltage", {"voltage": voltage, "is_ac": is_ac}, "V")
    current, is_ac = await sensor.get_current()
    yield Call("get_current", {"current": current, "is_ac": is_ac}, "A")
    yield Call("get_power", await sensor.get_power(), "W")
    yield Call("get_readings", await sensor.get_readings())


async def _movement_sensor(sensor: Any) -> AsyncIterator[Call]:
    with contextlib.suppress(DriverError):
        point, altitude = await sensor.get_position()
        yield Call("get_position", {"latitude_deg": point.latitude, "longitude_deg": point.longitude,
                                    "altitude_m": altitude})  # fmt: skip
    for name, unit in (("linear_velocity", "m/s"), ("angular_velocity", "°/s"), ("linear_acceleration", "m/s²"),
                       ("compass_heading", "°"), ("orientation", "")):  # fmt: skip
        with contextlib.suppress(DriverError):
            yield Call(f"get_{name}", await getattr(sensor, f"get_{name}")(), unit)
    yield Call("get_properties", vars(await sensor.get_properties()))
    yield Call("get_readings", await sensor.get_readings())


async def _encoder(encoder: Any) -> AsyncIterator[Call]:
    ticks, _ = await encoder.get_position(PositionType.POSITION_TYPE_TICKS_COUNT)
    yield Call("get_position(TICKS_COUNT)", ticks, "ticks")
    degrees, _ = await encoder.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES)
    yield Call("get_position(ANGLE_DEGREES)", degrees, "°")
    yield Call("get_properties", vars(await encoder.get_properties()))


async def _motor(motor: Any) -> AsyncIterator[Call]:
    await motor.set_power(0.5)
    await asyncio.sleep(RAMP_S)
    is_powered, power = await motor.is_powered()
    yield Call("set_power(0.5), is_powered", {"is_powered": is_powered, "power": power})
    yield Call("is_moving", await motor.is_moving())
    await motor.stop()
    with contextlib.suppress(UnsupportedError):
        yield Call("get_position", await motor.get_position(), "turns")
    yield Call("get_properties", vars(await motor.get_properties()))


async def _servo(servo: Any) -> AsyncIterator[Call]:
    await servo.move(90)
    yield Call("move(90), get_position", await servo.get_position(), "°")
    yield Call("is_moving", await servo.is_moving())


async def _board(board: Any) -> AsyncIterator[Call]:
    pins = getattr(board.settings, "pins", ())
    for name in [pin.name for pin in pins if pin.type == "interrupt"]:
        interrupt = await board.digital_interrupt_by_name(name)
        yield Call(f'digital_interrupt_by_name("{name}"), value', await interrupt.value())
    for name in [pin.name for pin in pins if pin.type != "interrupt"] or ["0"]:
        pin = await board.gpio_pin_by_name(name)
        await pin.set(True)
        yield Call(f'gpio_pin_by_name("{name}"), set(True), get', await pin.get())


async def _camera(camera: Any) -> AsyncIterator[Call]:
    images, _ = await camera.get_images()
    for image in images:
        told = {"name": image.name, "mime_type": image.mime_type, "width_px": image.width, "height_px": image.height}
        yield Call("get_images", told)
    properties = await camera.get_properties()
    told = {"mime_types": list(properties.mime_types), "frame_rate": properties.frame_rate}
    yield Call("get_properties", {**told, "supports_pcd": properties.supports_pcd})


async def _discovery(discovery: Any) -> AsyncIterator[Call]:
    yield Call("discover_resources", [found.model for found in await discovery.discover_resources()])


_CALLS: Mapping[str, Callable[[Any], AsyncIterator[Call]]] = {
    "sensor": _sensor,
    "power_sensor": _power_sensor,
    "movement_sensor": _movement_sensor,
    "encoder": _encoder,
    "motor": _motor,
    "servo": _servo,
    "board": _board,
    "camera": _camera,
    "discovery": _discovery,
}
