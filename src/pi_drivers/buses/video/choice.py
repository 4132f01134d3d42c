"""Which of its modes a camera is set to: what was asked for exactly, and for the rest what serves most robots."""

from collections.abc import Iterable, Sequence

from pi_drivers.buses.video.contract import PIXEL_FORMATS, USUAL_RATE, USUAL_SIZE, Chosen, VideoMode, Wanted
from pi_drivers.errors import ConfigError

RATE_TOLERANCE = 0.02
"""29.97 counts as 30."""
LISTED = 12


def choose(modes: Sequence[VideoMode], wanted: Wanted, place: str) -> Chosen:
    """The mode that fits.

    Without a size it is the one nearest to 640x480 in area; without a format the first of `PIXEL_FORMATS` at that size;
    without a rate the fastest up to 30 per second, or the slowest there is.

    Raises:
        ConfigError: there is none; the message says what there is instead.
    """
    if not modes:
        raise ConfigError(f"{place}: the camera offers no pictures in a form that can be read here")
    of_format = [mode for mode in modes if wanted.pixel_format in {None, mode.pixel_format}]
    if not of_format:
        raise _refusal(place, "format", wanted.pixel_format, dict.fromkeys(mode.pixel_format for mode in modes))
    sizes = _sizes(of_format, wanted)
    if not sizes:
        asked = f"{wanted.width or 'any'} x {wanted.height or 'any'}"
        raise _refusal(place, "width_px and height_px", asked, _size_texts(of_format))
    usual = USUAL_SIZE[0] * USUAL_SIZE[1]
    width, height = min(sizes, key=lambda size: (abs(size[0] * size[1] - usual), size))
    of_size = sorted((mode for mode in of_format if mode.has(width, height)), key=_preference)
    return _with_rate(of_size, width, height, wanted, place)


def _preference(mode: VideoMode) -> int:
    return PIXEL_FORMATS.index(mode.pixel_format)


def _sizes(modes: Iterable[VideoMode], wanted: Wanted) -> set[tuple[int, int]]:
    """The sizes worth considering: of a range, only what was asked for, or else what is nearest to the usual one."""
    found = set()
    for mode in modes:
        width, height = (
            asked if asked is not None else _nearest(usual, low, high, step)
            for asked, usual, low, high, step in zip(
                (wanted.width, wanted.height), USUAL_SIZE, mode.smallest, mode.largest, mode.step, strict=True
            )
        )
        if mode.has(width, height):
            found.add((width, height))
    return found


def _nearest(value: int, low: int, high: int, step: int) -> int:
    value = min(high, max(low, value))
    return low + (value - low) // step * step


def _with_rate(modes: Sequence[VideoMode], width: int, height: int, wanted: Wanted, place: str) -> Chosen:
    asked = wanted.frame_rate
    for mode in modes:
        if not mode.frame_rates:
            return Chosen(mode.pixel_format, width, height, asked or 0.0)
        if asked is None:
            rate = max((rate for rate in mode.frame_rates if rate <= USUAL_RATE * (1 + RATE_TOLERANCE)), default=None)
            return Chosen(mode.pixel_format, width, height, rate or min(mode.frame_rates))
        near = [rate for rate in mode.frame_rates if abs(rate - asked) <= RATE_TOLERANCE * asked]
        if near:
            return Chosen(mode.pixel_format, width, height, min(near, key=lambda rate: abs(rate - asked)))
    there = {f"{rate:g}" for mode in modes for rate in mode.frame_rates}
    at = f"at {width} x {height} in {modes[0].pixel_format if len(modes) == 1 else 'any format'}"
    raise _refusal(place, "frame_rate", f"{asked:g} {at}", sorted(there, key=float))


def _size_texts(modes: Iterable[VideoMode]) -> Iterable[str]:
    def text(mode: VideoMode) -> str:
        (low_w, low_h), (high_w, high_h) = mode.smallest, mode.largest
        one_size = mode.smallest == mode.largest
        return f"{low_w} x {low_h}" if one_size else f"{low_w} x {low_h} to {high_w} x {high_h}"

    return dict.fromkeys(text(mode) for mode in sorted(modes, key=lambda mode: mode.smallest))


def _refusal(place: str, what: str, asked: object, there: Iterable[str]) -> ConfigError:
    choices = list(there)
    more = f" and {len(choices) - LISTED} more" if len(choices) > LISTED else ""
    listed = ", ".join(choices[:LISTED]) + more
    return ConfigError(f"{place}: the camera has no {what} {asked}; it has: {listed}")
