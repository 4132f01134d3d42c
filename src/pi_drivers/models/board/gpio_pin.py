"""One pin of the board as Viam's Board API sees it: unused until somebody reads, writes or listens to it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any

from viam.components.board import Board

from pi_drivers.buses.gpio.ranges import PWM_HZ, check_pwm
from pi_drivers.errors import ArgumentError, ClaimedError, UnsupportedError
from pi_drivers.host import header
from pi_drivers.host.claims import Holder
from pi_drivers.host.outputs import open_output
from pi_drivers.models.board.header_pins import DEFAULT_PWM_HZ, HeaderOutput, HeaderPins, PinSettings
from pi_drivers.models.board.interrupts import InterruptPin


class Use(Enum):
    """What the board uses a pin for."""

    NOTHING = "unused"
    OUTPUT = "output"
    PWM = "pwm"
    INTERRUPT = "interrupt"


class PinState:
    """One GPIO of the header in the board's hands: its claim, its line, and what it is used for.

    All names of a GPIO share one state. A pin that another resource holds can be looked at, but not touched.
    """

    def __init__(self, pins: HeaderPins, settings: PinSettings, holder: Holder) -> None:
        self.settings = settings
        self.use = Use.NOTHING
        self.interrupt: InterruptPin | None = None
        self._host = pins.host
        self._holder = holder
        self._output: HeaderOutput | None = None
        self._close_line: Callable[[], None] = lambda: None
        self._give_back: Callable[[], None] | None = None
        self._pwm_hz = DEFAULT_PWM_HZ
        self._duty = 0.0

    @property
    def label(self) -> str:
        """The pin as people write it: `GPIO17 (pin 11)`."""
        return header.describe(self.settings.offset)

    def get(self) -> bool:
        """The level on the pin. Raises: DriverError: the line cannot be read."""
        in_use = self._host.pins_in_use.get(self.settings.offset)
        if in_use is not None and self.use is Use.NOTHING:
            return in_use.level()
        if self._output is not None:
            return self._output.level()
        if self.interrupt is not None:
            return self.interrupt.level()
        return self._look()

    def set(self, high: bool) -> None:
        """Drive a steady level; ends PWM. Raises: DriverError: as taking it as output does."""
        self._as_output(high).write_now(high)
        self.use = Use.OUTPUT

    def get_pwm(self) -> float:
        """The duty it is driven with, 0 to 1; of an input, its level."""
        in_use = self._host.pins_in_use.get(self.settings.offset)
        if in_use is not None and self.use is Use.NOTHING:
            return in_use.duty()
        return self._output.duty() if self._output is not None else float(self.get())

    def set_pwm(self, duty: float) -> None:
        """Drive PWM at the frequency set before. Raises: ArgumentError: the duty is not between 0 and 1."""
        check_pwm(self.settings.offset, self._pwm_hz, duty)
        self._as_output(False).pwm_now(duty, self._pwm_hz)
        self.use = Use.PWM
        self._duty = duty

    def get_pwm_frequency(self) -> int:
        """The real frequency in Hz while PWM runs, else the one it would run with."""
        running = self._output.frequency_hz if self._output is not None else 0
        return running or self._pwm_hz

    def set_pwm_frequency(self, frequency_hz: int) -> None:
        """Set the frequency; 0 means the default of 800 Hz. Running PWM changes at once.

        Raises:
            ArgumentError: outside 1 to 10000 Hz.
        """
        wanted = frequency_hz or DEFAULT_PWM_HZ
        if not PWM_HZ[0] <= wanted <= PWM_HZ[1]:
            raise ArgumentError(
                f"{self.label}: PWM frequency must be between {PWM_HZ[0]} and {PWM_HZ[1]} Hz (0: the default "
                f"of {DEFAULT_PWM_HZ} Hz), got {frequency_hz}"
            )
        self._pwm_hz = wanted
        if self.use is Use.PWM:
            self.set_pwm(self._duty)

    def listen(self) -> InterruptPin:
        """Make the pin an interrupt, unless it is one. Raises: DriverError: it is an output, or somebody's."""
        if self.interrupt is None:
            settings = self.settings
            self._refuse_pwm_block()
            with self._taken_for(Use.INTERRUPT):
                lines = self._host.gpio.edges(
                    [settings.offset],
                    pull=settings.pull,
                    active_low=settings.active_low,
                    debounce_us=settings.debounce_us,
                )
            self.interrupt = InterruptPin(settings.offset, lines)
            self._host.pins_in_use[settings.offset] = self.interrupt
            self._close_line = self.interrupt.close
            self.use = Use.INTERRUPT
        return self.interrupt

    def give_way(self) -> None:
        """Let an interrupt go to which nobody listens."""
        if self.interrupt is not None and not self.interrupt.followed:
            self.close()

    def lock_safe(self) -> None:
        """Make an output low for good: the process is about to end. Called from any thread."""
        if self._output is not None:
            self._output.lock_safe()

    def close(self) -> None:
        """Make an output low, end an interrupt, and let the pin go. A pin that was never used is left alone."""
        if self._output is not None:
            self._output.make_safe()
        self._drop_line()
        self._drop_claim()

    def _look(self) -> bool:
        """The level on a pin nobody uses. Looking claims nothing: the pin stays free for whoever wants to drive it."""
        settings = self.settings
        self._refuse_pwm_block()
        line = self._host.gpio.input(settings.offset, pull=settings.pull, active_low=settings.active_low)
        try:
            return line.read()
        finally:
            line.close()

    def _refuse_pwm_block(self) -> None:
        # Taking such a GPIO as a line disconnects it from the PWM block until the next boot.
        if self._output is None and self._host.pwm.available(self.settings.offset):
            raise UnsupportedError(
                f"{self.label} is connected to the PWM block by an overlay in config.txt, so it can be driven but not "
                "read. Use another pin, or remove the overlay and reboot."
            )

    def _as_output(self, initial: bool) -> HeaderOutput:
        if self._output is None:
            settings = self.settings
            with self._taken_for(Use.OUTPUT):
                line = open_output(self._host, settings.offset, initial=initial, active_low=settings.active_low)
            self._output = HeaderOutput(self._host, line)
            self._host.pins_in_use[settings.offset] = self._output
            self._close_line = line.close
            self.use = Use.OUTPUT
        return self._output

    @contextmanager
    def _taken_for(self, use: Use) -> Iterator[None]:
        """The pin claimed and its line free to be opened; when opening fails, nothing stays taken."""
        if self.interrupt is not None:
            raise ClaimedError(f"{self.label} is an interrupt of {self._holder.name}: it cannot be an {use.value}")
        if self._output is not None and use is Use.INTERRUPT:
            raise ClaimedError(f"{self.label} is an output of {self._holder.name}: it cannot be an interrupt")
        if self._give_back is None:
            self._give_back = self._host.claims.take(self.label, self._holder)
        self._drop_line()
        try:
            yield
        except BaseException:
            self._drop_claim()
            raise

    def _drop_claim(self) -> None:
        if self._give_back is not None:
            self._give_back()
            self._give_back = None
        self.use = Use.NOTHING

    def _drop_line(self) -> None:
        if self._output is not None or self.interrupt is not None:
            self._host.pins_in_use.pop(self.settings.offset, None)
        self._close_line()
        self._close_line = lambda: None
        self._output = self.interrupt = None


class PiGpioPin(Board.GPIOPin):
    """A pin under the name it was asked for. Every call takes microseconds and runs at once."""

    def __init__(self, name: str, state: PinState, check_open: Callable[[], None]) -> None:
        super().__init__(name)
        self._state = state
        self._check_open = check_open

    async def set(
        self,
        high: bool,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Drive a steady level; ends PWM."""
        self._check_open()
        self._state.set(high)

    async def get(self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any) -> bool:
        """The level on the pin; an unused pin is an input for that moment."""
        self._check_open()
        return self._state.get()

    async def get_pwm(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """The duty the pin is driven with, 0 to 1."""
        self._check_open()
        return self._state.get_pwm()

    async def set_pwm(
        self,
        duty_cycle: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Drive PWM with a duty of 0 to 1."""
        self._check_open()
        self._state.set_pwm(duty_cycle)

    async def get_pwm_frequency(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> int:
        """The PWM frequency in Hz that comes out."""
        self._check_open()
        return self._state.get_pwm_frequency()

    async def set_pwm_frequency(
        self,
        frequency: int,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Set the PWM frequency in Hz; 0 means the default."""
        self._check_open()
        self._state.set_pwm_frequency(frequency)
