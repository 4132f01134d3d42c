"""What the kernel and a program say to each other about a camera, as include/uapi/linux/videodev2.h has it.

Python has no bindings for it of its own. The structures are laid out by the machine's own rules, 32-bit ones included,
and the numbers of the requests follow from their sizes; so the two cannot disagree.
"""

import ctypes
from ctypes import c_char, c_int32, c_int64, c_longlong, c_uint8, c_uint32, c_uint64, c_void_p, sizeof

CAPTURE = 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE"""
MMAP = 1
"""V4L2_MEMORY_MMAP"""

CAP_VIDEO_CAPTURE = 0x0000_0001
CAP_VIDEO_CAPTURE_MPLANE = 0x0000_1000
CAP_META_CAPTURE = 0x0080_0000
CAP_STREAMING = 0x0400_0000
CAP_DEVICE_CAPS = 0x8000_0000

FORMAT_EMULATED = 0x0002
"""V4L2_FMT_FLAG_EMULATED: made from another format, with work for the processor."""

SIZE_DISCRETE, SIZE_CONTINUOUS = 1, 2
"""Of V4L2_FRMSIZE_TYPE_ and V4L2_FRMIVAL_TYPE_; 3 is stepwise."""

CAN_SET_RATE = 0x1000
"""V4L2_CAP_TIMEPERFRAME"""

BUFFER_ERROR = 0x0000_0040
BUFFER_TIMESTAMP_MASK, BUFFER_TIMESTAMP_MONOTONIC = 0x0000_E000, 0x0000_2000

NEXT_CONTROL = 0x8000_0000
"""V4L2_CTRL_FLAG_NEXT_CTRL: with the number of a control it asks for the one behind it."""
CONTROL_INTEGER, CONTROL_BOOLEAN, CONTROL_MENU, CONTROL_BUTTON = 1, 2, 3, 4
CONTROL_INTEGER64, CONTROL_INTEGER_MENU = 5, 9
CONTROL_DISABLED, CONTROL_READ_ONLY, CONTROL_INACTIVE = 0x0001, 0x0004, 0x0010
CONTROL_WRITE_ONLY, CONTROL_HAS_PAYLOAD = 0x0040, 0x0100


class Capability(ctypes.Structure):
    """The kernel's struct v4l2_capability."""

    _fields_ = (
        ("driver", c_char * 16), ("card", c_char * 32), ("bus_info", c_char * 32), ("version", c_uint32),
        ("capabilities", c_uint32), ("device_caps", c_uint32), ("reserved", c_uint32 * 3),
    )  # fmt: skip


class FormatDescription(ctypes.Structure):
    """The kernel's struct v4l2_fmtdesc."""

    _fields_ = (
        ("index", c_uint32), ("type", c_uint32), ("flags", c_uint32), ("description", c_char * 32),
        ("pixelformat", c_uint32), ("mbus_code", c_uint32), ("reserved", c_uint32 * 3),
    )  # fmt: skip


class SizeRange(ctypes.Structure):
    """The kernel's struct v4l2_frmsize_stepwise; a discrete size is its first two."""

    _fields_ = (
        ("min_width", c_uint32), ("max_width", c_uint32), ("step_width", c_uint32),
        ("min_height", c_uint32), ("max_height", c_uint32), ("step_height", c_uint32),
    )  # fmt: skip


class Size(ctypes.Structure):
    """The kernel's struct v4l2_frmsize_discrete."""

    _fields_ = (("width", c_uint32), ("height", c_uint32))


class _SizeUnion(ctypes.Union):
    _fields_ = (("discrete", Size), ("stepwise", SizeRange))


class FrameSize(ctypes.Structure):
    """The kernel's struct v4l2_frmsizeenum."""

    _anonymous_ = ("size",)
    _fields_ = (
        ("index", c_uint32), ("pixel_format", c_uint32), ("type", c_uint32), ("size", _SizeUnion),
        ("reserved", c_uint32 * 2),
    )  # fmt: skip


class Fraction(ctypes.Structure):
    """The kernel's struct v4l2_fract."""

    _fields_ = (("numerator", c_uint32), ("denominator", c_uint32))


class IntervalRange(ctypes.Structure):
    """The kernel's struct v4l2_frmival_stepwise; a discrete interval is its first."""

    _fields_ = (("min", Fraction), ("max", Fraction), ("step", Fraction))


class FrameInterval(ctypes.Structure):
    """The kernel's struct v4l2_frmivalenum."""

    _fields_ = (
        ("index", c_uint32), ("pixel_format", c_uint32), ("width", c_uint32), ("height", c_uint32),
        ("type", c_uint32), ("interval", IntervalRange), ("reserved", c_uint32 * 2),
    )  # fmt: skip


class PixelFormat(ctypes.Structure):
    """The kernel's struct v4l2_pix_format."""

    _fields_ = (
        ("width", c_uint32), ("height", c_uint32), ("pixelformat", c_uint32), ("field", c_uint32),
        ("bytesperline", c_uint32), ("sizeimage", c_uint32), ("colorspace", c_uint32), ("priv", c_uint32),
        ("flags", c_uint32), ("ycbcr_enc", c_uint32), ("quantization", c_uint32), ("xfer_func", c_uint32),
    )  # fmt: skip


class _FormatUnion(ctypes.Union):
    # Others of its members have pointers in them, which decides where all of them begin.
    _fields_ = (("pix", PixelFormat), ("raw_data", c_uint8 * 200), ("pointer", c_void_p))


class Format(ctypes.Structure):
    """The kernel's struct v4l2_format."""

    _anonymous_ = ("fmt",)
    _fields_ = (("type", c_uint32), ("fmt", _FormatUnion))


class StreamParameters(ctypes.Structure):
    """The kernel's struct v4l2_streamparm with its v4l2_captureparm."""

    _fields_ = (
        ("type", c_uint32), ("capability", c_uint32), ("capturemode", c_uint32), ("timeperframe", Fraction),
        ("extendedmode", c_uint32), ("readbuffers", c_uint32), ("rest", c_uint8 * 176),
    )  # fmt: skip


class BufferRequest(ctypes.Structure):
    """The kernel's struct v4l2_requestbuffers."""

    _fields_ = (
        ("count", c_uint32), ("type", c_uint32), ("memory", c_uint32), ("capabilities", c_uint32),
        ("flags", c_uint8), ("reserved", c_uint8 * 3),
    )  # fmt: skip


class Timestamp(ctypes.Structure):
    """The kernel's struct __kernel_v4l2_timeval: it has 64 bits on every machine, whatever time_t has."""

    _fields_ = (("seconds", c_longlong), ("microseconds", c_longlong))


class _BufferUnion(ctypes.Union):
    _fields_ = (("offset", c_uint32), ("pointer", c_void_p))


class Buffer(ctypes.Structure):
    """The kernel's struct v4l2_buffer."""

    _anonymous_ = ("m",)
    _fields_ = (
        ("index", c_uint32), ("type", c_uint32), ("bytesused", c_uint32), ("flags", c_uint32), ("field", c_uint32),
        ("timestamp", Timestamp), ("timecode", c_uint32 * 4), ("sequence", c_uint32), ("memory", c_uint32),
        ("m", _BufferUnion), ("length", c_uint32), ("reserved2", c_uint32), ("request_fd", c_int32),
    )  # fmt: skip


class ControlInfo(ctypes.Structure):
    """The kernel's struct v4l2_query_ext_ctrl."""

    _fields_ = (
        ("id", c_uint32), ("type", c_uint32), ("name", c_char * 32), ("minimum", c_int64), ("maximum", c_int64),
        ("step", c_uint64), ("default_value", c_int64), ("flags", c_uint32), ("elem_size", c_uint32),
        ("elems", c_uint32), ("nr_of_dims", c_uint32), ("dims", c_uint32 * 4), ("reserved", c_uint32 * 32),
    )  # fmt: skip


class _MenuUnion(ctypes.Union):
    _pack_ = 1
    _fields_ = (("name", c_char * 32), ("value", c_int64))


class MenuItem(ctypes.Structure):
    """The kernel's struct v4l2_querymenu."""

    _pack_ = 1
    _anonymous_ = ("item",)
    _fields_ = (("id", c_uint32), ("index", c_uint32), ("item", _MenuUnion), ("reserved", c_uint32))


class _ValueUnion(ctypes.Union):
    _pack_ = 1
    _fields_ = (("value", c_int32), ("value64", c_int64), ("pointer", c_void_p))


class ControlValue(ctypes.Structure):
    """The kernel's struct v4l2_ext_control."""

    _pack_ = 1
    _anonymous_ = ("union",)
    _fields_ = (("id", c_uint32), ("size", c_uint32), ("reserved2", c_uint32), ("union", _ValueUnion))


class ControlValues(ctypes.Structure):
    """The kernel's struct v4l2_ext_controls; `which` 0 is the values now."""

    _fields_ = (
        ("which", c_uint32), ("count", c_uint32), ("error_idx", c_uint32), ("request_fd", c_int32),
        ("reserved", c_uint32), ("controls", ctypes.POINTER(ControlValue)),
    )  # fmt: skip


def _number(direction: int, number: int, size: int) -> int:
    """As _IOC of asm-generic/ioctl.h makes it; direction 1 is to the kernel, 2 is from it."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP = _number(2, 0, sizeof(Capability))
ENUM_FMT = _number(3, 2, sizeof(FormatDescription))
S_FMT = _number(3, 5, sizeof(Format))
REQBUFS = _number(3, 8, sizeof(BufferRequest))
QUERYBUF = _number(3, 9, sizeof(Buffer))
QBUF = _number(3, 15, sizeof(Buffer))
DQBUF = _number(3, 17, sizeof(Buffer))
STREAMON = _number(1, 18, sizeof(ctypes.c_int))
STREAMOFF = _number(1, 19, sizeof(ctypes.c_int))
G_PARM = _number(3, 21, sizeof(StreamParameters))
S_PARM = _number(3, 22, sizeof(StreamParameters))
QUERYMENU = _number(3, 37, sizeof(MenuItem))
G_EXT_CTRLS = _number(3, 71, sizeof(ControlValues))
S_EXT_CTRLS = _number(3, 72, sizeof(ControlValues))
ENUM_FRAMESIZES = _number(3, 74, sizeof(FrameSize))
ENUM_FRAMEINTERVALS = _number(3, 75, sizeof(FrameInterval))
QUERY_EXT_CTRL = _number(3, 103, sizeof(ControlInfo))


def letters_of(pixel_format: int) -> str:
    """A pixel format's four letters."""
    return pixel_format.to_bytes(4, "little").decode("ascii", errors="replace").rstrip()


def number_of(letters: str) -> int:
    """The pixel format of four letters."""
    return int.from_bytes(letters.ljust(4).encode("ascii"), "little")
