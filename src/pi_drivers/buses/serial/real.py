"""The serial ports of this machine: the UART on the header, and USB adapters.

pyserial opens a port, keeps others out and sets it up. Bytes are moved here, because its `read` cannot tell a port that
is gone from one that was flushed, and its `write` spins while the kernel's buffer is full and may report bytes as not
sent that were. Its object is not kept either, so that no thread can meet it half closed.
"""

import errno
import os
import select
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

from pi_drivers.buses.serial import answers
from pi_drivers.buses.serial.contract import WRITE_MARGIN_NS, SerialPort
from pi_drivers.buses.serial.ranges import check_port, check_read, check_write
from pi_drivers.buses.serial.real_open import BY_ID, let_go, open_port, unsent
from pi_drivers.buses.serial.sending import Sending
from pi_drivers.errors import BusError

T = TypeVar("T")

HUNG_UP = select.POLLHUP | select.POLLERR | select.POLLNVAL

GONE = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF})
"""What the kernel says of a port that was unplugged."""

NONE = -1
"""The descriptor while there is no port."""


class PySerialPort(SerialPort):
    """One port of this machine."""

    def __init__(self, path: str, baud: int, *, by_id: Path = BY_ID) -> None:
        """Open the port.

        Args:
            path: of its device, or of a link to it.
            baud: bits per second.
            by_id: the folder in which USB adapters stand by maker and serial number, to tell which there are.

        Raises:
            ArgumentError, BusAbsentError, BusPermissionError, ClaimedError, MissingLibraryError: each says what to do.
        """
        check_port(path, baud)
        self._path = path
        self._baud = baud
        self._by_id = by_id
        # The descriptor changes under both of these, taken in this order; either one keeps it as it is.
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._closing = threading.Lock()
        self._closed = False
        self._sending = Sending(baud)
        self._descriptor = open_port(path, baud, by_id)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    @property
    def path(self) -> str:
        return self._path

    @property
    def baud(self) -> int:
        return self._baud

    def read(self, count: int, timeout_ns: int) -> bytes:
        check_read(self._path, count, timeout_ns)
        deadline_ns = time.monotonic_ns() + timeout_ns
        with self._turn_to_read():
            while state := self._wait_for(select.POLLIN, deadline_ns):
                data = self._attempt(_take, count)
                if data:
                    return data
                # A port that is gone gives nothing, and so does one whose bytes were dropped a moment ago.
                if state & HUNG_UP:
                    raise answers.unplugged(self._path)
        return b""

    def write(self, data: bytes) -> None:
        check_write(self._path, data)
        with self._turn_to_write():
            if self._sending.stuck(self._attempt(unsent), time.monotonic_ns()):
                self._give_up_sending()
            deadline_ns = self._sending.begin(len(data), time.monotonic_ns())
            rest = memoryview(data)
            while rest := rest[self._attempt(_offer, rest) :]:
                if not self._wait_for(select.POLLOUT, deadline_ns):
                    self._give_up_sending()

    def drop_received(self) -> None:
        with self._turn_to_write():
            self._attempt(termios.tcflush, termios.TCIFLUSH)

    def reopen(self) -> None:
        with self._turn_to_write():
            self._check_open()
            if not self._is_gone():
                return
            with self._reading:  # a reader has noticed as well and is on its way out
                self._drop_descriptor()
                self._descriptor = open_port(self._path, self._baud, self._by_id)
                self._sending = Sending(self._baud)

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
        os.eventfd_write(self._wake, 1)
        with self._writing, self._reading:  # who held them is awake and on its way out
            self._drop_descriptor()
            os.close(self._wake)

    @contextmanager
    def _turn_to_read(self) -> Iterator[None]:
        if not self._reading.acquire(blocking=False):
            self._check_open()
            raise answers.second_reader(self._path)
        try:
            yield
        finally:
            self._reading.release()

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=WRITE_MARGIN_NS / 1e9):
            raise answers.stalled(self._path)
        try:
            yield
        finally:
            self._writing.release()

    def _wait_for(self, event: int, deadline_ns: int) -> int:
        """What the port is ready for, 0 when the time is over."""
        poller = select.poll()
        poller.register(self._port(), event)
        poller.register(self._wake, select.POLLIN)
        ready = dict(poller.poll(max(0, deadline_ns - time.monotonic_ns()) / 1e6))
        self._check_open()
        return ready.get(self._descriptor, 0)

    def _attempt(self, action: Callable[..., T], *arguments: object) -> T:
        """Do something with the descriptor; what the kernel answers becomes one of our errors."""
        port = self._port()
        try:
            return action(port, *arguments)
        except (OSError, termios.error) as error:
            if error.args[0] in GONE:
                raise answers.unplugged(self._path) from error
            raise BusError(f"{self._path}: the serial port failed: {error.args[-1]}") from error

    def _port(self) -> int:
        self._check_open()
        if self._descriptor == NONE:
            raise answers.unplugged(self._path)
        return self._descriptor

    def _check_open(self) -> None:
        if self._closed:
            raise answers.closed(self._path)

    def _is_gone(self) -> bool:
        if self._descriptor == NONE:
            return True
        poller = select.poll()
        poller.register(self._descriptor, 0)
        return bool(poller.poll(0))

    def _give_up_sending(self) -> NoReturn:
        self._attempt(termios.tcflush, termios.TCOFLUSH)
        self._sending.dropped(time.monotonic_ns())
        raise answers.stalled(self._path)

    def _drop_descriptor(self) -> None:
        if self._descriptor != NONE:
            let_go(self._descriptor)
            self._descriptor = NONE


def _take(port: int, count: int) -> bytes:
    try:
        return os.read(port, count)
    except BlockingIOError:
        return b""


def _offer(port: int, data: memoryview) -> int:
    try:
        return os.write(port, data)
    except BlockingIOError:
        return 0
