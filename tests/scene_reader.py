"""Reads a picture of the simulated Pi's scene as an onlooker would: which frame, when, which way up, where the disc is.

It takes the layout from the scene and the rest from the pixels alone, so that it can tell what became of a picture on
its way through a driver. Pictures that were compressed can be read as well.
"""

from binascii import crc_hqx
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_drivers.world.scene import (
    BAR_LEVEL,
    BARS,
    CODE_COLUMNS,
    COLUMNS,
    FRAME_BYTES,
    ROWS,
    STAGE_ROWS,
    disc_radius,
    edges,
    marks,
)

Pixels = NDArray[Any]
LEAST_CONTRAST = 10
"""Between black and white, of 255."""


class UnreadableError(ValueError):
    """This is no whole picture of the scene, or not one with its own colours."""


class Seen(NamedTuple):
    """What is to be seen in a picture."""

    frame_number: int
    taken_ms: int
    rotated: int
    """Degrees clockwise, before it was mirrored if it was."""
    flipped: bool
    """Mirrored, left for right. Upside down is this and 180 degrees."""
    target: tuple[float, float] | None
    """The middle of the disc in the scene, in parts of the picture as it was before it was turned; None if hidden."""
    brightness: float
    """1.0 as the scene is; the grey bar shows it, up to 1.33."""


def decoded(data: bytes) -> Pixels:
    """A compressed picture in blue, green and red.

    Raises:
        UnreadableError: It is none.
    """
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise UnreadableError("this cannot be decoded")
    return pixels


def read(picture: Pixels) -> Seen:
    """Read a picture in blue, green and red.

    Raises:
        UnreadableError: It cannot be read, or its colours are not the scene's.
    """
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UnreadableError(f"no picture in three colours: {picture.shape}")
    marked = False
    for flipped in (False, True):
        for rotated in (0, 90, 180, 270):
            upright = np.rot90(picture[:, ::-1] if flipped else picture, rotated // 90)
            levels = _levels_of(upright)
            halfway = _halfway(levels)
            if halfway is None:
                continue
            marked = True
            said = _said(levels, halfway)
            if said is not None:
                brightness = _brightness(upright)
                return Seen(*said, rotated, flipped, _target(upright, halfway), brightness)
    raise UnreadableError("the code and its check do not agree" if marked else "no marks in the corners: cut, or torn")


def _levels_of(upright: Pixels) -> Pixels:
    """How bright the middle of each square of the grid is, by row and column."""
    height, width, _ = upright.shape
    levels = np.empty((ROWS, COLUMNS))
    for row, ys in enumerate(pairwise(edges(height, ROWS))):
        for column, xs in enumerate(pairwise(edges(width, COLUMNS))):
            levels[row, column] = upright[_middle(*ys), _middle(*xs)].mean(axis=(0, 1)) @ (0.114, 0.587, 0.299)
    return levels


def _middle(begin: int, end: int) -> slice:
    rim = (end - begin) // 3
    return slice(begin + rim, end - rim)


def _halfway(levels: Pixels) -> float | None:
    """The level between black and white; None where the marks are not as they should be."""
    black = max(levels[row, column] for column, row, white in marks() if not white)
    white = min(levels[row, column] for column, row, white in marks() if white)
    return float(black + white) / 2 if white - black >= LEAST_CONTRAST else None


def _said(levels: Pixels, halfway: float) -> tuple[int, int] | None:
    """The number of the frame and the time in milliseconds; None where the check is wrong."""
    bits = levels[STAGE_ROWS[1] :, slice(*CODE_COLUMNS)] > halfway
    code = np.packbits(bits).tobytes()
    if crc_hqx(code, 0xFFFF) != 0:  # the CRC of anything with its own CRC behind it
        return None
    return int.from_bytes(code[:FRAME_BYTES]), int.from_bytes(code[FRAME_BYTES:-2])


def _brightness(upright: Pixels) -> float:
    """See that the bars have their colours, and how bright the grey one is."""
    height, width, _ = upright.shape
    ys = edges(height, ROWS)
    below_the_marks = upright[ys[2] : ys[STAGE_ROWS[0]]]
    colours = np.array([
        below_the_marks[:, _middle(*xs)].mean(axis=(0, 1)) for xs in pairwise(edges(width, len(BARS)))
    ])  # fmt: skip
    grey = float(colours[0].mean())
    lit = colours > grey / 2
    expected = np.array(BARS, bool)
    if (lit == expected).all():
        return grey / BAR_LEVEL
    swapped = (lit[:, ::-1] == expected).all()
    raise UnreadableError("blue and red are swapped" if swapped else "the bars have other colours")


def _target(upright: Pixels, halfway: float) -> tuple[float, float] | None:
    height, width, _ = upright.shape
    top, bottom = (row * height // ROWS for row in STAGE_ROWS)
    ys, xs = np.nonzero(upright[top:bottom].min(axis=2) > halfway)
    if len(xs) < disc_radius(width, height) ** 2:  # a third of the disc
        return None
    return float(xs.mean() + 0.5) / width, float(ys.mean() + top + 0.5) / height
