"""From the names of a kernel sensor's attributes to its channels, and from their texts to values.

A channel of IIO is a value that is ready (`in_temp_input`), or a count (`in_temp_raw`) with an offset and a scale:
(count + offset) * scale. These belong to it alone (`in_voltage0_scale`), to all of its type (`in_voltage_scale`) or to
all there are (`in_scale`). A channel of hwmon is ready always, and may have an attribute that says it is broken.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from pi_drivers.errors import CorruptDataError, NotFoundError
from pi_drivers.models.sensor.iio_units import HWMON, IIO, Quantity

Reader = Callable[[str], str]
"""Gives the text of an attribute."""

IIO_VALUE = re.compile(
    r"(?P<source>in_(?P<type>[a-z]+)(?P<index>\d*)(?:-(?P=type)(?P<minus>\d+))?(?:_(?P<modifier>[a-z0-9_]+?))?)_(?P<kind>raw|input)"
)
HWMON_VALUE = re.compile(r"(?P<source>(?P<type>[a-z]+)(?P<index>\d+))_(?P<kind>input|average)")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""Python's own idea of a number has underscores and words in it."""
COUNTS = Quantity("counts", "")
STATISTICS = ("mean", "peak", "quadrature_correction")
"""`in_temp_mean_raw` and its like are no channels of their own."""


@dataclass(frozen=True)
class Channel:
    """One value of a device."""

    source: str
    """As the kernel names it: `in_voltage0`, `temp1`."""
    key: str
    """As readings name it: `voltage0_v`."""
    quantity: Quantity
    value: str
    """The attribute with the value or the count."""
    offset: str | None = None
    scale: str | None = None
    fault: str | None = None
    """The attribute that says whether what is connected is broken."""
    enable: str | None = None
    """The attribute that says whether it measures at all."""

    def read(self, text_of: Reader) -> float:
        """The value in the unit of its key.

        Raises:
            NotFoundError: it has none now.
            CorruptDataError: the driver's text is no number.
            BusError: as reading its attributes does.
        """
        if self.enable is not None and not number_of(text_of(self.enable), self.enable):
            raise NotFoundError(f"{self.source}: it is switched off ({self.enable} is 0)")
        if self.fault is not None and number_of(text_of(self.fault), self.fault):
            raise NotFoundError(f"{self.source}: its driver says that what is connected is broken")
        value = number_of(text_of(self.value), self.value)
        if self.offset is not None:
            value += number_of(text_of(self.offset), self.offset)
        if self.scale is not None:
            value *= number_of(text_of(self.scale), self.scale)
        return value * self.quantity.times / self.quantity.over


@dataclass(frozen=True)
class _Found:
    quantity: Quantity
    source: str
    index: str
    """Its number, of a difference of two channels both."""
    modifier: str
    value: str


def number_of(text: str, attribute: str) -> float:
    """A driver's text as a number. Raises: CorruptDataError: it is none, or not a finite one."""
    value = float(text) if NUMBER.fullmatch(text.strip()) else math.nan
    if not math.isfinite(value):
        raise CorruptDataError(f"{attribute}: {text[:40]!r} is no number that a driver writes; it is not used")
    return value


def channels_of(attributes: Collection[str], *, is_hwmon: bool, text_of: Reader) -> list[Channel]:
    """The channels of a device with these attributes, sorted by the kernel's names.

    Raises:
        BusError: as reading the labels does.
    """
    found = sorted(_hwmon(attributes) if is_hwmon else _iio(attributes), key=lambda each: each.source)
    keys = _keys(found, _labels(found, attributes, text_of), attributes)
    return [_channel(each, keys[each.source], attributes) for each in found]


def _iio(attributes: Collection[str]) -> Iterator[_Found]:
    for name in attributes:
        match = IIO_VALUE.fullmatch(name)
        if match is None or match["type"] not in IIO or (match["modifier"] or "").endswith(STATISTICS):
            continue
        if match["kind"] == "raw" and f"{match['source']}_input" in attributes:
            continue
        index = f"{match['index']}_minus_{match['minus']}" if match["minus"] else match["index"]
        yield _Found(IIO[match["type"]], match["source"], index, match["modifier"] or "", name)


def _hwmon(attributes: Collection[str]) -> Iterator[_Found]:
    for name in attributes:
        match = HWMON_VALUE.fullmatch(name)
        if match is None or match["type"] not in HWMON:
            continue
        if match["kind"] == "average" and f"{match['source']}_input" in attributes:
            continue
        yield _Found(HWMON[match["type"]], match["source"], match["index"], "", name)


def _channel(found: _Found, key: str, attributes: Collection[str]) -> Channel:
    value = found.value
    if not value.endswith("_raw"):
        fault, enable = (name if name in attributes else None for name in _switches(found.source))
        return Channel(found.source, key, found.quantity, value, fault=fault, enable=enable)
    offset, scale = (_shared(found.source, what, attributes) for what in ("offset", "scale"))
    # Counts that nobody scales have no unit that could be changed.
    quantity = found.quantity if scale else COUNTS
    return Channel(found.source, key, quantity, value, offset, scale)


def _switches(source: str) -> tuple[str, str]:
    return f"{source}_fault", f"{source}_enable"


def _shared(source: str, what: str, attributes: Collection[str]) -> str | None:
    """The offset or the scale of a channel: its own, or its type's, or that of all."""
    kind = re.match(r"in_[a-z]+", source)
    shared = [] if kind is None else [kind[0]]
    if kind is not None and "-" in source:
        shared.insert(0, f"{kind[0]}-{kind[0].removeprefix('in_')}")
    names = [f"{owner}_{what}" for owner in (source, *shared, "in")]
    return next((name for name in names if name in attributes), None)


def _labels(found: Collection[_Found], attributes: Collection[str], text_of: Reader) -> dict[str, str]:
    """What the maker of a board calls channels, by source, as parts of keys."""
    labels = {}
    for each in found:
        if f"{each.source}_label" in attributes:
            label = re.sub(r"[^a-z0-9]+", "_", text_of(f"{each.source}_label").lower()).strip("_")
            # The kernel labels a channel with what its name has already.
            if label and label != each.modifier:
                labels[each.source] = label
    return labels


def _keys(found: Collection[_Found], labels: Mapping[str, str], attributes: Collection[str]) -> dict[str, str]:
    """The key of each channel: with its label, or with its number where there are several of its kind."""
    alike = Counter((each.quantity.name, each.modifier) for each in found)
    labelled = {each.source: _key(each, labels.get(each.source, ""), attributes) for each in found}
    plain = {
        each.source: _key(each, each.index if alike[each.quantity.name, each.modifier] > 1 else "", attributes)
        for each in found
    }
    taken = Counter(labelled[source] if source in labels else plain[source] for source in plain)
    return {
        source: labelled[source] if source in labels and taken[labelled[source]] == 1 else plain[source]
        for source in plain
    }


def _key(found: _Found, which: str, attributes: Collection[str]) -> str:
    quantity = found.quantity
    number = which if not which or which[0].isdigit() else f"_{which}"
    unit = quantity.unit
    if found.value.endswith("_raw") and _shared(found.source, "scale", attributes) is None:
        unit = "" if quantity.has_bare_counts else "raw"
    return "_".join(part for part in (f"{quantity.name}{number}", found.modifier, unit) if part)
