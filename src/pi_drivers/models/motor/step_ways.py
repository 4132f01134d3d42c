"""The two ways in which steps reach a stepper: as pulses that the board counts, or written one by one.

A board that counts pulses is handed the plan and times every step itself, to some microseconds. Four coils, and the
pins of other boards, are written step by step: see `written_steps`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from pi_drivers.buses.gpio.contract import PulseRun
from pi_drivers.models.motor.step_plan import PACKET_US, StepPlan
from pi_drivers.models.pins import OutputPin, PinLoss

TURN_US = 20
"""From a new direction to the first step: 200 ns for an A4988 (datasheet, figure 1), 5 µs for a DM542 (manual)."""
WAKE_US = 2_000
"""From current to the first step: the rotor, which may lie between two steps, has settled in one."""


class StepWay(ABC):
    """How steps reach one motor. `release` and `lock_off` may be called from any thread, all else on the event loop."""

    packet_us = PACKET_US
    """How long the packets of a plan are for it."""

    def __init__(
        self, enable_high: OutputPin | None, enable_low: OutputPin | None, others: Sequence[OutputPin]
    ) -> None:
        """Args: enable_high, enable_low: the enable inputs, if any. others: what else is safe when it is low."""
        self._enable_high = enable_high
        self._enable_low = enable_low
        self._pins = [pin for pin in (enable_high, enable_low, *others) if pin is not None]
        self.energised = False
        """Whether the motor has current, as far as it was put on here."""
        self.failure: Exception | None = None
        """What the last motion failed with; None where it did not."""
        self.on_lost: Callable[[PinLoss, int], None] | None = None
        """Told that the board has failed, and how many of the steps sent may not have been made."""

    @property
    def lead_us(self) -> int:
        """The pause before the first step of a motion that begins now."""
        return TURN_US if self.energised else WAKE_US

    @property
    def unconfirmed(self) -> bool:
        """Whether switching off was asked for and a board has not confirmed it yet."""
        return any(pin.unconfirmed for pin in self._pins)

    @abstractmethod
    async def begin(self, plan: StepPlan, forward: bool) -> PulseRun:
        """Put current on the motor and send the steps of a plan.

        Raises:
            BusError: a pin could not be written, and no step was made. Where steps are written, it shows as `failure`.
        """

    def release(self) -> None:
        """Take the current away, at once. Idempotent, never raises."""
        for pin in self._pins:
            pin.make_safe()
        self.energised = False

    def lock_off(self) -> None:
        """As `release`, for good; a motion that runs is cut off."""
        for pin in self._pins:
            pin.lock_safe()
        self.energised = False


class CountedWay(StepWay):
    """Step and direction on a board that times and counts pulses by itself."""

    def __init__(
        self, step: OutputPin, direction: OutputPin, enable_high: OutputPin | None, enable_low: OutputPin | None
    ) -> None:
        super().__init__(enable_high, enable_low, (step, direction))
        self._step = step
        self._direction = direction

    async def begin(self, plan: StepPlan, forward: bool) -> PulseRun:
        await self._direction.write(forward)
        if self._enable_high is not None:
            await self._enable_high.write(True)
        if self._enable_low is not None:
            await self._enable_low.write(False)
        self.energised = True
        return self._step.pulses(plan)

    def release(self) -> None:
        # Step and dir stay as they are: without current they mean nothing.
        for pin in (self._enable_high, self._enable_low):
            if pin is not None:
                pin.make_safe()
        self.energised = False
