"""The pins of the Pi's own header, reached directly: by drivers in this process and by the board model."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pi_drivers.buses.gpio.contract import EdgeEvent, EdgeLines, OutputLine, Pull, PulseRun, PulseSource
from pi_drivers.buses.gpio.ranges import PWM_HZ
from pi_drivers.errors import ArgumentError, ClosedError, ConfigError
from pi_drivers.host import header
from pi_drivers.host.claims import Holder
from pi_drivers.host.contract import Host
from pi_drivers.host.outputs import PwmOutput, open_output
from pi_drivers.models.pins import BoardPins, InputPins, OutputPin
from pi_drivers.runtime.lifecycle import Lifecycle

LOGGER = logging.getLogger(__name__)
DEFAULT_PWM_HZ = 800


@dataclass(frozen=True)
class PinSettings:
    """A pin with what a board's config says of it."""

    offset: int
    pull: Pull = Pull.NONE
    active_low: bool = False
    debounce_us: int = 0


class HeaderPins(BoardPins):
    """The 40-pin header of one machine, with the names its board's config adds. User names win."""

    def __init__(self, host: Host, named: Mapping[str, PinSettings]) -> None:
        self.host: Host = host
        self._named = named
        self._by_offset = {settings.offset: settings for settings in named.values()}
        self.give_way: Callable[[int], None] = lambda _offset: None
        """Told of a pin before it is taken as input: its board may listen to it only because its config says so."""

    def resolve(self, name: str) -> PinSettings:
        """What a pin name means here.

        Raises:
            ConfigError: it is neither a user's name nor a pin of the header, or a pin that cannot be used.
        """
        if name in self._named:
            return self._named[name]
        try:
            offset = header.resolve(name)
        except ArgumentError as error:
            raise ConfigError(str(error)) from None
        # A pin called by its number is still the pin the config describes under a name.
        return self._by_offset.get(offset, PinSettings(offset))

    counts_pulses = True

    def wire_of(self, name: str) -> int | str | None:
        return self.resolve(name).offset

    def output(self, name: str, holder: Holder, lifecycle: Lifecycle, *, safe_high: bool = False) -> "HeaderOutput":
        settings = self.resolve(name)
        lifecycle.push(f"give back {name}", self.host.claims.take(header.describe(settings.offset), holder))
        line = open_output(
            self.host, settings.offset, initial=safe_high, active_low=settings.active_low, safe_high=safe_high
        )
        lifecycle.push(f"let go of {name}", line.close)
        output = HeaderOutput(self.host, line, safe_high=safe_high)
        lifecycle.push(f"make {name} safe", output.lock_safe)
        self._show(settings.offset, output, lifecycle)
        return output

    def inputs(
        self,
        names: Sequence[str],
        holder: Holder,
        lifecycle: Lifecycle,
        *,
        glitch_filter_us: int = 0,
        pull: Pull | None = None,
        active_low: bool | None = None,
    ) -> "HeaderInputs":
        pins = [_as_asked(self.resolve(name), pull, active_low) for name in names]
        if len({(pin.pull, pin.active_low, pin.debounce_us) for pin in pins}) > 1:
            raise ConfigError(
                f"{holder.name}: the board gives {' and '.join(names)} different pulls, active_low or debounce_ms; "
                "lines that are listened to together need the same"
            )
        for name, pin in zip(names, pins, strict=True):
            self.give_way(pin.offset)
            lifecycle.push(f"give back {name}", self.host.claims.take(header.describe(pin.offset), holder))
        lines = self.host.gpio.edges(
            [pin.offset for pin in pins],
            pull=pins[0].pull,
            active_low=pins[0].active_low,
            debounce_us=glitch_filter_us or pins[0].debounce_us,
        )
        inputs = HeaderInputs(lines, tuple(pin.offset for pin in pins))
        lifecycle.push(f"stop listening to {', '.join(names)}", inputs.close)
        for pin in pins:
            self._show(pin.offset, InputView(lines, pin.offset), lifecycle)
        return inputs

    def _show(self, offset: int, view: "HeaderOutput | InputView", lifecycle: Lifecycle) -> None:
        self.host.pins_in_use[offset] = view
        lifecycle.push("hide the pin", lambda: self._hide(offset))

    def _hide(self, offset: int) -> None:
        self.host.pins_in_use.pop(offset, None)


class HeaderOutput(OutputPin):
    """A pin of the header that is driven. Any thread may make it safe."""

    _warned_of_software_pwm: set[int] = set()  # noqa: RUF012 - one warning a pin in the life of the process

    def __init__(self, host: Host, line: OutputLine, *, safe_high: bool = False) -> None:
        self._host = host
        self._line = line
        self._safe_high = safe_high
        self._duty = float(safe_high)
        self.frequency_hz = 0
        self._certain = True
        """Whether the pin has what was written last: nothing has failed, and nothing ends by itself."""
        self._pwm_is_news = True
        # Between the event loop and whoever makes the pin safe, which may be the guard's thread.
        self._lock = threading.Lock()
        self._locked = False

    async def write(self, high: bool) -> None:
        self.write_now(high)

    async def pwm(self, duty: float, frequency_hz: int) -> None:
        self.pwm_now(duty, frequency_hz)

    async def servo(self, pulse_us: int, frequency_hz: int) -> None:
        with self._lock:
            self._refuse_when_locked(pulse_us != 0)
            self._certain = False
            self._line.servo(pulse_us, frequency_hz)
            self._duty = pulse_us * frequency_hz / 1e6
            self.frequency_hz = frequency_hz if pulse_us else 0

    def pulses(self, source: PulseSource) -> PulseRun:
        with self._lock:
            self._refuse_when_locked(unsafe=True)
            self._certain = False
            run = self._line.pulses(source)
            self._duty = 0.0
            self.frequency_hz = 0
            return run

    def write_blocking(self, high: bool) -> None:
        self.write_now(high)

    def check_frequency(self, frequency_hz: int) -> None:
        if not PWM_HZ[0] <= frequency_hz <= PWM_HZ[1]:
            raise ConfigError(f"PWM on the header has {PWM_HZ[0]} to {PWM_HZ[1]} Hz, not {frequency_hz}")

    def write_now(self, high: bool) -> None:
        """Drive a steady level, at once; a pin that has it already is left alone."""
        with self._lock:
            self._refuse_when_locked(high is not self._safe_high)
            if not (self._certain and self._duty == float(high)):
                self._drive(high)

    def pwm_now(self, duty: float, frequency_hz: int) -> None:
        """Drive PWM, at once; a frequency of 0 is the board's own."""
        frequency_hz = frequency_hz or DEFAULT_PWM_HZ
        if self._pwm_is_news:
            self._pwm_is_news = False
            self._say_if_software(frequency_hz)
        with self._lock:
            self._refuse_when_locked(duty != float(self._safe_high))
            self._certain = False
            self._line.pwm(frequency_hz, duty)
            self._certain = True
            self._duty = duty
            self.frequency_hz = real_frequency(frequency_hz)

    def make_safe(self) -> None:
        try:
            with self._lock:
                self._drive(self._safe_high)
        except ClosedError:
            pass  # let go already, and made safe before
        except Exception:
            LOGGER.exception("GPIO%d could not be made safe", self._line.offset)

    def lock_safe(self) -> None:
        self._locked = True
        self.make_safe()

    def level(self) -> bool:
        """The level on the pin now."""
        return self._line.read()

    def duty(self) -> float:
        """The duty it is driven with, 0 to 1."""
        return self._duty

    def _drive(self, high: bool) -> None:
        self._certain = False
        self._line.write(high)
        self._certain = True
        self._duty = float(high)
        self.frequency_hz = 0

    def _refuse_when_locked(self, unsafe: bool) -> None:
        if self._locked and unsafe:
            raise ClosedError(f"{header.describe(self._line.offset)} was made safe for good")

    def _say_if_software(self, frequency_hz: int) -> None:
        offset = self._line.offset
        line = self._host.pwm.overlay_line(offset, self._warned_of_software_pwm)
        if line is None or isinstance(self._line, PwmOutput) or offset in self._warned_of_software_pwm:
            return
        self._warned_of_software_pwm.add(offset)
        # There is no config.txt to edit on the simulated Pi.
        level = logging.INFO if self._host.name == "mock" else logging.WARNING
        LOGGER.log(
            level,
            "%s: PWM at %d Hz is made by software, with a jitter of some microseconds. "
            "For the hardware's, put `%s` into config.txt, instead of any other pwm overlay, and reboot.",
            header.describe(offset), frequency_hz, line,
        )  # fmt: skip


class InputView:
    """A listened-to pin as others may look at it."""

    def __init__(self, lines: EdgeLines, offset: int) -> None:
        self._lines = lines
        self._offset = offset

    def level(self) -> bool:
        """The level on the pin now."""
        return self._lines.levels()[self._offset]

    def duty(self) -> float:
        """An input has no duty but its level."""
        return float(self.level())


class HeaderInputs(InputPins):
    """Pins of the header that are listened to."""

    def __init__(self, lines: EdgeLines, offsets: tuple[int, ...]) -> None:
        self.lines = offsets
        self._edges = lines
        self._expected = 1
        self._readable: asyncio.Event | None = None

    def drain(self) -> list[EdgeEvent]:
        events = self._edges.read_events()
        if events:
            # The kernel numbers every event of the request; what is missing between two was lost in a full buffer.
            newest = events[-1].seqno
            self.lost += newest - self._expected + 1 - len(events)
            self._expected = newest + 1
        return events

    async def waiting(self) -> None:
        readable = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._edges.fileno(), readable.set)
        self._readable = readable
        try:
            await readable.wait()
        finally:
            self._stop_waiting()

    async def levels(self) -> Sequence[bool]:
        return self.levels_now()

    def levels_now(self) -> tuple[bool, ...]:
        """The level of each line, at once."""
        levels = self._edges.levels()
        return tuple(levels[offset] for offset in self.lines)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._stop_waiting()
        self._edges.close()

    def _stop_waiting(self) -> None:
        # The loop must forget the descriptor before it is closed, and its number given to somebody else.
        if self._readable is not None:
            self._readable = None
            asyncio.get_running_loop().remove_reader(self._edges.fileno())


def _as_asked(settings: PinSettings, pull: Pull | None, active_low: bool | None) -> PinSettings:
    """A pin as its board has it, but for what is asked of it otherwise."""
    return replace(
        settings,
        pull=settings.pull if pull is None else pull,
        active_low=settings.active_low if active_low is None else active_low,
    )


def real_frequency(frequency_hz: int) -> int:
    """The frequency that comes out: periods are whole microseconds in software."""
    return round(1e6 / round(1e6 / frequency_hz))
