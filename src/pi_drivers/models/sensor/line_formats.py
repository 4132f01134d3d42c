"""The lines that programs on microcontrollers print, and how they become readings: JSON, CSV, or a pattern.

What is not as the config says is no reading: a column too many, a word where a number belongs, an object that is cut
short. What is missing (an empty field, `null`, `nan`) is left out. Lines are read on the port's thread.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import xor
from typing import Any

from viam.utils import SensorReading

from pi_drivers.config.wording import shown
from pi_drivers.models.serial_lines import UnfitLineError

Readings = Mapping[str, SensorReading]
Parser = Callable[[str], dict[str, Any]]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MISSING = frozenset({"", "nan", "inf", "-inf", "+inf", "ovf", "-ovf", "null", "none"})
"""How numbers are printed that are none (ovf: an Arduino's, when a number is too large to be printed)."""

DEEPEST = 10
"""Levels of objects and lists in a line of JSON."""
PATTERN_LIMIT_S = 0.05
"""A pattern that takes longer than this over one line is one that takes for ever."""
LONGEST_PATTERN = 400
MOST_REPEATS = 10_000
"""Nested counts such as {100} multiply, and each repeat takes memory as soon as the pattern is read."""
REPEATS = re.compile(r"\{(\d*)(?:,(\d*))?\}")


def text_of(line: bytes, *, with_checksum: bool) -> str:
    """A line as text, its checksum seen to.

    Raises:
        UnfitLineError: it is no text, or its checksum is missing or wrong.
    """
    if with_checksum:
        line = _checked(line)
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise UnfitLineError("it is no text") from None
    if not text.replace("\t", " ").isprintable():
        raise UnfitLineError("it has control characters in it")
    return text


def checksum_of(data: bytes) -> str:
    """All bytes exclusive-ored, as two hexadecimal digits: NMEA's, and easily made on a microcontroller."""
    return f"{reduce(xor, data, 0):02X}"


def from_json(text: str) -> dict[str, Any]:
    """One object; objects and lists in it stay what they are. Raises: UnfitLineError: it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise UnfitLineError("it is no JSON") from None
    if not isinstance(found, dict):
        raise UnfitLineError("it is JSON, but no object")
    _check_tellable(found, DEEPEST)
    return {key: value for key, value in ((key, _plain(value)) for key, value in found.items()) if value is not None}


def csv_parser(columns: Sequence[str], text_columns: Sequence[str], delimiter: str) -> Parser:
    """Reads lines with exactly these columns, all of them numbers but the `text_columns`."""

    def parse(text: str) -> dict[str, Any]:
        try:
            (fields,) = csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True)
        except (csv.Error, ValueError):
            raise UnfitLineError("it is no CSV") from None
        if len(fields) != len(columns):
            raise UnfitLineError(f"it has {len(fields)} columns, and columns has {len(columns)}")
        found = {name: _column(name, field.strip(), text_columns) for name, field in zip(columns, fields, strict=True)}
        return {name: value for name, value in found.items() if value is not None}

    return parse


def pattern_parser(pattern: str) -> Parser:
    """Reads lines that a pattern fits as a whole: a reading for each of its named groups.

    Raises:
        ValueError: it is no pattern, has no named group, or its counts multiply beyond all measure.
    """
    compiled = _compiled(pattern)

    def parse(text: str) -> dict[str, Any]:
        try:
            # Matching runs beside the event loop and has a limit, whatever somebody writes into a config.
            match = compiled.fullmatch(text, timeout=PATTERN_LIMIT_S, concurrent=True)
        except TimeoutError:
            raise UnfitLineError("the pattern takes too long over it: it repeats something that repeats") from None
        if match is None:
            raise UnfitLineError("the pattern does not fit")
        found = {name: _value(field.strip()) for name, field in match.groupdict().items() if field is not None}
        return {name: value for name, value in found.items() if value is not None}

    return parse


def _compiled(pattern: str) -> Any:
    import regex

    counts = [int(number) for pair in REPEATS.findall(pattern) for number in [max(pair, key=_as_count) or "1"]]
    if len(pattern) > LONGEST_PATTERN or math.prod(max(1, count) for count in counts) > MOST_REPEATS:
        raise ValueError(f"has more than {LONGEST_PATTERN} characters, or counts that multiply to over {MOST_REPEATS}")
    try:
        compiled = regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if not compiled.groupindex:
        raise ValueError("has no named group: write (?P<temperature_c>...) around what is to be a reading")
    return compiled


def _as_count(digits: str) -> int:
    return int(digits) if digits else 0


def _checked(line: bytes) -> bytes:
    body, star, checksum = line.rstrip().rpartition(b"*")
    body = body.removeprefix(b"$")
    if not star or len(checksum) != 2:
        raise UnfitLineError("it has no checksum")
    if checksum_of(body) != checksum.decode("ascii", "replace").upper():
        raise UnfitLineError("its checksum is wrong")
    return body


def _column(name: str, field: str, text_columns: Sequence[str]) -> SensorReading | None:
    if name in text_columns:
        return field or None
    value = _value(field)
    if isinstance(value, str):
        raise UnfitLineError(f"column {shown(name)} is no number: {shown(field)} (or is it one of text_columns?)")
    return value


def _value(field: str) -> float | str | None:
    """A number where it is one; None where something is missing; else the text."""
    if field.lower() in MISSING:
        return None
    return _finite(float(field)) if NUMBER.fullmatch(field) else field


def _plain(value: Any) -> Any:
    """A JSON value as a reading may have it; None where there is nothing that could be told."""
    if isinstance(value, dict):
        inner = {key: _plain(below) for key, below in value.items()}
        return {key: below for key, below in inner.items() if below is not None} or None
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        return None if None in items else items
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(value)
    return value


def _check_tellable(value: Any, depth: int) -> None:
    """Raises: UnfitLineError: what cannot be sent on: halves of characters, and what is nested too deep."""
    if isinstance(value, str) and not _is_text(value):
        raise UnfitLineError("a text in it is none")
    if not isinstance(value, dict | list):
        return
    if not depth:
        raise UnfitLineError(f"it is nested deeper than {DEEPEST} levels")
    for each in [*value, *value.values()] if isinstance(value, dict) else value:
        _check_tellable(each, depth - 1)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
