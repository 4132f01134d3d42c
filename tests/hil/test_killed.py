"""The module killed outright: who is left makes the pins safe in its place, whatever was on them, seen from outside.

Each test has a module of its own to kill. Wherever low is safe the outside pulls up, and down where high is: what rests
at its safe level is driven there.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from viam.components.board.client import BoardClient
from viam.components.motor.client import MotorClient

from pi_drivers.errors import ClaimedError
from tests.contract.grounds import Facility, GpioGround
from tests.hil.machine import configured, pin, running, until
from tests.hil.watching import Watch
from tests.module.child import Start
from tests.module.fake_viam_server import FakeViamServer, component

SAFE_S = 1.5
"""How soon after the kill pins must be safe. Elsewhere it takes milliseconds; the simulated kernel needs up to half a
second to take a process apart, and closes its files last."""
BACK_S = 4.0
"""The same while another keeper is still starting."""
ENDED_S = 3.3
Ends = Callable[[FakeViamServer], None]


@asynccontextmanager
async def turning(start: Start, ground: GpioGround, power: float, *wiring: str) -> AsyncIterator[FakeViamServer]:
    """A running module whose motor is driven on the first three lines, and whose board holds the fourth high."""
    for line in ground.lines:
        pull(ground, line, not (line == ground.c and wiring[2] == "en_low"))
    async with running(start) as server:
        pins = {name: pin(line) for name, line in zip(wiring, ground.lines, strict=False)}
        await server.configure(component("board", "board", "pi", {"pins": [{"pin": pin(ground.d), "name": "relay"}]}))
        await server.configure(
            component("motor", "dc-motor", "left", {"board": "pi", "pins": pins, "max_rpm": 60, "pwm_freq": 40})
        )
        await server.client(MotorClient, "left").set_power(power)
        await (await server.client(BoardClient, "pi").gpio_pin_by_name("relay")).set(True)
        assert ground.level(ground.d)
        await until(lambda: keepers_of(server) != [])
        yield server


def pull(ground: GpioGround, line: int, level: bool) -> None:
    """Pull a wire from outside; where the outside can only drive, leave it alone."""
    if Facility.DRIVING_FILES in ground.lacks:
        ground.release(line)
    else:
        ground.drive(line, level)


def levels(ground: GpioGround) -> tuple[bool, ...]:
    return tuple(map(ground.level, ground.lines))


def kill(server: FakeViamServer) -> None:
    server.child.signal(signal.SIGKILL)


def kill_its_group(server: FakeViamServer) -> None:
    os.killpg(server.child.pid, signal.SIGKILL)


def crash(server: FakeViamServer) -> None:
    server.child.signal(signal.SIGSEGV)


def keepers_of(server: FakeViamServer) -> list[int]:
    """The processes that wait for the end of the module."""
    programs = [path for path in Path("/proc").glob("[0-9]*/cmdline") if "keeper_process" in text_of(path)]
    return [
        int(path.parts[2]) for path in programs if f"PPid:\t{server.child.pid}\n" in text_of(path.with_name("status"))
    ]


def text_of(path: Path) -> str:
    """What a process shows of itself; nothing once it is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


async def rests_at(ground: GpioGround, *safe: bool, within_s: float = SAFE_S) -> None:
    """Wait until the lines are safe, and see that they stay so."""
    await until(lambda: levels(ground) == safe, within_s)
    with Watch(ground, *ground.lines) as seen:
        await seen.looked()
    assert seen.combinations == [safe]


async def test_a_motor_s_pins_and_a_relay_s_go_low_and_the_next_module_takes_them_over(
    start: Start, ground: GpioGround
):
    async with turning(start, ground, 0.5, "a", "b", "pwm") as server:
        kill(server)
        await rests_at(ground, False, False, False, False)
        assert await server.child.ended(ENDED_S) < 0
    assert "were made safe" in server.child.output
    assert levels(ground) == (False, False, False, False)

    async with turning(start, ground, 1.0, "a", "b", "pwm") as server:
        assert levels(ground) == (True, False, True, True)
        assert "were made safe" not in server.child.output


@pytest.mark.parametrize("end", [kill_its_group, crash])
async def test_an_enable_input_that_is_active_low_goes_high(start: Start, ground: GpioGround, end: Ends):
    async with turning(start, ground, 1.0, "pwm", "dir", "en_low") as server:
        assert not ground.level(ground.c)
        end(server)
        await rests_at(ground, False, False, True, False)
        await server.child.ended(ENDED_S)

    assert levels(ground) == (False, False, True, False)


async def test_a_relay_that_is_active_low_goes_high(start: Start, ground: GpioGround):
    relay = {"pin": pin(ground.a), "active_low": True, "initial": "high"}
    async with running(start) as server:
        pull(ground, ground.a, False)
        await server.configure(component("board", "board", "pi", {"pins": [relay]}))
        assert not ground.level(ground.a)
        await until(lambda: keepers_of(server) != [])
        kill(server)
        await until(lambda: ground.level(ground.a), SAFE_S)
        # It is held for a while, for kernels on which it would float again.
        with pytest.raises(ClaimedError, match="pi-drivers keeper"):
            ground.gpio.output(ground.a)


async def test_a_pin_that_was_let_go_is_left_alone(start: Start, ground: GpioGround):
    async with running(start) as server:
        board = component("board", "board", "pi", {"pins": [{"pin": pin(ground.a), "initial": "high"}]})
        async with configured(server, board):
            assert ground.level(ground.a)
            # Until it has started, the child that is to be the keeper has the line as well, as children do.
            await until(lambda: keepers_of(server) != [])
        ground.gpio.output(ground.a, initial=True).close()  # this process is another one
        kill(server)
        await server.child.ended(ENDED_S)

    assert "were made safe" not in server.child.output
    assert ground.level(ground.a)


async def test_whoever_makes_it_safe_may_be_killed_before(start: Start, ground: GpioGround):
    async with turning(start, ground, 1.0, "a", "b", "pwm") as server:
        (keeper,) = keepers_of(server)
        await asyncio.sleep(1.0)  # one that ends sooner is not started again
        os.kill(keeper, signal.SIGKILL)
        await until(lambda: keepers_of(server) not in ([], [keeper]))
        assert levels(ground) == (True, False, True, True)
        kill(server)
        await rests_at(ground, False, False, False, False, within_s=BACK_S)
        await server.child.ended(ENDED_S)


async def test_a_module_that_is_told_to_end_leaves_nobody_behind(start: Start, ground: GpioGround):
    async with turning(start, ground, 1.0, "a", "b", "pwm") as server:
        (keeper,) = keepers_of(server)
        status, _ = await server.child.terminate(ENDED_S)
        await until(lambda: not Path(f"/proc/{keeper}").exists(), 1.0)

    assert status == 0
    assert "were made safe" not in server.child.output
    assert levels(ground) == (False, False, False, False)
