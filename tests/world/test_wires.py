"""Wires: one driver each, pulls, noise, square waves, and a trace that outsiders can read."""

import json

import pytest

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.errors import BusError, ConfigError
from pi_drivers.world.clock import HandClock
from pi_drivers.world.trace import Trace
from pi_drivers.world.wires import Pwm, Wire
from pi_drivers.world.world import World


def wire() -> Wire:
    return World.by_hand().wire(17)


def test_a_floating_wire_reads_noise_and_a_pulled_one_its_pull():
    floating = wire()
    assert {floating.level() for _ in range(50)} == {True, False}
    floating.set_pull(Pull.UP)
    assert {floating.level() for _ in range(50)} == {True}
    floating.set_pull(Pull.DOWN)
    assert {floating.level() for _ in range(50)} == {False}


def test_two_drivers_are_a_short_circuit():
    one = wire()
    one.drive_from_outside(True, "a sensor")
    with pytest.raises(BusError, match="the Pi's output and a sensor"):
        one.drive_from_pi(False)
    with pytest.raises(BusError, match="a sensor and another sensor"):
        one.drive_from_outside(False, "another sensor")
    two = wire()
    two.drive_from_pi(False)
    with pytest.raises(BusError, match="the Pi's output and a sensor"):
        two.drive_from_outside(True, "a sensor")


def test_a_square_wave_has_its_level_at_every_moment():
    world = World.by_hand()
    one = world.wire(17)
    one.drive_from_pi(Pwm(1000, 250, 0))
    levels = []
    for _ in range(8):
        levels.append(one.level())
        world.clock.advance(125)
    assert levels == [True, True, False, False, False, False, False, False]


def test_listeners_hear_edges_and_only_edges():
    one = wire()
    heard: list[bool] = []
    unlisten = one.on_level(lambda level, now_ns: heard.append(level))
    for level in (False, True, True, False):
        one.drive_from_outside(level, "a sensor")
    unlisten()
    one.drive_from_outside(True, "a sensor")
    assert heard == [True, False]


def test_the_trace_is_one_json_line_a_change(tmp_path):
    path = tmp_path / "trace.jsonl"
    with path.open("a") as file:
        one = Wire(17, HandClock(), Trace(file))
        one.drive_from_pi(True)
        one.drive_from_pi(True)
        one.drive_from_pi(Pwm(1000, 250, 0))
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["wire"] for line in lines] == ["GPIO17", "GPIO17"]
    assert lines[0]["level"] == 1
    assert lines[1]["pwm"] == {"period_ns": 1000, "high_ns": 250}


def test_a_trace_that_cannot_be_written_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("PI_DRIVERS_TRACE", str(tmp_path / "no" / "trace.jsonl"))
    with pytest.raises(ConfigError, match=r"PI_DRIVERS_TRACE: .* cannot be written"):
        Trace.from_environment()


def test_the_environment_names_the_trace(tmp_path, monkeypatch):
    monkeypatch.setenv("PI_DRIVERS_TRACE", str(tmp_path / "trace.jsonl"))
    trace = Trace.from_environment()
    trace.note("GPIO5", False)
    assert json.loads((tmp_path / "trace.jsonl").read_text())["level"] == 0
    trace._file.close()  # type: ignore[union-attr]
