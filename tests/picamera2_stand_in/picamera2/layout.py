"""How pictures lie in memory, by picamera2's names for it, which read from the end of a word to its beginning."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

BYTES_PER_PIXEL = {"RGB888": 3, "BGR888": 3, "XRGB8888": 4, "XBGR8888": 4, "YUV420": 1}
"""Of the first plane; these are the formats there are."""
CONVERSIONS = {"BGR888": cv2.COLOR_BGR2RGB, "XRGB8888": cv2.COLOR_BGR2BGRA, "XBGR8888": cv2.COLOR_BGR2RGBA}
PADDING = 0xA5


def stride_of(pixel_format: str, width: int, alignment: int) -> int:
    """Bytes from line to line. Of YUV420 the lines of colours, half as long, are aligned as well."""
    if pixel_format == "YUV420":
        alignment *= 2
    return -(-width * BYTES_PER_PIXEL[pixel_format] // alignment) * alignment


def frame_size(pixel_format: str, stride: int, height: int) -> int:
    """Bytes of a frame."""
    return stride * height * 3 // 2 if pixel_format == "YUV420" else stride * height


def laid_out(picture: Pixels, pixel_format: str, stride: int) -> Pixels:
    """A picture of blue, green and red as the bytes of a frame."""
    if pixel_format == "YUV420":
        height, width = picture.shape[:2]
        planes: Pixels = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        colours = planes[height:].reshape(height, width // 2)
        return np.concatenate((_lines(planes[:height], stride), _lines(colours, stride // 2)))
    code = CONVERSIONS.get(pixel_format)
    return _lines(np.asarray(picture if code is None else cv2.cvtColor(picture, code), np.uint8), stride)


def _lines(pixels: Pixels, stride: int) -> Pixels:
    lines = pixels.reshape(pixels.shape[0], -1)
    return np.pad(lines, ((0, 0), (0, stride - lines.shape[1])), constant_values=PADDING).reshape(-1)
