"""Incremental encoders: every edge of the simulated disc is counted, or told as lost."""

import asyncio
from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.encoder import Encoder
from viam.proto.component.encoder import PositionType

from pi_drivers import registry
from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.errors import ClaimedError, ClosedError, ConfigError
from pi_drivers.models.encoder.quadrature import QuadratureCounter
from pi_drivers.runtime import kept_state
from tests.models.conftest import Bench

A, B = 20, 21
PINS = {"a": "38", "b": "40"}


async def make(bench: Bench, **attributes):
    return await bench.make("incremental-encoder", "e", pins=PINS, **attributes)


async def ticks(encoder) -> float:
    return float((await encoder.get_position())[0])


def edges(text: str) -> list[EdgeEvent]:
    """`A` a rises, `a` a falls, `B` b rises, `b` b falls."""
    return [EdgeEvent(A if letter in "Aa" else B, letter.isupper(), i, i + 1) for i, letter in enumerate(text)]


@pytest.mark.parametrize(("sequence", "quarters"), [("BAba", 4), ("ABab", -4), ("BAbaBAba", 8), ("BAab", 0), ("", 0)])
def test_b_ahead_of_a_counts_up(sequence, quarters):
    counter = QuadratureCounter(A)
    counter.take(edges(sequence))
    assert (counter.quarters, counter.illegal) == (quarters, 0)


@pytest.mark.parametrize("levels", [(False, False), (False, True), (True, True), (True, False)])
def test_counting_begins_at_the_levels_that_are_there(levels):
    a, b = levels
    counter = QuadratureCounter(A)
    counter.seed(a, b)
    forward = {(False, False): "B", (False, True): "A", (True, True): "b", (True, False): "a"}[levels]
    counter.take(edges(forward))
    assert (counter.quarters, counter.illegal) == (1, 0)


@pytest.mark.parametrize("quarters", range(4))
async def test_an_encoder_may_start_anywhere_in_a_cycle(bench: Bench, quarters):
    fine = {"ticks_per_cycle": 4, "ticks_per_rotation": 400}
    first = await make(bench, **fine)
    bench.world.shaft("e").turn_by_hand((quarters + 0.5) / 400)
    await bench.wait(0.01)
    await first.close()
    encoder = await make(bench, **fine)
    bench.world.shaft("e").turn_by_hand(1 / 400)
    await bench.wait(0.01)
    assert await ticks(encoder) == quarters + 1
    assert (await encoder.get_status())["illegal_transitions"] == 0


def test_an_edge_to_where_the_line_is_already_is_illegal_and_moves_nothing():
    counter = QuadratureCounter(A)
    counter.take(edges("BBA"))
    assert (counter.quarters, counter.illegal) == (2, 1)


@pytest.mark.parametrize(("per_cycle", "per_turn"), [(1, 100), (2, 200), (4, 400)])
async def test_ticks_per_cycle_is_how_finely_the_same_disc_is_read(bench: Bench, per_cycle, per_turn):
    encoder = await make(bench, ticks_per_cycle=per_cycle, ticks_per_rotation=per_turn)
    for turn in (1.001, 1, 1):
        bench.world.shaft("e").turn_by_hand(turn)
        await bench.wait(0.01)
    assert await ticks(encoder) == 3 * per_turn
    for _ in range(5):
        bench.world.shaft("e").turn_by_hand(-1)
        await bench.wait(0.01)
    assert await ticks(encoder) == -2 * per_turn


async def test_a_turning_shaft_is_counted_in_both_directions(bench: Bench):
    encoder = await make(bench, ticks_per_rotation=400)
    shaft = bench.world.shaft("e")
    shaft.drive(5.0, 0.05)
    await bench.wait(3)
    assert await ticks(encoder) == pytest.approx(shaft.angle_rev() * 400, abs=1)
    shaft.drive(-7.0, 0.05)
    await bench.wait(5)
    assert await ticks(encoder) == pytest.approx(shaft.angle_rev() * 400, abs=1)
    status = await encoder.get_status()
    assert (status["illegal_transitions"], status["lost_edges"]) == (0, 0)


async def test_a_position_is_told_with_every_edge_so_far_even_between_two_drains(bench: Bench):
    encoder = await make(bench, ticks_per_rotation=400)
    bench.world.shaft("e").turn_by_hand(0.5001)
    bench.world.clock.advance(0)
    assert await ticks(encoder) == 200


async def test_edges_that_do_not_fit_the_kernel_s_buffer_are_told_as_lost(bench: Bench):
    encoder = await make(bench, ticks_per_rotation=400)
    bench.world.shaft("e").turn_by_hand(2.0001)  # 1600 edges at once; the buffer has 1024 places
    await bench.wait(0.01)
    await ticks(encoder)
    assert (await encoder.get_status())["lost_edges"] == 1600 - 1024


async def test_a_glitch_shorter_than_the_filter_is_no_tick(bench: Bench):
    encoder = await make(bench, glitch_filter_us=100)
    bench.world.disc_on("e", A, B, 100).unplug()
    wire = bench.world.wire(B)
    for level in (True, False):
        wire.drive_from_outside(level, "a finger")
        await bench.wait(0.00005)
    await bench.wait(0.001)
    assert (await encoder.get_status())["illegal_transitions"] == 0
    assert encoder._counter.quarters == 0
    wire.drive_from_outside(True, "a finger")
    await bench.wait(0.001)
    await ticks(encoder)
    assert encoder._counter.quarters == 1


async def test_positions_through_grpc(bench: Bench):
    encoder = await make(bench, ticks_per_rotation=400)
    client = await bench.client(encoder)
    bench.world.shaft("e").turn_by_hand(1.2501)
    await bench.wait(0.01)
    assert await client.get_position() == (500.0, PositionType.POSITION_TYPE_TICKS_COUNT)
    degrees = await client.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES)
    assert degrees == (pytest.approx(90), PositionType.POSITION_TYPE_ANGLE_DEGREES)
    await client.reset_position()
    assert (await client.get_position())[0] == 0
    assert await client.get_properties() == Encoder.Properties(True, True)


async def test_degrees_without_ticks_per_rotation_are_unimplemented(bench: Bench):
    client = await bench.client(await make(bench))
    with pytest.raises(GRPCError) as caught:
        await client.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES)
    assert caught.value.status is Status.UNIMPLEMENTED
    assert "ticks_per_rotation" in (caught.value.message or "")


async def test_velocity_is_measured(bench: Bench):
    encoder = await make(bench, ticks_per_rotation=400)
    bench.world.shaft("e").drive(2.0, 0.01)
    await bench.wait(1)
    answer = await encoder.do_command({"command": "velocity"})
    assert answer["ticks_per_s"] == pytest.approx(800, rel=0.02)
    assert answer["rpm"] == pytest.approx(120, rel=0.02)


@pytest.mark.parametrize("persist", [False, True])
async def test_a_rebuild_keeps_the_position_and_a_restart_only_if_told(bench: Bench, persist, tmp_path, monkeypatch):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    attributes = {"ticks_per_rotation": 400, "persist": persist}
    encoder = await make(bench, **attributes)
    bench.world.shaft("e").turn_by_hand(1.0001)
    await bench.wait(0.01)
    await encoder.close()
    again = await make(bench, **attributes)
    assert await ticks(again) == 400
    await again.close()
    kept_state._in_process.clear()  # as a new process would find it
    restarted = await make(bench, **attributes)
    assert await ticks(restarted) == (400 if persist else 0)


@pytest.mark.parametrize("change", [{"pins": {"a": "36", "b": "38"}}, {"ticks_per_cycle": 4}, {"invert": True}])
async def test_a_position_that_would_mean_another_angle_is_not_kept(bench: Bench, change):
    encoder = await make(bench, ticks_per_rotation=400)
    bench.world.shaft("e").turn_by_hand(1.0001)
    await bench.wait(0.01)
    await encoder.close()
    attributes: dict[str, Any] = {"pins": PINS, "ticks_per_rotation": 400, **change}
    other = await bench.make("incremental-encoder", "e", **attributes)
    assert await ticks(other) == 0


async def test_reading_a_closed_encoder_is_an_error_and_not_an_old_number(bench: Bench):
    encoder = await make(bench)
    await encoder.close()
    with pytest.raises(ClosedError):
        await encoder.get_position()


async def test_lines_with_different_settings_of_the_board_are_refused(bench: Bench):
    await bench.make("board", "pi", pins=[{"pin": "38", "pull": "up"}])
    with pytest.raises(ConfigError, match="the board gives 38 and 40 different pulls"):
        await bench.make("incremental-encoder", "e", board="pi", pins=PINS)
    assert bench.host.claims.listing() == {}


async def test_its_pins_are_its_own(bench: Bench):
    await make(bench)
    with pytest.raises(ClaimedError, match='held by encoder "e"'):
        await bench.make("incremental-encoder", "f", pins={"a": "36", "b": "38"})
    assert [thing for thing in bench.host.claims.listing() if "GPIO16" in thing] == []


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"pins": {"a": "38", "b": "38"}}, 'pins.b: "38" is used by pins.a'),
        ({"pins": PINS, "ticks_per_cycle": 3}, "ticks_per_cycle: must be one of 1, 2, 4, got 3"),
        ({"pins": {"a": "38"}}, "pins.b"),
        ({"pins": {"a": 38, "b": "40"}}, 'pins.a: write it as a string: "38"'),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, problem):
    with pytest.raises(ConfigError) as caught:
        await bench.make("incremental-encoder", "e", **attributes)
    assert problem in caught.value.message


async def test_counting_costs_nothing_while_the_shaft_stands(bench: Bench):
    await make(bench)
    await bench.wait(0.1)
    assert bench.world.clock.next_event_ns() is None
    pending = [task.get_name() for task in asyncio.all_tasks() if "counting" in task.get_name()]
    assert pending == ['encoder "e": counting']


async def test_the_board_it_names_is_its_dependency(bench: Bench):
    model = registry.load("incremental-encoder")
    config = bench.config("incremental-encoder", "e", {"board": "pi", "pins": PINS})
    assert model.validate_config(config) == (["rdk:component:board/pi"], [])
    alone = bench.config("incremental-encoder", "e", {"pins": PINS})
    assert model.validate_config(alone) == ([], [])
