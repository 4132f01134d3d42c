"""The contract of an SPI bus.

On a wired Pi it needs one jumper, from pin 19 (MOSI) to pin 21 (MISO).
"""

import threading
from collections.abc import Callable

import pytest

from pi_drivers.errors import ArgumentError, BusAbsentError, ClosedError
from tests.conftest import open_descriptors

from .grounds import Facility
from .spi_grounds import SPEED_HZ, SpiGround

PATTERNS = [b"\x00", b"\xff", b"\x80", b"\x01", bytes(range(256)), bytes(range(255, -1, -1))]


@pytest.mark.parametrize("data", PATTERNS, ids=lambda data: f"{data[:2].hex()}x{len(data)}")
def test_what_a_jumper_brings_back_is_what_was_sent(spi: SpiGround, data: bytes):
    assert spi.open().transfer(data) == data


@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 1000, 4095, 4096])
def test_as_many_bytes_come_back_as_were_sent(spi: SpiGround, count: int):
    data = bytes((7 * i + i // 256) % 251 for i in range(count))

    assert spi.open().transfer(data) == data


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
@pytest.mark.parametrize("speed_hz", [10_000, 1_000_000, 10_000_000])
def test_a_jumper_is_heard_at_every_speed_and_in_every_mode(spi: SpiGround, speed_hz: int, mode: int):
    chip = spi.open(speed_hz=speed_hz, mode=mode)

    assert chip.transfer(b"\xa5\x5a\x0f") == b"\xa5\x5a\x0f"
    assert (chip.speed_hz, chip.mode) == (speed_hz, mode)


def test_it_knows_its_place(spi: SpiGround):
    chip = spi.open()

    assert (chip.bus, chip.chip_select) == (spi.bus, spi.chip_select)


def test_two_chip_selects_are_two_chips(spi: SpiGround):
    spi.need(Facility.FAULTS)
    jumper, register = spi.open(), spi.open(spi.other_chip_select)
    register.transfer(b"ab")
    assert jumper.transfer(b"cd") == b"cd"

    assert register.transfer(b"ef") == b"be"


@pytest.mark.parametrize("count", [0, 4097, 10_000])
def test_nothing_and_too_much_are_refused_and_nothing_is_sent(spi: SpiGround, count: int):
    spi.need(Facility.FAULTS)
    register = spi.open(spi.other_chip_select)
    register.transfer(b"k")
    with pytest.raises(ArgumentError, match=f"spi-{spi.bus} {spi.other_chip_select}: .* 1 to 4096 bytes, got {count}"):
        register.transfer(bytes(count))

    assert register.transfer(b"l") == b"k"


@pytest.mark.parametrize(
    ("speed_hz", "mode"), [(0, 0), (-1, 0), (3999, 0), (125_000_001, 0), (SPEED_HZ, 4), (SPEED_HZ, -1)]
)
def test_a_clock_or_a_mode_that_there_is_not_is_refused(spi: SpiGround, speed_hz: int, mode: int):
    with pytest.raises(ArgumentError, match=f"^spi-{spi.bus} {spi.chip_select}: the (clock|SPI mode) is"):
        spi.open(speed_hz=speed_hz, mode=mode)


@pytest.mark.parametrize("high", [False, True])
def test_where_a_chip_is_unplugged_the_line_is_read_as_it_rests(spi: SpiGround, high: bool):
    spi.need(Facility.FAULTS)
    spi.rest(high=high)
    chip = spi.open()
    spi.unplug(spi.chip_select)

    assert chip.transfer(b"\x12\x34\x56") == (b"\xff\xff\xff" if high else b"\0\0\0")


def test_a_chip_that_is_plugged_in_again_answers_again(spi: SpiGround):
    spi.need(Facility.FAULTS)
    chip = spi.open()
    spi.unplug(spi.chip_select)
    chip.transfer(b"lost")
    spi.replug(spi.chip_select)

    assert chip.transfer(b"back") == b"back"


def test_a_chip_that_is_not_selected_hears_nothing_and_says_nothing(spi: SpiGround):
    spi.need(Facility.FAULTS)
    register = spi.open(spi.other_chip_select)
    register.transfer(b"k")
    spi.stuck(spi.other_chip_select)
    assert register.transfer(b"l") == b"\0"

    assert register.transfer(b"m") == b"k"


def test_a_wrong_bit_is_handed_on_for_nobody_can_see_it(spi: SpiGround):
    spi.need(Facility.FAULTS)
    chip = spi.open()
    spi.corrupt(spi.chip_select)
    answer = chip.transfer(b"\x11\x22\x33")

    assert sum((a ^ b).bit_count() for a, b in zip(answer, b"\x11\x22\x33", strict=True)) == 1
    assert chip.transfer(b"\x11\x22\x33") == b"\x11\x22\x33"


def test_transfers_of_two_threads_do_not_mix(spi: SpiGround):
    chips = [spi.open(), spi.open()]
    wrong: list[bytes] = []

    def use(number: int) -> None:
        for i in range(100):
            data = bytes([number, i]) * 20
            if chips[number % 2].transfer(data) != data:
                wrong.append(data)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_chip_select_that_does_not_exist_is_absent(spi: SpiGround):
    with pytest.raises(BusAbsentError, match=f"^spi-{spi.bus} {spi.absent_chip_select}: ") as caught:
        spi.open(spi.absent_chip_select)

    assert str(spi.chip_select) in caught.value.message


def test_a_closed_chip_select_moves_nothing_and_closing_again_is_nothing(spi: SpiGround):
    chip = spi.open()
    chip.close()
    chip.close()
    calls: list[Callable[[], object]] = [lambda: chip.transfer(b"a"), lambda: chip.transfer(b"")]
    for call in calls:
        with pytest.raises((ClosedError, ArgumentError), match=f"spi-{spi.bus} {spi.chip_select}"):
            call()


def test_it_can_be_opened_twice_and_one_is_closed_alone(spi: SpiGround):
    one, other = spi.open(), spi.open()
    one.close()

    assert other.transfer(b"still") == b"still"


def test_a_chip_select_can_be_opened_and_closed_for_ever(spi: SpiGround):
    spi.open().close()
    before = open_descriptors()
    for _ in range(200):
        chip = spi.open(speed_hz=SPEED_HZ)
        chip.transfer(b"a")
        chip.close()
    with pytest.raises(BusAbsentError):
        spi.open(spi.absent_chip_select)
    with pytest.raises(ArgumentError):
        spi.open(mode=9)

    assert open_descriptors() <= before
