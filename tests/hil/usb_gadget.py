"""A USB device played by a program, through Linux's raw gadget: what the computer asks comes out, answers go in.

The kernel inside has both ends of the cable: its simulated controller joins the device side, which this opens, to the
host side, where the kernel's own drivers find a device as on any USB port. The device is plugged in for as long as it
is open.
"""

import ctypes
import os
import struct
from dataclasses import dataclass

DEVICE = "/dev/raw-gadget"
CONTROLLER = (b"dummy_udc", b"dummy_udc.0")
"""The driver of the simulated controller, and the name of the one it makes."""
HIGH_SPEED = 3

INIT = 0x41015500
RUN = 0x5501
FETCH_EVENT = 0x80085502
WRITE_CONTROL = 0x40085503
READ_CONTROL = 0xC0085504
ENABLE_ENDPOINT = 0x40095505
WRITE_ENDPOINT = 0x40085507
CONFIGURE = 0x5509
STALL_CONTROL = 0x550C
"""USB_RAW_IOCTL_... of linux/usb/raw_gadget.h."""

BINDING = struct.Struct("=128s128sB")
"""struct usb_raw_init: driver, device, speed."""
EVENT = struct.Struct("=II8s")
"""struct usb_raw_event: its kind, the length of what follows, and the eight bytes of a request."""
TRANSFER = struct.Struct("=HHI")
"""struct usb_raw_ep_io: endpoint, flags, length; the bytes follow."""
REQUEST = struct.Struct("<BBHHH")
CONTROL_EVENT = 2
TO_COMPUTER = 0x80

LIBRARY = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Request:
    """A control request, by the names of the USB specification, 9.3."""

    kind: int
    code: int
    value: int
    index: int
    length: int


class Gadget:
    """The device side of the cable. Calls block; a signal to the thread ends them with `InterruptedError`."""

    def __init__(self) -> None:
        self._device = os.open(DEVICE, os.O_RDWR)
        self._command(INIT, bytearray(BINDING.pack(*CONTROLLER, HIGH_SPEED)))
        self._command(RUN)

    def next_request(self) -> Request:
        """Wait for the next control request."""
        while True:
            event = bytearray(EVENT.pack(0, REQUEST.size, b""))
            self._command(FETCH_EVENT, event)
            kind, _, data = EVENT.unpack(event)
            if kind == CONTROL_EVENT:
                return Request(*REQUEST.unpack(data))

    def answer(self, request: Request, data: bytes = b"") -> bytes:
        """Carry a request out: give the data it asks for, or take what it brings."""
        if request.kind & TO_COMPUTER and request.length:
            self._write(WRITE_CONTROL, 0, data[: request.length])
            return b""
        received = bytearray(TRANSFER.pack(0, 0, request.length) + bytes(request.length))
        self._command(READ_CONTROL, received)
        return bytes(received[TRANSFER.size :])

    def refuse(self) -> None:
        """Answer a request with a stall."""
        self._command(STALL_CONTROL)

    def enable(self, endpoint: bytes) -> int:
        """Switch on the endpoint that has this descriptor; gives the number to send by."""
        # The kernel's structure has two more bytes, for audio.
        return self._command(ENABLE_ENDPOINT, bytearray(endpoint + bytes(2)))

    def configured(self) -> None:
        """Say that the device is set up."""
        self._command(CONFIGURE)

    def send(self, endpoint: int, data: bytes) -> None:
        """Wait until the computer has fetched all of it."""
        self._write(WRITE_ENDPOINT, endpoint, data)

    def close(self) -> None:
        """Pull the plug. Nobody may be waiting in another call: the kernel pulls it when the last one has come back."""
        os.close(self._device)

    def _write(self, command: int, endpoint: int, data: bytes) -> None:
        self._command(command, bytearray(TRANSFER.pack(endpoint, 0, len(data)) + data))

    def _command(self, command: int, data: bytearray | None = None) -> int:
        # Python's own ioctl keeps all threads waiting while it is given more than 1024 bytes.
        buffer = None if data is None else (ctypes.c_char * len(data)).from_buffer(data)
        result: int = LIBRARY.ioctl(self._device, ctypes.c_ulong(command), buffer)
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), DEVICE)
        return result
