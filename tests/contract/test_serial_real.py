"""The real serial port's own dealings with the kernel and with pyserial."""

import errno
import fcntl
import os
import struct
import sys
import termios
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from pi_drivers.buses.serial import real, real_open
from pi_drivers.buses.serial.real_open import actual_baud
from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    BusPermissionError,
    BusTimeoutError,
    ClaimedError,
    MissingLibraryError,
)
from tests.conftest import open_descriptors

from .asides import MILLISECOND, SECOND
from .serial_grounds import PtySerialGround, serial_ground

AT_ONCE_S = 0.3


@pytest.fixture
def ground(tmp_path: Path):
    yield from serial_ground("pty", tmp_path)


def descriptor_of(port: object) -> int:
    assert isinstance(port, real.PySerialPort)
    return port._descriptor


def test_the_line_is_raw_and_runs_at_the_speed_asked_for(ground: PtySerialGround):
    for baud in (9600, 12_345, 4_000_000):
        port = ground.open(baud=baud)
        in_flags, out_flags, control, local, *_ = termios.tcgetattr(descriptor_of(port))

        assert actual_baud(descriptor_of(port)) == baud
        assert not in_flags & (termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.ISTRIP)
        assert not out_flags & termios.OPOST
        assert control & termios.CS8
        assert not control & (termios.PARENB | termios.CSTOPB | termios.CRTSCTS)
        assert not local & (termios.ECHO | termios.ICANON | termios.ISIG)
        port.close()


def test_closing_does_not_lower_dtr_which_would_reset_an_arduino(ground: PtySerialGround):
    settings = termios.tcgetattr(ground._port_side)
    settings[2] |= termios.HUPCL
    termios.tcsetattr(ground._port_side, termios.TCSANOW, settings)
    ground.open().close()

    assert not termios.tcgetattr(ground._port_side)[2] & termios.HUPCL


def test_a_speed_that_the_port_makes_another_of_is_refused(ground: PtySerialGround, monkeypatch):
    monkeypatch.setattr(real_open, "actual_baud", lambda port: 38_400)
    before = open_descriptors()
    with pytest.raises(ArgumentError, match=f"{ground.path}: .*cannot do 250000 baud.*38400"):
        ground.open(baud=250_000)
    assert open_descriptors() <= before

    # A divider seldom gives the exact speed, and need not.
    monkeypatch.setattr(real_open, "actual_baud", lambda port: 116_279)
    ground.open(baud=115_200).close()


def test_what_is_no_serial_port_is_not_one(ground: PtySerialGround):
    with pytest.raises(BusAbsentError, match=f"^/dev/null is not a serial port.*There are: {ground.path}"):
        ground.open("/dev/null")


def test_what_is_no_device_at_all_is_not_even_opened(ground: PtySerialGround, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(serial, "Serial", lambda *_, **__: pytest.fail("it was opened"))
    (tmp_path / "file").write_text("keep me")
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "file", tmp_path / "fifo"):
        with pytest.raises(BusAbsentError, match=f"^{path} is not a serial port"):
            ground.open(str(path))


def test_without_an_adapter_the_message_says_so(tmp_path: Path):
    with pytest.raises(BusAbsentError, match=r"/dev/ttyUSB0: there is no such serial port\. No USB serial adapter"):
        real.PySerialPort("/dev/ttyUSB0", 9600, by_id=tmp_path / "nothing")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (serial.SerialException(errno.EACCES, "could not open port"), BusPermissionError, "usermod -aG dialout"),
        (serial.SerialException(errno.EBUSY, "could not open port"), ClaimedError, "another program"),
        (serial.SerialException(errno.EWOULDBLOCK, "Could not exclusively lock"), ClaimedError, "do_serial_cons 1"),
        (serial.SerialException(errno.ENXIO, "could not open port"), BusAbsentError, "no such serial port"),
        (termios.error(errno.EIO, "Input/output error"), BusAbsentError, "no hardware behind"),
        (ValueError("Failed to set custom baud rate"), ArgumentError, "cannot do 115200 baud"),
        (serial.SerialException("something new"), BusError, "cannot be opened: something new"),
    ],
)
def test_what_keeps_a_port_from_opening_is_explained(ground: PtySerialGround, monkeypatch, error, kind, words):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(serial, "Serial", fail)
    before = open_descriptors()
    with pytest.raises(kind, match=f"^{ground.path}: .*{words}"):
        ground.open()

    assert open_descriptors() <= before


def test_an_error_that_pyserial_puts_into_words_is_known_by_the_number_behind_it(ground: PtySerialGround, monkeypatch):
    def no_hardware(*_: object) -> None:
        raise termios.error(errno.EIO, "Input/output error")

    monkeypatch.setattr(termios, "tcgetattr", no_hardware)
    with pytest.raises(BusAbsentError, match="no hardware behind"):
        ground.open()


def test_without_pyserial_the_remedy_is_told(ground: PtySerialGround, monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(MissingLibraryError, match="pip install pyserial"):
        ground.open()


def test_bytes_that_another_one_took_first_are_no_reason_to_call_the_port_unplugged(
    ground: PtySerialGround, monkeypatch
):
    port = ground.open()
    take = real._take
    answers = [b""]
    monkeypatch.setattr(real, "_take", lambda fd, count: answers.pop() if answers else take(fd, count))
    ground.send(b"abc")

    assert port.read(10, SECOND) == b"abc"
    port.close()


def test_an_error_of_the_kernel_that_nobody_expects_is_told(ground: PtySerialGround, monkeypatch):
    port = ground.open()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(real, "_offer", fail)
    with pytest.raises(BusError, match=f"{ground.path}: the serial port failed: Cannot allocate memory"):
        port.write(b"a")
    port.close()


def test_small_packets_into_a_port_that_hangs_are_noticed(ground: PtySerialGround, monkeypatch):
    now_ns = [0]
    monkeypatch.setattr(real, "time", SimpleNamespace(monotonic_ns=lambda: now_ns[0]))
    monkeypatch.setattr(real, "unsent", lambda port: 4)
    port = ground.open(baud=9600)
    port.write(b"ab")
    now_ns[0] = 200 * MILLISECOND
    port.write(b"cd")  # two bytes take 2 ms, and it is too early to complain
    assert ground.hears(b"abcd")
    now_ns[0] = 405 * MILLISECOND
    with pytest.raises(BusTimeoutError, match="does not send"):
        port.write(b"ef")

    port.write(b"gh")
    assert ground.hears(b"abcdgh")
    port.close()


def test_closing_does_not_wait_for_what_is_still_to_be_sent(ground: PtySerialGround, monkeypatch):
    port = ground.open()
    slow, may_close, close = descriptor_of(port), threading.Event(), os.close

    def close_slowly(descriptor: int) -> None:
        assert descriptor != slow or may_close.wait(5)
        close(descriptor)

    monkeypatch.setattr(real_open, "unsent", lambda port: 4)
    monkeypatch.setattr(os, "close", close_slowly)
    began = time.monotonic()
    port.close()
    assert time.monotonic() - began < AT_ONCE_S

    # Meanwhile its successor can have the port.
    monkeypatch.setattr(real_open, "unsent", lambda port: 0)
    ground.open().close()
    may_close.set()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/dev/ptmx", "/dev/tty"])
def test_devices_that_are_no_serial_port_are_not_even_opened(path: str, monkeypatch):
    monkeypatch.setattr("serial.Serial.open", lambda _: pytest.fail(f"{path} was opened"))
    with pytest.raises(BusAbsentError, match="is not a serial port"):
        real.PySerialPort(path, 9600)


def test_another_process_with_the_port_keeps_us_out(ground: PtySerialGround):
    holder = os.open(ground.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(ClaimedError):
        ground.open()
    os.close(holder)

    ground.open().close()


def test_what_is_unsent_is_what_the_kernel_says(monkeypatch):
    def ioctl(port: int, request: int, argument: bytes) -> bytes:
        assert (port, request, len(argument)) == (3, termios.TIOCOUTQ, 4)
        return struct.pack("i", 17)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    assert real_open.unsent(3) == 17
