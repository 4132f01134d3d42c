"""The contract of the 1-Wire bus, on the mock and on a tree of files as the kernel shows it."""

import pytest

from pi_drivers.buses.onewire.contract import OneWireBus, crc8
from pi_drivers.errors import (
    ArgumentError,
    BusAbsentError,
    BusError,
    ClosedError,
    CorruptDataError,
    NoAnswerError,
    WrongChipError,
)
from tests.conftest import open_descriptors

from .onewire_grounds import MockOneWireGround, OneWireGround, SysfsOneWireGround

ONE = "28-000005e2fdc3"
OTHER = "28-0316a279d8ff"
SWITCH = "29-000000154a2b"
WARM = bytes.fromhex("50 01 4b 46 7f ff 0c 10")
COLD = bytes.fromhex("5e ff 4b 46 7f ff 02 10")


@pytest.fixture(params=["mock", "sysfs"])
def ground(request, tmp_path) -> OneWireGround:
    return MockOneWireGround() if request.param == "mock" else SysfsOneWireGround(tmp_path)


@pytest.fixture
def bus(ground: OneWireGround) -> OneWireBus:
    ground.plug_in(ONE, WARM)
    ground.plug_in(OTHER, COLD)
    return ground.open()


def test_the_checksum_that_is_printed():
    # Maxim application note 27: the number 02 1C B8 01 00 00 00 has the checksum A2.
    assert crc8(bytes.fromhex("02 1c b8 01 00 00 00")) == 0xA2


def test_without_a_master_the_bus_is_absent_and_the_remedy_is_told(ground: OneWireGround):
    with pytest.raises(BusAbsentError, match=r"dtoverlay=w1-gpio.*reboot"):
        ground.open()


def test_a_bus_with_nobody_on_it_is_a_bus(ground: OneWireGround):
    ground.switch_on()
    assert ground.open().scan() == []


def test_all_sensors_are_found(ground: OneWireGround, bus: OneWireBus):
    ground.plug_in(SWITCH)
    assert bus.scan() == [ONE, OTHER, SWITCH]


def test_each_sensor_answers_for_itself_with_nine_bytes_and_their_checksum(bus: OneWireBus):
    for sensor_id, measures in ((ONE, WARM), (OTHER, COLD), (ONE, WARM)):
        assert bus.read(sensor_id) == measures + bytes([crc8(measures)])


def test_a_sensor_that_is_not_there_is_no_answer_and_those_that_are_there_are_named(bus: OneWireBus):
    with pytest.raises(NoAnswerError, match=f"^1-Wire 28-ffffffffffff: .*There are: {ONE}, {OTHER}"):
        bus.read("28-ffffffffffff")


def test_a_bus_with_nobody_on_it_says_that_there_is_none(ground: OneWireGround):
    ground.switch_on()
    with pytest.raises(NoAnswerError, match="There is none at all"):
        ground.open().read(ONE)


def test_a_sensor_that_was_unplugged_is_no_answer_before_and_after_the_kernel_notices(
    ground: OneWireGround, bus: OneWireBus
):
    ground.unplug(ONE)
    assert bus.scan() == [ONE, OTHER]
    with pytest.raises(NoAnswerError, match=f"^1-Wire {ONE}: no answer"):
        bus.read(ONE)

    ground.forget(ONE)
    assert bus.scan() == [OTHER]
    with pytest.raises(NoAnswerError, match=f"^1-Wire {ONE}: no such sensor.*There are: {OTHER}"):
        bus.read(ONE)
    assert bus.read(OTHER)[:8] == COLD


def test_a_wrong_checksum_is_never_a_reading(ground: OneWireGround, bus: OneWireBus):
    ground.corrupt(ONE)
    with pytest.raises(CorruptDataError, match=f"^1-Wire {ONE}: the checksum is wrong .40 01 4b"):
        bus.read(ONE)
    assert bus.read(OTHER)[:8] == COLD


def test_a_line_that_is_held_low_is_an_error_though_the_checksum_of_zeros_is_zero(
    ground: OneWireGround, bus: OneWireBus
):
    ground.hold_low()
    with pytest.raises(BusError, match=f"^1-Wire {ONE}: the data line is held low") as caught:
        bus.read(ONE)
    assert not isinstance(caught.value, NoAnswerError)


def test_what_is_no_thermometer_is_the_wrong_chip(ground: OneWireGround, bus: OneWireBus):
    ground.plug_in(SWITCH)
    if isinstance(ground, SysfsOneWireGround):
        ground.file(SWITCH).unlink()  # a driver of another family has other files
    with pytest.raises(WrongChipError, match=f"^1-Wire {SWITCH}: this is no thermometer"):
        bus.read(SWITCH)


@pytest.mark.parametrize(
    "sensor_id",
    ["", "28", "28-000005E2FDC3", "28-000005e2fdc3\n", " 28-000005e2fdc3", "../28-000005e2fdc3", "../x",
     "w1_bus_master1", "28-000005e2fdc3/..", "28-00000", "28_000005e2fdc3", "28-00000\0e2fdc3"],
)  # fmt: skip
def test_what_cannot_be_the_number_of_a_sensor_is_refused(bus: OneWireBus, sensor_id):
    with pytest.raises(ArgumentError, match=r"no number of a 1-Wire sensor.*28-000005e2fdc3"):
        bus.read(sensor_id)


def test_a_closed_bus_reads_nothing_and_closing_again_is_nothing(bus: OneWireBus):
    bus.close()
    bus.close()
    for call in (bus.scan, lambda: bus.read(ONE)):
        with pytest.raises(ClosedError, match="1-Wire"):
            call()


def test_the_bus_can_be_read_for_ever(ground: OneWireGround, bus: OneWireBus):
    before = open_descriptors()
    for _ in range(100):
        bus.read(ONE)
        bus.scan()
    assert open_descriptors() <= before
