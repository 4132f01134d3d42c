"""The pins of a real Raspberry Pi.

They stand on gpiozero's lgpio pin factory, for the chip and for inputs, and go past it where it is in the
way: outputs (gpiozero makes each an input first, so that one that was high floats for a moment, and closes it
into an input), pulses (see `real_pulses`), and edges (libgpiod: one request for all lines, read in batches).
"""

import os
import struct
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

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
from pi_drivers.buses.gpio.ranges import check_edges, check_pwm, check_servo
from pi_drivers.buses.gpio.real_chip import (
    CONSUMER,
    HEADER_LABELS,
    check_pull_possible,
    explained,
    find_chip,
    load_gpiod,
    open_lgpio,
)
from pi_drivers.buses.gpio.real_pulses import Pulser, Wave
from pi_drivers.errors import BusAbsentError, ClaimedError, ClosedError
from pi_drivers.runtime.keeper import Keep, LineAt, keep_nothing

if TYPE_CHECKING:
    from gpiod import LineRequest, LineSettings

HEADER_LINES = range(28)
"""The lines on the header; the chip's others drive the SD card, the radio and the like."""

EVENT_BUFFER = 1024
"""The most events the kernel keeps for one request (drivers/gpio/gpiolib-cdev.c)."""

EVENT = struct.Struct("=QIIII24x")
"""struct gpio_v2_line_event of linux/gpio.h: time, kind, line, number in the request, number in the line."""
RISING = 1

Line = TypeVar("Line", "RealOutput", "RealInput", "RealEdges")


class RealGpio(Gpio):
    """The GPIO chip of the header. Lines are opened and closed on one thread; outputs obey any."""

    def __init__(self, labels: tuple[str, ...] = HEADER_LABELS, *, keep: Keep = keep_nothing) -> None:
        """Find and open the chip; `keep` sees to it that outputs are made safe when this process dies.

        Raises:
            BusAbsentError, BusPermissionError, MissingLibraryError: each says what to do.
        """
        self.keep = keep
        self.path = find_chip(labels)
        self.lgpio = open_lgpio(self.path)
        self.pulser = Pulser(self.lgpio.library, self.lgpio.handle)
        self._open: dict[int, RealOutput | RealInput | RealEdges] = {}
        self._closed = False

    def output(
        self, offset: int, *, initial: bool = False, active_low: bool = False, safe_high: bool = False
    ) -> OutputLine:
        return self._take((offset,), lambda: RealOutput(self, offset, initial, active_low, safe_high))

    def input(self, offset: int, *, pull: Pull = Pull.NONE, active_low: bool = False) -> InputLine:
        return self._take((offset,), lambda: RealInput(self, offset, pull, active_low))

    def edges(
        self,
        offsets: Sequence[int],
        *,
        pull: Pull = Pull.NONE,
        active_low: bool = False,
        debounce_us: int = 0,
    ) -> EdgeLines:
        check_edges(offsets, debounce_us)
        chosen = tuple(offsets)
        return self._take(chosen, lambda: RealEdges(self, chosen, pull, active_low, debounce_us))

    def close(self) -> None:
        """Let the chip go. Takes 0.1 s, in which lgpio waits for its threads."""
        if not self._closed:
            self._closed = True
            for line in list(self._open.values()):
                line.close()
            self.pulser.close()
            self.lgpio.factory.close()

    def forget(self, offsets: Sequence[int]) -> None:
        """These lines were let go; called by the lines themselves."""
        for offset in offsets:
            self._open.pop(offset, None)

    def explained(self, *offsets: int) -> AbstractContextManager[None]:
        """Turns what the libraries raise about these lines into our errors."""
        return explained(self.path, offsets, self.lgpio.library)

    def _take(self, offsets: tuple[int, ...], open_line: Callable[[], Line]) -> Line:
        if self._closed:
            raise ClosedError("the GPIO chip was closed")
        for offset in offsets:
            if offset not in HEADER_LINES:
                raise BusAbsentError(f"GPIO{offset} is not on the header, which has GPIO0 to GPIO{HEADER_LINES[-1]}")
            if offset in self._open or offsets.count(offset) > 1:
                raise ClaimedError(f'GPIO{offset}: in use by "{CONSUMER}", this process')
        with self.explained(*offsets):
            line = open_line()
        self._open.update(dict.fromkeys(offsets, line))
        return line


class RealOutput(OutputLine):
    """One driven line; the kernel inverts an active low one, levels and pulses alike. Safe from any thread."""

    def __init__(self, gpio: RealGpio, offset: int, initial: bool, active_low: bool, safe_high: bool) -> None:
        self._gpio = gpio
        self._offset = offset
        self._closed = False
        library, _, handle = gpio.lgpio
        library.gpio_claim_output(handle, offset, int(initial), library.SET_ACTIVE_LOW if active_low else 0)
        self._forget = gpio.keep(LineAt(gpio.path, offset, high=safe_high is not active_low))
        gpio.pulser.add(offset, initial)

    @property
    def offset(self) -> int:
        return self._offset

    def write(self, high: bool) -> None:
        with self._gpio.pulser.lock, self._explained():
            self._gpio.pulser.steady(self._offset, high)

    def read(self) -> bool:
        with self._gpio.pulser.lock, self._explained():
            return bool(self._gpio.lgpio.library.gpio_read(self._gpio.lgpio.handle, self._offset))

    def pwm(self, frequency_hz: int, duty: float) -> None:
        check_pwm(self._offset, frequency_hz, duty)
        period_us = round(1_000_000 / frequency_hz)
        high_us = round(period_us * duty)
        if high_us in (0, period_us):
            self.write(high_us > 0)
        else:
            self._send(Wave(high_us, period_us - high_us))

    def servo(self, pulse_us: int, frequency_hz: int = 50) -> None:
        check_servo(self._offset, pulse_us, frequency_hz)
        if pulse_us == 0:
            with self._explained():
                self._gpio.pulser.fade(self._offset)
        else:
            self._send(Wave(pulse_us, round(1_000_000 / frequency_hz) - pulse_us))

    def pulses(self, source: PulseSource) -> PulseRun:
        with self._explained():
            return self._gpio.pulser.run(self._offset, source)

    def close(self) -> None:
        """As the contract says; pulses that still run end low."""
        with self._gpio.pulser.lock:
            if not self._closed:
                with self._explained():
                    self._gpio.pulser.remove(self._offset)
                    # Not gpiozero's close, which would make the line an input and let it float.
                    self._gpio.lgpio.library.gpio_free(self._gpio.lgpio.handle, self._offset)
                self._forget()
                self._closed = True
                self._gpio.forget((self._offset,))

    def _send(self, wave: Wave) -> None:
        with self._gpio.pulser.lock, self._explained():
            self._gpio.pulser.send(self._offset, wave)

    def _explained(self) -> AbstractContextManager[None]:
        # lgpio would silently take a line that was let go again.
        if self._closed:
            raise ClosedError(f"GPIO{self._offset}: the line was let go")
        return self._gpio.explained(self._offset)


class RealInput(InputLine):
    """One line that is read, through gpiozero's pin."""

    def __init__(self, gpio: RealGpio, offset: int, pull: Pull, active_low: bool) -> None:
        check_pull_possible(offset, pull is Pull.DOWN)
        self._gpio = gpio
        self._offset = offset
        self._active_low = active_low
        self._closed = False
        self._pin = gpio.lgpio.factory.pin(f"GPIO{offset}")
        if pull is not Pull.NONE:
            self._pin.input_with_pull(pull.value)

    @property
    def offset(self) -> int:
        return self._offset

    def read(self) -> bool:
        if self._closed:
            raise ClosedError(f"GPIO{self._offset}: the line was let go")
        with self._gpio.explained(self._offset):
            return bool(self._pin.state) is not self._active_low

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            # gpiozero's close would keep the line in this process until the chip is closed.
            library, factory, handle = self._gpio.lgpio
            factory.pins.pop(self._pin.info, None)
            with self._gpio.explained(self._offset):
                library.gpio_free(handle, self._offset)
            self._gpio.forget((self._offset,))


class RealEdges(EdgeLines):
    """One libgpiod request for several lines."""

    def __init__(
        self, gpio: RealGpio, offsets: tuple[int, ...], pull: Pull, active_low: bool, debounce_us: int
    ) -> None:
        for offset in offsets:
            check_pull_possible(offset, pull is Pull.DOWN)
        self._gpio = gpio
        self._offsets = offsets
        settings = _edge_settings(pull, active_low, debounce_us)
        self._request: LineRequest | None = load_gpiod().request_lines(
            str(gpio.path), {offsets: settings}, consumer=CONSUMER, event_buffer_size=EVENT_BUFFER
        )
        os.set_blocking(self.fileno(), False)

    def fileno(self) -> int:
        return self._opened().fd

    def read_events(self) -> list[EdgeEvent]:
        # Not by libgpiod, whose Python makes an object of each event: that takes some ten times as long.
        descriptor = self._opened().fd
        try:
            data = os.read(descriptor, EVENT.size * EVENT_BUFFER)
        except BlockingIOError:
            return []
        return [
            EdgeEvent(offset, kind == RISING, timestamp_ns, seqno)
            for timestamp_ns, kind, offset, seqno, _ in EVENT.iter_unpack(data)
        ]

    def levels(self) -> dict[int, bool]:
        request = self._opened()
        with self._gpio.explained(*self._offsets):
            values = request.get_values()
        return {offset: bool(value.value) for offset, value in zip(self._offsets, values, strict=True)}

    def close(self) -> None:
        if self._request is not None:
            self._request.release()
            self._request = None
            self._gpio.forget(self._offsets)

    def _opened(self) -> "LineRequest":
        if self._request is None:
            raise ClosedError("the edge lines were let go")
        return self._request


def _edge_settings(pull: Pull, active_low: bool, debounce_us: int) -> "LineSettings":
    from gpiod import LineSettings
    from gpiod.line import Bias, Clock, Direction, Edge

    biases = {Pull.NONE: Bias.DISABLED, Pull.UP: Bias.PULL_UP, Pull.DOWN: Bias.PULL_DOWN}
    return LineSettings(
        direction=Direction.INPUT,
        edge_detection=Edge.BOTH,
        bias=biases[pull],
        active_low=active_low,
        debounce_period=timedelta(microseconds=debounce_us),
        event_clock=Clock.MONOTONIC,
    )
