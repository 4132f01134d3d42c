"""Drivers on a board of another module: everything goes through its gRPC client, and comes back late, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpclib.testing import ChannelFor
from viam.components.board import Board
from viam.components.board.board import Tick
from viam.components.board.client import BoardClient
from viam.components.encoder.client import EncoderClient
from viam.rpc.server import Server
from viam.streams import StreamWithIterator

from pi_drivers.errors import BusError, ClosedError, ConfigError, StallError
from pi_drivers.runtime.safety import SAFETY
from tests.models.conftest import Bench

MOTOR = {"board": "esp", "pins": {"a": "D1", "b": "D2", "pwm": "D3"}, "max_rpm": 100}


class EspPin(Board.GPIOPin):
    """A pin that keeps what it was told."""

    def __init__(self, name: str, board: "EspBoard") -> None:
        super().__init__(name)
        self._board = board

    async def set(self, high: bool, **kwargs: Any) -> None:
        await self._board.answer()
        self._board.duty[self.name] = float(high)

    async def get(self, **kwargs: Any) -> bool:
        await self._board.answer()
        return self._board.duty.get(self.name, 0.0) == 1.0

    async def set_pwm(self, duty_cycle: float, **kwargs: Any) -> None:
        await self._board.answer()
        self._board.duty[self.name] = duty_cycle

    async def get_pwm(self, **kwargs: Any) -> float:
        raise NotImplementedError

    async def get_pwm_frequency(self, **kwargs: Any) -> int:
        raise NotImplementedError

    async def set_pwm_frequency(self, frequency: int, **kwargs: Any) -> None:
        self._board.frequency[self.name] = frequency


class EspInterrupt(Board.DigitalInterrupt):
    """An interrupt whose ticks alone are wanted."""

    async def value(self, **kwargs: Any) -> int:
        raise NotImplementedError


class EspBoard(Board):
    """A board with nothing of ours in it."""

    def __init__(self) -> None:
        super().__init__("esp")
        self.duty: dict[str, float] = {}
        self.frequency: dict[str, int] = {}
        self.ticks: asyncio.Queue[Tick | None] = asyncio.Queue()
        self.streams = 0
        self.broken = False
        self.slowness_s = 0.001

    async def answer(self) -> None:
        await asyncio.sleep(self.slowness_s)
        if self.broken:
            raise RuntimeError("brown-out")

    async def gpio_pin_by_name(self, name: str) -> EspPin:
        return EspPin(name, self)

    async def digital_interrupt_by_name(self, name: str) -> Board.DigitalInterrupt:
        return EspInterrupt(name)

    async def analog_by_name(self, name: str) -> Any:
        raise NotImplementedError

    async def set_power_mode(self, mode: Any, duration: Any = None, **kwargs: Any) -> None:
        raise NotImplementedError

    async def stream_ticks(self, interrupts: Any, **kwargs: Any) -> Any:
        self.streams += 1
        return StreamWithIterator(self._stream())

    async def _stream(self) -> AsyncIterator[Tick]:
        yield Tick()
        while (tick := await self.ticks.get()) is not None:
            yield tick


@pytest.fixture
async def esp(bench: Bench) -> AsyncIterator[tuple[EspBoard, dict[Any, Any]]]:
    """The board, and the dependencies a module would hand over: its client."""
    board = EspBoard()
    server = Server([board])

    class Services:
        def __mapping__(self) -> Any:
            return server._server._mapping

    async with ChannelFor([Services()]) as channel:
        yield board, {Board.get_resource_name("esp"): BoardClient("esp", channel)}
        for resource in bench._built:
            await resource.close()
        board.broken = False
        await bench.wait(5)  # what had to be tried again has landed
        assert {duty for pin, duty in board.duty.items() if pin.startswith("D")} <= {0.0}


async def test_a_motor_is_driven_through_the_client(bench: Bench, esp):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR)
    assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}
    await motor.set_power(-0.25)
    assert board.duty == {"D1": 0.0, "D2": 1.0, "D3": 0.25}
    assert board.frequency == {"D3": 800}
    await motor.stop()
    assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}
    await motor.set_power(1.0)
    await motor.close()
    assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}


async def test_a_motor_on_another_board_ramps(bench: Bench, esp):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR, ramp_ms=1000, reverse_delay_ms=200)
    await motor.set_power(1.0)
    seen = []
    for _ in range(12):
        seen.append(board.duty["D3"])
        await bench.wait(0.1)
    assert seen == sorted(seen)
    assert seen[5] == pytest.approx(0.5, abs=0.15)
    assert seen[-1] == 1.0
    await motor.set_power(-0.5)
    both, off = 0, 0
    for _ in range(250):
        both += bool(board.duty["D1"] and board.duty["D2"])
        off += board.duty["D3"] == 0.0
        await bench.wait(0.01)
    assert both == 0
    assert 18 <= off <= 30
    assert (board.duty["D1"], board.duty["D2"], board.duty["D3"]) == (0.0, 1.0, 0.5)


@pytest.mark.parametrize("ending", ["brake", "stop", "set_power"])
async def test_a_motor_on_another_board_brakes(bench: Bench, esp, ending):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR, stop_mode="brake")
    await motor.set_power(0.6)
    if ending == "brake":
        await motor.do_command({"command": "brake"})
    else:
        await (motor.stop() if ending == "stop" else motor.set_power(0))
    await bench.wait(0.1)
    assert (board.duty["D1"], board.duty["D2"], board.duty["D3"]) == (1.0, 1.0, 1.0)
    assert await motor.is_powered() == (False, 0.0)
    await motor.set_power(-0.5)
    await bench.wait(0.1)
    assert (board.duty["D1"], board.duty["D2"], board.duty["D3"]) == (0.0, 1.0, 0.5)


async def test_after_make_safe_nothing_powers_a_motor_on_another_board_again(bench: Bench, esp):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR)
    await motor.set_power(0.5)
    SAFETY.make_all_safe("a test")
    await bench.wait(0.1)
    with pytest.raises(ClosedError, match="was made safe for good"):
        await motor.set_power(0.5)
    await bench.wait(0.1)
    assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}


async def test_a_cancelled_motion_on_another_board_is_stopped_as_well(bench: Bench, esp):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR)
    for after_s in (0.0015, 0.003, 0.3):
        move = asyncio.create_task(motor.go_for(50, 10))
        await bench.wait(after_s)
        move.cancel()
        await asyncio.sleep(0)
        move.cancel()
        await asyncio.wait({move})
        await bench.wait(0.1)
        assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}


async def test_a_board_that_does_not_answer_is_an_error_that_names_the_pin(bench: Bench, esp):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR)
    board.broken = True
    with pytest.raises(BusError, match=r'board "esp" pin "D\d": .*brown-out'):
        await motor.set_power(0.5)
    assert await motor.is_powered() == (True, 0.5)
    assert "confirm" in (await motor.get_status())["waits_for"]
    board.broken = False
    await bench.wait(1)
    assert await motor.is_powered() == (False, 0.0)
    assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}


async def test_a_board_that_fails_while_the_motor_is_stopped_is_told_again_until_it_confirms(bench: Bench, esp):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR)
    await motor.set_power(0.8)
    board.broken = True
    with pytest.raises(BusError):
        await motor.stop()
    assert await motor.is_powered() == (True, 0.8)
    await motor.close()
    await bench.wait(3)
    assert board.duty["D3"] == 0.8
    board.broken = False
    await bench.wait(3)
    assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}


@pytest.mark.parametrize("after_s", [0.0, 0.0005, 0.0015, 0.0025, 0.0035, 0.0045, 0.0055])
@pytest.mark.parametrize("ending", ["stop", "close"])
async def test_a_stop_between_two_writes_of_a_command_has_the_last_word(bench: Bench, esp, after_s, ending):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR)
    commands = [asyncio.create_task(motor.set_power(0.8))]
    await bench.wait(after_s)
    commands.append(asyncio.create_task(motor.go_for(50, 10)))
    await bench.wait(after_s)
    await getattr(motor, ending)()
    await asyncio.wait(commands)
    await bench.wait(0.2)
    assert board.duty == {"D1": 0.0, "D2": 0.0, "D3": 0.0}
    assert await motor.is_powered() == (False, 0.0)


async def test_the_newest_of_many_commands_is_what_the_board_ends_at(bench: Bench, esp):
    board, dependencies = esp
    motor = await bench.make("dc-motor", "m", dependencies, **MOTOR)
    for power in (0.2, 0.4, 0.6):
        await motor.set_power(0.8)
        await motor.stop()
        await motor.set_power(power)
        await bench.wait(0.1)
        assert (board.duty["D1"], board.duty["D3"]) == (1.0, power)
        assert await motor.is_powered() == (True, power)


async def test_a_slow_board_does_not_slow_down_the_stall_guard(bench: Bench, esp):
    board, dependencies = esp
    board.slowness_s = 0.2
    await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"})
    motor = await bench.make(
        "dc-motor",
        "m",
        dependencies,
        board="esp",
        pins=MOTOR["pins"],
        encoder="e1",
        ticks_per_rotation=400,
        max_rpm=100,
    )
    before_ns = bench.host.now_ns()
    with pytest.raises(StallError):
        await motor.go_for(30, 10)
    assert bench.host.now_ns() - before_ns < 6_000_000_000


async def test_a_board_that_is_dead_from_the_beginning_fails_the_creation(bench: Bench, esp):
    board, dependencies = esp
    board.broken = True
    with pytest.raises(BusError):
        await bench.make("dc-motor", "m", dependencies, **MOTOR)


async def test_an_encoder_counts_the_ticks_of_another_board(bench: Bench, esp):
    board, dependencies = esp
    board.duty = {"A": 1.0, "B": 0.0}
    encoder = await bench.make("incremental-encoder", "e", dependencies, board="esp", pins={"a": "A", "b": "B"})
    for name, high in (("A", False), ("B", True), ("", True), ("A", True), ("B", False)):
        board.ticks.put_nowait(Tick(pin_name=name, high=high, time=7))
    await bench.wait(0.1)
    assert (await encoder.get_position())[0] == 2
    status = await encoder.get_status()
    assert (status["illegal_transitions"], status["stream_interruptions"]) == (0, 0)


async def test_a_tick_stream_that_breaks_is_opened_again_and_told(bench: Bench, esp):
    board, dependencies = esp
    encoder = await bench.make("incremental-encoder", "e", dependencies, board="esp", pins={"a": "A", "b": "B"})
    board.ticks.put_nowait(None)
    await bench.wait(2)
    assert board.streams == 2
    assert (await encoder.get_status())["stream_interruptions"] == 1


async def test_a_glitch_filter_needs_a_board_of_ours(bench: Bench, esp):
    _, dependencies = esp
    with pytest.raises(ConfigError, match="glitch_filter_us needs a board of this module"):
        await bench.make(
            "incremental-encoder", "e", dependencies, board="esp", pins={"a": "A", "b": "B"}, glitch_filter_us=5
        )


async def test_a_motor_follows_another_module_s_encoder_through_its_client(bench: Bench):
    encoder = await bench.make("incremental-encoder", "e1", pins={"a": "38", "b": "40"}, ticks_per_rotation=400)
    server = Server([encoder])

    class Services:
        def __mapping__(self) -> Any:
            return server._server._mapping

    from pi_drivers.runtime.directory import DIRECTORY

    async with ChannelFor([Services()]) as channel:
        DIRECTORY.leave(encoder.key, encoder)  # as if it lived in another process
        dependencies = {encoder.get_resource_name("e1"): EncoderClient("e1", channel)}
        pins = {"a": "29", "b": "31", "pwm": "32"}
        motor = await bench.make(
            "dc-motor", "m", dependencies, pins=pins, encoder="e1", ticks_per_rotation=400, max_rpm=200
        )
        await motor.go_for(60, 2)
        assert bench.world.shaft("e1").angle_rev() == pytest.approx(2, abs=2 / 400)
        await motor.set_rpm(60)
        await bench.wait(1)
        await encoder.close()
        await bench.wait(0.5)
        assert bench.duties(5, 6, 12) == (0.0, 0.0, 0.0)
        with pytest.raises((BusError, StallError)):
            await motor.go_for(60, 1)
