"""Dependencies are opened before what needs them."""

from pi_drivers.cli.machine import Component
from pi_drivers.cli.ordering import cycles, opening_order


def made(*names: str) -> list[Component]:
    return [Component(index, name, "sensor", "m", {}) for index, name in enumerate(names)]


def test_what_another_one_needs_comes_first_and_the_rest_keeps_the_files_order():
    motor, encoder, board, sensor = made("motor", "encoder", "board", "sensor")
    needs = {motor: [encoder, board], encoder: [board], board: [], sensor: []}

    assert opening_order(needs) == [board, encoder, motor, sensor]


def test_a_circle_is_found_once_and_does_not_hang_the_order():
    a, b, c = made("a", "b", "c")
    needs = {a: [b], b: [a], c: [a]}

    assert cycles(needs) == [[a, b, a]]
    assert set(opening_order(needs)) == {a, b, c}


def test_needing_oneself_is_a_circle():
    (a,) = made("a")

    assert cycles({a: [a]}) == [[a, a]]


def test_two_ways_to_one_dependency_are_no_circle():
    a, b, c, d = made("a", "b", "c", "d")

    assert cycles({a: [b, c], b: [d], c: [d], d: []}) == []
