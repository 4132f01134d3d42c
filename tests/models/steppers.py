"""Steppers on the bench: one made, its motor in the world, and what was on its step wire."""

from itertools import pairwise
from typing import Any

from pi_drivers.world.four_phase import FourPhaseStepper
from pi_drivers.world.steppers import StepDirStepper
from pi_drivers.world.wires import Pwm, Signal
from tests.models.conftest import Bench

STEP_DIR = {"step": "16", "dir": "18", "en_low": "22"}
STEP, DIR, ENABLE_LOW = 23, 24, 25
COILS = {"a": "29", "b": "31", "c": "33", "d": "35"}
COIL_LINES = (5, 6, 13, 19)
SECOND = 1_000_000_000


async def make(bench: Bench, name: str = "m", **attributes: Any) -> Any:
    """A stepper of 200 steps on a step/dir driver, unless the attributes say otherwise."""
    return await bench.make("stepper", name, **{"pins": STEP_DIR, "ticks_per_rotation": 200, **attributes})


def motor(bench: Bench, name: str = "m") -> StepDirStepper | FourPhaseStepper:
    """The motor that hangs on its driver."""
    return bench.world.stepper(f"of {name}")


def turned(bench: Bench, name: str = "m") -> float:
    """Where its shaft is, in revolutions, rounded to what no step is as fine as."""
    with bench.world.held():
        return round(bench.world.shaft(f"of {name}").angle_rev(), 9)


class Recorder:
    """Notes what is on a wire, from now on."""

    def __init__(self, bench: Bench, line: int) -> None:
        self._bench = bench
        self._wire = bench.world.wire(line)
        self._notes: list[tuple[int, Signal]] = [(bench.host.now_ns(), self._wire.signal)]
        self._wire.on_signal(lambda: self._notes.append((bench.host.now_ns(), self._wire.signal)))

    @property
    def rises(self) -> list[int]:
        """When the wire went high, in ns."""
        rises: list[int] = []
        for (begin_ns, signal), (end_ns, _) in pairwise([*self._notes, (self._bench.host.now_ns(), False)]):
            if isinstance(signal, Pwm):
                rises += range(signal.start_ns, end_ns, signal.period_ns)
            elif signal:
                rises.append(begin_ns)
        return rises

    @property
    def intervals(self) -> list[int]:
        """The times from one rise to the next, in ns."""
        return [later - earlier for earlier, later in pairwise(self.rises)]
