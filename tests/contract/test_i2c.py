"""The contract of an I2C bus."""

import threading
from collections.abc import Callable

import pytest

from pi_drivers.errors import ArgumentError, BusAbsentError, BusTimeoutError, ClosedError, NoAnswerError
from tests.conftest import open_descriptors

from .grounds import Facility, I2cGround


def test_registers_keep_what_is_written_to_them(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    address = bus_ground.registers_at
    bus.write_register(address, 0x10, b"\x01\x02\x03")
    bus.write_register(address, 0x13, b"\xff")

    assert bus.read_register(address, 0x10, 4) == b"\x01\x02\x03\xff"
    assert bus.read_register(address, 0x12, 1) == b"\x03"
    assert bus.number == bus_ground.number


def test_a_block_of_32_bytes_is_moved_at_once(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    data = bytes(range(100, 132))
    bus.write_register(bus_ground.registers_at, 0x20, data)

    assert bus.read_register(bus_ground.registers_at, 0x20, 32) == data


def test_two_chips_are_two_chips(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    bus.write_register(bus_ground.registers_at, 1, b"a")
    bus.write_register(bus_ground.eeprom_at, 1, b"b")

    assert bus.read_register(bus_ground.registers_at, 1, 1) == b"a"
    assert bus.read_register(bus_ground.eeprom_at, 1, 1) == b"b"


def test_plain_messages_are_moved_as_they_are(bus_ground: I2cGround):
    bus_ground.need(Facility.PLAIN_TRANSFERS)
    bus = bus_ground.open(bus_ground.number)
    data = bytes(range(50))
    bus.write(bus_ground.registers_at, b"\x00" + data)
    bus.write(bus_ground.registers_at, b"\x00")

    assert bus.read(bus_ground.registers_at, 50) == data


@pytest.mark.parametrize("count", [256, 300, 8192])
def test_long_messages_arrive_whole(bus_ground: I2cGround, count):
    bus_ground.need(Facility.PLAIN_TRANSFERS)
    bus = bus_ground.open(bus_ground.number)
    data = bytes((7 * i + i // 256) % 251 for i in range(count))
    bus.write(bus_ground.registers_at, b"\x40" + data[: count - 1])
    bus.write(bus_ground.registers_at, b"\x40")
    held = bus.read(bus_ground.registers_at, count)

    # The chip has 256 registers and begins anew behind the last: what came last stays.
    newest = {(0x40 + i) % 256: value for i, value in enumerate(data[: count - 1])}
    assert held == bytes(newest.get((0x40 + i) % 256, 0) for i in range(count))


def test_nobody_at_an_address_is_no_answer_with_bus_and_address(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    where = f"i2c-{bus_ground.number} 0x{bus_ground.nobody_at:02x}: no answer"
    for call in (
        lambda: bus.write_register(bus_ground.nobody_at, 0, b"a"),
        lambda: bus.read_register(bus_ground.nobody_at, 0, 1),
    ):
        with pytest.raises(NoAnswerError, match=where):
            call()


def test_a_probe_finds_chips_and_only_chips_and_changes_nothing(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    bus.write_register(bus_ground.eeprom_at, 0, b"keep")

    assert bus.probe(bus_ground.registers_at)
    assert bus.probe(bus_ground.eeprom_at)
    assert not bus.probe(bus_ground.nobody_at)
    assert bus.read_register(bus_ground.eeprom_at, 0, 4) == b"keep"


@pytest.mark.parametrize("address", [-1, 0, 0x07, 0x78, 0x80, 0x88, 0xEC])
def test_what_is_no_seven_bit_address_is_refused(bus_ground: I2cGround, address):
    bus = bus_ground.open(bus_ground.number)
    for call in (
        lambda: bus.write(address, b"a"),
        lambda: bus.read(address, 1),
        lambda: bus.write_register(address, 0, b"a"),
        lambda: bus.read_register(address, 0, 1),
        lambda: bus.probe(address),
    ):
        with pytest.raises(ArgumentError, match=f"i2c-{bus_ground.number}"):
            call()


def test_lengths_and_registers_out_of_range_are_refused(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    address = bus_ground.registers_at
    for call in (
        lambda: bus.write(address, b""),
        lambda: bus.read(address, 0),
        lambda: bus.read(address, -1),
        lambda: bus.read(address, 8193),
        lambda: bus.write(address, bytes(8193)),
        lambda: bus.write_register(address, 0, b""),
        lambda: bus.write_register(address, 0, bytes(33)),
        lambda: bus.write_register(address, 256, b"a"),
        lambda: bus.write_register(address, -1, b"a"),
        lambda: bus.read_register(address, 0, 0),
        lambda: bus.read_register(address, 0, 33),
        lambda: bus.read_register(address, 256, 1),
    ):
        with pytest.raises(ArgumentError, match=f"i2c-{bus_ground.number} 0x{address:02x}"):
            call()


def test_a_chip_that_is_unplugged_answers_no_more(bus_ground: I2cGround):
    bus_ground.need(Facility.FAULTS)
    bus = bus_ground.open(bus_ground.number)
    bus_ground.unplug(bus_ground.registers_at)

    assert not bus.probe(bus_ground.registers_at)
    with pytest.raises(NoAnswerError):
        bus.read_register(bus_ground.registers_at, 0, 1)
    assert bus.probe(bus_ground.eeprom_at)


def test_a_chip_that_is_plugged_in_again_answers_again(bus_ground: I2cGround):
    bus_ground.need(Facility.FAULTS)
    bus = bus_ground.open(bus_ground.number)
    bus.write_register(bus_ground.registers_at, 5, b"kept")
    bus_ground.unplug(bus_ground.registers_at)
    with pytest.raises(NoAnswerError):
        bus.write_register(bus_ground.registers_at, 5, b"lost")
    bus_ground.replug(bus_ground.registers_at)

    assert bus.read_register(bus_ground.registers_at, 5, 4) == b"kept"


def test_a_chip_that_takes_no_more_in_the_middle_of_a_message_is_no_answer(bus_ground: I2cGround):
    bus_ground.need(Facility.FAULTS, Facility.PLAIN_TRANSFERS)
    bus_ground.plug_in(bus_ground.registers_at, "full")
    bus = bus_ground.open(bus_ground.number)
    where = f"i2c-{bus_ground.number} 0x{bus_ground.registers_at:02x}: no answer"
    with pytest.raises(NoAnswerError, match=where):
        bus.write(bus_ground.registers_at, b"\x10abcdef")
    with pytest.raises(NoAnswerError, match=where):
        bus.write_register(bus_ground.registers_at, 0x20, b"ghijkl")

    assert bus.read_register(bus_ground.registers_at, 0x10, 4) == b"ab\0\0"
    assert bus.read_register(bus_ground.registers_at, 0x20, 4) == b"gh\0\0"


def test_a_chip_that_dies_between_the_halves_of_a_transfer_is_no_answer(bus_ground: I2cGround):
    bus_ground.need(Facility.FAULTS)
    bus_ground.plug_in(bus_ground.registers_at, "dying")
    bus = bus_ground.open(bus_ground.number)
    bus.write_register(bus_ground.registers_at, 0, b"a")
    where = f"i2c-{bus_ground.number} 0x{bus_ground.registers_at:02x}: no answer"
    with pytest.raises(NoAnswerError, match=where):
        bus.read_register(bus_ground.registers_at, 0, 1)

    assert not bus.probe(bus_ground.registers_at)
    assert bus.read_register(bus_ground.eeprom_at, 0, 1) == b"\0"


def test_a_chip_that_stretches_the_clock_for_long_is_waited_for(bus_ground: I2cGround):
    bus_ground.need(Facility.FAULTS, Facility.PLAIN_TRANSFERS)
    bus_ground.plug_in(bus_ground.registers_at, "slow")
    bus = bus_ground.open(bus_ground.number)
    bus.write_register(bus_ground.registers_at, 0x10, b"late")

    assert bus.read_register(bus_ground.registers_at, 0x10, 4) == b"late"
    bus.write(bus_ground.registers_at, b"\x11")
    assert bus.read(bus_ground.registers_at, 3) == b"ate"


def test_where_a_chip_has_no_more_to_say_ones_are_read(bus_ground: I2cGround):
    bus_ground.need(Facility.FAULTS, Facility.PLAIN_TRANSFERS)
    bus_ground.plug_in(bus_ground.registers_at, "terse")
    bus = bus_ground.open(bus_ground.number)
    bus.write_register(bus_ground.registers_at, 0, b"abcd")

    assert bus.read_register(bus_ground.registers_at, 0, 4) == b"ab\xff\xff"
    bus.write(bus_ground.registers_at, b"\x00")
    assert bus.read(bus_ground.registers_at, 5) == b"ab\xff\xff\xff"


def test_a_bus_that_hangs_is_a_timeout_and_not_a_missing_chip(bus_ground: I2cGround):
    bus_ground.need(Facility.FAULTS)
    bus = bus_ground.open(bus_ground.number)
    bus_ground.hang(bus_ground.registers_at)
    with pytest.raises(
        BusTimeoutError, match=f"i2c-{bus_ground.number} 0x{bus_ground.registers_at:02x}: the bus hangs"
    ):
        bus.read_register(bus_ground.registers_at, 0, 1)
    assert bus.read_register(bus_ground.registers_at, 0, 1) == b"\0"

    bus_ground.hang(bus_ground.registers_at)
    with pytest.raises(BusTimeoutError):
        bus.probe(bus_ground.registers_at)


@pytest.mark.parametrize("kind", ["write", "read", "write_register"])
def test_a_bus_that_comes_back_after_a_hang_works_as_before(bus_ground: I2cGround, kind):
    bus_ground.need(Facility.FAULTS, Facility.PLAIN_TRANSFERS)
    bus = bus_ground.open(bus_ground.number)
    address = bus_ground.registers_at
    bus.write_register(address, 0x10, b"before")
    transfers: dict[str, Callable[[], object]] = {
        "write": lambda: bus.write(address, b"\x10hang"),
        "read": lambda: bus.read(address, 6),
        "write_register": lambda: bus.write_register(address, 0x10, b"hang"),
    }
    bus_ground.hang(address)
    with pytest.raises(BusTimeoutError):
        transfers[kind]()

    assert bus.read_register(address, 0x10, 6) == b"before"
    assert bus.probe(address)
    bus.write(address, b"\x10behind")
    assert bus.read_register(address, 0x10, 6) == b"behind"


def test_transfers_of_two_threads_do_not_mix(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    wrong: list[tuple[int, bytes]] = []

    def use(address: int, register: int) -> None:
        for i in range(150):
            data = bytes([address, i])
            bus.write_register(address, register, data)
            held = bus.read_register(address, register, 2)
            if held != data:
                wrong.append((address, held))

    threads = [
        threading.Thread(target=use, args=(address, register))
        for register, address in ((0, bus_ground.registers_at), (0, bus_ground.eeprom_at), (2, bus_ground.registers_at))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_is_kept_for_the_end_of_the_process_is_not_written_now(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    bus.write_register(bus_ground.registers_at, 0x10, b"now")
    forget = bus.keep_write(bus_ground.registers_at, b"\x10end")
    assert bus.read_register(bus_ground.registers_at, 0x10, 3) == b"now"
    forget()
    forget()


def test_a_bus_that_does_not_exist_is_absent(bus_ground: I2cGround):
    with pytest.raises(BusAbsentError, match=f"i2c-{bus_ground.absent_number}"):
        bus_ground.open(bus_ground.absent_number)


def test_a_closed_bus_moves_nothing_and_closing_again_is_nothing(bus_ground: I2cGround):
    bus = bus_ground.open(bus_ground.number)
    bus.close()
    bus.close()
    for call in (
        lambda: bus.read_register(bus_ground.registers_at, 0, 1),
        lambda: bus.probe(bus_ground.registers_at),
    ):
        with pytest.raises(ClosedError):
            call()


def test_a_bus_can_be_opened_and_closed_for_ever(bus_ground: I2cGround):
    bus_ground.open(bus_ground.number).close()
    before = open_descriptors()
    for _ in range(200):
        bus = bus_ground.open(bus_ground.number)
        bus.probe(bus_ground.registers_at)
        bus.close()
    with pytest.raises(BusAbsentError):
        bus_ground.open(bus_ground.absent_number)

    assert open_descriptors() <= before
