"""Serial ports on a machine: one for each name it has, shared by those who only write, and free at once when left."""

import asyncio
import os
import time
import tty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pi_drivers.errors import ArgumentError, BusAbsentError, ClaimedError, ClosedError
from pi_drivers.host.claims import Holder
from pi_drivers.host.mock import MockHost
from pi_drivers.host.real import RealHost
from pi_drivers.host.serial_ports import SerialPart
from pi_drivers.world.clock import HandClock
from pi_drivers.world.serial_line import Notebook
from pi_drivers.world.world import World

PATH = "/dev/ttyUSB0"
SECOND = 1_000_000_000
LEFT = Holder('motor "left"', "serial_path")
RIGHT = Holder('motor "right"', "serial_path")
GPS = Holder('movement_sensor "gps"', "serial_path")


class Bench:
    """A simulated Pi with one port, and the parts that a test takes in it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.host = MockHost(World(self.clock))
        self.far_end = Notebook()
        self.line = self.host.world.serial(PATH)
        self.line.plug_in(self.far_end)
        self.parts: list[SerialPart] = []

    def join(self, holder: Holder, *, path: str = PATH, baud: int = 9600, share: bool = True) -> SerialPart:
        self.parts.append(self.host.serial(path, baud, holder, share=share))
        return self.parts[-1]

    def is_open(self) -> bool:
        """Whether the port is."""
        return self.line.in_use

    async def all_wait(self) -> None:
        """Let every worker come to rest."""
        while self.clock.running:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    for part in made.parts:
        part.leave()
    for part in made.parts:
        await part.worker.ended()


async def test_those_who_only_write_share_one_port_and_one_thread(bench: Bench):
    left, right = bench.join(LEFT), bench.join(RIGHT)
    await left.worker.run(lambda: left.port.write(b"l"))
    await right.worker.run(lambda: right.port.write(b"r"))
    bench.clock.advance(SECOND)

    assert bench.far_end.heard == b"lr"
    assert left.port is right.port
    assert left.worker is right.worker


async def test_the_port_stays_open_until_the_last_one_leaves(bench: Bench):
    left, right = bench.join(LEFT), bench.join(RIGHT)
    left.leave()
    left.leave()
    right.port.write(b"r")
    assert bench.is_open()

    right.leave()
    assert not bench.is_open()
    with pytest.raises(ClosedError):
        right.port.write(b"r")


async def test_who_leaves_can_come_again_in_the_same_moment(bench: Bench):
    for _ in range(20):
        bench.join(GPS, share=False).leave()
    bench.join(GPS, share=False, baud=4800)


async def test_another_speed_is_refused_naming_the_first_user(bench: Bench):
    bench.join(LEFT)
    with pytest.raises(ClaimedError, match=r'motor "left" .serial_path. at 9600 baud, so motor "right" .*at 38400'):
        bench.join(RIGHT, baud=38_400)


async def test_the_name_is_that_of_a_user_who_is_still_there(bench: Bench):
    left = bench.join(LEFT)
    bench.join(RIGHT)
    left.leave()
    with pytest.raises(ClaimedError, match=r'motor "right" .serial_path. at 9600 baud, so motor "left"'):
        bench.join(LEFT, baud=38_400)


@pytest.mark.parametrize(("first", "second"), [(False, True), (True, False), (False, False)])
async def test_who_needs_the_port_for_itself_shares_it_with_nobody(bench: Bench, first, second):
    bench.join(LEFT, share=first)
    with pytest.raises(ClaimedError, match=f'{PATH} is held by motor "left" .serial_path., so movement_sensor "gps"'):
        bench.join(GPS, share=second)
    assert bench.is_open()


async def test_a_port_that_does_not_open_leaves_nothing_behind(bench: Bench):
    bench.line.unplug()
    with pytest.raises(BusAbsentError):
        bench.join(LEFT)
    with pytest.raises(ArgumentError):
        bench.join(LEFT, baud=0)

    bench.line.replug()
    bench.join(GPS, share=False)


async def test_leaving_ends_a_read_that_waits_and_the_thread_it_waits_on(bench: Bench):
    gps = bench.join(GPS, share=False)
    reading = asyncio.ensure_future(gps.worker.run(lambda: gps.port.read(100, 60 * SECOND)))
    await asyncio.sleep(0)
    await bench.all_wait()
    began = time.monotonic()
    gps.leave()
    with pytest.raises(ClosedError):
        await reading
    await gps.worker.ended()

    assert time.monotonic() - began < 0.3


async def test_bytes_wake_a_reader_on_its_thread_when_they_arrive(bench: Bench):
    gps = bench.join(GPS, share=False)
    reading = asyncio.ensure_future(gps.worker.run(lambda: gps.port.read(100, 60 * SECOND)))
    await asyncio.sleep(0)
    await bench.all_wait()
    with bench.host.world.held():
        bench.line.send(b"$")
    bench.clock.advance(2_000_000)

    assert await reading == b"$"
    assert bench.clock.now_ns() == 2_000_000


async def test_two_names_of_a_simulated_port_are_one(bench: Bench):
    assert bench.join(LEFT).port is bench.join(RIGHT, path="/dev/../dev/ttyUSB0").port


async def test_on_the_real_machine_a_port_and_the_link_to_it_are_one(tmp_path: Path):
    far_side, port_side = os.openpty()
    tty.setraw(port_side)
    link = tmp_path / "usb-Maker_Adapter"
    link.symlink_to(os.ttyname(port_side))
    host = RealHost()
    parts = [host.serial(str(link), 9600, LEFT, share=True)]
    parts.append(host.serial(os.ttyname(port_side), 9600, RIGHT, share=True))
    parts[1].port.write(b"r")

    assert os.read(far_side, 10) == b"r"
    assert parts[0].port is parts[1].port
    for part in parts:
        part.leave()
    await part.worker.ended()
    host.serial(str(link), 4800, GPS).leave()
    for side in (far_side, port_side):
        os.close(side)
