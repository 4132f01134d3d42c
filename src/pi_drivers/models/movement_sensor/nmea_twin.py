"""A satellite receiver on the simulated Pi: it says where the world's route has led, in the order u-blox has it."""

from datetime import datetime
from typing import TYPE_CHECKING

from pi_drivers.host.contract import SECOND, Host
from pi_drivers.models.movement_sensor.nmea_sentences import KNOT_M_S
from pi_drivers.models.sensor.line_formats import checksum_of
from pi_drivers.world.route import Route
from pi_drivers.world.serial_talker import Talker

if TYPE_CHECKING:
    from pi_drivers.world.world import World

NEEDS_TO_MOVE_M_S = 0.1
"""Slower than this it tells no course."""


def sentence(body: str) -> bytes:
    """A sentence as it goes over the line."""
    return f"${body}*{checksum_of(body.encode())}\r\n".encode()


class GpsTwin(Talker):
    """One that speaks once a second."""

    def __init__(self, world: "World", path: str, baud: int) -> None:
        super().__init__(world, path, baud, SECOND, lambda _: epoch_of(world.route))


def epoch_of(route: Route) -> bytes:
    """All that is said of this moment."""
    sky, utc = route.sky, route.utc()
    # The last place is what a receiver without a fix must not tell.
    place = ",,," if not sky.quality else _place(*route.place())
    knots = f"{route.speed_m_s / KNOT_M_S:.3f}" if sky.quality else ""
    course = f"{route.course_deg:.2f}" if sky.quality and route.speed_m_s >= NEEDS_TO_MOVE_M_S else ""
    status, mode = ("A", "A") if sky.quality else ("V", "N")
    height = f"{route.altitude_m:.1f},M,40.0,M" if sky.quality else ",,,"
    fix, used = (3, sky.in_use) if sky.quality else (1, 0)
    hdop, vdop = (sky.hdop, sky.vdop) if sky.quality else (99.99, 99.99)
    pdop = min(99.99, (hdop**2 + vdop**2) ** 0.5)
    bodies = [
        f"GNRMC,{_time(utc)},{status},{place},{knots},{course},{utc:%d%m%y},,,{mode},V",
        f"GNVTG,{course},T,,M,{knots},N,{_kmh(route) if sky.quality else ''},K,{mode}",
        f"GNGGA,{_time(utc)},{place},{sky.quality},{used:02d},{hdop:.2f},{height},,",
        f"GNGSA,A,{fix},,,,,,,,,,,,,{pdop:.2f},{hdop:.2f},{vdop:.2f},1",
        f"GPGSV,1,1,{sky.in_view:02d},1",
    ]
    if sky.antenna != "OK":
        bodies.append(f"GNTXT,01,01,02,ANTSTATUS={sky.antenna}")
    return b"".join(map(sentence, bodies))


def plug_in_receiver(host: Host, path: str, baud: int) -> None:
    """On the mock, put a receiver on a line unless something else is there. Elsewhere, nothing."""
    world: World | None = getattr(host, "world", None)
    if world is None:
        return
    with world.held():
        line = world.serial(path)
        if line.device is None:
            line.plug_in(GpsTwin(world, path, baud))
        if isinstance(line.device, GpsTwin) and not line.in_use:
            line.device.baud = baud  # it is set as the config believes


def _time(utc: datetime) -> str:
    return f"{utc:%H%M%S}.{utc.microsecond // 10_000:02d}"


def _kmh(route: Route) -> str:
    return f"{route.speed_m_s * 3.6:.3f}"


def _place(latitude_deg: float, longitude_deg: float) -> str:
    north, east = "N" if latitude_deg >= 0 else "S", "E" if longitude_deg >= 0 else "W"
    return f"{_minutes(latitude_deg, 2)},{north},{_minutes(longitude_deg, 3)},{east}"


def _minutes(degrees: float, width: int) -> str:
    # Rounded before it is split, or 59.999999 minutes become 60.
    hundred_thousandths = round(abs(degrees) * 60 * 100_000)
    whole, rest = divmod(hundred_thousandths, 6_000_000)
    return f"{whole:0{width}d}{rest // 100_000:02d}.{rest % 100_000:05d}"
