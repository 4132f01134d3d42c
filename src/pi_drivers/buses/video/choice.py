"""Which of its modes a camera is set to: what was asked for exactly, and for the rest what serves most robots."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pi_drivers.buses.video.contract import PIXEL_FORMATS, USUAL_RATE, USUAL_SIZE, Chosen, VideoMode, Wanted
from pi_drivers.errors import ConfigError

RATE_TOLERANCE = 0.02
"""29.97 counts as 30."""
LISTED, LISTED_LAST = 12, 4
"""How many choices a message has, and how many of them are the largest ones."""


def choose(modes: Sequence[VideoMode], wanted: Wanted, place: str) -> Chosen:
    """The mode that fits.

    Without a size it is the one nearest to 640x480 in area, with one side of it the other follows the shape of the
    camera's largest, where it can have any; without a format the first of `PIXEL_FORMATS` at that size; without a rate
    the fastest up to 30 per second, or the slowest there is.

    Raises:
        ConfigError: there is none; the message says what there is instead.
    """
    return choose_rate(choose_size(modes, wanted, place), wanted, place)


def choose_size(modes: Sequence[VideoMode], wanted: Wanted, place: str) -> list[VideoMode]:
    """The modes that have the size that fits, the best first, each of them for this size alone.

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
    size = min(sizes, key=lambda size: (abs(size[0] * size[1] - usual), size))
    of_size = sorted((mode for mode in of_format if mode.has(*size)), key=_preference)
    return [replace(mode, smallest=size, largest=size) for mode in of_size]


def choose_rate(modes: Sequence[VideoMode], wanted: Wanted, place: str) -> Chosen:
    """The one with the frame rate that fits, of what `choose_size` left.

    Raises:
        ConfigError: there is none; the message says what there is instead.
    """
    asked = wanted.frame_rate
    for mode in modes:
        rate = _usual_rate(mode) if asked is None else _rate_near(mode, asked)
        if rate is not None:
            return Chosen(mode.pixel_format, *mode.largest, rate)
    width, height = modes[0].largest
    at = f"at {width} x {height} in {modes[0].pixel_format if len(modes) == 1 else 'any format'}"
    raise _refusal(place, "frame_rate", f"{asked:g} {at}", _rate_texts(modes))


def is_near(rate: float, asked: float) -> bool:
    """Whether a frame rate is as good as the one asked for."""
    return abs(rate - asked) <= RATE_TOLERANCE * asked


def _preference(mode: VideoMode) -> int:
    return PIXEL_FORMATS.index(mode.pixel_format)


def _sizes(modes: Iterable[VideoMode], wanted: Wanted) -> set[tuple[int, int]]:
    """The sizes worth considering: of a range, only what was asked for, or else what is nearest to the usual one."""
    found = set()
    for mode in modes:
        width, height = (
            asked if asked is not None else _nearest(usual, low, high, step)
            for asked, usual, low, high, step in zip(
                (wanted.width, wanted.height),
                _usual_size(wanted, mode.largest),
                mode.smallest,
                mode.largest,
                mode.step,
                strict=True,
            )
        )
        if mode.has(width, height):
            found.add((width, height))
    return found


def _usual_size(wanted: Wanted, largest: tuple[int, int]) -> tuple[int, int]:
    """What is taken where nothing is asked for; who asks for one side only wants the whole picture, in its shape."""
    if (wanted.width is None) == (wanted.height is None):
        return USUAL_SIZE
    width, height = largest
    return round((wanted.height or height) * width / height), round((wanted.width or width) * height / width)


def _nearest(value: int, low: int, high: int, step: int) -> int:
    """The next one below, or the smallest; even where that can be had, as what is delivered is."""
    value = min(high, max(low, value))
    found = low + (value - low) // step * step
    evens = [side for side in (found, found - step, found + step) if low <= side <= high and side % 2 == 0]
    return evens[0] if evens else found


def _usual_rate(mode: VideoMode) -> float:
    """What nobody asked for; 0 where nobody knows."""
    if not mode.frame_rates:
        return 0.0
    usual = [rate for rate in mode.frame_rates if rate <= USUAL_RATE * (1 + RATE_TOLERANCE)]
    return max(usual, default=min(mode.frame_rates))


def _rate_near(mode: VideoMode, asked: float) -> float | None:
    """The mode's own rate that is nearest; None if none is near. Whoever does not tell is believed to have all."""
    if mode.rate_range is not None:
        slowest, fastest = mode.rate_range
        inside = min(fastest, max(slowest, asked))
        return inside if is_near(inside, asked) else None
    near = [rate for rate in mode.frame_rates if is_near(rate, asked)]
    return min(near, key=lambda rate: abs(rate - asked)) if near else None if mode.frame_rates else asked


def _rate_texts(modes: Iterable[VideoMode]) -> list[str]:
    ranges = {mode.rate_range for mode in modes if mode.rate_range is not None}
    single = {rate for mode in modes if mode.rate_range is None for rate in mode.frame_rates}
    return [f"{rate:g}" for rate in sorted(single)] + [f"{low:g} to {high:g}" for low, high in sorted(ranges)]


def _size_texts(modes: Iterable[VideoMode]) -> Iterable[str]:
    def text(mode: VideoMode) -> str:
        (low_w, low_h), (high_w, high_h) = mode.smallest, mode.largest
        one_size = mode.smallest == mode.largest
        return f"{low_w} x {low_h}" if one_size else f"{low_w} x {low_h} to {high_w} x {high_h}"

    return dict.fromkeys(text(mode) for mode in sorted(modes, key=lambda mode: mode.smallest))


def _refusal(place: str, what: str, asked: object, there: Iterable[str]) -> ConfigError:
    choices = list(there)
    left_out = len(choices) - LISTED
    if left_out > 0:
        choices[LISTED - LISTED_LAST : -LISTED_LAST] = [f"… ({left_out} more)"]
    listed = ", ".join(choices)
    return ConfigError(f"{place}: the camera has no {what} {asked}; it has: {listed}")
