"""Steps that are written one by one: to four coils, or to step and dir on a board that cannot count pulses.

How even they come depends on the machine, and how fast on the time a write takes. The Pi's own pins are written by a
thread, which nothing on the event loop delays; those of other boards, where a write is a transfer or a round trip that
the event loop makes, by a task.

An output that changes only with the period of a PWM chip would never show a level that is overwritten before. On such a
board each level stays for longer than one period, at whatever speed.
"""

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence

from pi_drivers.buses.gpio.contract import PulseProgress, PulseRun
from pi_drivers.host.contract import MICROSECOND, SECOND, Host
from pi_drivers.models.motor.coils import Coils, Write
from pi_drivers.models.motor.step_plan import StepPlan
from pi_drivers.models.motor.step_ways import StepWay
from pi_drivers.models.pins import OutputPin, PinLoss
from pi_drivers.runtime.lifecycle import Lifecycle
from pi_drivers.runtime.worker import BusWorker

CATCH_UP = 0.3
"""By which part of an interval the step behind a late one may come early: more, and the motor could not follow."""

MOST_REMEMBERED = 4096
"""Of how many steps it is known when they were sent: more than a PWM chip takes from one look at it to the next."""

HOLD_PERIODS = 1.1
"""How many periods of a PWM chip a level stays: chips are found that are some percent slower than they should be."""

Action = Write | int
"""A pin to write with its level, or a time in nanoseconds to wait."""


class WrittenRun(PulseRun):
    """The steps of a plan on their way out. `actions` is for whoever carries them out, the rest for anybody."""

    def __init__(self, host: Host, plan: StepPlan) -> None:
        """Args: host: its clock is the one that counts. plan: with packets of one step."""
        self._host = host
        self._plan = plan
        self._sent = 0
        self._under_way = 0
        self._running = True
        self._cut = False

    def progress(self) -> PulseProgress:
        running = self._running
        return PulseProgress(self._sent, 0 if running else self._under_way, running)

    def actions(self, way: "WrittenWay", forward: bool, was_on: bool) -> Iterator[Action]:
        """Everything to be done, each step at its time, until the plan is over."""
        yield from way.prepare(forward, was_on)
        yield from way.hold()
        due_ns = self._host.now_ns()
        while (pulses := self._plan.next_pulses()) is not None:
            if pulses.high_us:
                self._under_way = 1
                if self._cut:
                    return  # the one before may have come too late to move anything
                yield from way.step(forward)
                self._sent += 1
                way.sent_ns.append(self._host.now_ns())
                self._under_way = 0
            interval_ns = (pulses.high_us + pulses.low_us) * MICROSECOND
            # Behind a late step the next comes in its own time, and little of what was lost is made up for.
            tolerated_ns = way.held_ns + round(CATCH_UP * interval_ns)
            due_ns = interval_ns + max(due_ns, self._host.now_ns() - tolerated_ns)
            yield max(0, due_ns - self._host.now_ns())

    def cut(self) -> None:
        """Make no further step."""
        self._cut = True

    def over(self) -> None:
        """No step comes any more."""
        self._running = False


class WrittenWay(StepWay):
    """Steps written one by one."""

    packet_us = 0

    def __init__(
        self,
        host: Host,
        pins: Sequence[OutputPin],
        enable_high: OutputPin | None,
        enable_low: OutputPin | None,
        coils: Coils | None,
        latch_period_s: float,
    ) -> None:
        """Prepare.

        Args:
            host: its clock is the one that counts.
            pins: step and dir, or the coils' own.
            enable_high: driven high while there is current.
            enable_low: driven low while there is current.
            coils: the coils that the pins are; None for step and dir.
            latch_period_s: how often the pins change at most; 0 for at once.
        """
        super().__init__(enable_high, enable_low, pins)
        self._host = host
        self._inputs = pins
        self._coils = coils
        self._hold_ns = round(HOLD_PERIODS * latch_period_s * SECOND)
        self.held_ns = self._hold_ns * (1 if coils is not None else 2)
        """How much of a step's time is waited for its levels to show."""
        self._run: WrittenRun | None = None
        self.sent_ns: deque[int] = deque(maxlen=MOST_REMEMBERED)
        """When the newest steps were sent."""

    async def begin(self, plan: StepPlan, forward: bool) -> PulseRun:
        self.failure = None
        was_on, self.energised = self.energised, True
        run = self._run = WrittenRun(self._host, plan)
        self._carry_out(run, run.actions(self, forward, was_on))
        return run

    def release(self) -> None:
        super().release()
        if self._coils is not None:
            self._coils.forget()

    def lock_off(self) -> None:
        if self._run is not None:
            self._run.cut()
        super().lock_off()

    def prepare(self, forward: bool, was_on: bool) -> Iterator[Write]:
        """What is to be written before the first step."""
        if self._coils is None:
            yield self._inputs[1], forward
        if was_on:
            return
        if self._coils is not None:
            yield from self._coils.energise()
        if self._enable_high is not None:
            yield self._enable_high, True
        if self._enable_low is not None:
            yield self._enable_low, False

    def step(self, forward: bool) -> Iterator[Action]:
        """All that makes one step; at its end the pins show it."""
        if self._coils is not None:
            yield from self._coils.step(forward)
        else:
            yield self._inputs[0], True
            yield from self.hold()
            yield self._inputs[0], False
        yield from self.hold()

    def hold(self) -> Iterator[int]:
        """The time until what was written shows for certain."""
        if self._hold_ns:
            yield self._hold_ns

    @abstractmethod
    def _carry_out(self, run: WrittenRun, actions: Iterator[Action]) -> None:
        """Do all this elsewhere; its error is to be found in `failure`, and the run is told when it is over."""


class ThreadWay(WrittenWay):
    """Steps written by a thread: for pins that are written in microseconds."""

    def use(self, worker: BusWorker, lifecycle: Lifecycle) -> None:
        """Take a thread, which ends with the lifecycle."""
        self._worker = worker
        lifecycle.push("end the steps", worker.stop, worker.ended)

    def _carry_out(self, run: WrittenRun, actions: Iterator[Action]) -> None:
        self._worker.post(lambda: self._do(run, actions))

    def _do(self, run: WrittenRun, actions: Iterator[Action]) -> None:
        try:
            for action in actions:
                if isinstance(action, int):
                    self._host.sleep(action)
                else:
                    action[0].write_blocking(action[1])
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the motion, not to the thread
            self.failure = error
        finally:
            run.over()


class TaskWay(WrittenWay):
    """Steps written by a task: for pins whose writes the event loop makes."""

    _task: asyncio.Task[None] | None = None

    def use(self, lifecycle: Lifecycle) -> None:
        """End with the lifecycle, and when the board of the pins fails."""
        lifecycle.push("end the steps", self._cancel, self._ended)
        for pin in self._pins:
            pin.on_lost = self._lost

    def _carry_out(self, run: WrittenRun, actions: Iterator[Action]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._do(run, actions), name="steps")
        self._task.add_done_callback(lambda _: run.over())  # also where it was cancelled before it began

    async def _do(self, run: WrittenRun, actions: Iterator[Action]) -> None:
        try:
            for action in actions:
                if isinstance(action, int):
                    await self._host.wait(action)
                else:
                    await action[0].write(action[1])
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the motion, not to the task
            self.failure = error

    def _lost(self, loss: PinLoss) -> None:
        """End what runs, and say which steps a board that had no power has taken without making them."""
        was_on, steps = self.energised, 0
        if loss.off:
            steps = sum(sent_ns >= loss.since_ns for sent_ns in self.sent_ns)
            self.sent_ns.clear()
        if was_on:
            self.failure = loss.error
            self._cancel()
            self.release()
        if self.on_lost is not None and (was_on or steps):
            self.on_lost(loss, steps)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _ended(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task})
