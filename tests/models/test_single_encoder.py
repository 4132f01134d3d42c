"""Encoders of one line: every edge is seen, and counts the way the motor drives the shaft, or drove it last."""

from typing import Any

import pytest
from grpclib import GRPCError, Status
from viam.components.board.board import Tick
from viam.components.encoder import Encoder
from viam.components.motor import Motor
from viam.proto.common import ResourceName
from viam.proto.component.encoder import PositionType

from pi_drivers import registry
from pi_drivers.buses.gpio.contract import EdgeEvent
from pi_drivers.errors import ClosedError, ConfigError
from pi_drivers.models.encoder.single_phase import SinglePhaseCounter
from pi_drivers.runtime import kept_state
from pi_drivers.runtime.directory import DIRECTORY
from tests.models.conftest import Bench
from tests.models.test_remote_board import EspBoard

LINE = 20
PINS = {"i": "38"}
MOTOR_PINS = {"a": "29", "b": "31", "pwm": "32"}


async def make(bench: Bench, **attributes):
    return await bench.make("single-encoder", "e", pins=PINS, **attributes)


async def ticks(encoder) -> float:
    return float((await encoder.get_position())[0])


async def turn(bench: Bench, revolutions: float) -> None:
    bench.world.shaft("e").turn_by_hand(revolutions)
    await bench.wait(0.05)


def edges(text: str) -> list[EdgeEvent]:
    """`I` rises, `i` falls."""
    return [EdgeEvent(LINE, letter == "I", i, i + 1) for i, letter in enumerate(text)]


class Way:
    """A motor as far as an encoder asks it."""

    def __init__(self, way: int = 0) -> None:
        self.way = way

    def direction_now(self) -> int:
        return self.way


@pytest.mark.parametrize(("both", "ticks", "illegal"), [(True, 4, 0), (False, 2, 0)])
def test_a_slot_is_two_ticks_or_one(both, ticks, illegal):
    counter = SinglePhaseCounter(both=both)
    counter.take(edges("IiIi"), 1)
    assert (counter.ticks, counter.illegal) == (ticks, illegal)
    counter.take(edges("IiIi"), -1)
    assert (counter.ticks, counter.illegal) == (0, illegal)


def test_an_edge_to_where_the_line_is_already_is_illegal_and_no_tick():
    counter = SinglePhaseCounter(both=True)
    counter.take(edges("IIiiI"), 1)
    assert (counter.ticks, counter.illegal, counter.edges) == (3, 2, 5)


@pytest.mark.parametrize("half_slots", [0, 1])
async def test_counting_begins_at_the_level_that_is_there(bench: Bench, half_slots):
    first = await make(bench, ticks_per_rotation=40)
    await turn(bench, (half_slots + 0.75) / 40)
    before = await ticks(first)
    await first.close()
    encoder = await make(bench, ticks_per_rotation=40)
    await turn(bench, 1 / 40)
    assert await ticks(encoder) == before + 1
    assert (await encoder.get_status())["illegal_transitions"] == 0


@pytest.mark.parametrize(("mode", "ticks_per_turn"), [("both", 40), ("rising", 20)])
async def test_a_turn_has_as_many_ticks_as_the_disc_has_edges_or_slots(bench: Bench, mode, ticks_per_turn):
    encoder = await make(bench, edges=mode)
    await turn(bench, 3.01)
    assert await ticks(encoder) == 3 * ticks_per_turn


async def test_a_shaft_that_no_motor_has_driven_counts_up(bench: Bench):
    encoder = await make(bench)
    await turn(bench, 1.01)
    await turn(bench, -1)
    assert await ticks(encoder) == 80
    status = await encoder.get_status()
    assert (status["direction"], status["direction_from"]) == ("forward", "nobody: it counts up")


async def test_edges_count_the_way_the_motor_drives_and_when_it_is_off_the_way_it_drove_last(bench: Bench):
    encoder, motor = await make(bench), Way()
    encoder.follow_direction(motor.direction_now)
    await turn(bench, 0.51)
    assert await ticks(encoder) == 20
    assert (await encoder.get_status())["direction_from"] == "its motor, not driven yet: it counts up"
    motor.way = -1
    await turn(bench, 1)
    assert await ticks(encoder) == -20
    motor.way = 0  # as a motor would say that forgets
    await turn(bench, 1)
    assert await ticks(encoder) == -60
    status = await encoder.get_status()
    assert (status["direction"], status["direction_from"]) == ("backward", "its motor")


async def test_what_a_motor_lets_be_counted_before_it_reverses_counts_the_old_way(bench: Bench):
    encoder, motor = await make(bench), Way(1)
    encoder.follow_direction(motor.direction_now)
    bench.world.shaft("e").turn_by_hand(0.51)
    bench.world.clock.advance(0)
    encoder.sample()
    motor.way = -1
    assert await ticks(encoder) == 20
    await turn(bench, -0.25)
    assert await ticks(encoder) == 10


async def test_edges_that_wait_are_counted_within_ten_milliseconds_so_that_a_reversal_finds_few(bench: Bench):
    encoder, motor = await make(bench), Way(1)
    encoder.follow_direction(motor.direction_now)
    shaft = bench.world.shaft("e")
    shaft.drive(5.0, 0.01)
    await bench.wait(5)
    forward = shaft.angle_rev() * 40
    motor.way = -1
    # Two ticks fall into 10 ms at 200 a second.
    assert await ticks(encoder) == pytest.approx(forward, abs=2 * 2 + 1)


async def test_a_motor_that_ends_leaves_its_last_direction_behind(bench: Bench):
    encoder, motor = await make(bench), Way(-1)
    stop_following = encoder.follow_direction(motor.direction_now)
    stop_following()
    motor.way = 1
    await turn(bench, 1.01)
    assert await ticks(encoder) == -40
    assert (await encoder.get_status())["direction_from"] == "the motor that was here last"


async def test_a_rebuilt_motor_takes_over_whichever_of_the_two_comes_and_goes_first(bench: Bench):
    encoder, old, new = await make(bench), Way(1), Way(-1)
    stop_following_old = encoder.follow_direction(old.direction_now)
    encoder.follow_direction(new.direction_now)
    stop_following_old()
    stop_following_old()
    await turn(bench, 1.01)
    assert await ticks(encoder) == -40


async def test_a_motor_that_the_encoder_names_may_come_later_and_be_rebuilt(bench: Bench):
    encoder = await make(bench, motor="m")
    status = await encoder.get_status()
    assert status["waits_for"] == 'motor "m"'
    for way in (-1, 1):
        motor = Way(way)
        DIRECTORY.enter(("motor", "m"), motor)
        assert "waits_for" not in await encoder.get_status()
        await turn(bench, 1.001)
        assert await ticks(encoder) == (-40 if way < 0 else 0)
        DIRECTORY.leave(("motor", "m"), motor)


class FarMotor(Motor):
    """A motor of another module: it can be asked for its power, and not always."""

    power = 0.0
    broken = False

    async def is_powered(self, **kwargs: Any) -> tuple[bool, float]:
        if self.broken:
            raise GRPCError(Status.UNAVAILABLE, "gone")
        return self.power != 0, self.power

    async def _unused(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    set_power = go_for = go_to = set_rpm = reset_zero_position = get_position = _unused
    get_properties = stop = is_moving = _unused


def among_dependencies(motor: Motor) -> dict[ResourceName, Any]:
    return {Motor.get_resource_name(motor.name): motor}


async def test_a_motor_of_another_module_is_asked_for_its_power_ten_times_a_second(bench: Bench):
    far = FarMotor("m")
    encoder = await make(bench, motor="m", dependencies=among_dependencies(far))
    far.power = -0.5
    await bench.wait(0.11)
    await turn(bench, 1.01)
    assert await ticks(encoder) == -40
    far.power = 0.0  # it rolls out
    await bench.wait(0.11)
    await turn(bench, 1)
    assert await ticks(encoder) == -80
    far.power = 0.5
    await bench.wait(0.11)
    await turn(bench, 1)
    assert await ticks(encoder) == -40
    far.power = 0.0
    await bench.wait(0.11)
    await turn(bench, 1)
    assert await ticks(encoder) == 0


async def test_a_motor_that_does_not_answer_is_told_once_and_the_last_direction_holds(bench: Bench, caplog):
    far = FarMotor("m")
    far.power = -0.5
    encoder = await make(bench, motor="m", dependencies=among_dependencies(far))
    encoder.logger.propagate = True
    await bench.wait(0.11)
    far.broken = True
    await bench.wait(5)
    assert len([record for record in caplog.records if "does not say which way" in record.message]) == 1
    await turn(bench, 1.01)
    assert await ticks(encoder) == -40
    assert "gone" in (await encoder.get_status())["motor_error"]
    far.broken = False
    await bench.wait(0.2)
    assert "motor_error" not in await encoder.get_status()


async def test_what_is_no_motor_is_refused(bench: Bench):
    other = await bench.make("incremental-encoder", "o", pins={"a": "36", "b": "37"})
    DIRECTORY.enter(("motor", "m"), other)
    try:
        with pytest.raises(ConfigError, match='"m" is no motor'):
            await make(bench, motor="m")
    finally:
        DIRECTORY.leave(("motor", "m"), other)
    assert [thing for thing in bench.host.claims.listing() if "GPIO20" in thing] == []


async def wheel(bench: Bench, **attributes: Any) -> tuple[Any, Any]:
    """A motor with a single-phase encoder: `(motor, encoder)`."""
    encoder = await make(bench)
    more = {"ticks_per_rotation": 40, "max_rpm": 200, "pins": MOTOR_PINS}
    return await bench.make("dc-motor", "m", encoder="e", **more, **attributes), encoder


async def test_a_motor_with_such_an_encoder_drives_there_and_back(bench: Bench):
    motor, encoder = await wheel(bench)
    shaft = bench.world.shaft("e")
    await motor.go_for(60, 3)
    assert shaft.angle_rev() == pytest.approx(3, abs=1.5 / 40)
    await motor.go_for(60, -3)
    assert shaft.angle_rev() == pytest.approx(0, abs=3 / 40)
    assert (await encoder.get_status())["direction"] == "backward"


async def test_a_wheel_that_rolls_out_backward_counts_back(bench: Bench):
    motor, encoder = await wheel(bench)
    await motor.set_power(-1)
    await bench.wait(2)
    await motor.set_power(0)
    await bench.wait(2)
    assert bench.world.shaft("e").angle_rev() < -5
    assert await ticks(encoder) == pytest.approx(bench.world.shaft("e").angle_rev() * 40, abs=1)


async def test_a_motor_whose_leads_are_swapped_and_that_knows_it_counts_forward_as_forward(bench: Bench):
    motor, encoder = await wheel(bench, dir_flip=True)
    await motor.set_power(0.5)
    await bench.wait(1)
    await motor.stop()
    await bench.wait(1)
    assert await ticks(encoder) > 20
    assert await motor.get_position() == pytest.approx(bench.world.shaft("e").angle_rev(), abs=1 / 40)


@pytest.mark.parametrize("motor_first", [True, False])
async def test_an_encoder_that_names_its_motor_counts_with_it(bench: Bench, motor_first):
    parts = {"m": lambda: bench.make("dc-motor", "m", pins=MOTOR_PINS, max_rpm=120)}
    parts["e"] = lambda: make(bench, motor="rdk:component:motor/m" if motor_first else "m", ticks_per_rotation=40)
    made = {name: await parts[name]() for name in (("m", "e") if motor_first else ("e", "m"))}
    for power in (0.5, -0.5):
        before = await ticks(made["e"])
        await made["m"].set_power(power)
        await bench.wait(2)
        await made["m"].stop()
        await bench.wait(1)
        turned = (await ticks(made["e"]) - before) / 40
        assert turned * power > 0.4
    assert bench.world.shaft("e") is bench.world.shaft("of m")


async def test_positions_through_grpc(bench: Bench):
    client = await bench.client(await make(bench, ticks_per_rotation=40))
    await turn(bench, 1.2501)
    assert await client.get_position() == (50.0, PositionType.POSITION_TYPE_TICKS_COUNT)
    degrees = await client.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES)
    assert degrees == (pytest.approx(90), PositionType.POSITION_TYPE_ANGLE_DEGREES)
    await client.reset_position()
    assert (await client.get_position())[0] == 0
    assert await client.get_properties() == Encoder.Properties(True, True)
    assert (await client.do_command({"command": "velocity"}))["rpm"] == 0
    status = await client.get_status()
    assert (status["pins"], status["lost_edges"], status["position_ticks"]) == ({"i": "38"}, 0, 0)


async def test_degrees_without_ticks_per_rotation_are_unimplemented(bench: Bench):
    client = await bench.client(await make(bench))
    assert await client.get_properties() == Encoder.Properties(True, False)
    with pytest.raises(GRPCError) as caught:
        await client.get_position(PositionType.POSITION_TYPE_ANGLE_DEGREES)
    assert caught.value.status is Status.UNIMPLEMENTED
    assert "ticks_per_rotation" in (caught.value.message or "")


async def test_the_ticks_of_a_board_of_another_module_count_from_the_level_it_has(bench: Bench):
    board = EspBoard()
    board.duty = {"D1": 1.0}
    dependencies = {EspBoard.get_resource_name("esp"): board}
    encoder = await bench.make("single-encoder", "e", dependencies, board="esp", pins={"i": "D1"})
    for high in (False, True, True):
        board.ticks.put_nowait(Tick(pin_name="D1", high=high, time=7))
    await bench.wait(0.1)
    assert await ticks(encoder) == 2
    assert (await encoder.get_status())["illegal_transitions"] == 1


async def test_an_encoder_whose_board_does_not_answer_says_what_it_waits_for(bench: Bench):
    board = EspBoard()
    board.broken = True
    model = registry.load("single-encoder")
    config = bench.config("single-encoder", "e", {"board": "esp", "pins": {"i": "D1"}})
    encoder = model.new(config, {EspBoard.get_resource_name("esp"): board})
    status = await encoder.get_status()
    assert status["waits_for"] == "its board, to say which levels the lines have"
    assert "position_ticks" not in status
    await encoder.close()


async def test_a_glitch_shorter_than_the_filter_is_no_tick(bench: Bench):
    encoder = await make(bench, glitch_filter_us=100)
    bench.world.discs_of("e")[0].unplug()
    wire = bench.world.wire(LINE)
    for level in (True, False):
        wire.drive_from_outside(level, "a finger")
        await bench.wait(0.00005)
    await bench.wait(0.02)
    assert await ticks(encoder) == 0
    wire.drive_from_outside(True, "a finger")
    await bench.wait(0.02)
    assert await ticks(encoder) == 1


@pytest.mark.parametrize("persist", [False, True])
async def test_a_rebuild_keeps_the_position_and_a_restart_only_if_told(bench: Bench, persist, tmp_path, monkeypatch):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    encoder = await make(bench, persist=persist)
    await turn(bench, 1.01)
    await encoder.close()
    again = await make(bench, persist=persist)
    assert await ticks(again) == 40
    await again.close()
    kept_state._in_process.clear()  # as a new process would find it
    assert await ticks(await make(bench, persist=persist)) == (40 if persist else 0)


async def test_a_position_in_slots_is_not_kept_for_one_in_edges(bench: Bench):
    encoder = await make(bench, edges="rising")
    await turn(bench, 1.01)
    await encoder.close()
    assert await ticks(await make(bench, edges="both")) == 0


async def test_reading_a_closed_encoder_is_an_error_and_not_an_old_number(bench: Bench):
    encoder = await make(bench)
    await encoder.close()
    with pytest.raises(ClosedError):
        await encoder.get_position()


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"pins": {"i": 38}}, 'pins.i: write it as a string: "38"'),
        ({"pins": {"i": "1"}}, "pins.i: "),
        ({"pins": {}}, "pins.i"),
        ({"pins": PINS, "edges": "falling"}, "edges"),
        ({"pins": PINS, "motor": "a b"}, "motor"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, problem):
    with pytest.raises(ConfigError) as caught:
        await bench.make("single-encoder", "e", **attributes)
    assert problem in caught.value.message


async def test_it_needs_its_board_and_makes_use_of_its_motor(bench: Bench):
    model = registry.load("single-encoder")
    config = bench.config("single-encoder", "e", {"board": "pi", "pins": PINS, "motor": "m"})
    assert model.validate_config(config) == (["rdk:component:board/pi"], ["rdk:component:motor/m"])


async def test_a_config_of_viam_s_built_in_encoder_is_taken_as_it_is(bench: Bench):
    await bench.make("board", "pi")
    encoder = await bench.make("single-encoder", "e", board="pi", pins={"i": "38"})
    await turn(bench, 0.51)
    assert await ticks(encoder) == 20
