"""The bus whose chips a program plays: whatever becomes of that program, whoever uses the bus notices no more than a
broken chip. In most of these tests the test itself takes the program's place and holds the device.
"""

import errno
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from smbus2 import SMBus, i2c_msg

from pi_drivers.buses.i2c.real import SmbusI2c
from pi_drivers.errors import BusTimeoutError, NoAnswerError
from tests.hil.outside_chips import bus_number, outside_chips
from tests.hil.outside_i2c import ANSWER, DEVICE, RECORD_LIMIT, parse

AT_ONCE_S = 0.5
"""Well below the second after which the kernel gives up by itself."""
TEN_BIT_ADDRESS = 0x0010
"""I2C_M_TEN of linux/i2c.h."""

CLIENT = "import sys; from smbus2 import SMBus; SMBus(int(sys.argv[1])).read_byte(0x76)"


@pytest.fixture
def bus() -> Iterator[SmbusI2c]:
    made = SmbusI2c(bus_number())
    yield made
    made.close()


@pytest.fixture
def raw_bus() -> Iterator[SMBus]:
    with SMBus(bus_number()) as made:
        yield made


@pytest.fixture
def device() -> Iterator[int]:
    held = os.open(DEVICE, os.O_RDWR)
    yield held
    os.close(held)


@pytest.fixture
def somebody() -> Iterator[ThreadPoolExecutor]:
    """Uses the bus meanwhile."""
    with ThreadPoolExecutor(1) as made:
        yield made


def next_transfer(device: int) -> int:
    """The sequence number of the next transfer that somebody asks for."""
    ready, _, _ = select.select([device], [], [], 5)
    assert ready, "nobody asked for anything"
    return parse(os.read(device, RECORD_LIMIT))[0]


def refused(error: int, call: Callable[[], object]) -> bool:
    with pytest.raises(OSError) as caught:
        call()
    return caught.value.errno == error


def test_without_the_program_nobody_answers_and_nobody_waits(bus: SmbusI2c):
    started = time.monotonic()
    with pytest.raises(NoAnswerError):
        bus.read(0x76, 1)

    assert time.monotonic() - started < AT_ONCE_S


def test_there_is_one_program_at_a_time(device: int):
    assert refused(errno.EBUSY, partial(os.open, DEVICE, os.O_RDWR))


def test_a_program_that_is_killed_in_the_middle_leaves_nobody_waiting(bus: SmbusI2c, somebody: ThreadPoolExecutor):
    with outside_chips("registers@0x76") as chips:
        chips.tell("hang 0x76 1")
        reading = somebody.submit(bus.read, 0x76, 1)
        while not chips.seen():
            assert not reading.done()
        chips.process.kill()
        with pytest.raises(NoAnswerError):
            reading.result(AT_ONCE_S)

    with outside_chips("registers@0x76"):
        assert bus.read(0x76, 1) == b"\0"


def test_a_user_who_is_killed_in_the_middle_leaves_the_bus_free(
    bus: SmbusI2c, device: int, somebody: ThreadPoolExecutor
):
    with subprocess.Popen([sys.executable, "-c", CLIENT, str(bus.number)]) as client:
        given_up = next_transfer(device)
        client.kill()
        assert client.wait(AT_ONCE_S) == -signal.SIGKILL
    reading = somebody.submit(bus.read, 0x76, 1)
    current = next_transfer(device)

    assert refused(errno.ESTALE, partial(os.write, device, ANSWER.pack(given_up, 0) + b"a"))
    os.write(device, ANSWER.pack(current, 0) + b"b")
    assert reading.result() == b"b"


def test_a_signal_that_its_user_lives_through_does_not_cut_a_transfer_short(bus: SmbusI2c, device: int):
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with ThreadPoolExecutor(1) as somebody:
            ident = somebody.submit(threading.get_ident).result()
            reading = somebody.submit(bus.read, 0x76, 1)
            sequence = next_transfer(device)
            signal.pthread_kill(ident, signal.SIGUSR1)
            time.sleep(0.1)
            os.write(device, ANSWER.pack(sequence, 0) + b"a")
            assert reading.result() == b"a"
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_answer_that_comes_too_late_is_dropped_and_not_taken_for_the_next_one(
    bus: SmbusI2c, device: int, somebody: ThreadPoolExecutor
):
    first = somebody.submit(bus.read, 0x76, 1)
    too_late = next_transfer(device)
    with pytest.raises(BusTimeoutError):
        first.result()
    assert refused(errno.ESTALE, partial(os.write, device, ANSWER.pack(too_late, 0) + b"a"))

    second = somebody.submit(bus.read, 0x76, 1)
    current = next_transfer(device)
    assert refused(errno.ESTALE, partial(os.write, device, ANSWER.pack(too_late, 0) + b"a"))
    os.write(device, ANSWER.pack(current, 0) + b"b")
    assert second.result() == b"b"
    assert refused(errno.ESTALE, partial(os.write, device, ANSWER.pack(current, 0) + b"b"))


def test_what_is_no_answer_is_refused_and_the_transfer_goes_on(
    bus: SmbusI2c, device: int, somebody: ThreadPoolExecutor
):
    reading = somebody.submit(bus.read, 0x76, 2)
    sequence = next_transfer(device)
    kernels_own_number = 512
    for wrong in (
        b"",
        ANSWER.pack(sequence, 0)[:-1],
        ANSWER.pack(sequence, 0) + b"a",
        ANSWER.pack(sequence, 0) + b"abc",
        ANSWER.pack(sequence, 2) + b"ab",
        ANSWER.pack(sequence, -errno.EIO) + b"ab",
        ANSWER.pack(sequence, -kernels_own_number),
        ANSWER.pack(sequence, -(2**31)),
    ):
        assert refused(errno.EINVAL, partial(os.write, device, wrong)), wrong
    os.write(device, ANSWER.pack(sequence, 0) + b"ab")

    assert reading.result() == b"ab"


def test_nothing_is_answered_before_it_was_read(bus: SmbusI2c, device: int, somebody: ThreadPoolExecutor):
    first = somebody.submit(bus.write, 0x76, b"a")
    sequence = next_transfer(device)
    os.write(device, ANSWER.pack(sequence, 0))
    first.result()

    second = somebody.submit(bus.write, 0x76, b"a")
    select.select([device], [], [])
    assert refused(errno.ESTALE, partial(os.write, device, ANSWER.pack(sequence + 1, 0)))
    assert next_transfer(device) == sequence + 1
    os.write(device, ANSWER.pack(sequence + 1, 0))
    second.result()


def test_a_transfer_that_is_read_into_too_little_room_can_be_read_again(
    bus: SmbusI2c, device: int, somebody: ThreadPoolExecutor
):
    writing = somebody.submit(bus.write, 0x76, b"abc")
    select.select([device], [], [])
    exactly = 8 + 8 + 3
    assert refused(errno.EMSGSIZE, partial(os.read, device, exactly - 1))
    sequence, messages = parse(os.read(device, exactly))
    os.write(device, ANSWER.pack(sequence, 0))

    assert list(map(str, messages)) == ["write 0x76 616263"]
    writing.result()


def test_a_program_that_does_not_want_to_wait_does_not_wait(device: int):
    os.set_blocking(device, False)

    assert refused(errno.EAGAIN, partial(os.read, device, RECORD_LIMIT))


def test_a_transfer_of_many_messages_keeps_their_order_and_their_bytes(raw_bus: SMBus):
    with outside_chips("registers@0x76", "registers@0x50") as chips:
        reads = [i2c_msg.read(0x76, 2), i2c_msg.read(0x50, 3), i2c_msg.read(0x76, 1)]
        raw_bus.i2c_rdwr(
            i2c_msg.write(0x76, b"\x10ab"), i2c_msg.write(0x50, b"\x20xyz"), i2c_msg.write(0x76, b"\x10"), reads[0],
            i2c_msg.write(0x50, b"\x20"), reads[1], reads[2],
        )  # fmt: skip

        assert [bytes(read) for read in reads] == [b"ab", b"xyz", b"\0"]
        assert " ".join(chips.seen()) == (
            "write 0x76 106162 + write 0x50 2078797a + write 0x76 10 + read 0x76 2 + write 0x50 20 + read 0x50 3 + "
            "read 0x76 1"
        )


def test_the_longest_transfer_the_kernel_lets_through_arrives(raw_bus: SMBus):
    with outside_chips("registers@0x76") as chips:
        written = i2c_msg.write(0x76, bytes(8191) + b"z")
        raw_bus.i2c_rdwr(*[written] * 42)

        assert raw_bus.read_i2c_block_data(0x76, 0xFE, 1) == [ord("z")]
        assert len(chips.seen()[0].split(" + ")) == 42


def test_messages_of_other_kinds_are_refused_and_not_mistaken_for_plain_ones(raw_bus: SMBus, device: int):
    message = i2c_msg.write(0x76, b"a")
    message.flags |= TEN_BIT_ADDRESS

    assert refused(errno.EOPNOTSUPP, partial(raw_bus.i2c_rdwr, message))
    assert select.select([device], [], [], 0)[0] == []
