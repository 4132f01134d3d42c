"""What a camera of the simulated Pi looks at: a picture that says when it was taken and which way up it was.

Every picture follows from the time of its exposure and nothing else. Its parts lie on a grid that is stretched over
whatever size is asked for: colour bars above, in which swapped colours show; below them a stage on which a bright disc
moves; at the bottom a code of black and white squares with the number of the frame, the time and a check of both. The
four corners have marks, one of them unlike the others, so that a picture that was turned, mirrored or cut is noticed.
"""

import math
from binascii import crc_hqx
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from numpy import bool_, uint8
    from numpy.typing import NDArray

    Picture: TypeAlias = NDArray[uint8]

Path: TypeAlias = Callable[[int], tuple[float, float]]
"""Where something is at a time in nanoseconds: x from the left and y from the top, in parts of the picture."""

SMALLEST = (64, 48)
"""Width and height in pixels below which the code is too small to be read."""
COLUMNS, ROWS = 20, 16
"""The grid."""
STAGE_ROWS = (4, 11)
"""The first row of the stage, and the first one below it. The bars are above, the code is below."""
CODE_COLUMNS = (2, 18)
"""As above: the columns of the code, one bit each, between the marks in the corners."""
FRAME_BYTES, TIME_BYTES = 3, 5
"""The code is the number of the frame and the time in milliseconds, both from zero again when they are full, and
CRC-16/CCITT of them in two bytes more; highest bit first, a row of squares is two bytes, a white one is a 1."""
BARS = ((1, 1, 1), (0, 1, 1), (1, 1, 0), (0, 1, 0), (1, 0, 1), (0, 0, 1), (1, 0, 0))
"""The bars from the left in blue, green and red: grey, yellow, cyan, green, magenta, red, blue (SMPTE EG 1)."""
BAR_LEVEL = 191
"""What is 1 above; 75 % of white, as those bars have."""
STAGE_LEVEL = 48

TURN_NS = 4_000_000_000
MILLISECOND = 1_000_000


def round_the_stage(taken_ns: int) -> tuple[float, float]:
    """Where the disc is unless somebody sets another path: one turn in four seconds, clockwise from the right."""
    angle = 2 * math.pi * (taken_ns % TURN_NS) / TURN_NS
    return 0.5 + 0.38 * math.cos(angle), 0.47 + 0.13 * math.sin(angle)


@dataclass
class Scene:
    """The scene in front of a camera. Any thread may take pictures."""

    path: Path = round_the_stage
    """Where the middle of the disc is. It is seen on the stage only, so it never hides the bars or the code."""

    def target_at(self, taken_ns: int) -> tuple[float, float]:
        """Where the middle of the disc is, in parts of the picture: x from the left, y from the top."""
        return self.path(taken_ns)

    def picture(self, taken_ns: int, width: int, height: int, frame_number: int, brightness: float = 1.0) -> "Picture":
        """Take a picture.

        Args:
            taken_ns: World time of the exposure in nanoseconds.
            width: In pixels.
            height: In pixels.
            frame_number: Which of its frames this is for the camera.
            brightness: How bright it comes out; what is whiter than white stays white.

        Returns:
            An array of its own, height x width x 3: blue, green, red.

        Raises:
            ValueError: The size is below the smallest that can be read.
        """
        least_width, least_height = SMALLEST
        if width < least_width or height < least_height:
            raise ValueError(
                f"the scene in {width}x{height} could not be read: take at least {least_width}x{least_height}"
            )
        picture = _still(width, height, brightness).copy()
        white = lit(255, brightness)
        _draw_disc(picture, self.target_at(taken_ns), white)
        _draw_code(picture, code_of(frame_number, taken_ns), white)
        return picture


def lit(level: int, brightness: float) -> int:
    """What a level comes out as."""
    return min(255, max(0, round(level * brightness)))


def edges(length: int, parts: int) -> list[int]:
    """Where each of so many equal parts of a length in pixels begins, and where the last one ends."""
    return [part * length // parts for part in range(parts + 1)]


def marks() -> Iterator[tuple[int, int, bool]]:
    """The squares of the marks: column, row, whether white. Two by two in each corner.

    The outer square of a corner and the one across from it are white; in the first corner, above on the left, they are
    black and the other two white.
    """
    for column in (0, 1, -2, -1):
        for row in (0, 1, -2, -1):
            diagonal = (column in {0, -1}) == (row in {0, -1})
            first = column >= 0 and row >= 0
            yield column % COLUMNS, row % ROWS, diagonal != first


def code_of(frame_number: int, taken_ns: int) -> bytes:
    """What the code at the bottom says."""
    said = _last_bytes(frame_number, FRAME_BYTES) + _last_bytes(taken_ns // MILLISECOND, TIME_BYTES)
    return said + crc_hqx(said, 0xFFFF).to_bytes(2)


def disc_radius(width: int, height: int) -> int:
    """The radius of the disc in pixels."""
    return min(width // COLUMNS, height // ROWS)


def _last_bytes(number: int, count: int) -> bytes:
    return (number % (1 << 8 * count)).to_bytes(count)


@lru_cache(maxsize=4)
def _still(width: int, height: int, brightness: float) -> "Picture":
    """All that does not move. Whoever draws on it takes a copy."""
    import numpy as np

    xs, ys = edges(width, COLUMNS), edges(height, ROWS)
    top, bottom = (ys[row] for row in STAGE_ROWS)
    still = np.zeros((height, width, 3), np.uint8)
    for (left, right), colour in zip(pairwise(edges(width, len(BARS))), BARS, strict=True):
        still[:top, left:right] = [lit(BAR_LEVEL * part, brightness) for part in colour]
    still[top:bottom] = lit(STAGE_LEVEL, brightness)
    for column, row, white in marks():
        still[ys[row] : ys[row + 1], xs[column] : xs[column + 1]] = lit(255 * white, brightness)
    still.flags.writeable = False
    return still


@lru_cache(maxsize=4)
def _disc(radius: int) -> "NDArray[bool_]":
    """Which pixels of a square around the middle are within the radius."""
    import numpy as np

    away = np.arange(-radius, radius + 1)
    inside: NDArray[bool_] = away[:, None] ** 2 + away**2 <= radius**2
    return inside


def _draw_disc(picture: "Picture", middle: tuple[float, float], white: int) -> None:
    height, width, _ = picture.shape
    stage_top, stage_bottom = (row * height // ROWS for row in STAGE_ROWS)
    stage = picture[stage_top:stage_bottom]
    radius = disc_radius(width, height)
    left = math.floor(middle[0] * width) - radius
    top = math.floor(middle[1] * height) - radius - stage_top
    # What lies beyond the stage is cut off on both sides alike.
    shown = _disc(radius)[max(0, -top) : max(0, len(stage) - top), max(0, -left) : max(0, width - left)]
    there = stage[max(0, top) : max(0, top + 2 * radius + 1), max(0, left) : max(0, left + 2 * radius + 1)]
    there[shown] = white


def _draw_code(picture: "Picture", code: bytes, white: int) -> None:
    import numpy as np

    height, width, _ = picture.shape
    first, end = CODE_COLUMNS
    xs = edges(width, COLUMNS)[first : end + 1]
    ys = edges(height, ROWS)[STAGE_ROWS[1] :]
    bits = np.unpackbits(np.frombuffer(code, np.uint8)).reshape(len(ys) - 1, end - first, 1)
    squares = np.repeat(bits * np.uint8(white), 3, axis=2)
    for (top, bottom), line in zip(pairwise(ys), np.repeat(squares, np.diff(xs), axis=1), strict=True):
        picture[top:bottom, xs[0] : xs[-1]] = line
