"""The SPI bus whose chips a program plays: whatever becomes of that program, whoever uses the bus notices no more than
an empty socket. In most of these tests the test itself takes the program's place and holds the device.
"""

import errno
import os
import select
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from pi_drivers.buses.spi.real import SpidevChip
from pi_drivers.errors import BusTimeoutError
from tests.hil.outside_spi import ANSWER, DEVICE, RECORD_LIMIT, Selection, outside_spi, parse

AT_ONCE_S = 0.5
"""Well below the second after which the kernel gives up by itself."""
SPEED_HZ = 1_000_000


@pytest.fixture(autouse=True)
def simulated(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("only the simulated kernel has this bus")


@pytest.fixture
def chip(simulated: None) -> Iterator[SpidevChip]:
    made = SpidevChip(0, 0, speed_hz=SPEED_HZ, mode=0)
    yield made
    made.close()


@pytest.fixture
def device(simulated: None) -> Iterator[int]:
    held = os.open(DEVICE, os.O_RDWR)
    yield held
    os.close(held)


@pytest.fixture
def somebody() -> Iterator[ThreadPoolExecutor]:
    """Uses the bus meanwhile."""
    with ThreadPoolExecutor(1) as made:
        yield made


def next_selection(device: int) -> Selection:
    ready, _, _ = select.select([device], [], [], 5)
    assert ready, "nobody asked for anything"
    return parse(os.read(device, RECORD_LIMIT))


def refused(error: int, call: Callable[[], object]) -> bool:
    with pytest.raises(OSError) as caught:
        call()
    return caught.value.errno == error


def test_without_the_program_the_line_is_low_and_nobody_waits(chip: SpidevChip):
    started = time.monotonic()

    assert chip.transfer(b"abc") == b"\0\0\0"
    assert time.monotonic() - started < AT_ONCE_S


def test_there_is_one_program_at_a_time(device: int):
    assert refused(errno.EBUSY, partial(os.open, DEVICE, os.O_RDWR))


def test_a_program_that_is_killed_in_the_middle_leaves_nobody_waiting(chip: SpidevChip, somebody: ThreadPoolExecutor):
    with outside_spi("jumper@0") as program:
        program.tell("hang 0")
        waiting = somebody.submit(chip.transfer, b"abc")
        while not program.seen():
            assert not waiting.done()
        program.process.kill()
        assert waiting.result(AT_ONCE_S) == b"\0\0\0"

    with outside_spi("jumper@0"):
        assert chip.transfer(b"abc") == b"abc"


def test_an_answer_that_comes_too_late_is_dropped_and_not_taken_for_the_next_one(
    chip: SpidevChip, device: int, somebody: ThreadPoolExecutor
):
    first = somebody.submit(chip.transfer, b"a")
    too_late = next_selection(device)
    with pytest.raises(BusTimeoutError):
        first.result()
    assert refused(errno.ESTALE, partial(os.write, device, ANSWER.pack(too_late.sequence, 0) + b"x"))

    second = somebody.submit(chip.transfer, b"b")
    current = next_selection(device)
    assert refused(errno.ESTALE, partial(os.write, device, ANSWER.pack(too_late.sequence, 0) + b"x"))
    os.write(device, ANSWER.pack(current.sequence, 0) + b"y")
    assert second.result() == b"y"


def test_what_is_no_answer_is_refused_and_the_transfer_goes_on(
    chip: SpidevChip, device: int, somebody: ThreadPoolExecutor
):
    waiting = somebody.submit(chip.transfer, b"ab")
    sequence = next_selection(device).sequence
    kernels_own_number = 512
    for wrong in (
        b"",
        ANSWER.pack(sequence, 0)[:-1],
        ANSWER.pack(sequence, 0) + b"x",
        ANSWER.pack(sequence, 0) + b"xyz",
        ANSWER.pack(sequence, 2) + b"xy",
        ANSWER.pack(sequence, -errno.EIO) + b"xy",
        ANSWER.pack(sequence, -kernels_own_number),
    ):
        assert refused(errno.EINVAL, partial(os.write, device, wrong)), wrong
    os.write(device, ANSWER.pack(sequence, 0) + b"xy")

    assert waiting.result() == b"xy"


def test_a_selection_that_is_read_into_too_little_room_can_be_read_again(
    chip: SpidevChip, device: int, somebody: ThreadPoolExecutor
):
    waiting = somebody.submit(chip.transfer, b"abc")
    select.select([device], [], [])
    exactly = 16 + 3
    assert refused(errno.EMSGSIZE, partial(os.read, device, exactly - 1))
    selection = parse(os.read(device, exactly))
    os.write(device, ANSWER.pack(selection.sequence, 0) + b"xyz")

    assert selection[1:] == (SPEED_HZ, 0, 0, b"abc")
    assert waiting.result() == b"xyz"


def test_a_program_that_does_not_want_to_wait_does_not_wait(device: int):
    os.set_blocking(device, False)

    assert refused(errno.EAGAIN, partial(os.read, device, RECORD_LIMIT))
