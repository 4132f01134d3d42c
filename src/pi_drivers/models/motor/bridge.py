"""Motor drivers as wired: two inputs, two inputs with PWM, or direction with PWM, each with optional enable pins.

Whatever fails half way, no input is left switched: a bridge with one of its pins written and the other not is a motor
at a power nobody asked for. Direction comes before power, and a reversal passes through off.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from pi_drivers.models.pins import OutputPin


class Bridge(ABC):
    """A motor driver's inputs. `make_safe` may be called from any thread, all else on the event loop."""

    def __init__(
        self,
        inputs: Sequence[OutputPin],
        enable_high: OutputPin | None,
        enable_low: OutputPin | None,
        pwm_hz: int,
    ) -> None:
        """Take the pins.

        Args:
            inputs: what carries power or direction, in the order in which they are switched off.
            enable_high: driven high while there is power.
            enable_low: driven low while there is power.
            pwm_hz: the PWM frequency.
        """
        self._inputs = inputs
        self._enable_high = enable_high
        self._enable_low = enable_low
        self._pwm_hz = pwm_hz
        self.power = 0.0
        """The power that is on: -1 to 1."""

    async def drive(self, power: float) -> None:
        """Apply a power of -1 to 1; 0 switches everything off.

        Raises:
            BusError: a pin could not be written; everything was switched off.
        """
        try:
            if power == 0.0 or power * self.power < 0:
                await self._off()
            if power != 0.0:
                # The power counts from here: if a write fails half way, the bridge is not off.
                self.power = power
                await self._enable()
                await self._write(power)
        except BaseException:
            self.make_safe()
            raise

    def make_safe(self) -> None:
        """Switch everything off, at once, from wherever this is called. Idempotent, never raises."""
        for pin in (*self._inputs, self._enable_high):
            if pin is not None:
                pin.make_low()
        self.power = 0.0

    def lock_off(self) -> None:
        """As `make_safe`, for good: no control loop that still runs can power the motor again."""
        for pin in (*self._inputs, self._enable_high):
            if pin is not None:
                pin.lock_low()
        self.power = 0.0

    @abstractmethod
    async def _write(self, power: float) -> None:
        """Write a power that is not 0 to the inputs, direction first."""

    async def _enable(self) -> None:
        if self._enable_high is not None:
            await self._enable_high.write(True)
        if self._enable_low is not None:
            await self._enable_low.write(False)

    async def _off(self) -> None:
        for pin in self._inputs:
            await pin.write(False)
        if self._enable_high is not None:
            await self._enable_high.write(False)
        if self._enable_low is not None:
            await self._enable_low.write(True)
        self.power = 0.0


class TwoInputBridge(Bridge):
    """Inputs a and b: the active side is high, the other carries PWM with the rest of the power.

    The motor gets |power| of the supply's voltage, and its terminals are shorted for the remaining part of each period,
    which makes its speed follow the duty closely.
    """

    def __init__(
        self,
        a: OutputPin,
        b: OutputPin,
        enable_high: OutputPin | None,
        enable_low: OutputPin | None,
        pwm_hz: int,
    ) -> None:
        super().__init__((a, b), enable_high, enable_low, pwm_hz)
        self._a = a
        self._b = b

    async def _write(self, power: float) -> None:
        active, other = (self._a, self._b) if power > 0 else (self._b, self._a)
        # Active first: until the other follows, the motor is driven in the right direction.
        await active.write(True)
        await other.pwm(1.0 - abs(power), self._pwm_hz)


class TwoInputPwmBridge(Bridge):
    """Inputs a and b for the direction, and PWM on the enable input for the power (L298N, TB6612)."""

    def __init__(
        self,
        a: OutputPin,
        b: OutputPin,
        pwm: OutputPin,
        enable_high: OutputPin | None,
        enable_low: OutputPin | None,
        pwm_hz: int,
    ) -> None:
        super().__init__((pwm, a, b), enable_high, enable_low, pwm_hz)
        self._a = a
        self._b = b
        self._pwm = pwm

    async def _write(self, power: float) -> None:
        active, other = (self._a, self._b) if power > 0 else (self._b, self._a)
        # The other goes low first: both high would short the motor.
        await other.write(False)
        await active.write(True)
        await self._pwm.pwm(abs(power), self._pwm_hz)


class DirectionPwmBridge(Bridge):
    """One input for the direction, high is forward, and PWM for the power (MD10C, DRV8876 in PH/EN mode)."""

    def __init__(
        self,
        direction: OutputPin,
        pwm: OutputPin,
        enable_high: OutputPin | None,
        enable_low: OutputPin | None,
        pwm_hz: int,
    ) -> None:
        super().__init__((pwm, direction), enable_high, enable_low, pwm_hz)
        self._direction = direction
        self._pwm = pwm

    async def _write(self, power: float) -> None:
        await self._direction.write(power > 0)
        await self._pwm.pwm(abs(power), self._pwm_hz)
