"""A client that is gone leaves nothing running: what it moved last is stopped, and nothing else."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from viam.components.motor import Motor

from pi_drivers.cli.gone_clients import GoneClients
from tests.cli.machines import board, encoder, file_of, motor
from tests.cli.processes import PATIENCE_S, client, up
from tests.module.trace import Trace

CLIENT = """
import asyncio, sys
from tests.cli.processes import client
from viam.components.motor import Motor

async def main():
    async with client(sys.argv[1]) as robot:
        for call in sys.argv[2:]:
            name, method, *numbers = call.split()
            call = asyncio.create_task(getattr(Motor.from_robot(robot, name), method)(*map(float, numbers)))
            if method != "go_for":  # which ends when the way is gone
                await call
        print("called", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""
LEFT = ("GPIO5", "GPIO6", "GPIO25")
RIGHT = ("GPIO23", "GPIO24", "GPIO16")


def two_motors(directory: Path) -> Path:
    return file_of(
        directory, board(), encoder(), motor("left", encoder="turns", ticks_per_rotation=400),
        motor("right", a="16", b="18", pwm="36"),
    )  # fmt: skip


@asynccontextmanager
async def child_client(address: str, *calls: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A client in a process of its own that has made these calls and stays connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, address, *calls, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == b"called\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def driven(trace: Trace, wires: tuple[str, ...]) -> None:
    """Wait until a motor on these wires gets power."""
    async with asyncio.timeout(PATIENCE_S):
        # The power is written last, behind the direction.
        while not trace.of(wires[2]) or trace.last(wires[2]).get("level") == 0:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.02)


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return Trace(tmp_path / "trace.jsonl")


@pytest.mark.parametrize("call", ["left set_power 0.5", "left set_rpm 30", "left go_for 10 1000"])
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "m.sock"])
async def test_what_a_killed_client_moved_is_stopped(tmp_path, trace, listen, call):
    where = tmp_path / listen if listen.endswith(".sock") else listen
    async with up(two_motors(tmp_path), "--listen", where, PI_DRIVERS_TRACE=str(trace.path)) as machine:
        address = await machine.address()
        async with child_client(address, call) as process:
            await driven(trace, LEFT)
            process.kill()
            await process.wait()
        begin = time.monotonic_ns()
        said = await machine.line("the client that moved")
        assert said == 'the client that moved motor "left" has gone; it is stopped'
        assert trace.is_low(*LEFT)
        assert time.monotonic_ns() - begin < 1_000_000_000
        machine.process.terminate()
        assert await machine.end() == (0, "")


async def test_a_motor_that_another_client_moved_later_is_left_alone(tmp_path, trace):
    async with up(two_motors(tmp_path), "--listen", "127.0.0.1:0", PI_DRIVERS_TRACE=str(trace.path)) as machine:
        address = await machine.address()
        async with child_client(address, "left set_power 0.5", "right set_power 0.5") as first:
            async with client(address) as robot:
                await Motor.from_robot(robot, "right").set_power(0.25)
                await driven(trace, LEFT)
                first.kill()
                await machine.line('the client that moved motor "left" has gone')
                await asyncio.sleep(0.3)
                assert trace.is_low(*LEFT)
                assert not trace.is_low(*RIGHT)
            await machine.line('the client that moved motor "right" has gone')
            assert trace.is_low(*RIGHT)


@pytest.mark.parametrize("rest", ["left stop", "left set_power 0"])
async def test_a_client_whose_motor_is_at_rest_is_not_spoken_of(tmp_path, trace, rest):
    async with up(two_motors(tmp_path), "--listen", "127.0.0.1:0", PI_DRIVERS_TRACE=str(trace.path)) as machine:
        address = await machine.address()
        async with child_client(address, "left set_power 0.5", rest, "right set_power 0.5") as process:
            process.kill()
            said = await machine.line("the client that moved")
        assert said == 'the client that moved motor "right" has gone; it is stopped'


async def nothing(*_: Any) -> None:
    """Stands for a method of the SDK's server."""


@pytest.mark.parametrize(("method", "is_watched"), [("SetPower", 1), ("GetPosition", 0), ("Stop", 0)])
async def test_the_kernel_watches_the_connections_of_those_who_move_something(method, is_watched):
    listening = socket.create_server(("127.0.0.1", 0))
    _, writer = await asyncio.open_connection(*listening.getsockname())
    event: Any = SimpleNamespace(
        method_name=f"/viam.component.motor.v1.MotorService/{method}",
        method_func=nothing,
        peer=SimpleNamespace(_transport=writer.transport),
    )
    await GoneClients(lambda _: None, print).note_request(event)
    plug = writer.get_extra_info("socket")
    assert plug.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == is_watched
    assert (plug.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 2) == is_watched
    writer.close()
    await writer.wait_closed()
    listening.close()


NETWORK_OF_ITS_OWN = ("unshare", "--user", "--map-root-user", "--net")
CUT = """
import asyncio, subprocess, sys, time
from pathlib import Path
from tests.cli.processes import up
from tests.cli.test_gone_clients import child_client, driven, LEFT
from tests.module.trace import Trace

def loopback(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)

async def main(config, trace):
    loopback("up")
    async with up(config, "--listen", "127.0.0.1:0", PI_DRIVERS_TRACE=trace) as machine:
        async with child_client(await machine.address(), "left set_power 0.5"):
            await driven(Trace(Path(trace)), LEFT)
            loopback("down")
            began = time.monotonic()
            print(await machine.line("the client that moved"))
            print(time.monotonic() - began)

asyncio.run(main(*sys.argv[1:]))
"""


def can_have_a_network_of_its_own() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run([*NETWORK_OF_ITS_OWN, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_have_a_network_of_its_own(), reason="this user may not make networks")
def test_what_was_moved_over_a_network_that_is_cut_is_stopped(tmp_path, trace):
    done = subprocess.run(
        [*NETWORK_OF_ITS_OWN, sys.executable, "-c", CUT, str(two_motors(tmp_path)), str(trace.path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, seconds = done.stdout.splitlines()
    assert said == 'the client that moved motor "left" has gone; it is stopped'
    assert float(seconds) < 5
    assert trace.is_low(*LEFT)
