"""A module that is killed, and the keeper it leaves behind: the real models on files that stand for the PWM block."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from viam.components.motor.client import MotorClient
from viam.components.sensor.client import SensorClient

from tests.contract.pwm_grounds import HIGH, LOW, Seen, SysfsTree
from tests.module.fake_viam_server import FakeViamServer, component, full_name
from tests.module.unruly import probe

POWER, DIRECTION, ENABLE = 12, 13, 18
MOTOR = component("motor", "dc-motor", "left", {
    "pins": {"pwm": "GPIO12", "dir": "GPIO13", "en_low": "GPIO18"}, "max_rpm": 60, "pwm_freq": 1000,
})  # fmt: skip
HALF = Seen(1_000_000, 500_000)
SAFE = (LOW, LOW, HIGH)
SAFE_S = 0.5
"""How soon after the kill pins must be safe; on an idle machine it takes about 5 ms."""
REBUILDS = 200


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SysfsTree:
    """A Pi 5's PWM block, connected to all of the motor's pins."""
    made = SysfsTree(tmp_path / "files", monkeypatch, model=5)
    made.connect(POWER, DIRECTION, ENABLE)
    for offset in (POWER, DIRECTION, ENABLE):
        made.export(made.channel(offset))
    return made


@pytest.fixture
async def server(machine, tree: SysfsTree, tmp_path: Path) -> FakeViamServer:
    """A machine whose motor runs at half its power."""
    made: FakeViamServer = await machine(
        entry=("-m", "tests.module.filed_module"), env={"PI_DRIVERS_FILES": str(tmp_path / "files")}
    )
    await made.configure(MOTOR)
    await made.client(MotorClient, "left").set_power(0.5)
    assert pins(tree) == (HALF, HIGH, LOW)
    await until(lambda: keepers_of(made) != [], 2)
    return made


def pins(tree: SysfsTree) -> tuple[Seen, ...]:
    return tuple(tree.seen(offset) for offset in (POWER, DIRECTION, ENABLE))


def is_safe(tree: SysfsTree) -> bool:
    try:
        return pins(tree) == SAFE
    except ValueError:  # unlike the kernel's, a file is empty for a moment while it is written
        return False


def keepers_of(server: FakeViamServer) -> list[int]:
    """The keepers that wait for the end of the module."""
    parent = f"PPid:\t{server.child.pid}\n"
    programs = [path for path in Path("/proc").glob("[0-9]*/cmdline") if "keeper_process" in text_of(path)]
    return [int(path.parent.name) for path in programs if parent in text_of(path.with_name("status"))]


def text_of(path: Path) -> str:
    """What a process shows of itself; nothing once it is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


async def until(condition: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {within_s} s"
        await asyncio.sleep(0.002)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
async def test_a_module_that_is_killed_leaves_its_motor_s_pins_safe(server: FakeViamServer, tree: SysfsTree, number):
    server.child.signal(number)
    await until(lambda: is_safe(tree), SAFE_S)
    assert await server.child.ended(3) == -number
    assert "were made safe" in server.child.output


async def test_a_kill_of_its_whole_process_group_does_not_reach_the_keeper(server: FakeViamServer, tree: SysfsTree):
    os.killpg(server.child.pid, signal.SIGKILL)
    await until(lambda: is_safe(tree), SAFE_S)


async def test_a_killed_keeper_harms_nothing(server: FakeViamServer, tree: SysfsTree):
    (keeper,) = keepers_of(server)
    os.kill(keeper, signal.SIGKILL)
    await until(lambda: keeper not in keepers_of(server), 2)
    assert pins(tree) == (HALF, HIGH, LOW)
    motor = server.client(MotorClient, "left")
    await motor.set_power(-1.0)
    assert pins(tree) == (HIGH, LOW, LOW)
    await server.reconfigure(MOTOR)
    await motor.set_power(0.5)
    status, _ = await server.stop()
    assert (status, pins(tree)) == (0, SAFE)
    assert "Traceback" not in server.child.output


async def test_a_module_that_is_told_to_end_leaves_no_keeper(server: FakeViamServer, tree: SysfsTree):
    (keeper,) = keepers_of(server)
    status, _ = await server.child.terminate(within_s=3)
    await until(lambda: not text_of(Path(f"/proc/{keeper}/cmdline")), 1)
    assert (status, pins(tree)) == (0, SAFE)
    assert "were made safe" not in server.child.output


async def test_two_hundred_rebuilds_leave_one_keeper_and_no_descriptors(server: FakeViamServer):
    await server.add(probe())
    inside = server.client(SensorClient, "probe")
    keepers = keepers_of(server)
    await _rebuild(server, 10)
    before = await inside.get_readings()
    await _rebuild(server, REBUILDS)

    assert (await inside.get_readings())["descriptors"] == before["descriptors"]
    assert len(keepers) == 1
    assert keepers_of(server) == keepers


async def _rebuild(server: FakeViamServer, times: int) -> None:
    for _ in range(times):
        await server.remove(full_name(MOTOR))
        await server.add(MOTOR)


async def test_a_module_on_the_mock_starts_none(machine):
    server = await machine()
    pins = {"a": "11", "b": "13", "pwm": "15"}
    await server.configure(component("motor", "dc-motor", "left", {"backend": "mock", "pins": pins, "max_rpm": 60}))
    await server.client(MotorClient, "left").set_power(0.5)

    assert keepers_of(server) == []
