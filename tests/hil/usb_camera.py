"""The played USB camera: what it answers to the computer's requests, and how it sends its pictures. Which pictures, and
what goes wrong with them, is up to the `Film` that is put in.
"""

import os
import struct
import threading
import time
from contextlib import suppress

from tests.hil import usb_camera_descriptors as descriptors
from tests.hil.interruptible import Interruptible
from tests.hil.usb_camera_descriptors import CONTROLS, Mode
from tests.hil.usb_gadget import Gadget, Request

REQUEST_KIND, FROM_CLASS = 0x60, 0x20
GET_DESCRIPTOR, GET_CONFIGURATION, SET_CONFIGURATION, GET_INTERFACE, SET_INTERFACE = 6, 8, 9, 10, 11
DEVICE, CONFIGURATION, TEXT = 1, 2, 3
SET_CUR, GET_CUR, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF = 0x01, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87
GET_AND_SET = b"\x03"
COMMIT, WHY_REFUSED = 2, 2
WRONG_STATE, INVALID_CONTROL, INVALID_REQUEST = 2, 6, 7
"""The codes of the specifications: USB 2.0, 9.4, and USB Video Class 1.1, appendix A and 4.2.1.2."""

HEADER_BYTES = 2
NEXT_FRAME, END_OF_FRAME, FAULTY, END_OF_HEADER = 0x01, 0x02, 0x40, 0x80
"""The header of a payload (2.4.3.3); the first of these changes from frame to frame."""


class RefusedError(Exception):
    """The camera stalls a request; the code is what it answers when asked why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Film:
    """The pictures by mode, and what is to go wrong. Told from one thread, played from another."""

    def __init__(self) -> None:
        self.frames: dict[Mode, list[bytes]] = {}
        self.faults = {"half": 0, "garbage": 0, "flagged": 0}
        """How many of the next frames have each fault."""
        self.silent = False

    def next_frame(self, mode: Mode, number: int) -> tuple[bytes, bool]:
        """What to send, nothing perhaps, and whether to mark it as faulty."""
        frames = self.frames.get(mode)
        if self.silent or not frames:
            return b"", False
        frame = frames[number % len(frames)]
        if self._has("half"):
            frame = frame[: len(frame) // 2]
        if self._has("garbage"):
            frame = os.urandom(len(frame))
        return frame, self._has("flagged")

    def _has(self, fault: str) -> bool:
        left = self.faults[fault]
        self.faults[fault] = max(left - 1, 0)
        return left > 0


class Camera:
    """A camera that is plugged in until it is closed."""

    def __init__(self, film: Film, seen: list[str]) -> None:
        """Plug it in; what the computer sets and starts is appended to `seen`."""
        self._film = film
        self._seen = seen
        self._values = {name: control.default for name, control in CONTROLS.items()}
        self._settings = descriptors.stream_settings(1, 1, descriptors.INTERVALS[0])
        self._refusal = 0
        self._endpoint: int | None = None
        self._stream: Interruptible | None = None
        self._deaf = False
        # The computer goes on as soon as it has its answer, while here something is still to be done for it.
        self._turn = threading.Lock()
        self._gadget = Gadget()
        self._answering = Interruptible("answer", self._answer_all)

    def finish(self) -> None:
        """Wait until nothing is left to be done for a request that was answered."""
        with self._turn:
            pass

    def be_deaf(self) -> None:
        """Answer no requests any more."""
        with self._turn:
            self._deaf = True

    def close(self) -> None:
        """Pull the plug."""
        self._answering.end()
        self._stop_stream()
        self._gadget.close()

    def _answer_all(self, ending: threading.Event) -> None:
        while not ending.is_set():
            with suppress(InterruptedError):
                request = self._gadget.next_request()
                with self._turn:
                    if not self._deaf:
                        self._answer(request)

    def _answer(self, request: Request) -> None:
        try:
            if request.kind & REQUEST_KIND != FROM_CLASS:
                self._answer_any_device(request)
            elif request.index & 0xFF == descriptors.STREAM_INTERFACE:
                self._answer_about_stream(request)
            else:
                self._answer_about_controls(request)
        except RefusedError as refused:
            self._refusal = refused.code
            self._gadget.refuse()

    def _answer_any_device(self, request: Request) -> None:
        if request.code == GET_DESCRIPTOR:
            self._gadget.answer(request, _descriptor(request.value))
        elif request.code == SET_CONFIGURATION:
            if self._endpoint is None:
                self._endpoint = self._gadget.enable(descriptors.BULK_ENDPOINT)
            self._gadget.configured()
            self._gadget.answer(request)
        elif request.code in {GET_CONFIGURATION, GET_INTERFACE, SET_INTERFACE}:
            self._gadget.answer(request, bytes([request.code == GET_CONFIGURATION]))
        else:
            raise RefusedError(INVALID_REQUEST)

    def _answer_about_stream(self, request: Request) -> None:
        selector = request.value >> 8
        if request.code == GET_INFO:
            self._gadget.answer(request, GET_AND_SET)
        elif request.code == GET_LEN:
            self._gadget.answer(request, struct.pack("<H", len(self._settings)))
        elif request.code != SET_CUR:
            self._gadget.answer(request, self._settings)
        elif selector == COMMIT:
            # The computer fetches frames as soon as this is answered: none of the old ones may be left.
            self._stop_stream()
            self._start_stream(self._gadget.answer(request))
        else:
            _, self._settings = descriptors.agreed(self._gadget.answer(request))

    def _answer_about_controls(self, request: Request) -> None:
        part, selector = request.index >> 8, request.value >> 8
        if part == 0 and selector == WHY_REFUSED and request.code == GET_CUR:
            self._gadget.answer(request, bytes([self._refusal]))
            return
        for name, control in CONTROLS.items():
            if (control.part, control.selector) == (part, selector):
                self._answer_about(name, request)
                return
        raise RefusedError(INVALID_CONTROL)

    def _answer_about(self, name: str, request: Request) -> None:
        control = CONTROLS[name]
        if request.code == SET_CUR:
            if self._values.get(control.mode, control.manual) != control.manual:
                raise RefusedError(WRONG_STATE)
            value = int.from_bytes(self._gadget.answer(request), "little", signed=control.low < 0)
            self._values[name] = value
            self._seen.append(f"{name} {value}")
        elif request.code == GET_INFO:
            self._gadget.answer(request, GET_AND_SET)
        elif request.code == GET_LEN:
            self._gadget.answer(request, struct.pack("<H", control.size))
        else:
            value = {
                GET_CUR: self._values[name], GET_MIN: control.low, GET_MAX: control.high, GET_RES: control.step,
                GET_DEF: control.default
            }[request.code]  # fmt: skip
            self._gadget.answer(request, value.to_bytes(control.size, "little", signed=control.low < 0))

    def _start_stream(self, asked: bytes) -> None:
        mode, settings = descriptors.agreed(asked)
        interval = descriptors.interval_of(settings)
        self._seen.append(f"{mode} at {round(10_000_000 / interval)}")
        self._stream = Interruptible("send", lambda ending: self._send_all(ending, mode, interval / 1e7))

    def _stop_stream(self) -> None:
        if self._stream is not None:
            self._stream.end()
            self._stream = None

    def _send_all(self, ending: threading.Event, mode: Mode, interval_s: float) -> None:
        assert self._endpoint is not None
        number = 0
        due = time.monotonic()
        while not ending.wait(max(due - time.monotonic(), 0)):
            frame, faulty = self._film.next_frame(mode, number)
            if frame:
                with suppress(InterruptedError):
                    self._gadget.send(self._endpoint, payloads(frame, number, faulty=faulty))
                number += 1
            due = max(due + interval_s, time.monotonic())


def payloads(frame: bytes, number: int, *, faulty: bool) -> bytes:
    """A frame as it goes over the wire: in pieces, each behind its header. The computer knows a piece by its length."""
    room = descriptors.PAYLOAD_BYTES - HEADER_BYTES
    flags = END_OF_HEADER | number % 2 * NEXT_FRAME | faulty * FAULTY
    sent = bytearray()
    for start in range(0, len(frame), room):
        last = start + room >= len(frame)
        sent += bytes([HEADER_BYTES, flags | last * END_OF_FRAME]) + frame[start : start + room]
    return bytes(sent)


def _descriptor(value: int) -> bytes:
    kind, number = value >> 8, value & 0xFF
    if kind == DEVICE:
        return descriptors.device()
    if kind == CONFIGURATION:
        return descriptors.configuration()
    if kind == TEXT:
        return descriptors.text(number)
    raise RefusedError(INVALID_REQUEST)
