"""The far end of a `serial-sensor` on the mock: a device that prints lines of the form its config expects."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pi_drivers.host.contract import SECOND, Host
from pi_drivers.models.sensor.line_formats import checksum_of
from pi_drivers.world.serial_talker import Talker

if TYPE_CHECKING:
    from pi_drivers.world.world import World

PACE_NS = SECOND // 2


class Printer(Talker):
    """A microcontroller with a thermometer and a hygrometer."""


def plug_in_printer(
    host: Host,
    path: str,
    baud: int,
    *,
    example: str | None,
    columns: Sequence[str] | None,
    delimiter: str,
    as_json: bool,
    with_checksum: bool,
) -> None:
    """On the mock, put a device on a line unless something else is there. Elsewhere, nothing.

    It prints the example where there is one; else the weather in JSON, or in as many columns as there are. Without an
    example it knows nothing to say that would fit a pattern.
    """
    world: World | None = getattr(host, "world", None)
    if world is None:
        return

    def line_at(now_ns: int) -> str:
        air = world.air.temperature_at(now_ns), world.air.relative_humidity_at(now_ns)
        if example is not None:
            return example
        if columns is not None:
            return delimiter.join(f"{air[index % 2]:.2f}" for index in range(len(columns)))
        return json.dumps({"temperature_c": round(air[0], 2), "relative_humidity_pct": round(air[1], 2)})

    says_nothing = example is None and columns is None and not as_json
    with world.held():
        line = world.serial(path)
        line.plug_in_if_free(Printer(world, path, baud, PACE_NS, lambda _: b""))
        if isinstance(line.device, Printer) and not line.in_use:
            # It is programmed as the config believes.
            line.device.baud = baud
            line.device.say = _nothing if says_nothing else _printing(line_at, with_checksum=with_checksum)


def _nothing(_: int) -> bytes:
    return b""


def _printing(line_at: Callable[[int], str], *, with_checksum: bool) -> Callable[[int], bytes]:
    def say(now_ns: int) -> bytes:
        line = line_at(now_ns).encode()
        return line + (b"*" + checksum_of(line).encode() if with_checksum else b"") + b"\r\n"

    return say
