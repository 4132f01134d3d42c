"""Clients that ask a camera for pictures, each on a connection of its own, and what came of it.

usage (by camera_neighbour.py only): python -m tests.performance.camera_clients SOCKET NAME COUNT

So they are a process of their own: it prints a line once all have been answered, and asks on until it is killed.
"""

import asyncio
import statistics
import sys
import time
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from grpclib.client import Channel
from viam.components.camera.client import CameraClient

from tests.v4l2_player.pictures import NUMBERED, number_in

SECOND = 1_000_000_000
CAMERA_RATE = 30
INTERVAL_S = 1 / CAMERA_RATE
TAIL = 2048
"""The last bytes of a JPEG, by which the numbered pictures can be told apart without decoding them all."""


class Answer(NamedTuple):
    """One answer of a camera."""

    took_s: float
    """From the question on."""
    age_s: float
    """Of the picture, when the client has it."""
    taken_ns: int
    """When the camera took it, by the wall clock."""
    tail: int
    """Which picture it is."""

    @property
    def at_s(self) -> float:
        """When the client had it."""
        return self.taken_ns / SECOND + self.age_s


class Asking(NamedTuple):
    """What came of some clients' asking."""

    answers: Sequence[Sequence[Answer]]
    """Of each client, in order."""
    took_s: float

    @property
    def total(self) -> int:
        """Answers to all clients."""
        return sum(map(len, self.answers))

    @property
    def different_per_second(self) -> float:
        """Answers with another picture than the one before, to one client."""
        rates = [sum(map(_differ, pairwise(of))) / (of[-1].at_s - of[0].at_s) for of in self.answers if len(of) > 1]
        return statistics.fmean(rates) if rates else 0.0


class Pace(NamedTuple):
    """When clients ask that ask as often as the camera takes pictures."""

    begin: float
    """A moment at which it takes one."""
    share: float
    """How long after a picture the first client asks, as a share of the time to the next; the others follow evenly."""


class Clients:
    """Some clients of one camera. Used on the event loop."""

    def __init__(self, clients: Sequence[CameraClient]) -> None:
        self._clients = clients
        self._seen: dict[int, bytes] = {}

    async def meet(self, share: float) -> Pace:
        """Find out when the camera takes its pictures; `share` as in `Pace`."""
        age_s = (await self._answer(self._clients[0])).age_s
        return Pace(time.monotonic() + INTERVAL_S - age_s % INTERVAL_S, share)

    async def ask(self, count: int, seconds: float, pace: Pace | None = None) -> Asking:
        """So many of them ask one after the other, at the camera's own pace or without a pause."""
        clients = self._clients[:count]
        begin = pace.begin if pace is not None else time.monotonic()
        end = begin + seconds
        if pace is None:
            work = [self._without_pause(client, end) for client in clients]
        else:
            dues = [begin + (number + pace.share) / count * INTERVAL_S for number in range(count)]
            work = [self._paced(client, due, end) for client, due in zip(clients, dues, strict=True)]
        answers = await asyncio.gather(*work)
        return Asking(answers, max(seconds, time.monotonic() - begin))

    async def _without_pause(self, client: CameraClient, end: float) -> list[Answer]:
        answers = []
        while time.monotonic() < end:
            answers.append(await self._answer(client))
        return answers

    async def _paced(self, client: CameraClient, due: float, end: float) -> list[Answer]:
        """One that comes late leaves the next out, as a client does that draws."""
        answers = []
        while due < end:
            await asyncio.sleep(max(0, due - time.monotonic()))
            answers.append(await self._answer(client))
            due += max(1, -((due - time.monotonic()) // INTERVAL_S)) * INTERVAL_S
        return answers

    async def _answer(self, client: CameraClient) -> Answer:
        begin = time.monotonic()
        images, metadata = await client.get_images()
        age_ns = time.time_ns() - metadata.captured_at.ToNanoseconds()
        took_s = time.monotonic() - begin
        data = images[0].data
        tail = zlib.crc32(data[-TAIL:])
        self._seen.setdefault(tail, data)
        return Answer(took_s, age_ns / SECOND, metadata.captured_at.ToNanoseconds(), tail)

    def numbers(self, *, turned: bool) -> Mapping[int, int]:
        """The number of the picture behind each tail since this was last called."""
        found = {}
        while self._seen:
            tail, data = self._seen.popitem()
            drawn = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
            found[tail] = number_in(drawn[::-1, ::-1] if turned else drawn)
        return found


def agreement(asking: Asking, numbers: Mapping[int, int]) -> tuple[int, int]:
    """How often the time from one picture to another is the one that their numbers say, and how often it is not."""
    right = wrong = 0
    for before, after in (pair for of in asking.answers for pair in pairwise(of)):
        steps = round((after.taken_ns - before.taken_ns) * CAMERA_RATE / SECOND)
        counted = numbers[after.tail] - numbers[before.tail]
        if steps or counted:
            agrees = (counted - steps) % NUMBERED == 0
            right, wrong = right + agrees, wrong + (not agrees)
    return right, wrong


def _differ(pair: tuple[Answer, Answer]) -> bool:
    before, after = pair
    return after.taken_ns - before.taken_ns > SECOND / CAMERA_RATE / 2


@asynccontextmanager
async def connected(address: str, name: str, count: int) -> AsyncIterator[Clients]:
    """So many clients of a camera."""
    channels = [Channel(path=address) for _ in range(count)]
    try:
        yield Clients([CameraClient(name, channel) for channel in channels])
    finally:
        for channel in channels:
            channel.close()


async def ask_on(address: str, name: str, count: int) -> None:
    """Ask until somebody ends it."""
    async with connected(address, name, count) as clients:
        await clients.ask(count, 0.2)
        print("asking", flush=True)
        while True:
            await clients.ask(count, 60)


if __name__ == "__main__":
    asyncio.run(ask_on(sys.argv[1], sys.argv[2], int(sys.argv[3])))
