"""What the played USB camera says of itself: its parts, its picture formats and its controls, as bytes by the USB Video
Class specification, release 1.1. Isochronous transfers, which most cameras use, the simulated controller has not; this
camera sends its pictures by bulk transfers, as the class allows.
"""

import struct
from typing import NamedTuple

MANUFACTURER, PRODUCT, SERIAL = "pi-drivers", "Played camera", "0042"
VENDOR_ID, PRODUCT_ID = 0x1209, 0x0001
"""Free for tests (pid.codes)."""
BULK_ENDPOINT = struct.pack("<BBBBHB", 7, 5, 0x81, 2, 512, 0)
PAYLOAD_BYTES = 16384
"""The longest payload: uvcvideo fetches no more at a time."""

CONTROL_INTERFACE, STREAM_INTERFACE = 0, 1
CAMERA, OUTPUT, PROCESSING = 1, 2, 3
"""The numbers of the parts within the control interface."""


class Control(NamedTuple):
    """A control: where it is, how many bytes its value has, and its range."""

    part: int
    selector: int
    size: int
    low: int
    high: int
    step: int
    default: int
    mode: str = ""
    manual: int = 0
    """Another control, and the value that it must have before this one can be set."""


MANUAL_EXPOSURE, AUTOMATIC_EXPOSURE = 1, 8
CONTROLS = {
    # The step of this one is the set of modes that the camera has.
    "exposure_mode": Control(CAMERA, 2, 1, 1, 8, MANUAL_EXPOSURE | AUTOMATIC_EXPOSURE, AUTOMATIC_EXPOSURE),
    "exposure": Control(CAMERA, 4, 4, 3, 2047, 1, 250, "exposure_mode", MANUAL_EXPOSURE),
    "focus": Control(CAMERA, 6, 2, 0, 250, 5, 0, "focus_mode"),
    "focus_mode": Control(CAMERA, 8, 1, 0, 1, 1, 1),
    "brightness": Control(PROCESSING, 2, 2, -64, 64, 1, 0),
    "contrast": Control(PROCESSING, 3, 2, 0, 95, 1, 32),
    "gain": Control(PROCESSING, 4, 2, 0, 100, 1, 10),
    "white_balance": Control(PROCESSING, 10, 2, 2800, 6500, 10, 4600, "white_balance_mode"),
    "white_balance_mode": Control(PROCESSING, 11, 1, 0, 1, 1, 1),
}
CAMERA_CONTROLS = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 17
PROCESSING_CONTROLS = 1 << 0 | 1 << 1 | 1 << 6 | 1 << 9 | 1 << 12
"""The same in the bits of the descriptors (tables 3-6 and 3-8)."""


class Mode(NamedTuple):
    """A picture format with one of its sizes."""

    fourcc: str
    width: int
    height: int

    @property
    def longest(self) -> int:
        """Bytes of the longest frame."""
        return self.width * self.height * 2

    def __str__(self) -> str:
        return f"{self.fourcc} {self.width}x{self.height}"


MODES = (
    (Mode("MJPG", 640, 480), Mode("MJPG", 1280, 720)),
    (Mode("YUYV", 640, 480),),
)
"""By format, and in it by size; the camera counts both from 1."""
INTERVALS = (333333, 666666, 2000000)
"""Times from frame to frame, in 100 ns: 30, 15 and 5 a second."""
YUY2_GUID = bytes.fromhex("5955593200001000800000aa00389b71")


def device() -> bytes:
    """The device descriptor."""
    return struct.pack(
        "<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0xEF, 2, 1, 64, VENDOR_ID, PRODUCT_ID, 0x0100, 1, 2, 3, 1
    )  # fmt: skip


def text(number: int) -> bytes:
    """A string descriptor; number 0 is the list of languages."""
    if number == 0:
        return struct.pack("<BBH", 4, 3, 0x0409)
    encoded = (MANUFACTURER, PRODUCT, SERIAL)[number - 1].encode("utf-16-le")
    return bytes([len(encoded) + 2, 3]) + encoded


def configuration() -> bytes:
    """The configuration with its two interfaces."""
    association = bytes([8, 11, CONTROL_INTERFACE, 2, 14, 3, 0, 2])
    body = association + _control_interface() + _stream_interface()
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, 0x80, 250) + body


def stream_settings(format_number: int, frame_number: int, interval: int) -> bytes:
    """The structure by which computer and camera agree on a stream (table 4-47)."""
    longest = MODES[format_number - 1][frame_number - 1].longest
    return struct.pack(
        "<HBBIHHHHHIIIBBBB",
        1, format_number, frame_number, interval, 0, 0, 0, 0, 0, longest, PAYLOAD_BYTES, 48_000_000, 3, 0, 0, 0
    )  # fmt: skip


def agreed(asked: bytes) -> tuple[Mode, bytes]:
    """What the camera makes of the settings it is asked for: the nearest it has."""
    _, format_number, frame_number, interval = struct.unpack_from("<HBBI", asked)
    format_number = min(max(format_number, 1), len(MODES))
    frame_number = min(max(frame_number, 1), len(MODES[format_number - 1]))
    nearest = min(INTERVALS, key=lambda each: abs(each - interval))
    return MODES[format_number - 1][frame_number - 1], stream_settings(format_number, frame_number, nearest)


def interval_of(settings: bytes) -> int:
    """The time from frame to frame, in 100 ns, out of agreed settings."""
    return int(struct.unpack_from("<I", settings, 4)[0])


def _control_interface() -> bytes:
    camera = struct.pack("<BBBBHBBHHHB", 18, 0x24, 2, CAMERA, 0x0201, 0, 0, 0, 0, 0, 3)
    processing = struct.pack("<BBBBBHBHBB", 12, 0x24, 5, PROCESSING, CAMERA, 0, 2, PROCESSING_CONTROLS, 0, 0)
    parts = (
        camera
        + CAMERA_CONTROLS.to_bytes(3, "little")
        + processing
        + struct.pack("<BBBBHBBB", 9, 0x24, 3, OUTPUT, 0x0101, 0, PROCESSING, 0)
    )
    header = struct.pack("<BBBHHIBB", 13, 0x24, 1, 0x0110, 13 + len(parts), 48_000_000, 1, STREAM_INTERFACE)
    return bytes([9, 4, CONTROL_INTERFACE, 0, 0, 14, 1, 0, 2]) + header + parts


def _stream_interface() -> bytes:
    compressed, plain = MODES
    formats = (
        bytes([11, 0x24, 6, 1, len(compressed), 1, 1, 0, 0, 0, 0])
        + b"".join(_frame(7, number, mode) for number, mode in enumerate(compressed, 1))
        + bytes([27, 0x24, 4, 2, len(plain)])
        + YUY2_GUID
        + bytes([16, 1, 0, 0, 0, 0])
        + b"".join(_frame(5, number, mode) for number, mode in enumerate(plain, 1))
    )
    length = 13 + len(MODES)
    header = struct.pack(
        "<BBBBHBBBBBBB", length, 0x24, 1, len(MODES), length + len(formats), 0x81, 0, OUTPUT, 0, 0, 0, 1
    )
    interface = bytes([9, 4, STREAM_INTERFACE, 0, 1, 14, 2, 0, 0])
    return interface + header + bytes(len(MODES)) + formats + BULK_ENDPOINT


def _frame(subtype: int, number: int, mode: Mode) -> bytes:
    rates = [mode.longest * 8 * 10_000_000 // interval for interval in (INTERVALS[-1], INTERVALS[0])]
    return struct.pack(
        "<BBBBBHHIIIIB3I",
        26 + 4 * len(INTERVALS), 0x24, subtype, number, 0, mode.width, mode.height, *rates, mode.longest, INTERVALS[0],
        len(INTERVALS), *INTERVALS
    )  # fmt: skip
