"""From the bytes of a frame to pixels: the formats in which cameras deliver pictures.

In the formats with Y, U and V each pixel has its brightness, and two or four share a colour. Lines may be longer than
their pixels. Names are V4L2's.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from pi_drivers.buses.video.contract import RawFrame
from pi_drivers.models.camera.jpeg import STRAY, without_strays

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[uint8]

LEFT_OVER = re.compile(r"([0-9]+) extraneous bytes before marker 0xd9")
"""Said of a picture with bytes left over at its end. A few are some webcams' habit; more of them, or those before a
restart marker, are a picture that went out of step."""


def pixels_of(frame: RawFrame) -> "Pixels":
    """The pixels of a whole frame: an array, height x width x 3, of blue, green and red in 0 to 255.

    Raises:
        ValueError: it is none that can be decoded.
    """
    import cv2

    if frame.pixel_format == "BGR3":
        return _packed(frame, 3)
    try:
        if frame.pixel_format == "MJPG":
            return _decoded(frame)
        taken_apart, conversion = READERS[frame.pixel_format]
        return cast("Pixels", cv2.cvtColor(taken_apart(frame), getattr(cv2, conversion)))
    except cv2.error as error:
        raise ValueError(error.err) from None


def _decoded(frame: RawFrame) -> "Pixels":
    """OpenCV decodes JPEGs as well, but makes a picture of those that lack a piece and tells nobody."""
    try:
        return _strictly(frame.data)
    except ValueError:
        clean = without_strays(frame.data)
        if clean == frame.data:
            raise
        return _strictly(clean)


def _strictly(data: bytes) -> "Pixels":
    import simplejpeg

    try:
        return cast("Pixels", simplejpeg.decode_jpeg(data, colorspace="BGR"))
    except ValueError as error:
        left_over = LEFT_OVER.search(str(error))
        if left_over is None or int(left_over[1]) > STRAY:
            raise
        return cast("Pixels", simplejpeg.decode_jpeg(data, colorspace="BGR", strict=False))


def _packed(frame: RawFrame, bytes_per_pixel: int) -> "Pixels":
    """Height x width x bytes per pixel."""
    lines = _lines(frame, frame.width * bytes_per_pixel, frame.height)
    return lines.reshape(frame.height, frame.width, bytes_per_pixel)


def _lines(frame: RawFrame, length: int, count: int) -> "Pixels":
    """So many lines, without what fills them up."""
    import numpy as np

    return np.ascontiguousarray(
        np.frombuffer(frame.data, np.uint8, frame.stride * count).reshape(count, -1)[:, :length]
    )


def _planar(frame: RawFrame) -> "Pixels":
    """Brightness, and below it both colours with half the stride, as OpenCV wants them: without gaps."""
    import numpy as np

    width, height, stride = frame.width, frame.height, frame.stride
    brightness = _lines(frame, width, height)
    half = np.frombuffer(frame.data, np.uint8, stride // 2 * height, stride * height).reshape(height, -1)
    return np.concatenate((brightness.reshape(-1), half[:, : width // 2].reshape(-1))).reshape(height * 3 // 2, width)


def _grey(frame: RawFrame) -> "Pixels":
    return _lines(frame, frame.width, frame.height)


def _paired(frame: RawFrame) -> "Pixels":
    """Brightness, and below it both colours side by side."""
    return _lines(frame, frame.width, frame.height * 3 // 2)


READERS: Mapping[str, tuple[Callable[[RawFrame], "Pixels"], str]] = {
    "YUYV": (functools.partial(_packed, bytes_per_pixel=2), "COLOR_YUV2BGR_YUY2"),
    "UYVY": (functools.partial(_packed, bytes_per_pixel=2), "COLOR_YUV2BGR_UYVY"),
    "NV12": (_paired, "COLOR_YUV2BGR_NV12"),
    "YU12": (_planar, "COLOR_YUV2BGR_I420"),
    "RGB3": (functools.partial(_packed, bytes_per_pixel=3), "COLOR_RGB2BGR"),
    "GREY": (_grey, "COLOR_GRAY2BGR"),
}
"""How bytes become an array, and OpenCV's name of what makes colours of it."""
