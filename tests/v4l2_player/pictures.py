"""The pictures that a played camera shows: something to compress, and each one's number in black and white squares."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

NUMBERED = 8
"""Pictures that can be told apart."""
BITS = 3
QUALITY = 85
NOISE = 8
"""In steps of brightness; it makes a compressed picture as long as one of a room is."""


def picture(number: int, width: int, height: int) -> Picture:
    """Colours that run into each other, with some noise, as of a room; blue, green, red."""
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    waves = (96 + 60 * np.sin(across / 40 + number) + 60 * np.sin(down / 25), across % 256, down % 256)
    noise = np.random.default_rng(number).normal(0, NOISE, (height, width, 3))
    drawn = np.clip(np.stack(waves, axis=2) + noise, 0, 255).astype(np.uint8)
    side = width // 16
    for bit in range(BITS):
        drawn[:side, bit * side : (bit + 1) * side] = 255 if number >> bit & 1 else 0
    return drawn


def number_in(drawn: Picture) -> int:
    """Which of the numbered pictures this is."""
    side = drawn.shape[1] // 16
    return sum((int(drawn[side // 2, bit * side + side // 2].mean()) > 127) << bit for bit in range(BITS))


def write_frames(folder: Path, pixel_format: str, width: int, height: int) -> None:
    """Write the numbered pictures, in the camera's form, where the player looks for them."""
    for number in range(NUMBERED):
        drawn = picture(number, width, height)
        if pixel_format == "MJPG":
            data = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        else:
            data = cv2.cvtColor(drawn, cv2.COLOR_BGR2YUV_YUY2).tobytes()
        (folder / f"{pixel_format}-{width}x{height}-{number}").write_bytes(data)
