"""The page on two Pis: its machines run side by side, its client talks to both, and what a client that is gone moved
is stopped on both."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from pi_drivers.cli.commands import main
from tests.cli.processes import PATIENCE_S, Up, up
from tests.docs.pages import ROOT, blocks, only_block

PAGE = "docs/remotes.md"
WHEELS, ARM, MACHINE = (block.text for block in blocks(PAGE, "json"))
UNIT = only_block(PAGE, "ini")
GONE = 'the client that moved motor "{}" has gone; it is stopped'
MOVES_BOTH = """
import asyncio, sys
from tests.cli.processes import client
from viam.components.motor import Motor

async def main():
    async with client(sys.argv[1]) as wheels, client(sys.argv[2]) as arm:
        await Motor.from_robot(wheels, "left").set_power(0.5)
        await Motor.from_robot(arm, "elbow").set_rpm(30)
        print("moved", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def both(directory: Path, **attributes: int) -> AsyncIterator[tuple[Up, Up]]:
    """The two machines of the page, each an `up` on the mock; with other attributes for the motors."""
    async with AsyncExitStack() as stack:
        machines = []
        for name, text in (("wheels.json", WHEELS), ("arm.json", ARM)):
            config = json.loads(text)
            for entry in config["components"]:
                if "motor" in entry["api"]:
                    entry["attributes"] |= attributes
            (directory / name).write_text(json.dumps(config), encoding="utf-8")
            running = up(directory / name, "--backend", "mock", "--listen", "127.0.0.1:0")
            machines.append(await stack.enter_async_context(running))
        yield machines[0], machines[1]


async def child(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def test_the_client_of_the_page_talks_to_both(tmp_path):
    async with both(tmp_path) as (wheels, arm):
        program = only_block(PAGE, "python")
        for port, machine in (("8080", wheels), ("8081", arm)):
            assert f"127.0.0.1:{port}" in program
            program = program.replace(f"127.0.0.1:{port}", await machine.address())
        process = await child("-c", program)
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        # It hung up and left a wheel turning.
        assert await wheels.line("the client") == GONE.format("left")
    assert process.returncode == 0, said.decode()
    assert "temperature_c" in said.decode()


async def test_what_a_killed_client_moved_is_stopped_on_both(tmp_path):
    async with both(tmp_path, command_timeout_ms=0) as (wheels, arm):
        process = await child("-c", MOVES_BOTH, await wheels.address(), await arm.address())
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == b"moved\n"
        process.kill()
        await process.communicate()
        assert await wheels.line("the client") == GONE.format("left")
        assert await arm.line("the client") == GONE.format("elbow")


def test_the_machine_with_both_as_remotes_passes_check(tmp_path, capsys):
    path = tmp_path / "machine.json"
    path.write_text(MACHINE, encoding="utf-8")
    assert main(["check", str(path)]) == 0
    assert "no problems" in capsys.readouterr().out


def test_the_addresses_of_the_remotes_are_those_that_the_page_listens_on():
    lines = [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]
    listened = [line.rpartition("--listen ")[2] for line in lines if "--listen 192." in line]
    remotes = json.loads(MACHINE)["remotes"]
    assert [remote["address"] for remote in remotes] == listened
    assert all(remote["insecure"] for remote in remotes)


def test_every_motor_of_the_page_stops_when_commands_stop_coming():
    motors = [one for text in (WHEELS, ARM) for one in json.loads(text)["components"] if "motor" in one["api"]]
    assert len(motors) == 3
    assert all(motor["attributes"]["command_timeout_ms"] for motor in motors)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_unit(tmp_path):
    program = UNIT.replace("/home/pi/pi-drivers", str(ROOT)).replace("User=pi\n", f"User={os.getuid()}\n")
    unit = tmp_path / "pi-drivers.service"
    unit.write_text(program, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    # Units of this machine that are not ours may have faults of their own.
    assert [line for line in done.stderr.splitlines() if "pi-drivers.service" in line] == []
