"""What a camera of V4L2 can deliver, and setting it up for one of these."""

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from pi_drivers.buses.video import answers
from pi_drivers.buses.video import v4l2_structs as v4l2
from pi_drivers.buses.video.choice import is_near
from pi_drivers.buses.video.contract import COMPRESSED, PIXEL_FORMATS, Chosen, VideoMode, bytes_per_line, least_length
from pi_drivers.buses.video.real_file import VideoFile

SYNONYMS = {"JPEG": "MJPG"}
"""Two names of V4L2 for the same: pictures each of which is a JPEG."""

USUAL_RATES = (60.0, 50.0, 30.0, 25.0, 20.0, 15.0, 10.0, 5.0, 1.0)
"""Named of a camera that can have any rate between two."""

NO_MORE = (errno.EINVAL, errno.ENOTTY)
"""The kernel's answers at the end of a list, and where there is none."""

LONGEST_LIST = 256
"""No camera has as many; a driver that never ends its list is not listened to for ever."""


_Rates = tuple[tuple[float, ...], tuple[float, float] | None]


@dataclass(frozen=True)
class Layout:
    """How pictures lie in a camera's buffers."""

    pixel_format: str
    width: int
    height: int
    stride: int
    """0 for compressed ones."""

    @property
    def least_bytes(self) -> int:
        """A picture with fewer is not whole."""
        return least_length(self.pixel_format, self.stride, self.height)


def pixel_formats(file: VideoFile) -> dict[str, int]:
    """V4L2's numbers of the formats that can be read here, by our names for them."""
    found: dict[str, int] = {}
    emulated: dict[str, int] = {}
    for index in range(LONGEST_LIST):
        description = v4l2.FormatDescription(index=index, type=v4l2.CAPTURE)
        if file.ask(v4l2.ENUM_FMT, description, "list its formats", expected=NO_MORE):
            break
        letters = v4l2.letters_of(description.pixelformat)
        name = SYNONYMS.get(letters, letters)
        if name in PIXEL_FORMATS:
            group = emulated if description.flags & v4l2.FORMAT_EMULATED else found
            group.setdefault(name, description.pixelformat)
    return found or emulated


def list_modes(file: VideoFile) -> list[VideoMode]:
    """All that a camera can deliver in a form that can be read here."""
    return [mode for name, number in pixel_formats(file).items() for mode in _modes_of(file, name, number)]


def at_their_size(file: VideoFile, modes: Sequence[VideoMode]) -> list[VideoMode]:
    """Modes of one size each, with the frame rates of that size."""
    numbers = pixel_formats(file)
    found = []
    for mode in modes:
        rates, rate_range = _rates(file, numbers[mode.pixel_format], mode.largest)
        found.append(replace(mode, frame_rates=rates, rate_range=rate_range))
    return found


def set_mode(file: VideoFile, chosen: Chosen, asked_rate: float | None) -> tuple[Chosen, Layout]:
    """Set a camera up; returns what it made of it.

    Args:
        file: the camera.
        chosen: what it is set to.
        asked_rate: the frame rate that it must have; None if any will do.

    Raises:
        ConfigError: it delivers something else, though it said that it could.
    """
    number = pixel_formats(file)[chosen.pixel_format]
    asked = v4l2.PixelFormat(width=chosen.width, height=chosen.height, pixelformat=number)
    form = v4l2.Format(type=v4l2.CAPTURE, pix=asked)
    file.ask(v4l2.S_FMT, form, f"take pictures of {chosen.width} x {chosen.height} in {chosen.pixel_format}")
    got = form.pix
    # A driver does not refuse what it cannot do: it takes what is nearest, and says so here alone.
    if (got.width, got.height, got.pixelformat) != (chosen.width, chosen.height, number):
        raise answers.another_mode(file.place, chosen, f"{got.width} x {got.height} {v4l2.letters_of(got.pixelformat)}")
    rate = _set_rate(file, chosen.frame_rate)
    # The same goes for the rate; and some drivers take none at all.
    if asked_rate is not None and not is_near(rate, asked_rate):
        raise answers.another_rate(file.place, asked_rate, rate)
    stride = 0
    if chosen.pixel_format not in COMPRESSED:
        stride = max(got.bytesperline, bytes_per_line(chosen.pixel_format, chosen.width))
    return (
        Chosen(chosen.pixel_format, chosen.width, chosen.height, rate),
        Layout(chosen.pixel_format, chosen.width, chosen.height, stride),
    )


def _modes_of(file: VideoFile, name: str, number: int) -> Iterator[VideoMode]:
    for index in range(LONGEST_LIST):
        size = v4l2.FrameSize(index=index, pixel_format=number)
        if file.ask(v4l2.ENUM_FRAMESIZES, size, "list its sizes", expected=NO_MORE):
            return
        if size.type == v4l2.SIZE_DISCRETE:
            one = (size.discrete.width, size.discrete.height)
            rates, rate_range = _rates(file, number, one)
            mode = VideoMode(name, one, one, frame_rates=rates, rate_range=rate_range)
            if mode.has(*one):
                yield mode
            continue
        span = size.stepwise
        largest = (span.max_width, span.max_height)
        step = (1, 1) if size.type == v4l2.SIZE_CONTINUOUS else (max(1, span.step_width), max(1, span.step_height))
        # The larger, the slower: what the largest can have, all can.
        rates, rate_range = _rates(file, number, largest)
        yield VideoMode(name, (span.min_width, span.min_height), largest, step, rates, rate_range)
        return


def _rates(file: VideoFile, number: int, size: tuple[int, int]) -> _Rates:
    """The frame rates of a size, and between which two any can be had."""
    found: set[float] = set()
    for index in range(LONGEST_LIST):
        asked = v4l2.FrameInterval(index=index, pixel_format=number, width=size[0], height=size[1])
        if file.ask(v4l2.ENUM_FRAMEINTERVALS, asked, "list its frame rates", expected=NO_MORE):
            break
        fastest = _rate(asked.interval.min)
        if asked.type != v4l2.SIZE_DISCRETE:
            return _named(_rate(asked.interval.max), fastest)
        found.add(fastest)
    return tuple(sorted(found - {0.0}, reverse=True)), None


def _named(slowest: float, fastest: float) -> _Rates:
    if not 0 < slowest <= fastest:
        return (), None  # as if it had told nothing
    between = {rate for rate in USUAL_RATES if slowest <= rate <= fastest}
    return tuple(sorted({fastest, *between}, reverse=True)), (slowest, fastest)


def _set_rate(file: VideoFile, rate: float) -> float:
    """Set a frame rate and return the one that it became; 0 where the driver has no word for it."""
    parameters = v4l2.StreamParameters(type=v4l2.CAPTURE)
    if file.ask(v4l2.G_PARM, parameters, "tell its frame rate", expected=NO_MORE):
        return 0.0
    if rate and parameters.capability & v4l2.CAN_SET_RATE:
        exact = Fraction(rate).limit_denominator(1001)
        parameters.timeperframe = v4l2.Fraction(exact.denominator, exact.numerator)
        file.ask(v4l2.S_PARM, parameters, f"take {rate:g} pictures per second")
    return _rate(parameters.timeperframe)


def _rate(interval: v4l2.Fraction) -> float:
    return interval.denominator / interval.numerator if interval.numerator else 0.0
