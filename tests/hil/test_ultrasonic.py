"""The ultrasonic sensor on real pins, its echo played outside: widths are only as good as the player's sleep."""

import asyncio
import statistics
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from grpclib import GRPCError, Status
from viam.components.sensor.client import SensorClient

from tests.contract.grounds import Facility, GpioGround
from tests.hil.machine import configured, pin
from tests.module.fake_viam_server import FakeViamServer, component

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOURCE = Path(__file__).with_name("sonar.c")
ASK_EVERY_S = 0.05
METRES_PER_SECOND = 343.2
TOLERANCE_M = 0.5
"""3 ms of sound, there and back: the tick of the simulated kernel and the sleep of a busy machine."""


@pytest.fixture(scope="module")
def sonar_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that plays the sensor."""
    program = tmp_path_factory.mktemp("sonar") / "sonar"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", program, SOURCE], check=True)
    return program


class OutsideSonar:
    """The echo line of a sensor outside, and what is in front of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def see(self, distance_m: float) -> None:
        """Answer from now on as with something so far away, or with 0 not at all."""
        width_us = round(2 * distance_m / METRES_PER_SECOND * 1e6)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{width_us}\n".encode())
        assert await asyncio.wait_for(self._process.stdout.readline(), 5) == b"ok\n"


@asynccontextmanager
async def outside_sonar(program: Path, ground: GpioGround) -> AsyncIterator[OutsideSonar]:
    """A sensor whose echo is line b."""
    ground.need(Facility.DRIVING_FILES)
    file = ground.driving_file(ground.b)
    process = await asyncio.create_subprocess_exec(program, file, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield OutsideSonar(process)
    finally:
        await process.communicate(b"")  # which ends its input
    assert process.returncode == 0


@asynccontextmanager
async def sensor(server: FakeViamServer, ground: GpioGround, **more: Any) -> AsyncIterator[SensorClient]:
    attributes = {"trigger_pin": pin(ground.a), "echo_interrupt_pin": pin(ground.b), "max_distance_m": 6, **more}
    async with configured(server, component("sensor", "ultrasonic", "front", attributes)):
        yield server.client(SensorClient, "front")


async def answer(made: SensorClient) -> tuple[Status, float, str]:
    """What it says now: its status with a distance, or with what is in the way of one."""
    await asyncio.sleep(ASK_EVERY_S)
    try:
        return Status.OK, cast("float", (await made.get_readings())["distance_m"]), ""
    except GRPCError as error:
        return error.status, 0.0, error.message or ""


async def told(made: SensorClient, distance_m: float, within_s: float = 10.0) -> float:
    """The first distance near one, or the last that came."""
    deadline = time.monotonic() + within_s
    seen = 0.0
    while time.monotonic() < deadline and abs(seen - distance_m) > TOLERANCE_M:
        _, seen, _ = await answer(made)
    return seen


async def refused(made: SensorClient, wanted: Status, within_s: float = 10.0) -> str:
    """What it says once it refuses with this status."""
    deadline = time.monotonic() + within_s
    status, message = Status.OK, ""
    while time.monotonic() < deadline and status is not wanted:
        status, _, message = await answer(made)
    return message


async def test_a_distance_is_that_of_a_whole_echo_whatever_was_before(
    server: FakeViamServer, ground: GpioGround, sonar_program: Path
):
    async with outside_sonar(sonar_program, ground) as sonar:
        await sonar.see(1.5)
        async with sensor(server, ground, samples=3, poll_interval_ms=300, max_age_ms=3000) as made:
            for distance_m in (1.5, 3.5):
                await sonar.see(distance_m)
                assert await told(made, distance_m) == pytest.approx(distance_m, abs=TOLERANCE_M)
                answers = [await answer(made) for _ in range(40)]
                told_of = [seen for status, seen, _ in answers if status is Status.OK]
                # A machine that is kept waiting makes pulses longer. Shorter ones would be halves.
                assert min(told_of) == pytest.approx(distance_m, abs=TOLERANCE_M)
                assert statistics.median(told_of) == pytest.approx(distance_m, abs=TOLERANCE_M)
            assert (await made.get_status())["lost_edges"] == 0
        assert not ground.level(ground.a)


async def test_what_is_out_of_range_or_silent_is_told_as_such_and_it_recovers(
    server: FakeViamServer, ground: GpioGround, sonar_program: Path
):
    async with outside_sonar(sonar_program, ground) as sonar:
        await sonar.see(1.5)
        async with sensor(server, ground) as made:
            assert await told(made, 1.5) == pytest.approx(1.5, abs=TOLERANCE_M)
            await sonar.see(9.0)
            assert "nothing within 6 m" in await refused(made, Status.OUT_OF_RANGE)
            await sonar.see(0)
            assert "no echo began" in await refused(made, Status.UNAVAILABLE)
            await sonar.see(1.5)
            assert await told(made, 1.5) == pytest.approx(1.5, abs=TOLERANCE_M)
