"""What a back end for cameras must do.

A camera delivers pictures at its own pace, whether or not somebody looks, into a few buffers that it shares with the
kernel. Whoever takes them slowly gets old ones; so a read throws away all but the newest. What is in a picture is the
business of the drivers: here a picture is bytes, the form they have, and the moment they were exposed.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

PixelFormat = Literal["MJPG", "YUYV", "UYVY", "NV12", "YU12", "BGR3", "RGB3", "GREY"]
PIXEL_FORMATS: tuple[str, ...] = get_args(PixelFormat)
"""What pictures can be taken in, by V4L2's four letters, the best first: where a camera compresses them itself, its USB
cable has room for its full frame rate."""

COMPRESSED = ("MJPG",)
_BYTES_PER_PIXEL = {"YUYV": 2, "UYVY": 2, "NV12": 1, "YU12": 1, "BGR3": 3, "RGB3": 3, "GREY": 1}
_WITH_COLOUR_BELOW = ("NV12", "YU12")

BY_ID, BY_PATH = "/dev/v4l/by-id/", "/dev/v4l/by-path/"
"""Where a camera has names that it keeps."""
NUMBERED = "/dev/video"
"""How the paths begin that a camera does not keep."""
_NUMBER = re.compile(r"(?:/dev/)?(?:video)?([0-9]{1,3})")

USUAL_SIZE = (640, 480)
USUAL_RATE = 30.0
"""What a camera is set to if nobody says otherwise."""


def plain_name(name: str) -> str:
    """One spelling for all of a camera's name: a number as a path, a name that stays without its folder."""
    name = name.partition(";")[0]  # viam-server's webcam finds names such as "usb-…-video-index0;video0"
    name = re.sub("//+", "/", name)
    number = _NUMBER.fullmatch(name)
    if number is not None:
        return f"{NUMBERED}{int(number[1])}"
    return name.removeprefix(BY_ID).removeprefix(BY_PATH)


def bytes_per_line(pixel_format: str, width: int) -> int:
    """What a line of pixels takes, without anything that may fill it up; 0 for compressed pictures."""
    return width * _BYTES_PER_PIXEL.get(pixel_format, 0)


def least_length(pixel_format: str, stride: int, height: int) -> int:
    """A picture of fewer bytes is not whole. NV12 and YU12 have half as many lines of colour below their brightness."""
    brightness = stride * height
    return max(1, brightness * 3 // 2 if pixel_format in _WITH_COLOUR_BELOW else brightness)


@dataclass(frozen=True)
class RawFrame:
    """A picture as it came from the camera."""

    data: bytes
    pixel_format: str
    """One of `PIXEL_FORMATS`."""
    width: int
    height: int
    """Pixels, as the camera was set up; of a compressed picture, what is inside may differ."""
    stride: int
    """Bytes from one line to the next, which may be more than the pixels take; 0 for compressed ones."""
    taken_ns: int
    """When it was exposed, on the host's clock."""
    sequence: int
    """Counted by the camera since it was started; a gap shows pictures that were lost before they came here."""
    broken: bool = False
    """The camera or its driver says itself that something is missing."""


@dataclass(frozen=True)
class VideoMode:
    """A pixel format and a range of sizes that a camera can deliver."""

    pixel_format: str
    smallest: tuple[int, int]
    largest: tuple[int, int]
    """Width and height; most cameras have single sizes, and the two are the same."""
    step: tuple[int, int] = (1, 1)
    frame_rates: tuple[float, ...] = ()
    """Per second, the fastest first; of a range of sizes, those of the largest; none where the driver does not tell."""
    rate_range: tuple[float, float] | None = None
    """The slowest and the fastest, of a camera that can have any rate between them; `frame_rates` are examples then."""

    def has(self, width: int, height: int) -> bool:
        """Whether pictures of this size can be had, and taken apart: colour at half the size needs even sides."""
        if self.pixel_format in _WITH_COLOUR_BELOW and (width % 2 or height % 2):
            return False
        return all(
            low <= value <= high and (value - low) % step == 0
            for value, low, high, step in zip((width, height), self.smallest, self.largest, self.step, strict=True)
        )


@dataclass(frozen=True)
class Wanted:
    """What a camera is to deliver; None leaves the choice to the back end."""

    pixel_format: str | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None


@dataclass(frozen=True)
class Chosen:
    """What a camera delivers."""

    pixel_format: str
    width: int
    height: int
    frame_rate: float
    """Per second; 0 where nobody knows."""


Automatic: TypeAlias = tuple[str, tuple[float, ...]]
"""A control that sets another one by itself, and its values with which it does not."""


@dataclass(frozen=True)
class Control:
    """Something that can be set on a camera: its exposure, its gain, its focus."""

    name: str
    """As `v4l2-ctl` and libcamera have it."""
    kind: Literal["integer", "number", "boolean", "menu", "button"]
    minimum: float
    maximum: float
    step: float
    default: float
    value: float
    choices: Mapping[int, str] = field(default_factory=dict)
    """The names of a menu's values."""
    inactive: bool = False
    """It has no effect at present, because of another control: an exposure time while the exposure is automatic."""
    read_only: bool = False
    automatic: Automatic | None = None
    """The control that can do it by itself; None where there is none, or nobody knows which."""


USB_CABLE = "Check its cable and its power."
RIBBON_CABLE = "Check its ribbon cable: it has to be in firmly and the right way round at both ends."


@dataclass(frozen=True)
class VideoSource:
    """A camera that is there."""

    path: str
    """`/dev/video0`; for a CSI camera `camera 0`."""
    label: str
    """What it calls itself: `HD Pro Webcam C920`, `imx708`."""
    driver: str
    names: tuple[str, ...] = ()
    """Its names below /dev/v4l/by-id and /dev/v4l/by-path, which do not change with the order of plugging in."""
    unfit: str = ""
    """Why it can deliver no pictures here; empty if it can."""
    hint: str = USB_CABLE
    """What to do when it is silent."""
    forbidden: bool = False
    """It is unfit because this user may not open it."""

    def answers_to(self, name: str) -> bool:
        """Whether a config that says this means this camera: path, number, name or label."""
        name = plain_name(name)
        return name in {self.path, self.label, *self.names}


class VideoDevice(ABC):
    """One camera, open for this process alone. Blocking: used on one worker's thread, except where it says otherwise.

    Every call raises:
        ClosedError: it was closed, perhaps while the call was waiting.
        BusAbsentError: it was unplugged. It stays so: a camera that comes back is opened anew.
        ClaimedError: another program has it.
        BusError: anything else the kernel reports.
    """

    source: VideoSource
    """Which camera it is. Any thread."""

    @property
    def place(self) -> str:
        """Where it is, for messages and claims: `/dev/video0`, `camera 0`. Any thread."""
        return self.source.path

    @abstractmethod
    def modes(self) -> Sequence[VideoMode]:
        """What it can deliver, without what nobody here can read."""

    @abstractmethod
    def start(self, wanted: Wanted) -> Chosen:
        """Set it up and let it run. Called once.

        Raises:
            ConfigError: it cannot deliver what is wanted; the message says what it can.
        """

    @abstractmethod
    def read(self, timeout_ns: int) -> RawFrame | None:
        """Wait for the next picture and return the newest there is; None when the time is over, or `wake` was called.

        Pictures that are older than it are given back to the camera unseen.
        """

    @abstractmethod
    def wake(self) -> None:
        """End a waiting `read`, and those to come, at once. From any thread."""

    @abstractmethod
    def controls(self) -> Sequence[Control]:
        """All it has, with their values now."""

    @abstractmethod
    def set_control(self, name: str, value: float) -> float:
        """Set one of `controls`; returns what the camera then has, read back from it.

        Raises:
            ArgumentError: there is no such control, or the value is out of its range; the message has the range.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop it and let it go, so that it can be opened again at once. Idempotent."""


class Cameras(ABC):
    """The cameras of one kind on a machine: those that V4L2 shows, or those that libcamera does. Blocking."""

    @abstractmethod
    def sources(self) -> Sequence[VideoSource]:
        """Those that are there, also those that are in use."""

    @abstractmethod
    def open(self, wanted: str | None, taken: Collection[str] = ()) -> VideoDevice:
        """Open one.

        Args:
            wanted: its path, one of its names (with or without the folder), its number or its label; None takes the
                first that is fit and not taken.
            taken: places that others hold, which are passed over when none is named, or several have the label.

        Raises:
            BusAbsentError: it is not there; the message lists those that are.
            BusPermissionError, MissingLibraryError, ClaimedError: it cannot be opened; the message says what to do.
        """
