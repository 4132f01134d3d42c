"""The kernel's side of video devices, as far as a camera is asked anything: for refusals that no played camera has.

It takes the place of `fcntl.ioctl`. The devices are regular files, so what is mapped of them is real; each request is
answered by its structure or refused with its errno, and everything that it does not know is refused as the kernel does.
"""

import ctypes
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pi_drivers.buses.video import v4l2_structs as v4l2

PAGE = 16384
WEBCAM = v4l2.CAP_VIDEO_CAPTURE | v4l2.CAP_STREAMING


@dataclass
class Node:
    """One video device."""

    driver: str = "uvcvideo"
    capabilities: int = WEBCAM
    device_caps: int = WEBCAM
    formats: tuple[str, ...] = ("MJPG",)
    sizes: tuple[int, int, int, int, int, int] = (64, 640, 16, 48, 480, 12)
    """Smallest, largest and step of the width, then of the height; one size if it has no step."""
    adjusts_to: tuple[int, int] | None = None
    buffers: int = 4
    stamp_ns: int = 0
    stamp_flags: int = v4l2.BUFFER_TIMESTAMP_MONOTONIC
    rate: float | None = None
    """Pictures per second; None where its driver has no word for it."""
    settles_at: float | None = None
    """The only rate that it takes, whatever it is asked for."""
    rates_between: tuple[float, float] | None = None
    """The slowest and the fastest that it says it can have."""
    fastest_at_largest: float | None = None
    """As the fastest of these, at its largest size."""
    controls: tuple[int, ...] = (1,)
    silent_controls: tuple[int, ...] = ()
    """Those of its `controls` that it knows nothing of when it is asked."""
    value: int = 0
    flags: int = 0
    waiting: list[int] = field(default_factory=list)
    streaming: bool = False
    held: int = 0


class StandInForV4l2:
    """The kernel's side."""

    def __init__(self, sys_folder: Path, dev: Path) -> None:
        self._sys = sys_folder / "class/video4linux"
        self._dev = dev
        self.nodes: dict[str, Node] = {}
        self.refuse: dict[int, int] = {}
        """Errno by request."""
        self.interrupted = 0
        """So many requests are interrupted by a signal before they are answered."""
        self.asked: set[str] = set()
        """The devices that were asked anything."""

    def plug_in(
        self, name: str, node: Node, *, label: str = "A Camera", links: tuple[str, ...] = (), in_sysfs: bool = False
    ) -> None:
        """Make a device; `in_sysfs` has its driver be known without asking."""
        (self._sys / name).mkdir(parents=True)
        (self._sys / name / "name").write_text(f"{label}\n", encoding="utf-8")
        (self._dev / name).write_bytes(bytes(PAGE * 4))
        if in_sysfs:
            driver = self._sys / "drivers" / node.driver
            driver.mkdir(parents=True)
            (self._sys / name / "device").mkdir()
            (self._sys / name / "device/driver").symlink_to(driver)
        for link in links:
            path = self._dev / "v4l" / link
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(self._dev / name)
        self.nodes[name] = node

    def ioctl(self, descriptor: int, request: int, argument: ctypes.Structure | ctypes.c_int) -> int:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        self.asked.add(name)
        node = self.nodes.get(name)
        if self.interrupted:
            self.interrupted -= 1
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
        answers: dict[int, Callable[[Node, Any], int | None]] = {
            v4l2.QUERYCAP: _tell, v4l2.ENUM_FMT: _list_formats, v4l2.ENUM_FRAMESIZES: _list_sizes, v4l2.S_FMT: _set,
            v4l2.REQBUFS: _provide, v4l2.QUERYBUF: _place, v4l2.QBUF: _take_back, v4l2.DQBUF: _deliver,
            v4l2.STREAMON: _start, v4l2.STREAMOFF: _stop, v4l2.QUERY_EXT_CTRL: _list_controls,
            v4l2.G_EXT_CTRLS: _read_control, v4l2.S_EXT_CTRLS: _write_control, v4l2.G_PARM: _tell_rate,
            v4l2.S_PARM: _set_rate, v4l2.ENUM_FRAMEINTERVALS: _list_rates,
        }  # fmt: skip
        number = self.refuse.get(request) or (errno.ENOTTY if node is None or request not in answers else 0)
        if node is not None and not number:
            number = answers[request](node, argument) or 0
        if number:
            raise OSError(number, os.strerror(number))
        return 0


def _tell(node: Node, answer: v4l2.Capability) -> None:
    answer.driver, answer.card = node.driver.encode(), b"A Camera"
    answer.capabilities, answer.device_caps = node.capabilities | v4l2.CAP_DEVICE_CAPS, node.device_caps


def _list_formats(node: Node, answer: v4l2.FormatDescription) -> int:
    if answer.index >= len(node.formats):
        return errno.EINVAL
    answer.pixelformat = v4l2.number_of(node.formats[answer.index])
    return 0


def _list_sizes(node: Node, answer: v4l2.FrameSize) -> int:
    if answer.index:
        return errno.EINVAL
    width, _, step, height, _, _ = node.sizes
    if step:
        answer.type, answer.stepwise = 3, v4l2.SizeRange(*node.sizes)
    else:
        answer.type, answer.discrete = v4l2.SIZE_DISCRETE, v4l2.Size(width, height)
    return 0


def _list_rates(node: Node, answer: v4l2.FrameInterval) -> int:
    if node.rates_between is None or answer.index:
        return errno.EINVAL
    slowest, fastest = node.rates_between
    if node.fastest_at_largest is not None and (answer.width, answer.height) == (node.sizes[1], node.sizes[4]):
        fastest = node.fastest_at_largest
    answer.type = v4l2.SIZE_CONTINUOUS
    answer.interval = v4l2.IntervalRange(_interval(fastest), _interval(slowest), v4l2.Fraction(1, 1))
    return 0


def _tell_rate(node: Node, answer: v4l2.StreamParameters) -> int:
    if node.rate is None:
        return errno.ENOTTY
    answer.capability = v4l2.CAN_SET_RATE
    answer.timeperframe = _interval(node.rate)
    return 0


def _set_rate(node: Node, answer: v4l2.StreamParameters) -> int:
    asked = answer.timeperframe
    node.rate = node.settles_at or asked.denominator / asked.numerator
    return _tell_rate(node, answer)


def _interval(rate: float) -> v4l2.Fraction:
    return v4l2.Fraction(1000, round(1000 * rate))


def _set(node: Node, answer: v4l2.Format) -> None:
    if node.adjusts_to is not None:
        answer.pix.width, answer.pix.height = node.adjusts_to


def _provide(node: Node, answer: v4l2.BufferRequest) -> int:
    if node.streaming:
        return errno.EBUSY
    answer.count = node.held = min(answer.count, node.buffers)
    return 0


def _place(node: Node, answer: v4l2.Buffer) -> None:
    answer.length, answer.offset = PAGE, answer.index * PAGE


def _take_back(node: Node, answer: v4l2.Buffer) -> None:
    node.waiting.append(answer.index)


def _deliver(node: Node, answer: v4l2.Buffer) -> int:
    # One is there each time, and never all.
    if len(node.waiting) < node.held:
        return errno.EAGAIN
    answer.index, answer.bytesused, answer.flags = node.waiting.pop(0), 100, node.stamp_flags
    answer.timestamp = v4l2.Timestamp(node.stamp_ns // 1_000_000_000, node.stamp_ns % 1_000_000_000 // 1000)
    return 0


def _start(node: Node, _: object) -> None:
    node.streaming = True


def _stop(node: Node, _: object) -> None:
    node.streaming = False
    node.waiting.clear()


def _list_controls(node: Node, answer: v4l2.ControlInfo) -> int:
    asked = answer.id & ~v4l2.NEXT_CONTROL
    meant = [
        number for number in node.controls if (number > asked if answer.id & v4l2.NEXT_CONTROL else number == asked)
    ]
    if not meant:
        return errno.EINVAL
    if meant[0] in node.silent_controls:
        return errno.EIO
    name = b"Exposure (Absolute)" if meant[0] == 1 else f"Control {meant[0]:x}".encode()
    answer.id, answer.type, answer.name, answer.flags = meant[0], v4l2.CONTROL_INTEGER, name, node.flags
    answer.minimum, answer.maximum, answer.step = 0, 100, 1
    return 0


def _read_control(node: Node, answer: v4l2.ControlValues) -> None:
    answer.controls[0].value = node.value


def _write_control(node: Node, answer: v4l2.ControlValues) -> None:
    node.value = answer.controls[0].value
