"""The contract of GPIO lines that hold or read a level."""

import threading

import pytest

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.errors import ArgumentError, BusAbsentError, ClaimedError, ClosedError
from tests.conftest import open_descriptors

from .grounds import Facility, GpioGround
from .pulse_sources import Listed


@pytest.mark.parametrize("initial", [False, True])
def test_an_output_has_its_initial_level_from_the_first_moment(ground: GpioGround, initial):
    line = ground.gpio.output(ground.a, initial=initial)

    assert ground.level(ground.a) is initial
    assert line.read() is initial
    assert line.offset == ground.a


def test_what_is_written_is_on_the_wire_and_stays(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    for level in (True, True, False, True):
        line.write(level)
        assert ground.level(ground.a) is level
        ground.settle()
        assert ground.level(ground.a) is level
        assert line.read() is level


def test_an_active_low_output_is_inverted_for_writing_and_for_reading(ground: GpioGround):
    line = ground.gpio.output(ground.a, active_low=True)

    assert ground.level(ground.a)
    assert not line.read()

    line.write(True)

    assert not ground.level(ground.a)
    assert line.read()


def test_an_active_low_output_begins_at_its_inverted_initial_level(ground: GpioGround):
    ground.gpio.output(ground.a, initial=True, active_low=True)

    assert not ground.level(ground.a)


def test_another_thread_can_write(ground: GpioGround):
    line = ground.gpio.output(ground.a, initial=True)
    thread = threading.Thread(target=lambda: line.write(False))
    thread.start()
    thread.join()

    assert not ground.level(ground.a)


def test_an_input_reads_what_is_on_the_wire(ground: GpioGround):
    ground.drive(ground.a, False)
    line = ground.gpio.input(ground.a)
    assert line.offset == ground.a
    for level in (False, True, False):
        ground.drive(ground.a, level)
        ground.settle()
        assert line.read() is level


def test_an_active_low_input_is_inverted(ground: GpioGround):
    line = ground.gpio.input(ground.a, active_low=True)
    for level in (False, True):
        ground.drive(ground.a, level)
        ground.settle()
        assert line.read() is not level


@pytest.mark.parametrize(("pull", "level"), [(Pull.UP, True), (Pull.DOWN, False)])
def test_the_pull_decides_a_wire_that_nobody_drives(ground: GpioGround, pull, level):
    ground.release(ground.a)
    line = ground.gpio.input(ground.a, pull=pull)

    assert line.read() is level
    assert ground.gpio.input(ground.b, pull=pull, active_low=True).read() is not level


def test_what_drives_the_wire_is_stronger_than_the_pull(ground: GpioGround):
    line = ground.gpio.input(ground.a, pull=Pull.UP)
    ground.drive(ground.a, False)
    ground.settle()

    assert not line.read()


def test_the_pull_can_change_from_one_user_to_the_next(ground: GpioGround):
    ground.release(ground.a)
    for pull in (Pull.UP, Pull.DOWN, Pull.UP):
        line = ground.gpio.input(ground.a, pull=pull)
        assert line.read() is (pull is Pull.UP)
        line.close()


def test_a_line_in_use_is_refused_however_it_is_asked_for(ground: GpioGround):
    for take in (ground.gpio.output, ground.gpio.input, lambda offset: ground.gpio.edges([offset])):
        held = take(ground.a)
        for ask in (ground.gpio.output, ground.gpio.input, lambda offset: ground.gpio.edges([ground.b, offset])):
            with pytest.raises(ClaimedError, match=f"GPIO{ground.a}.*in use"):
                ask(ground.a)
        held.close()


def test_a_refused_request_leaves_the_other_lines_free(ground: GpioGround):
    held = ground.gpio.output(ground.a)
    with pytest.raises(ClaimedError):
        ground.gpio.edges([ground.b, ground.a])

    ground.gpio.output(ground.b).close()
    held.write(True)
    assert ground.level(ground.a)


def test_a_line_that_another_process_holds_is_refused_by_its_name(ground: GpioGround):
    ground.need(Facility.OTHER_PROCESS)
    with ground.held_elsewhere(ground.a) as holder:
        for ask in (ground.gpio.output, ground.gpio.input, lambda offset: ground.gpio.edges([offset])):
            with pytest.raises(ClaimedError, match=f"GPIO{ground.a}.*{holder}"):
                ask(ground.a)
    ground.gpio.output(ground.a)


@pytest.mark.parametrize("offset", ["no_line", "negative"])
def test_a_line_that_does_not_exist_is_absent(ground: GpioGround, offset):
    number = ground.no_line if offset == "no_line" else -1
    for ask in (ground.gpio.output, ground.gpio.input, lambda offset: ground.gpio.edges([offset])):
        with pytest.raises(BusAbsentError, match=f"GPIO{number}"):
            ask(number)


def test_a_released_output_keeps_its_level(ground: GpioGround):
    ground.need(Facility.KEPT_LEVELS)
    for level in (True, False):
        line = ground.gpio.output(ground.a, initial=level)
        line.close()
        ground.settle()
        assert ground.level(ground.a) is level


def test_closing_twice_is_closing_once_and_harms_no_successor(ground: GpioGround):
    first = ground.gpio.output(ground.a)
    first.close()
    second = ground.gpio.output(ground.a, initial=True)
    first.close()

    assert ground.level(ground.a)
    with pytest.raises(ClaimedError):
        ground.gpio.output(ground.a)
    second.close()

    reader = ground.gpio.input(ground.a)
    reader.close()
    watcher = ground.gpio.edges([ground.a])
    reader.close()
    watcher.close()
    watcher.close()
    ground.gpio.close()
    ground.gpio.close()


def test_a_closed_output_obeys_nobody(ground: GpioGround):
    line = ground.gpio.output(ground.a)
    line.close()
    ground.gpio.output(ground.a)

    for call in (
        lambda: line.write(True),
        line.read,
        lambda: line.pwm(50, 0.5),
        lambda: line.servo(1500),
        lambda: line.pulses(Listed()),
    ):
        with pytest.raises(ClosedError):
            call()
    ground.settle()
    assert not ground.level(ground.a)


def test_a_closed_input_reads_no_more(ground: GpioGround):
    line = ground.gpio.input(ground.a)
    line.close()
    with pytest.raises(ClosedError):
        line.read()


def test_an_edge_request_takes_at_least_one_line_and_no_line_twice(ground: GpioGround):
    with pytest.raises(ArgumentError):
        ground.gpio.edges([])
    with pytest.raises((ArgumentError, ClaimedError)):
        ground.gpio.edges([ground.a, ground.a])
    with pytest.raises(ArgumentError):
        ground.gpio.edges([ground.a], debounce_us=-1)
    ground.gpio.edges([ground.a])


def test_lines_can_be_opened_and_closed_for_ever(ground: GpioGround):
    def once() -> None:
        output = ground.gpio.output(ground.a)
        output.pwm(50, 0.5)
        reader = ground.gpio.input(ground.b, pull=Pull.UP)
        watcher = ground.gpio.edges([ground.c])
        for line in (output, reader, watcher):
            line.close()

    once()
    before = open_descriptors()
    for _ in range(200):
        once()

    assert open_descriptors() <= before
