"""The contract of lines that are listened to."""

import select

import pytest

from pi_drivers.buses.gpio.contract import EdgeLines, Pull
from pi_drivers.errors import ClosedError

from .grounds import MILLISECOND, GpioGround

BUFFER = 1024


def readable(lines: EdgeLines) -> bool:
    return bool(select.select([lines.fileno()], [], [], 0)[0])


def wiggle(ground: GpioGround, offset: int, *levels: bool, pause_ns: int = 10 * MILLISECOND) -> None:
    for level in levels:
        ground.drive(offset, level)
        ground.settle(pause_ns)


def low(ground: GpioGround, *offsets: int) -> None:
    for offset in offsets:
        ground.drive(offset, False)


def test_without_edges_there_is_nothing_to_read_and_nothing_blocks(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a])
    ground.settle()

    assert not readable(lines)
    assert lines.read_events() == []


def test_both_edges_come_with_their_direction_in_the_order_they_happened(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a])
    wiggle(ground, ground.a, True, False, True)

    events = lines.read_events()

    assert [event.rising for event in events] == [True, False, True]
    assert {event.offset for event in events} == {ground.a}
    assert lines.read_events() == []


def test_the_edges_of_two_lines_come_in_one_stream(ground: GpioGround):
    low(ground, ground.a, ground.b)
    lines = ground.gpio.edges([ground.a, ground.b])
    wiggle(ground, ground.a, True)
    wiggle(ground, ground.b, True)
    wiggle(ground, ground.a, False)
    wiggle(ground, ground.b, False)

    events = lines.read_events()

    assert [(event.offset, event.rising) for event in events] == [
        (ground.a, True),
        (ground.b, True),
        (ground.a, False),
        (ground.b, False),
    ]
    assert [event.seqno for event in events] == [1, 2, 3, 4]


def test_each_edge_carries_the_time_it_happened_and_not_the_time_it_was_read(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a])
    before, between = [], []
    for level in (True, False, True):
        before.append(ground.now_ns())
        wiggle(ground, ground.a, level)
        between.append(ground.now_ns())
    ground.settle(50 * MILLISECOND)

    for event, earliest, latest in zip(lines.read_events(), before, between, strict=True):
        assert earliest <= event.timestamp_ns <= latest


def test_the_descriptor_is_readable_exactly_while_edges_wait(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a])
    for level in (True, False):
        wiggle(ground, ground.a, level)
        assert readable(lines)
        assert len(lines.read_events()) == 1
        assert not readable(lines)


def test_the_levels_of_all_lines_can_be_read_at_any_time(ground: GpioGround):
    low(ground, ground.a)
    ground.drive(ground.b, True)
    lines = ground.gpio.edges([ground.a, ground.b])
    assert lines.levels() == {ground.a: False, ground.b: True}

    wiggle(ground, ground.a, True)
    assert lines.levels() == {ground.a: True, ground.b: True}


def test_the_pull_holds_lines_that_nobody_drives(ground: GpioGround):
    for pull in (Pull.UP, Pull.DOWN):
        for offset in (ground.a, ground.b):
            ground.release(offset)
        lines = ground.gpio.edges([ground.a, ground.b], pull=pull)
        assert set(lines.levels().values()) == {pull is Pull.UP}
        lines.close()


def test_on_active_low_lines_a_falling_wire_is_a_rising_edge(ground: GpioGround):
    ground.drive(ground.a, True)
    lines = ground.gpio.edges([ground.a], active_low=True)
    assert lines.levels() == {ground.a: False}

    wiggle(ground, ground.a, False)

    assert [event.rising for event in lines.read_events()] == [True]
    assert lines.levels() == {ground.a: True}


def test_debouncing_leaves_one_edge_of_a_contact_that_bounces(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a], debounce_us=30_000)
    wiggle(ground, ground.a, True, False, True, False, True, pause_ns=3 * MILLISECOND)
    ground.settle(60 * MILLISECOND)

    assert [event.rising for event in lines.read_events()] == [True]


def test_debouncing_swallows_a_spike_altogether(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a], debounce_us=30_000)
    wiggle(ground, ground.a, True, False, pause_ns=5 * MILLISECOND)
    ground.settle(60 * MILLISECOND)

    assert lines.read_events() == []


def test_a_level_that_has_not_held_long_enough_is_not_there_yet(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a], debounce_us=200_000)
    ground.drive(ground.a, True)
    ground.settle(50 * MILLISECOND)
    assert lines.levels() == {ground.a: False}
    ground.settle(250 * MILLISECOND)
    assert lines.levels() == {ground.a: True}


def test_without_debouncing_every_bounce_is_an_edge(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a])
    wiggle(ground, ground.a, True, False, True, False, True, pause_ns=5 * MILLISECOND)

    assert len(lines.read_events()) == 5


def test_what_does_not_fit_the_buffer_is_lost_and_shows_as_a_gap(ground: GpioGround):
    low(ground, ground.a)
    lines = ground.gpio.edges([ground.a])
    wiggle(ground, ground.a, True, False)
    assert [event.seqno for event in lines.read_events()] == [1, 2]

    for _ in range(650):
        wiggle(ground, ground.a, True, False, pause_ns=2 * MILLISECOND)
    events = lines.read_events()

    assert len(events) == BUFFER
    assert events[0].seqno > 3
    assert [event.seqno for event in events] == list(range(events[0].seqno, events[0].seqno + BUFFER))

    wiggle(ground, ground.a, True, False)
    assert [event.seqno for event in lines.read_events()][-1] == events[-1].seqno + 2


def test_edges_before_the_request_and_after_its_end_are_not_ours(ground: GpioGround):
    low(ground, ground.a)
    wiggle(ground, ground.a, True, False)
    lines = ground.gpio.edges([ground.a])
    assert lines.read_events() == []
    lines.close()
    wiggle(ground, ground.a, True, False)

    again = ground.gpio.edges([ground.a])
    assert again.read_events() == []
    wiggle(ground, ground.a, True)
    assert [event.seqno for event in again.read_events()] == [1]


def test_closed_lines_are_read_no_more(ground: GpioGround):
    lines = ground.gpio.edges([ground.a])
    lines.close()
    for call in (lines.read_events, lines.levels, lines.fileno):
        with pytest.raises(ClosedError):
            call()
