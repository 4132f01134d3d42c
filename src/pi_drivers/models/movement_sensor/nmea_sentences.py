"""NMEA 0183 sentences of satellite receivers, as values that can be trusted.

pynmea2 splits a sentence into its fields and converts them. What it is not asked for, since it answers wrongly: without
digits or hemisphere a latitude is 0 to it; a field that it cannot convert is handed out as text, and `1_0` is 10; a
receiver that follows NMEA 4.1 and says `V` for its navigational status, which most always do, has no valid RMC in its
eyes; a checksum may be missing. Each of these is seen to here.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from pi_drivers.errors import MissingLibraryError
from pi_drivers.models.serial_lines import UnfitLineError

TALKERS = frozenset({"GP", "GL", "GA", "GB", "BD", "GI", "GQ", "QZ", "GN"})
"""GPS, GLONASS, Galileo, BeiDou (by two names), NavIC, QZSS (by two names), and several together."""

ENCLOSED = re.compile(r"([A-Z][A-Z0-9]{3,7},[\x20-\x7e]*)\*([0-9A-Fa-f]{2})\s*")
COORDINATE = re.compile(r"\d{2,3}[0-5]\d\.\d+")
"""Degrees, and minutes with two digits before the point."""
CLOCK_TIME = re.compile(r"\d{6}(\.\d*)?")
SIGNED = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)")
UNSIGNED = re.compile(r"\d+\.?\d*|\.\d+")
COUNT = re.compile(r"\d+")
KNOT_M_S = 1852 / 3600
NO_FIX_MODES = frozenset("NMS")
"""Of RMC and VTG: not valid, typed in by somebody, simulated."""
ANTENNA = re.compile(r"ANTSTATUS=(\w+)|ANTENNA (\w+)")
"""What u-blox and Quectel say in TXT about an antenna whose current they watch."""


@dataclass(frozen=True)
class Gga:
    """Where it is. The coordinates are None when it says none."""

    time: str
    quality: int
    latitude_deg: float | None
    longitude_deg: float | None
    altitude_m: float | None
    satellites: int | None
    hdop: float | None


@dataclass(frozen=True)
class Rmc:
    """How it moves, and what time it is."""

    time: str
    active: bool
    utc: datetime | None
    speed_m_s: float | None
    course_deg: float | None


@dataclass(frozen=True)
class Vtg:
    """How it moves."""

    active: bool
    speed_m_s: float | None
    course_deg: float | None


@dataclass(frozen=True)
class Gsa:
    """How well it knows."""

    pdop: float | None
    hdop: float | None
    vdop: float | None


@dataclass(frozen=True)
class Gsv:
    """How many satellites of one system are above the horizon, those of one signal where they are told apart."""

    talker: str
    signal: str
    in_view: int


@dataclass(frozen=True)
class Antenna:
    """What a receiver says about its antenna: OK, OPEN, SHORT."""

    state: str


Sentence = Gga | Rmc | Vtg | Gsa | Gsv | Antenna


def load_parser() -> None:
    """Load pynmea2, ahead of the first sentence. Raises: MissingLibraryError: it is not installed."""
    try:
        import pynmea2  # noqa: F401
    except ImportError as error:
        raise MissingLibraryError("NMEA needs the Python library pynmea2: pip install pynmea2") from error


def sentences_of(line: bytes) -> tuple[Sentence, ...]:
    """The sentences in a line: none if they are sound but tell nothing of use here.

    Binary messages may stand before a sentence, and two sentences in one line when a line end was lost.

    Raises:
        UnfitLineError: there is no sound sentence in it.
    """
    _, *parts = line.split(b"$")
    sound, trouble = [], UnfitLineError("there is no NMEA sentence in it")
    for part in parts:
        try:
            sound.append(_sentence(part))
        except UnfitLineError as error:
            trouble = error
    if not sound:
        raise trouble
    return tuple(sentence for sentence in sound if sentence is not None)


def _sentence(part: bytes) -> Sentence | None:
    import pynmea2

    enclosed = ENCLOSED.fullmatch(part.decode("ascii", "replace"))
    if enclosed is None:
        raise UnfitLineError("it is no whole NMEA sentence with a checksum")
    body, checksum = enclosed.groups()
    if pynmea2.NMEASentence.checksum(body) != int(checksum, 16):
        raise UnfitLineError("its checksum is wrong")
    talker, read = body[:2], READERS.get(body[2:5])
    if read is None or talker not in TALKERS or body[5] != ",":
        return None
    try:
        return read(pynmea2.parse(body))
    except pynmea2.ParseError as error:
        raise UnfitLineError(f"pynmea2 cannot read it: {error}") from None


def _gga(message: Any) -> Gga:
    latitude, longitude = _position(message)
    quality = _count(message, "gps_qual")
    if quality is None:
        raise UnfitLineError("it has no fix quality")
    if _text(message, "altitude_units") not in {"M", ""}:
        raise UnfitLineError("its altitude is not in metres")
    return Gga(
        time=_epoch(message),
        quality=quality,
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_m=_number(message, "altitude", SIGNED),
        satellites=_count(message, "num_sats"),
        hdop=_number(message, "horizontal_dil"),
    )


def _rmc(message: Any) -> Rmc:
    day, moment = message.datestamp, message.timestamp
    known = isinstance(day, date) and isinstance(moment, time)
    return Rmc(
        time=_epoch(message),
        active=message.status == "A" and message.mode_indicator not in NO_FIX_MODES,
        utc=datetime.combine(day, moment, UTC) if known else None,
        speed_m_s=_speed(message, "spd_over_grnd"),
        course_deg=_course(message, "true_course"),
    )


def _vtg(message: Any) -> Vtg:
    # The oldest form has no letters between its numbers, and then other numbers in these places.
    lettered = message.true_track_sym in {"T", ""} and message.spd_over_grnd_kts_sym == "N"
    return Vtg(
        active=lettered and message.faa_mode not in NO_FIX_MODES,
        speed_m_s=_speed(message, "spd_over_grnd_kts") if lettered else None,
        course_deg=_course(message, "true_track") if lettered else None,
    )


def _gsa(message: Any) -> Gsa:
    return Gsa(_number(message, "pdop"), _number(message, "hdop"), _number(message, "vdop"))


def _gsv(message: Any) -> Gsv:
    # Three fields, four for each satellite, and since NMEA 4.1 one for the signal.
    signal = message.data[-1] if len(message.data) % 4 == 0 else ""
    return Gsv(message.talker, signal, _count(message, "num_sv_in_view") or 0)


def _txt(message: Any) -> Antenna | None:
    found = ANTENNA.search(message.text)
    return Antenna(found[1] or found[2]) if found else None


READERS: dict[str, Callable[[Any], Sentence | None]] = {
    "GGA": _gga,
    "RMC": _rmc,
    "VTG": _vtg,
    "GSA": _gsa,
    "GSV": _gsv,
    "TXT": _txt,
}


def _epoch(message: Any) -> str:
    """The time as one sentence of an epoch and another have it, however many zeros they write."""
    text = _text(message, "timestamp")
    if text and not CLOCK_TIME.fullmatch(text):
        raise UnfitLineError("its time is none")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _position(message: Any) -> tuple[float | None, float | None]:
    if not (message.lat or message.lon or message.lat_dir or message.lon_dir):
        return None, None
    for text, letter, letters in ((message.lat, message.lat_dir, "NS"), (message.lon, message.lon_dir, "EW")):
        if not COORDINATE.fullmatch(text) or not letter or letter not in letters:
            raise UnfitLineError("its position is none")
    latitude, longitude = message.latitude, message.longitude
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise UnfitLineError("its position is not on Earth")
    return latitude, longitude


def _text(message: Any, field: str) -> str:
    """A field as it was sent; pynmea2 would take more for a number than there is in NMEA."""
    index = message.name_to_idx[field]
    return str(message.data[index]) if index < len(message.data) else ""


def _number(message: Any, field: str, pattern: re.Pattern[str] = UNSIGNED) -> float | None:
    """A field as a number; None where it is empty."""
    text = _text(message, field)
    if not text:
        return None
    if not pattern.fullmatch(text) or not math.isfinite(float(text)):
        raise UnfitLineError("a field of it that is to be a number is none")
    return float(text)


def _count(message: Any, field: str) -> int | None:
    number = _number(message, field, COUNT)
    return None if number is None else int(number)


def _speed(message: Any, field: str) -> float | None:
    knots = _number(message, field)
    return None if knots is None else knots * KNOT_M_S


def _course(message: Any, field: str) -> float | None:
    degrees = _number(message, field)
    if degrees is not None and not 0 <= degrees <= 360:
        raise UnfitLineError("its course is none")
    return None if degrees is None else degrees % 360
