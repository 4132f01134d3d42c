"""Pictures in the forms in which cameras deliver them."""

from typing import TYPE_CHECKING, cast

from pi_drivers.buses.video.contract import bytes_per_line

if TYPE_CHECKING:
    from pi_drivers.world.scene import Picture

ALIGNED = 64
"""Lines of uncompressed pictures begin at multiples of so many bytes, as those of many cameras do: who takes a line to
be as long as its pixels gets a skewed picture."""
QUALITY = 85
CONVERSIONS = {
    "YUYV": "COLOR_BGR2YUV_YUY2",
    "UYVY": "COLOR_BGR2YUV_UYVY",
    "NV12": "COLOR_BGR2YUV_I420",
    "YU12": "COLOR_BGR2YUV_I420",
    "RGB3": "COLOR_BGR2RGB",
    "GREY": "COLOR_BGR2GRAY",
}
"""OpenCV's names for the way from blue, green and red."""


def stride_of(pixel_format: str, width: int) -> int:
    """Bytes from line to line; 0 for compressed pictures."""
    return -(-bytes_per_line(pixel_format, width) // ALIGNED) * ALIGNED


def packed(picture: "Picture", pixel_format: str) -> bytes:
    """A picture (height, width, 3; blue, green, red) as the bytes of a frame."""
    import cv2

    height, width = picture.shape[:2]
    stride = stride_of(pixel_format, width)
    if pixel_format == "MJPG":
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    if pixel_format in CONVERSIONS:
        picture = cast("Picture", cv2.cvtColor(picture, getattr(cv2, CONVERSIONS[pixel_format])))
    if pixel_format in {"NV12", "YU12"}:
        return _planar(picture.reshape(-1), pixel_format, width, height, stride)
    return _lines(picture, stride)


def noise(seed: int, count: int) -> bytes:
    """Bytes that are no picture, the same ones for a seed."""
    import random

    return random.Random(seed).randbytes(count)  # noqa: S311 - noise of a simulation


def _planar(planes: "Picture", pixel_format: str, width: int, height: int, stride: int) -> bytes:
    """Luma in full, both colours at half the size: one after the other (YU12), or side by side (NV12)."""
    import numpy as np

    luma, quarter = width * height, width * height // 4
    blue, red = planes[luma : luma + quarter], planes[luma + quarter :]
    brightness = _lines(planes[:luma].reshape(height, width), stride)
    if pixel_format == "NV12":
        pairs = np.stack((blue, red), axis=-1)
        return brightness + _lines(pairs.reshape(height // 2, width), stride)
    halves = [_lines(plane.reshape(height // 2, width // 2), stride // 2) for plane in (blue, red)]
    return brightness + b"".join(halves)


def _lines(pixels: "Picture", stride: int) -> bytes:
    import numpy as np

    lines = np.ascontiguousarray(pixels).reshape(pixels.shape[0], -1)
    padding = stride - lines.shape[1]
    return np.pad(lines, ((0, 0), (0, padding)), constant_values=0x55).tobytes()
