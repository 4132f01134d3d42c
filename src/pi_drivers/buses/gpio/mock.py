"""The simulated header's pins, standing on the world's wires.

Meaner than the hardware: a released output keeps its level, a line taken twice refuses, a floating input reads noise, a
shorted output is an error, and the edge buffer overflows as the kernel's does.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence

from pi_drivers.buses.gpio.contract import (
    EdgeEvent,
    EdgeLines,
    Gpio,
    InputLine,
    OutputLine,
    Pull,
    PulseRun,
    PulseSource,
)
from pi_drivers.buses.gpio.mock_train import MockTrain
from pi_drivers.buses.gpio.ranges import check_edges, check_pwm, check_servo
from pi_drivers.errors import BusAbsentError, ClaimedError, ClosedError
from pi_drivers.world.clock import Timer
from pi_drivers.world.wires import Pwm, Signal, Wire
from pi_drivers.world.world import HEADER_LINES, World

EVENT_BUFFER = 1024
"""Events the kernel keeps for one request at most (GPIO_V2_LINES_MAX * 16, include/uapi/linux/gpio.h)."""


class MockGpio(Gpio):
    """The GPIO chip of the simulated Pi."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken: set[int] = set()

    def output(
        self, offset: int, *, initial: bool = False, active_low: bool = False, safe_high: bool = False
    ) -> OutputLine:
        give_back = self._take([offset])
        try:
            return MockOutput(self._world, offset, initial, active_low, give_back)
        except BaseException:
            give_back()
            raise

    def input(self, offset: int, *, pull: Pull = Pull.NONE, active_low: bool = False) -> InputLine:
        return MockInput(self._world, offset, pull, active_low, self._take([offset]))

    def edges(
        self,
        offsets: Sequence[int],
        *,
        pull: Pull = Pull.NONE,
        active_low: bool = False,
        debounce_us: int = 0,
    ) -> EdgeLines:
        check_edges(offsets, debounce_us)
        return MockEdges(self._world, offsets, pull, active_low, debounce_us * 1000, self._take(offsets))

    def close(self) -> None:
        self._taken.clear()

    def _take(self, offsets: Sequence[int]) -> Callable[[], None]:
        for offset in offsets:
            if not 0 <= offset < HEADER_LINES:
                raise BusAbsentError(f"GPIO{offset}: this chip has the lines 0 to {HEADER_LINES - 1}")
            if offset in self._taken or offsets.count(offset) > 1:
                raise ClaimedError(f"GPIO{offset}: the line is in use (consumer: pi-drivers)")
        self._taken.update(offsets)
        return lambda: self._taken.difference_update(offsets)


class MockOutput(OutputLine):
    """One driven wire."""

    def __init__(
        self, world: World, offset: int, initial: bool, active_low: bool, give_back: Callable[[], None]
    ) -> None:
        self._world = world
        self._offset = offset
        self._active_low = active_low
        self._give_back = give_back
        self._wire = world.wire(offset)
        self._train: MockTrain | None = None
        self._servo_since_ns: int | None = None
        self._later: Timer | None = None
        self._closed = False
        self.write(initial)

    @property
    def offset(self) -> int:
        return self._offset

    def write(self, high: bool) -> None:
        self._drive(high)

    def read(self) -> bool:
        with self._world.held():
            self._check_open()
            return self._wire.level() is not self._active_low

    def pwm(self, frequency_hz: int, duty: float) -> None:
        check_pwm(self._offset, frequency_hz, duty)
        period_ns = round(1e9 / frequency_hz)
        self._drive_wave(period_ns, round(period_ns * duty))

    def servo(self, pulse_us: int, frequency_hz: int = 50) -> None:
        check_servo(self._offset, pulse_us, frequency_hz)
        with self._world.held():
            self._check_open()
            signal = self._wire.signal
            if self._servo_since_ns is None or not isinstance(signal, Pwm):
                self._begin_servo(pulse_us, frequency_hz)
                return
            # As on hardware, a new width comes with the next period, and the pulse that runs keeps its own.
            if self._later is not None:
                self._later.cancel()
            now_ns = self._world.clock.now_ns()
            period_end_ns = now_ns + signal.period_ns - (now_ns - self._servo_since_ns) % signal.period_ns
            self._later = self._world.clock.at(period_end_ns, lambda: self._begin_servo(pulse_us, frequency_hz))

    def pulses(self, source: PulseSource) -> PulseRun:
        with self._world.held():
            self._drive(False)
            train = MockTrain(self._world.clock, source, self._offset, self._send_wave)
            self._train = train
            train.start()
            return train

    def close(self) -> None:
        with self._world.held():
            if not self._closed:
                if isinstance(self._wire.signal, Pwm):
                    self._drive(False)  # nobody is left to make the pulses
                self._end_what_runs()
                self._closed = True
                self._give_back()

    def _begin_servo(self, pulse_us: int, frequency_hz: int) -> None:
        if pulse_us == 0:
            self._drive(False)
            return
        self._drive_wave(round(1e9 / frequency_hz), pulse_us * 1000)
        self._servo_since_ns = self._world.clock.now_ns()

    def _drive_wave(self, period_ns: int, high_ns: int) -> None:
        if high_ns in (0, period_ns):
            self._drive(high_ns > 0)
            return
        with self._world.held():
            signal = self._wire.signal
            if isinstance(signal, Pwm) and signal.period_ns == period_ns:
                start_ns = signal.start_ns  # a new duty keeps the phase
            else:
                start_ns = self._world.clock.now_ns()
            self._end_what_runs()
            self._drive_signal(self._wave(period_ns, high_ns, start_ns))

    def _send_wave(self, period_ns: int, high_ns: int) -> None:
        """Drive a packet of counted pulses, or with no high part, a pause."""
        if high_ns == 0:
            self._drive_signal(self._active_low)
        else:
            self._drive_signal(self._wave(period_ns, high_ns, self._world.clock.now_ns()))

    def _wave(self, period_ns: int, high_ns: int, start_ns: int) -> Pwm:
        if self._active_low:
            # The inverted wave: low for high_ns, so its high part begins there.
            return Pwm(period_ns, period_ns - high_ns, start_ns + high_ns)
        return Pwm(period_ns, high_ns, start_ns)

    def _drive(self, high: bool) -> None:
        with self._world.held():
            self._check_open()
            self._end_what_runs()
            self._drive_signal(high is not self._active_low)

    def _drive_signal(self, signal: Signal) -> None:
        self._check_open()
        self._wire.drive_from_pi(signal)

    def _end_what_runs(self) -> None:
        if self._train is not None:
            self._train.cut()
            self._train = None
        if self._later is not None:
            self._later.cancel()
        self._later = self._servo_since_ns = None

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"GPIO{self._offset}: the line was let go")


class MockInput(InputLine):
    """One wire that is read."""

    def __init__(self, world: World, offset: int, pull: Pull, active_low: bool, give_back: Callable[[], None]) -> None:
        self._world = world
        self._offset = offset
        self._active_low = active_low
        self._give_back = give_back
        self._closed = False
        self._wire = world.wire(offset)
        with world.held():
            self._wire.release_from_pi()
            self._wire.set_pull(pull)

    @property
    def offset(self) -> int:
        return self._offset

    def read(self) -> bool:
        with self._world.held():
            if self._closed:
                raise ClosedError(f"GPIO{self._offset}: the line was let go")
            return self._wire.level() is not self._active_low

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._give_back()


class MockEdges(EdgeLines):
    """Several wires whose edges go into one buffer, with an eventfd for the event loop to wait on."""

    def __init__(
        self,
        world: World,
        offsets: Sequence[int],
        pull: Pull,
        active_low: bool,
        debounce_ns: int,
        give_back: Callable[[], None],
    ) -> None:
        self._world = world
        self._active_low = active_low
        self._debounce_ns = debounce_ns
        self._give_back = give_back
        self._wires = {offset: world.wire(offset) for offset in offsets}
        self._events: deque[EdgeEvent] = deque()
        self._seqno = 0
        self._settled: dict[int, bool] = {}
        self._settling: dict[int, Timer] = {}
        self._signal = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closed = False
        with world.held():
            self._unlisten = [self._attach(offset, wire, pull) for offset, wire in self._wires.items()]

    def fileno(self) -> int:
        self._check_open()
        return self._signal

    def read_events(self) -> list[EdgeEvent]:
        with self._world.held():
            self._check_open()
            if not self._events:
                return []
            os.eventfd_read(self._signal)
            events = list(self._events)
            self._events.clear()
            return events

    def levels(self) -> dict[int, bool]:
        with self._world.held():
            self._check_open()
            return {offset: self._level(offset) is not self._active_low for offset in self._wires}

    def close(self) -> None:
        with self._world.held():
            if self._closed:
                return
            self._closed = True
            for unlisten in self._unlisten:
                unlisten()
            for timer in self._settling.values():
                timer.cancel()
            os.close(self._signal)
            self._give_back()

    def _level(self, offset: int) -> bool:
        # With debouncing the kernel tells the level that has held (gpiolib-cdev.c, debounced_value).
        return self._settled[offset] if self._debounce_ns else self._wires[offset].level()

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the edge lines were let go")

    def _attach(self, offset: int, wire: Wire, pull: Pull) -> Callable[[], None]:
        wire.release_from_pi()
        wire.set_pull(pull)
        self._settled[offset] = wire.signal is True  # a floating wire has no level to have settled at
        return wire.on_level(lambda level, now_ns: self._edge(offset, level, now_ns))

    def _edge(self, offset: int, level: bool, now_ns: int) -> None:
        pending = self._settling.pop(offset, None)
        if pending is not None:
            pending.cancel()
        if self._debounce_ns == 0:
            self._put(offset, level, now_ns)
        elif level is not self._settled[offset]:
            settled_ns = now_ns + self._debounce_ns
            self._settling[offset] = self._world.clock.at(settled_ns, lambda: self._put(offset, level, settled_ns))

    def _put(self, offset: int, level: bool, now_ns: int) -> None:
        self._settling.pop(offset, None)
        self._settled[offset] = level
        self._seqno += 1
        # The kernel drops the oldest event to make room for the newest (gpiolib-cdev.c, linereq_put_event).
        if len(self._events) == EVENT_BUFFER:
            self._events.popleft()
        if not self._events:
            os.eventfd_write(self._signal, 1)
        self._events.append(EdgeEvent(offset, level is not self._active_low, now_ns, self._seqno))
