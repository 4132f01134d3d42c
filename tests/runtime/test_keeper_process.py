"""The keeper's program: what it does when its input ends, and that nothing keeps it from doing it."""

import ctypes
import errno
import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pi_drivers.runtime.keeper import PROGRAM
from pi_drivers.runtime.keeper_process import HOLD_S, make_safe, read_entries

COMMAND = [sys.executable, "-I", "-S", str(PROGRAM)]


class Attribute(ctypes.Structure):
    """struct gpio_v2_line_config_attribute, its first part included."""

    _fields_ = (("id", ctypes.c_uint32), ("padding", ctypes.c_uint32), ("values", ctypes.c_uint64),
                ("mask", ctypes.c_uint64))  # fmt: skip


class Config(ctypes.Structure):
    """struct gpio_v2_line_config."""

    _fields_ = (("flags", ctypes.c_uint64), ("num_attrs", ctypes.c_uint32), ("padding", ctypes.c_uint32 * 5),
                ("attrs", Attribute * 10))  # fmt: skip


class Request(ctypes.Structure):
    """struct gpio_v2_line_request."""

    _fields_ = (("offsets", ctypes.c_uint32 * 64), ("consumer", ctypes.c_char * 32), ("config", Config),
                ("num_lines", ctypes.c_uint32), ("event_buffer_size", ctypes.c_uint32),
                ("padding", ctypes.c_uint32 * 5), ("fd", ctypes.c_int32))  # fmt: skip


class Kernel:
    """Stands in for the kernel's GPIO chips, and for time: `busy` looks at a line in vain before it is free."""

    def __init__(self) -> None:
        self.busy: dict[int, int] = {}
        self.levels: dict[int, bool] = {}
        self.levels_while_waiting: list[dict[int, bool]] = []
        self.now = 0.0

    def ioctl(self, device: int, number: int, request: bytearray) -> int:
        assert number == 3 << 30 | ctypes.sizeof(Request) << 16 | 0xB4 << 8 | 0x07
        asked = Request.from_buffer(request)
        line = asked.offsets[0]
        self.busy[line] = self.busy.get(line, 0) - 1
        if self.busy[line] >= 0:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        assert (asked.num_lines, asked.consumer, asked.fd) == (1, b"pi-drivers keeper", 0)
        assert (asked.config.flags, asked.config.num_attrs) == (1 << 3, 1)
        assert (asked.config.attrs[0].id, asked.config.attrs[0].mask) == (2, 1)
        self.levels[line] = bool(asked.config.attrs[0].values)
        return 0

    def sleep(self, seconds: float) -> None:
        self.levels_while_waiting.append(dict(self.levels))
        self.now += seconds


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(fcntl, "ioctl", made.ioctl)
    monkeypatch.setattr(time, "sleep", made.sleep)
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


def line(offset: int, level: int) -> list[str]:
    return ["line", os.devnull, str(offset), str(level)]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], dict[str, list[str]]]:
    """What is on the list at the end of an input."""

    def reading(text: str) -> dict[str, list[str]]:
        path = tmp_path / "input"
        path.write_text(text)
        return read_entries(os.open(path, os.O_RDONLY))

    return reading


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A channel of the PWM block that runs."""
    for name, text in {"duty_cycle": "4000", "enable": "1"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def program() -> Iterator["subprocess.Popen[str]"]:
    """The program, waiting."""
    pipe = subprocess.PIPE
    with subprocess.Popen(COMMAND, stdin=pipe, stderr=pipe, text=True, env={}) as process:
        yield process
        process.kill()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The far side of a serial port, and the port."""
    far_side, port_side = os.openpty()
    yield far_side, port_side
    os.close(far_side)
    os.close(port_side)


def report(program: "subprocess.Popen[str]", entries: Sequence[Sequence[str]]) -> str:
    """What it says after an input with these lines."""
    assert program.stdin is not None
    assert program.stderr is not None
    program.stdin.write("".join("\t".join(words) + "\n" for words in entries))
    program.stdin.close()
    return program.stderr.readline()


def off(files: Path) -> list[str]:
    return ["pwm", "files", str(files), "duty_cycle", "0", "enable", "0"]


def texts(files: Path) -> tuple[str, str]:
    return (files / "duty_cycle").read_text(), (files / "enable").read_text()


def test_what_is_on_the_list_when_its_input_ends_is_done_and_told(program, files: Path):
    assert f"made safe: {files}" in report(program, [off(files)])
    assert texts(files) == ("0", "0")


def test_what_was_forgotten_is_left_alone_and_it_ends_at_once_without_a_word(program, files: Path):
    assert report(program, [off(files), ["pwm"]]) == ""
    assert program.wait(5) == 0
    assert texts(files) == ("4000", "1")


def test_what_cannot_be_done_does_not_keep_it_from_the_rest(program, files: Path):
    chip = ["line", os.devnull, "17", "0"]  # no chip: the kernel knows no such request there
    said = report(program, [["gone", "files", "/nowhere", "enable", "0"], ["no chip", *chip], off(files)])

    assert "NOT /nowhere enable 0: No such file" in said
    assert f"NOT {os.devnull} 17 0: " in said
    assert texts(files) == ("0", "0")


def test_a_file_that_is_not_there_is_not_made(program, tmp_path: Path):
    assert "NOT" in report(program, [off(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_bytes_reach_a_port_as_they_are_whatever_was_set(program, terminal: tuple[int, int]):
    far_side, port_side = terminal
    port = os.ttyname(port_side)
    assert f"made safe: 80000a0d to {port}" in report(program, [["stop", "bytes", port, "19200", "80000a0d"]])
    # As a terminal it would have made two bytes of the third.
    assert os.read(far_side, 100) == b"\x80\x00\x0a\x0d"
    assert termios.tcgetattr(port_side)[5] == termios.B19200


def test_bytes_for_two_motors_on_one_port_are_both_sent(program, terminal: tuple[int, int]):
    far_side, port_side = terminal
    port = os.ttyname(port_side)
    report(program, [["left", "bytes", port, "9600", "0102"], ["right", "bytes", port, "9600", "0304"]])
    heard = b""
    while len(heard) < 4 and select.select([far_side], [], [], 2)[0]:
        heard += os.read(far_side, 100)
    assert heard == b"\x01\x02\x03\x04"


def test_what_fills_a_port_is_dropped_for_what_makes_it_safe(program, terminal: tuple[int, int]):
    far_side, port_side = terminal
    os.set_blocking(port_side, False)
    while select.select([], [port_side], [], 0)[1]:
        os.write(port_side, b"x" * 100)
    port = os.ttyname(port_side)
    assert f"made safe: 0102 to {port}" in report(program, [["stop", "bytes", port, "9600", "0102"]])
    heard = b"x"
    while heard.endswith(b"x"):
        heard = os.read(far_side, 10_000)
    assert heard.endswith(b"\x01\x02")


@pytest.mark.parametrize("path", ["/nowhere", os.devnull])
def test_a_port_that_is_none_does_not_keep_it_from_the_rest(program, files: Path, path: str):
    said = report(program, [["stop", "bytes", path, "9600", "00"], off(files)])
    assert f"NOT {path} 9600 00: " in said
    assert texts(files) == ("0", "0")


def test_what_a_bus_has_to_carry_comes_last_for_it_may_hang(program, files: Path):
    chip = ["chip", os.devnull, "0x40", "0600000010"]  # no bus: the kernel knows no address there
    said = report(program, [["channel", *chip], off(files)])
    assert said.index(f"made safe: {files}") < said.index(f"NOT {os.devnull} 0x40 0600000010: ")
    assert texts(files) == ("0", "0")


def test_a_chip_is_written_to_whoever_else_uses_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bus, addressed = tmp_path / "i2c-1", list[tuple[int, int]]()
    bus.write_bytes(b"")
    monkeypatch.setattr(fcntl, "ioctl", lambda _file, number, address: addressed.append((number, address)))
    said = make_safe([["chip", str(bus), "0x40", "0600000010"]])

    assert addressed == [(0x0706, 0x40)]
    assert bus.read_bytes() == b"\x06\0\0\0\x10"
    assert f"0600000010 to 0x40 on {bus}" in said


@pytest.mark.parametrize(("code", "tries"), [(errno.EREMOTEIO, 3), (errno.EAGAIN, 3), (errno.ETIMEDOUT, 1)])
def test_a_chip_that_does_not_answer_is_tried_again_but_not_on_a_bus_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code, tries
):
    bus, tried = tmp_path / "i2c-1", list[bytes]()
    bus.write_bytes(b"")

    def refuse(_file: int, data: bytes) -> int:
        tried.append(data)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "ioctl", lambda *_: 0)
    with monkeypatch.context() as broken:
        broken.setattr(os, "write", refuse)
        said = make_safe([["chip", str(bus), "0x40", "06"]])
    assert len(tried) == tries
    assert f"NOT {bus} 0x40 06: " in said


def test_signals_to_end_do_not_end_it(program, files: Path):
    status = Path(f"/proc/{program.pid}/status")
    ignored = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    mask = sum(1 << (number - 1) for number in ignored)
    deadline = time.monotonic() + 5
    while int(status.read_text().partition("SigIgn:")[2].split()[0], 16) & mask != mask:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    for number in ignored:
        program.send_signal(number)

    assert "made safe" in report(program, [off(files)])
    assert texts(files) == ("0", "0")


def test_nobody_to_tell_is_no_reason_to_fail_and_lines_are_held_for_a_while(program, files: Path):
    began = time.monotonic()
    program.stderr.close()
    program.stderr = None
    program.stdin.write("\t".join(off(files)) + "\n")
    program.stdin.close()
    assert program.wait(5) == 0
    assert texts(files) == ("0", "0")
    assert time.monotonic() - began >= HOLD_S


def test_a_newer_entry_takes_the_place_of_an_older_one_of_its_name(read):
    assert read("pin\tline\tc\t1\t0\npin\tline\tc\t1\t1\nother\tline\tc\t2\t0\n") == {
        "pin": ["line", "c", "1", "1"],
        "other": ["line", "c", "2", "0"],
    }


def test_a_line_that_its_writer_died_over_is_none(read):
    assert read("pin\tline\tc\t1\t0\npin\tline\tc") == {"pin": ["line", "c", "1", "0"]}


@pytest.mark.parametrize("level", [0, 1])
def test_a_line_becomes_an_output_at_its_level(kernel: Kernel, level: int):
    said = make_safe([line(17, level)])

    assert kernel.levels == {17: bool(level)}
    assert f"line 17 of {os.devnull} {('low', 'high')[level]}" in said


def test_a_line_that_is_still_busy_is_tried_again_and_keeps_no_other_waiting(kernel: Kernel):
    kernel.busy = {17: 5}
    said = make_safe([line(17, 0), line(27, 1)])

    assert kernel.levels_while_waiting == [{27: True}] * 5
    assert kernel.levels == {17: False, 27: True}
    assert "NOT" not in said
    assert kernel.now < 0.1


def test_a_line_that_stays_busy_is_given_up_after_a_second_and_told(kernel: Kernel):
    kernel.busy = {17: 1_000_000}
    said = make_safe([line(17, 0)])

    assert "NOT" in said
    assert "busy" in said
    assert kernel.levels == {}
    assert 1.0 <= kernel.now < 1.1
