"""Motor drivers as wired: two inputs, two inputs with PWM, or direction with PWM, each with optional enable pins.

Whatever fails half way, no input is left switched: a bridge with one of its pins written and the other not is a motor
at a power nobody asked for. Direction comes before power, and a reversal passes through off. A newer command, or
make-safe, ends an older one that is still writing its pins, before its next pin.

Braking shorts the motor's terminals, so that its own voltage drives a current against it. Both inputs high do it on
the usual drivers, with the enable or PWM input high: "fast motor stop" in ST's L298 datasheet (figure 6), "short brake"
in the H-SW control function of Toshiba's TB6612FNG datasheet.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence

from pi_drivers.errors import SupersededError, UnsupportedError
from pi_drivers.models.pins import OutputPin, PinLoss

Step = tuple[OutputPin, float]
"""A pin and its duty: 0 and 1 are steady levels."""


class Bridge(ABC):
    """A motor driver's inputs. Any thread may make it safe, all else belongs to the event loop."""

    can_brake = True
    """Whether its inputs can ask for the terminals to be shorted."""

    def __init__(
        self, inputs: Sequence[OutputPin], enable_high: OutputPin | None, enable_low: OutputPin | None, pwm_hz: int
    ) -> None:
        """Take the pins.

        Args:
            inputs: what carries power or direction, in the order in which they are switched off.
            enable_high: driven high while there is power.
            enable_low: driven low while there is power; its safe level is high.
            pwm_hz: the PWM frequency.
        """
        self._inputs = inputs
        self._enable_high = enable_high
        self._enable_low = enable_low
        self._pwm_hz = pwm_hz
        self._power = 0.0
        self._last_power = 0.0
        self._command = 0
        self.braking = False
        """Whether the motor's terminals are shorted."""
        self.locked = False
        """Whether it was switched off for good."""

    @property
    def last_power(self) -> float:
        """The power that is on, or was on last; 0 before there was any."""
        return self._last_power

    @property
    def power(self) -> float:
        """The power that is on, -1 to 1; what was on, as long as a board has not confirmed that it is off."""
        return self._power or (self._last_power if self.unconfirmed else 0.0)

    @property
    def unconfirmed(self) -> bool:
        """Whether switching off was asked for and not confirmed by the pins' board yet."""
        return any(pin.unconfirmed for pin in self._pins())

    @property
    def switched_on(self) -> bool:
        """Whether it was told last to power the motor or to brake it, whatever became of that."""
        return self._power != 0.0 or self.braking

    def tell(self, lost: Callable[[PinLoss], None]) -> None:
        """Have somebody told when the pins may have lost what was written to them."""
        for pin in self._pins():
            pin.on_lost = lost

    async def drive(self, power: float) -> None:
        """Apply a power of -1 to 1; 0 switches everything off.

        Raises:
            BusError: a pin could not be written; everything was switched off.
            SupersededError: a newer command, or make-safe, came before the last pin was written.
        """
        await self._as_newest(lambda command: self._drive(command, power))

    async def brake(self) -> None:
        """Short the motor's terminals until the next command.

        Raises:
            UnsupportedError: these inputs cannot say so; nothing was changed.
            BusError, SupersededError: as `drive` does.
        """
        if not self.can_brake:
            raise UnsupportedError(
                "with pins dir and pwm the motor driver itself decides whether the motor coasts or brakes without power"
            )
        await self._as_newest(self._brake)

    def make_safe(self) -> None:
        """Switch everything off, at once, from wherever this is called. Idempotent, never raises."""
        self._command += 1
        for pin in self._pins():
            pin.make_safe()
        self._power, self.braking = 0.0, False

    def lock_off(self) -> None:
        """As `make_safe`, for good: no control loop that still runs can power the motor again."""
        self.locked = True
        self._command += 1
        for pin in self._pins():
            pin.lock_safe()
        self._power, self.braking = 0.0, False

    @abstractmethod
    def _steps(self, power: float) -> Iterable[Step]:
        """What to write, in order, for a power that is not 0: direction first, and every input."""

    @abstractmethod
    def _short(self) -> Iterable[Step]:
        """What to write, in order, to short the motor's terminals, from whatever state."""

    async def _as_newest(self, write: Callable[[int], Awaitable[None]]) -> None:
        """Write pins under the number of a new command. Whatever fails half way leaves everything off."""
        self._command += 1
        command = self._command
        try:
            await write(command)
        except SupersededError:
            raise
        except BaseException:
            if command == self._command:
                self.make_safe()
            raise

    async def _drive(self, command: int, power: float) -> None:
        # Out of braking the way leads through off as well: one input alone let go would be full power.
        if power == 0.0 or power * self._power < 0 or self.braking:
            await self._write(command, self._off())
            self._power, self.braking = 0.0, False
        if power != 0.0:
            # The power counts from here: if a write fails half way, the bridge is not off.
            self._power = self._last_power = power
            await self._write(command, [*self._on(), *self._steps(power)])

    async def _brake(self, command: int) -> None:
        if not self.braking:
            await self._write(command, [*self._short(), *self._on()])
            self._power, self.braking = 0.0, True

    async def _write(self, command: int, steps: Iterable[Step]) -> None:
        for pin, duty in steps:
            if duty in (0.0, 1.0):
                await pin.write(duty == 1.0)
            else:
                await pin.pwm(duty, self._pwm_hz)
            # Asked behind the write as well: what a newer command noted down while it was under way must stand.
            if command != self._command:
                raise SupersededError("a newer command came while the motor's pins were written")

    def _pins(self) -> list[OutputPin]:
        """All pins, in the order in which they are switched off."""
        return [pin for pin in (self._enable_high, self._enable_low, *self._inputs) if pin is not None]

    def _on(self) -> Iterable[Step]:
        if self._enable_high is not None:
            yield self._enable_high, 1.0
        if self._enable_low is not None:
            yield self._enable_low, 0.0

    def _off(self) -> Iterable[Step]:
        # Enables first: what the inputs pass through behind them reaches no motor.
        if self._enable_high is not None:
            yield self._enable_high, 0.0
        if self._enable_low is not None:
            yield self._enable_low, 1.0
        for pin in self._inputs:
            yield pin, 0.0


class TwoInputBridge(Bridge):
    """Inputs a and b: the active side is high, the other carries PWM with the rest of the power.

    The motor gets |power| of the supply's voltage, and its terminals are shorted for the remaining part of each period,
    which makes its speed follow the duty closely.
    """

    def _steps(self, power: float) -> Iterable[Step]:
        a, b = self._inputs
        active, other = (a, b) if power > 0 else (b, a)
        # Active first: until the other follows, the motor is driven in the right direction.
        yield active, 1.0
        yield other, 1.0 - abs(power)

    def _short(self) -> Iterable[Step]:
        a, b = self._inputs
        # The active side is high already, so the motor is never driven the other way.
        active, other = (a, b) if self._last_power >= 0 else (b, a)
        yield active, 1.0
        yield other, 1.0


class TwoInputPwmBridge(Bridge):
    """PWM on the enable input for the power, inputs a and b for the direction (L298N, TB6612): (pwm, a, b)."""

    def _steps(self, power: float) -> Iterable[Step]:
        pwm, a, b = self._inputs
        active, other = (a, b) if power > 0 else (b, a)
        # The other goes low first: both high would short the motor.
        yield other, 0.0
        yield active, 1.0
        yield pwm, abs(power)

    def _short(self) -> Iterable[Step]:
        pwm, a, b = self._inputs
        yield pwm, 0.0
        yield a, 1.0
        yield b, 1.0
        yield pwm, 1.0


class DirectionPwmBridge(Bridge):
    """PWM for the power, and one input for the direction, high is forward (MD10C): (pwm, direction)."""

    can_brake = False

    def _steps(self, power: float) -> Iterable[Step]:
        pwm, direction = self._inputs
        yield direction, float(power > 0)
        yield pwm, abs(power)

    def _short(self) -> Iterable[Step]:
        return ()
