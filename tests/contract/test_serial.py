"""The contract of a serial port, on the mock and on pseudo terminals."""

import time
from functools import partial

import pytest

from pi_drivers.buses.serial.contract import SerialPort
from pi_drivers.errors import ArgumentError, BusAbsentError, BusTimeoutError, ClaimedError, ClosedError
from tests.conftest import open_descriptors

from .asides import MILLISECOND, SECOND
from .serial_grounds import BAUD, SerialGround, serial_ground

FAST = 4_000_000
AT_ONCE_S = 0.3


@pytest.fixture(params=["mock", "pty"])
def ground(request, tmp_path):
    yield from serial_ground(request.param, tmp_path)


@pytest.fixture
def port(ground: SerialGround):
    opened = ground.open()
    yield opened
    opened.close()


def read_exactly(port: SerialPort, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = port.read(count - len(data), 2 * SECOND)
        assert more, f"only {len(data)} of {count} bytes have come"
        data += more
    return data


def test_every_byte_arrives_as_it_was_sent(ground: SerialGround, port: SerialPort):
    data = bytes(range(256)) + b"\r\n\r\n\x11\x13\x03\x04\x00"
    ground.send(data)
    assert read_exactly(port, len(data)) == data

    port.write(data)
    assert ground.hears(data)


def test_bytes_keep_their_order_over_many_messages(ground: SerialGround, port: SerialPort):
    for number in range(100):
        port.write(b"%02d;" % number)
    assert ground.hears(b"".join(b"%02d;" % number for number in range(100)))

    ground.send(bytes(range(200)) * 15)
    assert read_exactly(port, 3000) == bytes(range(200)) * 15


def test_a_read_returns_what_is_there_and_never_more_than_it_was_asked_for(ground: SerialGround, port: SerialPort):
    ground.send(b"abcdef")
    ground.settle()

    assert port.read(4, SECOND) == b"abcd"
    assert port.read(100, SECOND) == b"ef"
    assert port.read(100, 0) == b""


def test_a_read_of_nothing_ends_when_its_time_is_over(ground: SerialGround, port: SerialPort):
    began_ns = ground.now_ns()
    assert port.read(10, 40 * MILLISECOND) == b""
    assert 40 * MILLISECOND <= ground.now_ns() - began_ns < 2 * SECOND


def test_a_byte_that_comes_ends_the_wait(ground: SerialGround, port: SerialPort):
    began_ns = ground.now_ns()
    waiting = ground.aside(lambda: port.read(10, 60 * SECOND))
    ground.send(b"!")

    assert waiting.result() == b"!"
    assert ground.now_ns() - began_ns < 5 * SECOND


def test_a_reader_that_waits_is_in_nobody_s_way_but_another_reader_s(ground: SerialGround, port: SerialPort):
    waiting = ground.aside(lambda: port.read(10, 60 * SECOND))
    port.write(b"question")
    port.drop_received()
    port.reopen()
    with pytest.raises(ClaimedError, match=f"{ground.path}.*one reader"):
        port.read(1, 0)

    assert ground.hears(b"question")
    ground.send(b"answer")
    assert waiting.result().startswith(b"a")


def test_what_was_received_can_be_dropped(ground: SerialGround, port: SerialPort):
    ground.send(b"old")
    ground.settle()
    port.drop_received()
    assert port.read(10, 0) == b""

    ground.send(b"new")
    assert read_exactly(port, 3) == b"new"


def test_what_came_before_the_port_was_opened_is_not_delivered(ground: SerialGround):
    ground.send(b"before")
    ground.settle()
    port = ground.open()
    assert port.read(10, 20 * MILLISECOND) == b""

    ground.send(b"after")
    assert read_exactly(port, 5) == b"after"
    port.close()


def test_a_message_larger_than_the_kernel_s_buffer_arrives_whole(ground: SerialGround):
    port = ground.open(baud=FAST)
    data = bytes(range(250)) * 120
    writing = ground.aside(lambda: port.write(data))
    writing.result()

    assert ground.hears(data)
    port.close()


def test_messages_of_two_writers_do_not_mix(ground: SerialGround):
    port = ground.open(baud=FAST)
    one, other = b"a" * 60_000, b"b" * 60_000
    ground.jam()
    writers = [ground.aside(partial(port.write, block)) for block in (one, other)]
    ground.settle()  # both have begun
    ground.jam(False)
    for writer in writers:
        writer.result()

    assert ground.hears(one + other)
    port.close()


def test_a_port_that_does_not_send_is_a_timeout_and_old_messages_are_not_sent_later(ground: SerialGround):
    port = ground.open(baud=FAST)
    ground.jam()
    began_ns = ground.now_ns()
    with pytest.raises(BusTimeoutError, match=f"{ground.path}.*does not send"):
        port.write(b"x" * 40_000)
    assert ground.now_ns() - began_ns < SECOND

    ground.jam(False)
    port.write(b"stop")
    for _ in range(100):
        ground.settle()
        if ground.heard().endswith(b"stop"):
            break
    assert ground.heard().endswith(b"stop")
    # The far end of a pseudo terminal may have taken a buffer full already.
    assert len(ground.heard()) < 10_000
    port.close()


def test_closing_ends_a_read_that_waits_at_once(ground: SerialGround, port: SerialPort):
    waiting = ground.aside(lambda: port.read(10, 60 * SECOND))
    began = time.monotonic()
    port.close()
    with pytest.raises(ClosedError, match=ground.path):
        waiting.result()

    assert time.monotonic() - began < AT_ONCE_S


def test_closing_ends_a_write_that_waits_at_once(ground: SerialGround):
    port = ground.open(baud=9600)
    ground.jam()
    waiting = ground.aside(lambda: port.write(bytes(40_000)))
    began = time.monotonic()
    port.close()
    with pytest.raises(ClosedError, match=ground.path):
        waiting.result()

    assert time.monotonic() - began < AT_ONCE_S


def test_a_closed_port_does_nothing_and_closing_again_is_nothing(ground: SerialGround, port: SerialPort):
    port.close()
    port.close()
    for call in (lambda: port.read(1, 0), lambda: port.write(b"a"), port.drop_received, port.reopen):
        with pytest.raises(ClosedError, match=ground.path):
            call()


def test_what_was_written_before_closing_still_goes_out(ground: SerialGround, port: SerialPort):
    port.write(b"stop")
    port.close()

    assert ground.hears(b"stop")


def test_a_port_that_is_unplugged_says_so_to_everybody(ground: SerialGround, port: SerialPort):
    waiting = ground.aside(lambda: port.read(10, 60 * SECOND))
    ground.unplug()
    calls = (waiting.result, lambda: port.read(1, SECOND), lambda: port.write(b"a"), port.drop_received)
    for call in calls:
        with pytest.raises(BusAbsentError, match=f"{ground.path}.*unplugged"):
            call()


def test_bytes_that_were_not_read_are_gone_with_the_port(ground: SerialGround, port: SerialPort):
    ground.send(b"abc")
    ground.settle()
    ground.unplug()
    with pytest.raises(BusAbsentError):
        port.read(10, SECOND)


def test_a_port_that_is_back_works_once_it_was_opened_again(ground: SerialGround, port: SerialPort):
    ground.unplug()
    with pytest.raises(BusAbsentError, match=f"{ground.path}.*no such serial port"):
        port.reopen()
    ground.replug()
    with pytest.raises(BusAbsentError, match="unplugged"):
        port.write(b"lost")

    port.reopen()
    ground.send(b"hello")
    assert read_exactly(port, 5) == b"hello"
    port.write(b"again")
    assert ground.hears(b"again")


def test_opening_a_sound_port_again_loses_nothing(ground: SerialGround, port: SerialPort):
    ground.send(b"abc")
    ground.settle()
    port.reopen()

    assert port.read(10, SECOND) == b"abc"


def test_a_port_can_be_unplugged_and_opened_again_for_ever(ground: SerialGround, port: SerialPort):
    before = open_descriptors()
    for rounds in range(1, 21):
        ground.unplug()
        ground.replug()
        port.reopen()
        port.write(b"a")
        assert ground.hears(b"a" * rounds)

    assert open_descriptors() <= before


def test_a_port_has_one_owner_at_a_time(ground: SerialGround, port: SerialPort):
    with pytest.raises(ClaimedError, match=f"{ground.path}.*another program"):
        ground.open()
    port.write(b"mine")
    assert ground.hears(b"mine")

    port.close()
    ground.open().close()


def test_a_port_can_be_opened_and_closed_for_ever(ground: SerialGround):
    ground.open().close()
    before = open_descriptors()
    for _ in range(100):
        port = ground.open()
        port.write(b"a")
        port.close()
    with pytest.raises(BusAbsentError):
        ground.open("/dev/ttyUSB99")

    assert open_descriptors() <= before


def test_a_port_that_is_not_there_is_absent_and_those_that_are_there_are_named(ground: SerialGround):
    with pytest.raises(BusAbsentError, match=f"^/dev/ttyUSB99: .*There are: {ground.path}.*/dev/serial0"):
        ground.open("/dev/ttyUSB99")


@pytest.mark.parametrize("path", ["\0", "ttyUSB0", "../dev/ttyUSB0", "/dev/tty\0USB0", "/" + "x" * 5000, "loop://"])
def test_what_cannot_be_the_path_of_a_port_is_refused(ground: SerialGround, path):
    with pytest.raises(ArgumentError, match="whole path, for example /dev/serial0"):
        ground.open(path)


@pytest.mark.parametrize("baud", [0, -9600, 49, 4_000_001, 10**12])
def test_impossible_speeds_are_refused(ground: SerialGround, baud):
    with pytest.raises(ArgumentError, match=f"{ground.path}: the baud rate must be 50 to 4000000, got {baud}"):
        ground.open(baud=baud)


def test_impossible_reads_and_writes_are_refused(ground: SerialGround, port: SerialPort):
    for call in (
        lambda: port.read(0, 0),
        lambda: port.read(-1, 0),
        lambda: port.read(1, -1),
        lambda: port.read(1, 10**13),
        lambda: port.write(b""),
    ):
        with pytest.raises(ArgumentError, match=ground.path):
            call()


def test_a_port_tells_its_name_and_its_speed(ground: SerialGround, port: SerialPort):
    assert (port.path, port.baud) == (ground.path, BAUD)
