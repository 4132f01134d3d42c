"""A motor with an encoder on its shaft, played outside: it turns as the inputs of its bridge tell it and makes edges.

The bridge has one input for the power and one for the direction. The physics is a motor of the first order, and knows
nothing of the mock's: speed follows the mean voltage with a time constant.
"""

import math
import threading
import time
from types import TracebackType
from typing import Self

from tests.contract.grounds import GpioGround

LOOK_EVERY_S = 0.001
TIME_CONSTANT_S = 0.1


class OutsideMotor:
    """Turns on a thread of its own: `with OutsideMotor(…) as motor`.

    Args:
        ground: the wires.
        inputs: the lines of the bridge: power and direction, high is forward.
        disc: the lines of the encoder, A and B, of which B leads when the shaft turns forward.
        free_speed: edges per second at full power.
    """

    def __init__(
        self, ground: GpioGround, *, inputs: tuple[int, int], disc: tuple[int, int], free_speed: float
    ) -> None:
        self._ground = ground
        self._inputs = inputs
        self._disc = disc
        self._free_speed = free_speed
        self._levels = [False, False]
        self._speed = 0.0
        self._angle = 0.0
        self.edges = 0
        """Where the shaft is: all edges forward less all edges backward."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outside motor")

    def __enter__(self) -> Self:
        for line in self._disc:
            self._ground.drive(line, False)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._stop.is_set():
            now = time.monotonic()
            self._advance(now - before)
            before = now
            time.sleep(LOOK_EVERY_S)

    def _advance(self, seconds: float) -> None:
        power, direction = (self._ground.level(line) for line in self._inputs)
        voltage = float(power) * (1.0 if direction else -1.0)
        self._speed += (voltage * self._free_speed - self._speed) * (1 - math.exp(-seconds / TIME_CONSTANT_S))
        self._angle += self._speed * seconds
        while self.edges != math.floor(self._angle):
            self._step(forward=self.edges < self._angle)

    def _step(self, *, forward: bool) -> None:
        a, b = self._levels
        index = int((a == b) == forward)
        self._levels[index] = not self._levels[index]
        self._ground.drive(self._disc[index], self._levels[index])
        self.edges += 1 if forward else -1
