"""The life of the process: how it starts, and how it ends whatever a driver does about it."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.module.child import SECRETS
from tests.module.unruly import motor, text_of, turning


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_serves_from_ready_to_an_orderly_end(machine, trace, tcp):
    server = await machine(tcp=tcp)
    await turning(server, "left")
    assert trace.last("left")["level"] == 1
    status, seconds = await server.stop()
    assert (status, trace.is_low("left")) == (0, True)
    assert seconds < 1.0


async def test_sigterm_makes_the_motor_safe_and_ends_in_a_second(machine, trace):
    server = await machine()
    await turning(server, "left")
    begin = time.monotonic_ns()
    status, seconds = await server.child.terminate(within_s=3)
    assert status == 0
    assert seconds < 1.0
    assert await trace.low_since(["left"], begin, 0.1) < 0.1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_other_signals_to_end_are_as_good(machine, trace, number):
    server = await machine()
    await turning(server, "left")
    server.child.signal(number)
    assert await server.child.ended(3) == 0
    assert trace.is_low("left")


async def test_a_second_sigterm_does_not_cut_the_closing_short(machine, trace):
    server = await machine()
    await turning(server, "left", close="hang")
    await turning(server, "right")
    server.child.signal(signal.SIGTERM)
    await asyncio.sleep(0.1)
    status, _ = await server.child.terminate(within_s=3)
    assert status == 0
    assert trace.is_low("left", "right")
    assert "right: close no. 1" in server.child.output + text_of(server.robot.logs)


@pytest.mark.parametrize("how", ["raise", "hang"])
async def test_a_close_that_misbehaves_does_not_keep_the_others_from_closing(machine, trace, how):
    server = await machine()
    await turning(server, "left", close=how)
    await turning(server, "right")
    status, seconds = await server.child.terminate(within_s=3)
    assert status == 0
    assert seconds < 1.5
    assert trace.is_low("left", "right")
    assert "right: close no. 1" in text_of(server.robot.logs)


async def test_a_close_that_never_gives_up_is_ended_in_time_with_the_motors_safe(machine, trace):
    async def end(how: str) -> None:
        server = await machine()
        await turning(server, f"{how} itself", close=how)
        await turning(server, f"{how} neighbour")
        status, seconds = await server.child.terminate(within_s=3.2)
        assert status == 1
        assert 2.0 < seconds < 3.0
        assert trace.is_low(f"{how} itself", f"{how} neighbour")
        assert "has not: it is ended now" in server.child.output

    await asyncio.gather(end("block"), end("never"))


async def test_the_death_of_the_parent_makes_the_motor_safe_at_once(machine, trace):
    server = await machine(by_launcher=True)
    await turning(server, "left")
    begin = time.monotonic_ns()
    server.child.kill_parent()
    assert await trace.low_since(["left"], begin, 1.0) < 0.3
    async with asyncio.timeout(3):
        while "test" in _command_line(server.child.pid):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_starts_without_a_parent_to_list_its_models(machine):
    server = await machine(env={"VIAM_NO_MODULE_PARENT": "true"})
    assert any(model.startswith("bramble:pi-drivers:") for model in server.handlers["board"])
    assert server.robot.requests == []
    status, _ = await server.child.terminate(within_s=3)
    assert status == 0


@pytest.mark.parametrize("level", ["trace", "nonsense"])
async def test_a_log_level_nobody_knows_does_not_keep_it_from_starting(machine, level):
    server = await machine(level=level)
    await server.add(motor())
    complained = "log level 'nonsense' is not known" in server.child.output
    assert complained == (level == "nonsense")


async def test_never_logs_what_the_environment_holds(machine):
    server = await machine(level="debug")
    await turning(server, "left")
    await server.stop()
    everything = server.child.output + text_of(server.robot.logs)
    assert not [secret for secret in SECRETS.values() if secret in everything]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
