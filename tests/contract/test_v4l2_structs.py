"""The structures in which a camera's driver is asked, held against the kernel's own header file."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from pi_drivers.buses.video import v4l2_structs as v4l2

HEADER = Path("/usr/include/linux/videodev2.h")
HAS_64_BITS = ctypes.sizeof(ctypes.c_void_p) == 8

STRUCTURES: dict[str, tuple[type[ctypes.Structure], int, tuple[str, ...]]] = {
    "v4l2_capability": (v4l2.Capability, 104, ("driver", "card", "capabilities", "device_caps")),
    "v4l2_fmtdesc": (v4l2.FormatDescription, 64, ("flags", "description", "pixelformat")),
    "v4l2_frmsizeenum": (v4l2.FrameSize, 44, ("pixel_format", "type", "discrete", "stepwise")),
    "v4l2_frmivalenum": (v4l2.FrameInterval, 52, ("width", "height", "type")),
    "v4l2_format": (v4l2.Format, 208, ("type",)),
    "v4l2_pix_format": (v4l2.PixelFormat, 48, ("pixelformat", "field", "bytesperline", "sizeimage")),
    "v4l2_streamparm": (v4l2.StreamParameters, 204, ("type",)),
    "v4l2_requestbuffers": (v4l2.BufferRequest, 20, ("count", "type", "memory")),
    "v4l2_buffer": (v4l2.Buffer, 88, ("bytesused", "flags", "timestamp", "sequence", "memory", "m", "length")),
    "v4l2_query_ext_ctrl": (v4l2.ControlInfo, 232, ("type", "name", "minimum", "step", "default_value", "flags")),
    "v4l2_querymenu": (v4l2.MenuItem, 44, ("index", "name", "value")),
    "v4l2_ext_control": (v4l2.ControlValue, 20, ("id", "size", "value", "value64")),
    "v4l2_ext_controls": (v4l2.ControlValues, 32, ("which", "count", "error_idx", "controls")),
}
"""Ours, the bytes it has on machines of 64 bits, and fields of which each has its place."""

REQUESTS = (
    "QUERYCAP", "ENUM_FMT", "S_FMT", "REQBUFS", "QUERYBUF", "QBUF", "DQBUF", "STREAMON", "STREAMOFF", "G_PARM",
    "S_PARM", "QUERYMENU", "G_EXT_CTRLS", "S_EXT_CTRLS", "ENUM_FRAMESIZES", "ENUM_FRAMEINTERVALS", "QUERY_EXT_CTRL",
)  # fmt: skip

CONSTANTS = {
    "V4L2_BUF_TYPE_VIDEO_CAPTURE": v4l2.CAPTURE,
    "V4L2_MEMORY_MMAP": v4l2.MMAP,
    "V4L2_CAP_VIDEO_CAPTURE": v4l2.CAP_VIDEO_CAPTURE,
    "V4L2_CAP_VIDEO_CAPTURE_MPLANE": v4l2.CAP_VIDEO_CAPTURE_MPLANE,
    "V4L2_CAP_META_CAPTURE": v4l2.CAP_META_CAPTURE,
    "V4L2_CAP_STREAMING": v4l2.CAP_STREAMING,
    "V4L2_CAP_DEVICE_CAPS": v4l2.CAP_DEVICE_CAPS,
    "V4L2_CAP_TIMEPERFRAME": v4l2.CAN_SET_RATE,
    "V4L2_FMT_FLAG_EMULATED": v4l2.FORMAT_EMULATED,
    "V4L2_FRMSIZE_TYPE_DISCRETE": v4l2.SIZE_DISCRETE,
    "V4L2_FRMSIZE_TYPE_CONTINUOUS": v4l2.SIZE_CONTINUOUS,
    "V4L2_FRMIVAL_TYPE_DISCRETE": v4l2.SIZE_DISCRETE,
    "V4L2_BUF_FLAG_ERROR": v4l2.BUFFER_ERROR,
    "V4L2_BUF_FLAG_TIMESTAMP_MASK": v4l2.BUFFER_TIMESTAMP_MASK,
    "V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC": v4l2.BUFFER_TIMESTAMP_MONOTONIC,
    "V4L2_CTRL_FLAG_NEXT_CTRL": v4l2.NEXT_CONTROL,
    "V4L2_CTRL_TYPE_INTEGER": v4l2.CONTROL_INTEGER,
    "V4L2_CTRL_TYPE_BOOLEAN": v4l2.CONTROL_BOOLEAN,
    "V4L2_CTRL_TYPE_MENU": v4l2.CONTROL_MENU,
    "V4L2_CTRL_TYPE_BUTTON": v4l2.CONTROL_BUTTON,
    "V4L2_CTRL_TYPE_INTEGER64": v4l2.CONTROL_INTEGER64,
    "V4L2_CTRL_TYPE_INTEGER_MENU": v4l2.CONTROL_INTEGER_MENU,
    "V4L2_CTRL_FLAG_DISABLED": v4l2.CONTROL_DISABLED,
    "V4L2_CTRL_FLAG_READ_ONLY": v4l2.CONTROL_READ_ONLY,
    "V4L2_CTRL_FLAG_INACTIVE": v4l2.CONTROL_INACTIVE,
    "V4L2_CTRL_FLAG_WRITE_ONLY": v4l2.CONTROL_WRITE_ONLY,
    "V4L2_CTRL_FLAG_HAS_PAYLOAD": v4l2.CONTROL_HAS_PAYLOAD,
    "V4L2_CTRL_WHICH_CUR_VAL": 0,
    "V4L2_PIX_FMT_MJPEG": v4l2.number_of("MJPG"),
    "V4L2_PIX_FMT_YUV420": v4l2.number_of("YU12"),
    "V4L2_PIX_FMT_BGR24": v4l2.number_of("BGR3"),
    "V4L2_PIX_FMT_GREY": v4l2.number_of("GREY"),
}


def ours() -> dict[str, int]:
    numbers = dict(CONSTANTS)
    numbers |= {f"VIDIOC_{name}": getattr(v4l2, name) for name in REQUESTS}
    numbers |= {
        "offsetof(struct v4l2_format, fmt.pix)": v4l2.Format.fmt.offset,
        "offsetof(struct v4l2_streamparm, parm.capture.timeperframe)": v4l2.StreamParameters.timeperframe.offset,
        "offsetof(struct v4l2_frmivalenum, stepwise.max)": v4l2.FrameInterval.interval.offset
        + v4l2.IntervalRange.max.offset,
    }
    for name, (structure, _, fields) in STRUCTURES.items():
        numbers[f"sizeof(struct {name})"] = ctypes.sizeof(structure)
        numbers |= {f"offsetof(struct {name}, {field})": getattr(structure, field).offset for field in fields}
    return numbers


@pytest.mark.skipif(not HAS_64_BITS, reason="the numbers are those of 64 bits")
@pytest.mark.parametrize("name", STRUCTURES)
def test_each_structure_has_the_bytes_that_the_kernel_gives_it(name: str):
    structure, size, _ = STRUCTURES[name]
    assert ctypes.sizeof(structure) == size


@pytest.mark.skipif(not HAS_64_BITS, reason="with 32 bits the C library may tell times in fewer than the kernel does")
@pytest.mark.skipif(not (HEADER.exists() and shutil.which("gcc")), reason=f"it takes {HEADER} and gcc")
def test_sizes_places_requests_and_flags_are_those_of_the_header_file(tmp_path: Path):
    expected = ours()
    lines = "".join(f'printf("%llu\\n", (unsigned long long)(unsigned)({name}));\n' for name in expected)
    source = tmp_path / "tell.c"
    source.write_text(
        f"#include <linux/videodev2.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {{\n{lines}}}\n",
        encoding="ascii",
    )
    subprocess.run(["gcc", "-o", tmp_path / "tell", source], check=True)
    told = subprocess.run([tmp_path / "tell"], check=True, capture_output=True, text=True).stdout.split()

    assert dict(zip(expected, map(int, told), strict=True)) == expected
