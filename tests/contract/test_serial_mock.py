"""What the simulated serial line does to bytes: it takes time, loses, spoils and hangs."""

import pytest

from pi_drivers.errors import BusAbsentError, BusTimeoutError
from pi_drivers.world.serial_line import KERNEL_BUFFER, Notebook
from pi_drivers.world.uart import as_heard

from .asides import MILLISECOND, SECOND
from .serial_grounds import MockSerialGround

SENTENCE = b"$GPGGA,,,,,,0,,,,,,,,*66\r\n"


@pytest.fixture
def ground() -> MockSerialGround:
    made = MockSerialGround()
    made.far_end.baud = 9600
    return made


def test_a_port_is_absent_until_something_is_plugged_in(ground: MockSerialGround):
    with pytest.raises(BusAbsentError, match="/dev/serial0"):
        ground.open("/dev/serial0")

    ground.world.serial("/dev/serial0").plug_in(Notebook())
    ground.open("/dev/serial0").close()


def test_a_model_does_not_take_the_place_of_what_is_plugged_in_already(ground: MockSerialGround):
    ground.line.plug_in_if_free(Notebook(1200))
    assert ground.line.device is ground.far_end

    ground.line.unplug()
    ground.line.plug_in_if_free(Notebook(1200))
    assert not ground.line.present


def test_bytes_take_their_time_to_the_pi(ground: MockSerialGround):
    port = ground.open(baud=9600)
    ground.send(b"abc")
    ground.clock.advance(1_041_665)  # ten bits at 9600 baud take 1041666 ns
    assert port.read(10, 0) == b""
    ground.clock.advance(1)
    assert port.read(10, 0) == b"a"
    ground.clock.advance(2 * 1_041_666)
    assert port.read(10, 0) == b"bc"


def test_bytes_take_their_time_from_the_pi_and_writing_does_not(ground: MockSerialGround):
    port = ground.open(baud=9600)
    port.write(b"abc")
    assert ground.now_ns() == 0
    ground.clock.advance(2 * 1_041_666)
    assert ground.heard() == b"ab"
    ground.clock.advance(1_041_666)
    assert ground.heard() == b"abc"


def test_what_the_one_before_wrote_last_is_sent_and_the_next_one_writes_at_once(ground: MockSerialGround):
    ground.clock.advance(SECOND)
    port = ground.open(baud=9600)
    port.write(b"stop")
    port.close()
    port = ground.open(baud=9600)
    port.write(b"begin")
    ground.clock.advance(SECOND)
    assert ground.heard() == b"stopbegin"


def test_a_port_that_hangs_is_noticed_also_by_one_who_writes_all_the_time(ground: MockSerialGround):
    port = ground.open(baud=9600)
    port.write(b"go")
    ground.clock.advance(SECOND)
    ground.jam()
    for _ in range(3):
        port.write(b"go")
        ground.clock.advance(70 * MILLISECOND)
    with pytest.raises(BusTimeoutError, match="does not send"):
        port.write(b"go")


def test_unequal_speeds_make_garbage_both_ways(ground: MockSerialGround):
    port = ground.open(baud=9600)
    ground.far_end.baud = 4800
    ground.send(SENTENCE)
    port.write(SENTENCE)
    ground.clock.advance(SECOND)

    for garbage in (port.read(1000, 0), ground.heard()):
        assert garbage
        assert b"GP" not in garbage


def test_speeds_within_three_in_a_hundred_understand_each_other():
    assert as_heard(0x35, 9600, 9600) == b"\x35"
    assert as_heard(0x35, 9600, 9400) == b"\x35"
    assert as_heard(0x35, 115_200, 116_279) == b"\x35"


def test_garbage_is_what_the_wire_s_levels_are_at_the_wrong_times():
    # 0x55 changes the level with each bit: 0 1 0 1 0 1 0 1 0 1. At twice the speed a receiver sees each level twice:
    # start 0, then 0 1 1 0 0 1 1 0, which is 0x66, and takes the fourth low bit for another start.
    assert as_heard(0x55, 9600, 19_200) == b"\x66\xe6"
    # 0x0F is 0 1 1 1 1 0 0 0 0 1. At a third of the speed a receiver sees a high, a low and then the resting line.
    assert as_heard(0x0F, 28_800, 9600) == b"\xfd"
    assert len(as_heard(0x55, 50, 4_000_000)) == 5


def test_who_opens_a_line_in_the_middle_hears_the_rest_of_a_sentence_first(ground: MockSerialGround):
    ground.send(SENTENCE * 2)
    ground.clock.advance(10 * 1_041_666)
    port = ground.open(baud=9600)
    ground.clock.advance(SECOND)

    assert port.read(1000, 0) == SENTENCE[10:] + SENTENCE


def test_what_does_not_fit_the_kernel_s_buffer_is_lost(ground: MockSerialGround):
    port = ground.open()
    ground.send(bytes(range(250)) * 20)
    ground.clock.advance(SECOND)
    received = port.read(10_000, 0)

    assert received == (bytes(range(250)) * 20)[:KERNEL_BUFFER]
    ground.send(b"!")
    ground.clock.advance(SECOND)
    assert port.read(10_000, 0) == b"!"


def test_garbage_is_a_fault_of_so_many_bytes(ground: MockSerialGround):
    port = ground.open()
    ground.line.faults.garbage = 2
    ground.send(b"abcd")
    ground.clock.advance(SECOND)

    assert port.read(10, 0) == b"\xc4\xc7cd"


def test_a_stuck_line_is_silent(ground: MockSerialGround):
    port = ground.open()
    ground.line.faults.stuck = True
    ground.send(b"abcd")
    assert port.read(10, SECOND) == b""

    ground.line.faults.stuck = False
    ground.send(b"ef")
    assert port.read(1, SECOND) == b"e"


def test_small_packets_into_a_port_that_hangs_are_noticed(ground: MockSerialGround):
    port = ground.open()
    ground.jam()
    port.write(b"ab")
    ground.clock.advance(200 * MILLISECOND)
    port.write(b"cd")  # too early to complain
    ground.clock.advance(205 * MILLISECOND)
    with pytest.raises(BusTimeoutError, match="does not send"):
        port.write(b"ef")

    ground.jam(False)
    port.write(b"gh")
    assert ground.hears(b"gh")


def test_what_is_on_its_way_when_the_cable_is_pulled_arrives_nowhere(ground: MockSerialGround):
    port = ground.open()
    ground.send(b"abc")
    port.write(b"def")
    ground.unplug()
    ground.send(b"into the air")
    ground.replug()
    port.reopen()

    assert port.read(10, SECOND) == b""
    assert ground.heard() == b""


def test_a_port_that_was_pulled_stays_dead_though_the_same_one_is_back(ground: MockSerialGround):
    port = ground.open()
    ground.unplug()
    ground.replug()
    with pytest.raises(BusAbsentError, match="unplugged"):
        port.read(1, 0)
    ground.open().close()


def test_a_time_too_short_for_the_bytes_is_no_hang(ground: MockSerialGround):
    port = ground.open(baud=9600)
    port.write(bytes(3000))
    port.write(bytes(3000))  # waits for room, for longer than a port may hang
    ground.clock.advance(7 * SECOND)

    assert ground.heard() == bytes(6000)
