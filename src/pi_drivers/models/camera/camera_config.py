"""The attributes that all cameras have: what they deliver, what is made of it, and what is known of their lens."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from pi_drivers.config.attributes import Attributes, Part, Problem

LEAST_WIDTH, LEAST_HEIGHT = 64, 48
LARGEST_SIDE = 10_000
SLOWEST_RATE = 0.1
LARGEST_MESSAGE = 32 << 20
"""In bytes. viam-server takes no larger ones."""
LARGEST_PICTURE = LARGEST_MESSAGE - (64 << 10)
"""The rest is for what is sent with it."""
RGBA_HEADER = 12
SHORTEST_DEFAULT_MAX_AGE_MS = 500
INTERVALS_OF_GRACE = 3
"""So many pictures may be missing before the last one is too old."""

MimeType = Literal["image/jpeg", "image/png", "image/vnd.viam.rgba"]
SIZE_TEXT = "Pixels, an even number: streams cannot have odd ones."


class Crop(Part):
    """A part of the camera's own picture, before it is rotated."""

    x_px: int = Field(default=0, ge=0, le=LARGEST_SIDE, description="From the left, in pixels.")
    y_px: int = Field(default=0, ge=0, le=LARGEST_SIDE, description="From the top, in pixels.")
    width_px: int = Field(ge=2, le=LARGEST_SIDE, multiple_of=2, description=SIZE_TEXT)
    height_px: int = Field(ge=2, le=LARGEST_SIDE, multiple_of=2, description=SIZE_TEXT)


class Intrinsics(Part):
    """What calibration found of the lens, for pictures as they are delivered."""

    width_px: int = Field(ge=1, le=LARGEST_SIDE, description="Width of the pictures it was found with, in pixels.")
    height_px: int = Field(ge=1, le=LARGEST_SIDE, description="Height of the pictures it was found with, in pixels.")
    fx: float = Field(gt=0, description="Focal length along x, in pixels.")
    fy: float = Field(gt=0, description="Focal length along y, in pixels.")
    ppx: float = Field(description="x of the optical axis, in pixels from the left.")
    ppy: float = Field(description="y of the optical axis, in pixels from the top.")


class Distortion(Part):
    """How the lens distorts, by the model of Brown and Conrady."""

    rk1: float = Field(default=0.0, description="First radial term.")
    rk2: float = Field(default=0.0, description="Second radial term.")
    rk3: float = Field(default=0.0, description="Third radial term.")
    tp1: float = Field(default=0.0, description="First tangential term.")
    tp2: float = Field(default=0.0, description="Second tangential term.")


def side_field(which: str, least: int, absent: str = "of the size nearest to 640 x 480") -> Any:
    """The field `width_px` or `height_px`. Args: absent: what it is then, in words."""
    return Field(
        default=None,
        ge=least,
        le=LARGEST_SIDE,
        multiple_of=2,
        description=f"{which} of the camera's pictures in pixels, even. Absent: {absent}.",
    )


class CameraAttributes(Attributes):
    """The base of the configs of cameras."""

    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset(
        {"width_px", "height_px", "frame_rate", "max_age_ms", "jpeg_quality"}
    )

    width_px: int | None = side_field("Width", LEAST_WIDTH)
    height_px: int | None = side_field("Height", LEAST_HEIGHT)
    frame_rate: float | None = Field(
        default=None,
        ge=SLOWEST_RATE,
        le=1000,
        description="Pictures per second, at least 0.1: one in ten seconds. Absent: the most up to 30 that the camera "
        "has.",
    )
    crop: Crop | None = Field(default=None, description="Deliver a part of the picture only.")
    rotate: Literal[0, 90, 180, 270] = Field(
        default=0, description="Turn pictures clockwise, in degrees, after `crop`."
    )
    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        default="none", description="Mirror pictures, after `rotate`: horizontal swaps left and right."
    )
    mime_type: MimeType = Field(
        default="image/jpeg",
        description="What is delivered: JPEG; PNG, which loses nothing; or raw red, green, blue and opacity.",
    )
    jpeg_quality: int = Field(
        default=85, ge=1, le=100, description="Quality of JPEGs that are made here; a camera's own are not touched."
    )
    max_age_ms: int | None = Field(
        default=None,
        ge=10,
        le=3_600_000,
        description="A picture older than this, in milliseconds, is an error instead of an answer. Absent: three "
        f"intervals between pictures, at least {SHORTEST_DEFAULT_MAX_AGE_MS}.",
    )
    intrinsic_parameters: Intrinsics | None = Field(
        default=None, description="Focal length and optical axis, handed on in the camera's properties."
    )
    distortion_parameters: Distortion | None = Field(
        default=None, description="Distortion of the lens, handed on in the camera's properties."
    )
    controls: dict[str, bool | int | float | str] = Field(
        default_factory=dict,
        description="What to set on the camera, by the names that the command `controls` lists.",
    )

    @property
    def leaves_pictures_alone(self) -> bool:
        """Whether a JPEG of the camera's own can be delivered as it is."""
        return self.crop is None and not self.rotate and self.flip == "none" and self.mime_type == "image/jpeg"

    def max_age_at(self, frame_rate: float) -> int:
        """The maximum age in milliseconds at so many pictures per second."""
        if self.max_age_ms is not None:
            return self.max_age_ms
        intervals_ms = INTERVALS_OF_GRACE * 1000 / frame_rate if frame_rate else 0
        return max(SHORTEST_DEFAULT_MAX_AGE_MS, round(intervals_ms))

    def delivered_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what is delivered of pictures of a size: always even."""
        if self.crop is not None:
            width, height = self.crop.width_px, self.crop.height_px
        width, height = width // 2 * 2, height // 2 * 2
        return (height, width) if self.rotate in {90, 270} else (width, height)

    def problems(self) -> Iterator[Problem]:
        """What does not go with the size and the rate, as far as they are said."""
        yield from super().problems()
        yield from self.problems_with(self.width_px, self.height_px, self.frame_rate)

    def problems_with(self, width: int | None, height: int | None, rate: float | None) -> Iterator[Problem]:
        """What does not go with pictures of this size, and with so many per second; what is not known is left out."""
        max_age = self.max_age_ms
        if rate and max_age is not None and max_age < 1000 / rate:
            message = f"must not be below the {1000 / rate:g} ms between two pictures, got {max_age}"
            yield Problem("max_age_ms", f"{message}: every picture would be too old")
        crop = self.crop
        if crop is not None:
            yield from _beyond("crop.width_px", crop.x_px, crop.width_px, width)
            yield from _beyond("crop.height_px", crop.y_px, crop.height_px, height)
        delivered = self._delivered(width, height)
        if delivered is not None:
            yield from self._problems_of_size(delivered)

    def _problems_of_size(self, delivered: tuple[int, int]) -> Iterator[Problem]:
        width, height = delivered
        length = 4 * width * height + RGBA_HEADER
        if self.mime_type == "image/vnd.viam.rgba" and length > LARGEST_PICTURE:
            yield Problem("mime_type", f"image/vnd.viam.rgba of {width} x {height} pixels {too_large(length)}")
        lens = self.intrinsic_parameters
        if lens is None or lens.width_px is None or lens.height_px is None:
            return
        if (lens.width_px, lens.height_px) != delivered:
            yield Problem(
                "intrinsic_parameters",
                f"are for pictures of {lens.width_px} x {lens.height_px}, and delivered are {delivered[0]} x "
                f"{delivered[1]}: calibrate with pictures as they are delivered",
            )

    def _delivered(self, width: int | None, height: int | None) -> tuple[int, int] | None:
        """As `delivered_size`, as far as it is known; what is broken in the config reads None."""
        if self.crop is not None:
            width, height = self.crop.width_px, self.crop.height_px
        if width is None or height is None or self.rotate is None:
            return None
        return self.delivered_size(width, height)


def too_large(length: int) -> str:
    """That a picture of so many bytes cannot be sent, and what to do."""
    return (
        f"takes {length / 1e6:.1f} MB, and viam-server takes {LARGEST_PICTURE / 1e6:.1f} MB at most: choose smaller "
        "pictures, a crop, or image/jpeg"
    )


def _beyond(path: str, begin: int | None, length: int | None, side: int | None) -> Iterator[Problem]:
    if begin is None or length is None or begin + length <= (side or LARGEST_SIDE):
        return
    most = f"its {side}" if side else f"the {LARGEST_SIDE} that one may have"
    yield Problem(path, f"goes beyond the picture: {begin} + {length} is more than {most}")
